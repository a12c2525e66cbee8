// BucketWindows: one DueWindow for each wait bucket that a dispatcher knows of, and which upstreams the messages in it wait for. A
// bucket whose upstreams have no room keeps nobody else waiting. Pure, as DueWindow is; owned by the dispatcher.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "relay/outbound/due_window.h"
#include "relay/outbound/routes.h"

namespace postrider::relay {

struct Bucket {
  std::uint32_t number;
  std::optional<UpstreamSet> set;  // nothing: not known yet, its messages have to be looked at (always so for bucket 0)
  DueWindow window;
};

class BucketWindows {
 public:
  BucketWindows(std::size_t limit, std::uint32_t shard, std::uint32_t shards);

  // The set is known when a message was seen whose bucket it is.
  void learn(std::uint32_t number, UpstreamSet set);
  void forget_sets();                                   // the routes have changed
  void add(const std::vector<std::uint32_t>& numbers);  // these are in the index
  void hint(Time due);                                  // of any bucket
  void hint(std::uint32_t number, Lane lane, Time due);

  bool ready() const;
  bool ready(std::uint32_t number);
  // In turn: each call begins with another bucket.
  const std::vector<std::unique_ptr<Bucket>>& in_turn();
  const std::vector<std::unique_ptr<Bucket>>& all() const { return buckets_; }

 private:
  Bucket& at(std::uint32_t number);
  std::size_t limit_;
  std::uint32_t shard_, shards_;
  std::vector<std::unique_ptr<Bucket>> buckets_;
};

}  // namespace postrider::relay
