// Letter case where the protocols know ASCII only: domains, header field names, environment variables. No locale. Pure.
#pragma once

#include <string>
#include <string_view>

namespace postrider {

constexpr char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

inline std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = ascii_lower(c);
  return out;
}

}  // namespace postrider
