#include "core/route_match.h"

#include <algorithm>

namespace postrider {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool same_domain(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

bool in_domain(std::string_view pattern, std::string_view domain) {
  if (!pattern.starts_with('.')) return same_domain(pattern, domain);
  if (same_domain(pattern.substr(1), domain)) return true;
  return domain.size() > pattern.size() && same_domain(pattern, domain.substr(domain.size() - pattern.size()));
}

// "bücher.example" as it is asked for in DNS; what cannot be written so is compared as it is.
template <typename Compare>
bool with_ascii(std::string_view domain, Compare compare) {
  if (std::all_of(domain.begin(), domain.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
    return compare(domain);
  const result<std::string> ascii = domain_to_ascii(domain);
  return compare(ascii ? std::string_view(*ascii) : domain);
}

bool any_domain(const std::vector<std::string>& patterns, std::string_view domain) {
  if (patterns.empty()) return true;
  return with_ascii(domain, [&](std::string_view ascii) {
    return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& p) { return in_domain(p, ascii); });
  });
}

bool holds(const std::vector<std::string>& values, std::string_view value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

bool any_of_tags(const std::vector<std::string>& wanted, const std::vector<std::string>& tags) {
  return std::any_of(tags.begin(), tags.end(), [&](const std::string& tag) { return holds(wanted, tag); });
}

}  // namespace

bool matches(const UpstreamMatch& match, const Envelope& envelope, const Recipient& recipient) {
  return (match.lane.empty() || holds(match.lane, to_string(envelope.lane))) &&
         (match.credential.empty() || holds(match.credential, envelope.tenant)) &&
         (match.tag.empty() || any_of_tags(match.tag, envelope.tags)) &&
         any_domain(match.sender_domain, envelope.sender.domain) &&
         any_domain(match.recipient_domain, recipient.address.domain);
}

bool domain_matches(std::string_view pattern, std::string_view domain) {
  return with_ascii(domain, [&](std::string_view ascii) { return in_domain(pattern, ascii); });
}

bool RecipientGuard::allows(const Address& recipient) const {
  const auto allowed = [&](std::string_view pattern) {
    const std::size_t at = pattern.rfind('@');
    if (at == std::string_view::npos) return false;
    const std::string_view local = pattern.substr(0, at), domain = pattern.substr(at + 1);
    if (!local.empty() && local != "*" && local != recipient.local) return false;
    return with_ascii(domain, [&](std::string_view ours) {
      return with_ascii(recipient.domain, [&](std::string_view theirs) { return same_domain(ours, theirs); });
    });
  };
  return std::any_of(allow_recipients.begin(), allow_recipients.end(), allowed);
}

}  // namespace postrider
