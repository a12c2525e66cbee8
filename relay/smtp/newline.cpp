#include "relay/smtp/newline.h"

#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace postrider::smtp {

bool has_eight_bit(std::string_view octets) {
  const char* p = octets.data();
  std::size_t left = octets.size();
#if defined(__SSE2__)
  for (; left >= 64; p += 64, left -= 64) {  // bodies are scanned whole
    const auto* blocks = reinterpret_cast<const __m128i*>(p);
    const __m128i first = _mm_or_si128(_mm_loadu_si128(blocks), _mm_loadu_si128(blocks + 1));
    const __m128i second = _mm_or_si128(_mm_loadu_si128(blocks + 2), _mm_loadu_si128(blocks + 3));
    if (_mm_movemask_epi8(_mm_or_si128(first, second)) != 0) return true;
  }
#endif
  constexpr std::uint64_t kHigh = 0x8080808080808080ull;
  for (; left >= sizeof(std::uint64_t); p += sizeof(std::uint64_t), left -= sizeof(std::uint64_t)) {
    std::uint64_t word;
    std::memcpy(&word, p, sizeof word);
    if (word & kHigh) return true;
  }
  unsigned char seen = 0;
  for (; left > 0; ++p, --left) seen |= static_cast<unsigned char>(*p);
  return (seen & 0x80) != 0;
}

}  // namespace postrider::smtp
