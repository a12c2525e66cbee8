// BucketWindows: one DueWindow for each wait bucket that a dispatcher knows of, and which upstreams the messages in it wait for. A
// bucket whose upstreams have no room keeps nobody else waiting. Lanes share by weight over all buckets, so that the low lane never
// starves; within a lane buckets take turns. Pure, as DueWindow is; owned by the dispatcher.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "relay/outbound/due_window.h"
#include "relay/outbound/routes.h"

namespace postrider::relay {

struct Bucket {
  std::uint32_t number;
  DueWindow window;
};

class BucketWindows {
 public:
  static constexpr std::array<int, 3> kWeights{12, 3, 1};  // of 16 picks: high, normal, low

  BucketWindows(std::size_t limit, std::uint32_t shard, std::uint32_t shards);

  // The set of a bucket is known when a message of its class was seen. Nothing: not known yet, its messages have to be looked at
  // (always so for bucket 0).
  void learn(std::uint32_t number, UpstreamSet set);
  std::optional<UpstreamSet> set_of(const Bucket& bucket) const;
  void forget_sets();                                    // the routes have changed
  void add(const std::vector<storage::DueHead>& heads);  // these are in the index: a hint for each
  void hint(std::uint32_t number, Lane lane, Time due);
  void forget(Time now);  // DueWindow::forget() of all

  bool ready() const;
  bool ready_beside(std::uint32_t number) const;  // any bucket of the same class
  // Offers buckets in turn, with the lane to pick from, until nobody has anything that `pick` takes. It answers whether it did.
  void share_out(const std::function<bool(Bucket&, Lane)>& pick);
  const std::vector<std::unique_ptr<Bucket>>& all() const { return buckets_; }

 private:
  Bucket& at(std::uint32_t number);
  bool ready(Lane lane) const;
  bool offer(Lane lane, const std::function<bool(Bucket&, Lane)>& pick);

  std::size_t limit_;
  std::uint32_t shard_, shards_;
  std::vector<std::unique_ptr<Bucket>> buckets_;
  std::map<std::uint32_t, UpstreamSet> sets_;  // by class
  std::array<int, 3> credit_{};                // of smooth weighted round robin
};

}  // namespace postrider::relay
