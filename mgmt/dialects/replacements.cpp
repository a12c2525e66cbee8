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

std::optional<std::string> Replacements::in(std::string_view text, std::uint64_t max_octets,
                                            std::uint64_t& steps) const {
  std::string out;
  while (!text.empty()) {
    const auto* const found = longest_at(text, steps);
    if (found == nullptr)
      out += text.front();
    else
      out += found->second;
    if (out.size() > max_octets || steps == 0) return std::nullopt;
    text.remove_prefix(found == nullptr ? 1 : found->first.size());
  }
  return out;
}

// A step is an octet that two texts have in common: placeholders that begin alike, in a text that is full of their beginnings, cost
// what they cost.
const std::pair<std::string, std::string>* Replacements::longest_at(std::string_view text, std::uint64_t& steps) const {
  const auto octet = static_cast<unsigned char>(text.front());
  for (std::uint32_t i = starts_[octet]; i < starts_[octet + 1u]; ++i) {
    const std::string& placeholder = pairs_[i].first;
    const auto end = placeholder.begin() + static_cast<std::ptrdiff_t>(std::min(placeholder.size(), text.size()));
    const auto alike = std::mismatch(placeholder.begin(), end, text.begin()).first - placeholder.begin();
    steps -= std::min(steps, static_cast<std::uint64_t>(alike));
    if (static_cast<std::size_t>(alike) == placeholder.size()) return &pairs_[i];
  }
  return nullptr;
}

}  // namespace postrider::mgmt
