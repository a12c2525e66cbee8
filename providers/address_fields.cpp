#include "providers/address_fields.h"

#include <algorithm>
#include <array>

namespace postrider::providers {

namespace {

constexpr std::array<std::string_view, 12> kNames = {"from",      "sender",    "reply-to",    "to",
                                                     "cc",        "bcc",       "resent-from", "resent-sender",
                                                     "resent-to", "resent-cc", "resent-bcc",  "resent-reply-to"};

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

bool begins_address_field(std::string_view line) {
  constexpr std::size_t kLongest = 80;  // of a name with the blanks around it
  while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
  std::string_view name = line.substr(0, std::min(line.substr(0, kLongest).find(':'), line.size()));
  if (name.size() == line.size()) return false;
  name = name.substr(0, name.find('\0'));  // where a string of GMime ends
  while (!name.empty() && is_blank(name.back())) name.remove_suffix(1);
  return std::any_of(kNames.begin(), kNames.end(), [&](std::string_view one) { return is_named(name, one); });
}

}  // namespace

bool may_nest_too_deep(std::string_view octets) {
  bool within = false;  // an address field
  std::size_t colons = 0;
  while (!octets.empty()) {
    const std::size_t end = std::min(octets.find('\n'), octets.size() - 1) + 1;
    const std::string_view line = octets.substr(0, end);
    octets.remove_prefix(end);
    if (!within || !is_blank(line.front())) {
      within = begins_address_field(line);
      colons = 0;
    }
    if (within) colons += static_cast<std::size_t>(std::count(line.begin(), line.end(), ':'));
    if (colons > kMaxAddressColons) return true;
  }
  return false;
}

bool is_named(std::string_view name, std::string_view lower_case) {
  return std::equal(name.begin(), name.end(), lower_case.begin(), lower_case.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

}  // namespace postrider::providers
