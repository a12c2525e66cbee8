#include "relay/outbound/bucket_windows.h"

#include <algorithm>

namespace postrider::relay {

BucketWindows::BucketWindows(std::size_t limit, std::uint32_t shard, std::uint32_t shards)
    : limit_(limit), shard_(shard), shards_(shards) {
  at(0);
}

Bucket& BucketWindows::at(std::uint32_t number) {
  const auto known = std::find_if(buckets_.begin(), buckets_.end(), [&](const auto& b) { return b->number == number; });
  if (known != buckets_.end()) return **known;
  buckets_.push_back(
      std::make_unique<Bucket>(Bucket{number, std::nullopt, DueWindow(limit_, shard_, shards_, number)}));
  return *buckets_.back();
}

void BucketWindows::learn(std::uint32_t number, UpstreamSet set) {
  if (number != 0) at(number).set = set;
}

void BucketWindows::forget_sets() {
  for (const auto& bucket : buckets_) bucket->set.reset();
}

void BucketWindows::add(const std::vector<std::uint32_t>& numbers) {
  for (const std::uint32_t number : numbers) at(number);
}

void BucketWindows::hint(Time due) {
  for (const auto& bucket : buckets_) bucket->window.hint(due);
}

void BucketWindows::hint(std::uint32_t number, Lane lane, Time due) {
  at(number).window.hint(lane, due);
}

bool BucketWindows::ready() const {
  return std::any_of(buckets_.begin(), buckets_.end(), [](const auto& bucket) { return bucket->window.ready(); });
}

bool BucketWindows::ready(std::uint32_t number) {
  return at(number).window.ready();
}

const std::vector<std::unique_ptr<Bucket>>& BucketWindows::in_turn() {
  std::rotate(buckets_.begin(), buckets_.begin() + 1, buckets_.end());
  return buckets_;
}

}  // namespace postrider::relay
