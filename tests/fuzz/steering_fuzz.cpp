// Steering fields: whatever a header asks for, what is done stays within bounds and what is refused makes a proper reply.
#include "relay/inbound/steering.h"

#include "tests/fuzz/pieces.h"

using namespace postrider;
using fuzz::require;

namespace {

constexpr Time kNow = Time(Duration(1'700'000'000'000));

void check(const relay::Steering& steering, const relay::SteeringBounds& bounds) {
  const Time release = relay::release_time(steering, kNow);
  require(release >= kNow && release <= kNow + bounds.max_hold);
  require(relay::expiry_time(steering, kNow) > release);
  require(!steering.retry.retries || *steering.retry.retries <= bounds.max_retries);
  if (const auto& interval = steering.retry.interval)
    require(*interval >= bounds.min_retry_interval && *interval <= bounds.max_retry_interval);
  require(steering.tags.size() <= kMaxTags);
  for (const std::string& tag : steering.tags) require(!tag.empty() && tag.size() <= kMaxTagOctets);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  smtp::HeaderScanner scanner(8192);
  scanner.feed(fuzz::text(data, size));
  scanner.finish();
  const relay::SteeringBounds bounds;
  relay::Steering steering;
  const auto read = relay::read_steering(scanner.fields(), bounds, kNow, steering);
  if (read) {
    check(steering, bounds);
  } else {
    require(read.error().text.starts_with("X-Postrider-") && read.error().text.size() < 300);
    for (unsigned char c : read.error().text) require(c >= ' ' && c < 0x7f);
  }
  return 0;
}
