#include "core/config_match.h"

#include <algorithm>
#include <array>

#include "core/config_value.h"
#include "core/message.h"

namespace postrider {
namespace {

struct MatchKey {
  std::string_view name;
  std::vector<std::string> UpstreamMatch::*values;
  std::optional<std::string> (*check)(std::string& value);
};

std::optional<std::string> check_domain(std::string& value) {
  const bool with_subdomains = value.starts_with('.');
  const auto ascii = domain_to_ascii(std::string_view(value).substr(with_subdomains ? 1 : 0));
  if (ascii.has_error()) return "is not a domain such as example.com, or .example.com for its subdomains too";
  value = (with_subdomains ? "." : "") + *ascii;
  return std::nullopt;
}

std::optional<std::string> check_lane(std::string& value) {
  const std::vector<std::string_view> lanes = {to_string(Lane::high), to_string(Lane::normal), to_string(Lane::low)};
  if (std::find(lanes.begin(), lanes.end(), value) != lanes.end()) return std::nullopt;
  return "is not one of " + enumerated(lanes);
}

std::optional<std::string> check_tag(std::string& value) {
  if (value.empty()) return "is empty";
  if (value.size() > kMaxTagOctets) return "is longer than a tag can be: " + std::to_string(kMaxTagOctets) + " octets";
  return std::nullopt;
}

std::optional<std::string> check_credential(std::string& /*value*/) {
  return std::nullopt;  // any name; none stands for clients of a trusted network
}

constexpr std::array kKeys = {
    MatchKey{"sender_domain", &UpstreamMatch::sender_domain, check_domain},
    MatchKey{"recipient_domain", &UpstreamMatch::recipient_domain, check_domain},
    MatchKey{"lane", &UpstreamMatch::lane, check_lane},
    MatchKey{"tag", &UpstreamMatch::tag, check_tag},
    MatchKey{"credential", &UpstreamMatch::credential, check_credential},
};

const MatchKey& key_of(std::string_view name) {
  return *std::find_if(kKeys.begin(), kKeys.end(), [&](const MatchKey& key) { return key.name == name; });
}

}  // namespace

std::optional<std::string> check_match(std::string_view key, std::string& value) {
  return key_of(key).check(value);
}

UpstreamMatch upstream_match(const MatchPairs& pairs) {
  UpstreamMatch match;
  for (const auto& [key, value] : pairs) (match.*key_of(key).values).push_back(value);
  return match;
}

std::vector<std::pair<std::string, std::vector<std::string>>> match_lists(const MatchPairs& pairs) {
  std::vector<std::pair<std::string, std::vector<std::string>>> lists;
  for (const auto& [key, value] : pairs) {
    const std::string& name = key;
    auto list = std::find_if(lists.begin(), lists.end(), [&](const auto& each) { return each.first == name; });
    if (list == lists.end()) list = lists.insert(list, {name, {}});
    list->second.push_back(value);
  }
  return lists;
}

std::optional<std::string> check_recipient_pattern(std::string& pattern) {
  const std::size_t at = pattern.rfind('@');
  constexpr const char* kForm = "is not user@example.com, @example.com or *@example.com";
  if (at == std::string::npos) return kForm;
  const auto domain = domain_to_ascii(std::string_view(pattern).substr(at + 1));
  if (domain.has_error()) return kForm;
  const std::string local = pattern.substr(0, at);
  if (!local.empty() && local != "*") {
    const auto address = parse_address(local + '@' + *domain);
    // Only a star that stands alone means anybody.
    if (address.has_error() || local.find('*') != std::string::npos) return kForm;
    pattern = address->str();
  } else {
    pattern = local + '@' + *domain;
  }
  return std::nullopt;
}

}  // namespace postrider
