// Cuts an input into pieces whose lengths come from the input itself, each in storage of its own, so that a parser that keeps
// a view too long or depends on how octets arrive is found out. For the fuzz targets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace postrider::fuzz {

inline std::string_view text(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Calls take(piece), which returns false to stop.
template <typename Take>
void in_pieces(std::string_view input, Take take) {
  std::size_t seed = input.size();
  for (std::size_t pos = 0; pos < input.size();) {
    seed = seed * 31 + static_cast<unsigned char>(input[pos]);
    const std::size_t n = std::min<std::size_t>(1 + seed % 7, input.size() - pos);
    const std::unique_ptr<char[]> copy(new char[n]);
    input.copy(copy.get(), n, pos);
    if (!take(std::string_view(copy.get(), n))) return;
    pos += n;
  }
}

inline void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace postrider::fuzz
