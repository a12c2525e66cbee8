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
  buckets_.push_back(std::make_unique<Bucket>(Bucket{number, DueWindow(limit_, shard_, shards_, number)}));
  return *buckets_.back();
}

void BucketWindows::learn(std::uint32_t number, UpstreamSet set) {
  const std::uint32_t route = Routes::bucket_class(number);
  if (route != 0) sets_[route] = set;
}

std::optional<UpstreamSet> BucketWindows::set_of(const Bucket& bucket) const {
  const auto known = sets_.find(Routes::bucket_class(bucket.number));
  if (known == sets_.end()) return std::nullopt;
  return known->second;
}

void BucketWindows::forget_sets() {
  sets_.clear();
}

void BucketWindows::add(const std::vector<storage::DueHead>& heads) {
  for (const storage::DueHead& head : heads) hint(head.bucket, head.lane, head.earliest);
}

void BucketWindows::hint(std::uint32_t number, Lane lane, Time due) {
  at(number).window.hint(lane, due);
}

void BucketWindows::forget(Time now) {
  for (const auto& bucket : buckets_) bucket->window.forget(now);
}

bool BucketWindows::ready() const {
  return std::any_of(buckets_.begin(), buckets_.end(), [](const auto& bucket) { return bucket->window.ready(); });
}

bool BucketWindows::ready(Lane lane) const {
  return std::any_of(buckets_.begin(), buckets_.end(), [&](const auto& bucket) { return bucket->window.ready(lane); });
}

bool BucketWindows::ready_beside(std::uint32_t number) const {
  return std::any_of(buckets_.begin(), buckets_.end(), [&](const auto& bucket) {
    return Routes::bucket_class(bucket->number) == Routes::bucket_class(number) && bucket->window.ready();
  });
}

// A lane of which nobody takes anything is out until the next time, and keeps its credit: the others share its turns. One that has
// nothing saves up none.
void BucketWindows::share_out(const std::function<bool(Bucket&, Lane)>& pick) {
  std::array<bool, 3> out{};
  for (;;) {
    const std::array<int, 3> before = credit_;
    std::optional<std::size_t> best;
    int total = 0;
    for (std::size_t lane = 0; lane < credit_.size(); ++lane) {
      if (out[lane]) continue;
      credit_[lane] += kWeights[lane];
      total += kWeights[lane];
      if (!best || credit_[lane] > credit_[*best]) best = lane;
    }
    if (!best) return;
    if (offer(static_cast<Lane>(*best), pick)) {
      credit_[*best] -= total;
    } else {
      out[*best] = true;
      credit_ = before;
      if (!ready(static_cast<Lane>(*best))) credit_[*best] = 0;
    }
  }
}

// The bucket that took a turn goes to the end.
bool BucketWindows::offer(Lane lane, const std::function<bool(Bucket&, Lane)>& pick) {
  for (auto bucket = buckets_.begin(); bucket != buckets_.end(); ++bucket) {
    if (!(*bucket)->window.ready(lane) || !pick(**bucket, lane)) continue;
    std::rotate(bucket, bucket + 1, buckets_.end());
    return true;
  }
  return false;
}

}  // namespace postrider::relay
