#include "mgmt/dialects/replacements.h"

#include <algorithm>

namespace postrider::mgmt {

namespace {

unsigned char first_octet(const std::pair<std::string, std::string>& pair) {
  return static_cast<unsigned char>(pair.first.front());
}

}  // namespace

Replacements::Replacements(std::vector<std::pair<std::string, std::string>> pairs) : pairs_(std::move(pairs)) {
  std::stable_sort(pairs_.begin(), pairs_.end(), [](const auto& a, const auto& b) {
    if (first_octet(a) != first_octet(b)) return first_octet(a) < first_octet(b);
    return a.first.size() > b.first.size();
  });
  std::uint32_t at = 0;
  for (std::size_t octet = 0; octet < 256; ++octet) {
    starts_[octet] = at;
    while (at < pairs_.size() && first_octet(pairs_[at]) == octet) ++at;
  }
  starts_[256] = at;
}

std::optional<std::string> Replacements::in(std::string_view text, std::uint64_t max_octets) const {
  std::string out;
  while (!text.empty()) {
    const auto* const found = longest_at(text);
    if (found == nullptr)
      out += text.front();
    else
      out += found->second;
    if (out.size() > max_octets) return std::nullopt;
    text.remove_prefix(found == nullptr ? 1 : found->first.size());
  }
  return out;
}

const std::pair<std::string, std::string>* Replacements::longest_at(std::string_view text) const {
  const auto octet = static_cast<unsigned char>(text.front());
  for (std::uint32_t i = starts_[octet]; i < starts_[octet + 1u]; ++i)
    if (text.starts_with(pairs_[i].first)) return &pairs_[i];
  return nullptr;
}

}  // namespace postrider::mgmt
