#include "relay/smtp/newline.h"

#include <cstring>

namespace postrider::smtp {

bool has_eight_bit(std::string_view octets) {
  constexpr std::uint64_t kHigh = 0x8080808080808080ull;
  const char* p = octets.data();
  std::size_t left = octets.size();
  std::uint64_t seen = 0;
  for (; left >= 32; p += 32, left -= 32) {  // four words at once: bodies are scanned whole
    std::uint64_t w[4];
    std::memcpy(w, p, sizeof w);
    if ((seen | w[0] | w[1] | w[2] | w[3]) & kHigh) return true;
  }
  for (; left > 0; ++p, --left) seen |= static_cast<std::uint64_t>(static_cast<unsigned char>(*p));
  return (seen & 0x80) != 0;
}

}  // namespace postrider::smtp
