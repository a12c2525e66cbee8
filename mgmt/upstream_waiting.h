// What waits in the spool, by who may take it. The walk over the due index behind it is long when much waits, so its result is
// kept for two seconds; who asks meanwhile gets that. mgmt thread.
#pragma once

#include <array>
#include <boost/asio/awaitable.hpp>
#include <memory>
#include <vector>

#include "core/clock.h"
#include "relay/outbound/routes.h"
#include "storage/store.h"

namespace postrider::mgmt {

inline constexpr std::size_t kLanes = 3;

struct WaitingBucket {
  relay::UpstreamSet set = 0;                    // who may take what is in it
  std::array<std::uint64_t, kLanes> messages{};  // by lane
  std::uint64_t total() const { return messages[0] + messages[1] + messages[2]; }
};

struct WaitingMail {
  std::vector<WaitingBucket> buckets;
  std::uint64_t all() const;
  std::uint64_t for_upstream(std::size_t upstream) const;  // those that it may take: others may as well
  std::uint64_t for_nobody() const;                        // no upstream takes them
};

class WaitingBook {
 public:
  static constexpr Duration kKept = std::chrono::seconds(2);
  // Buckets are told apart by one message of each; in more than this many all upstreams count as meant.
  static constexpr std::size_t kMaxLookedInto = 64;

  WaitingBook(Mailbox& home, const Clock& clock, storage::Store& store) : home_(home), clock_(clock), store_(store) {}
  boost::asio::awaitable<result<std::shared_ptr<const WaitingMail>>> read(std::shared_ptr<const relay::Routes> routes);

 private:
  using Rows = std::vector<storage::Waiting>;
  boost::asio::awaitable<result<std::shared_ptr<const WaitingMail>>> walk(std::shared_ptr<const relay::Routes> routes);
  boost::asio::awaitable<relay::UpstreamSet> set_of(const relay::Routes& routes, std::uint32_t bucket, Lane lane);

  Mailbox& home_;
  const Clock& clock_;
  storage::Store& store_;
  std::shared_ptr<const WaitingMail> known_;
  std::shared_ptr<const relay::Routes> known_for_;
  Duration known_at_{};
  bool walking_ = false;
};

}  // namespace postrider::mgmt
