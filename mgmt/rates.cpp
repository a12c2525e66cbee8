#include "mgmt/rates.h"

#include <algorithm>

namespace postrider::mgmt {

void RateMeter::sample(std::uint64_t count, Duration now) {
  samples_[taken_ % kSamples] = {count, now};
  ++taken_;
}

std::optional<double> RateMeter::per_second(std::uint64_t count, Duration now, Duration span) const {
  const Sample* from = nullptr;
  const std::size_t kept = std::min(taken_, kSamples);
  for (std::size_t back = 1; back <= kept; ++back) {
    from = &samples_[(taken_ - back) % kSamples];
    if (now - from->at >= span) break;
  }
  if (!from || now <= from->at || count < from->count) return std::nullopt;
  const double seconds = static_cast<double>((now - from->at).count()) / 1000.0;
  return static_cast<double>(count - from->count) / seconds;
}

}  // namespace postrider::mgmt
