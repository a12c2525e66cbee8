#include "relay/smtp/plain_lines.h"

#include <bit>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace postrider::smtp {

namespace {

constexpr std::size_t kBlock = 16;

// Where things stand in sixteen octets: one bit an octet, the first octet lowest.
#if defined(__SSE2__)
class Block {
 public:
  explicit Block(const char* p) : octets_(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))) {}
  std::uint32_t where(char c) const { return bits(_mm_cmpeq_epi8(octets_, _mm_set1_epi8(c))); }
  std::uint32_t high() const { return bits(octets_); }
  bool has_controls() const {  // CR, LF, NUL: cheaper than each by itself, and false for most blocks
    const __m128i line =
        _mm_or_si128(_mm_cmpeq_epi8(octets_, _mm_set1_epi8('\r')), _mm_cmpeq_epi8(octets_, _mm_set1_epi8('\n')));
    return bits(_mm_or_si128(line, _mm_cmpeq_epi8(octets_, _mm_setzero_si128()))) != 0;
  }

 private:
  static std::uint32_t bits(__m128i octets) { return static_cast<std::uint32_t>(_mm_movemask_epi8(octets)); }
  __m128i octets_;
};
#else
class Block {
 public:
  explicit Block(const char* p) : octets_(p) {}
  std::uint32_t where(char c) const {
    std::uint32_t found = 0;
    for (std::size_t i = 0; i < kBlock; ++i) found |= static_cast<std::uint32_t>(octets_[i] == c) << i;
    return found;
  }
  std::uint32_t high() const {
    std::uint32_t found = 0;
    for (std::size_t i = 0; i < kBlock; ++i)
      found |= static_cast<std::uint32_t>(static_cast<unsigned char>(octets_[i]) >> 7) << i;
    return found;
  }
  bool has_controls() const { return (where('\r') | where('\n') | where('\0')) != 0; }

 private:
  const char* octets_;
};
#endif

}  // namespace

PlainLines plain_lines(std::string_view text, std::size_t max_line) {
  PlainLines found;
  std::uint32_t after_cr = 0, after_lf = 1;  // whether the block before ended in one: the text starts a line
  bool high_since = false;                   // over 127 behind found.octets
  for (std::size_t at = 0; at + kBlock <= text.size(); at += kBlock) {
    const Block block(text.data() + at);
    const std::uint32_t high = block.high();
    if (!block.has_controls() && (after_cr | after_lf) == 0) {
      high_since = high_since || high != 0;
      continue;
    }
    const std::uint32_t cr = block.where('\r'), lf = block.where('\n');
    const std::uint32_t behind_cr = (cr << 1 | after_cr) & 0xffff, behind_lf = (lf << 1 | after_lf) & 0xffff;
    // A LF where no CR stands before it, a CR with something else behind it, a NUL, a dot that starts a line.
    const std::uint32_t care = (lf ^ behind_cr) | block.where('\0') | (block.where('.') & behind_lf);
    const std::uint32_t good = care == 0 ? 0xffff : (1u << std::countr_zero(care)) - 1;
    const std::uint32_t ends = lf & good;
    if (ends != 0) {
      const std::size_t first = at + static_cast<std::size_t>(std::countr_zero(ends)) + 1;
      if (max_line != 0 && first - found.octets > max_line) return found;
      const auto last = static_cast<unsigned>(std::bit_width(ends));
      // Lines between the first and the last end are shorter than a block.
      if (max_line != 0 && max_line < kBlock) return found;
      found.octets = at + last;
      found.eight_bit = found.eight_bit || high_since || (high & ((1u << last) - 1)) != 0;
      high_since = (high >> last) != 0;
    } else {
      high_since = high_since || high != 0;
    }
    if (care != 0) return found;
    after_cr = cr >> (kBlock - 1);
    after_lf = lf >> (kBlock - 1);
  }
  return found;
}

}  // namespace postrider::smtp
