// Routes: which upstreams may take a message, in which order, and which of them has room now. Resolved at attempt time, never
// stored with the message. A snapshot of the configuration, shared by all relay threads and the mgmt thread: health, limits and
// preference are atomics in what it points to, a reload makes a new one around the same Upstreams.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/message.h"
#include "core/upstream_config.h"
#include "relay/outbound/preference.h"
#include "relay/outbound/upstream.h"

namespace postrider::relay {

// Some of the upstreams: bit i is index i.
using UpstreamSet = std::uint64_t;
inline constexpr std::size_t kMaxUpstreams = 64;
constexpr UpstreamSet only(std::size_t i) {
  return UpstreamSet{1} << i;
}
constexpr bool has(UpstreamSet set, std::size_t i) {
  return (set & only(i)) != 0;
}

struct Candidate {
  std::size_t upstream = 0;  // index into Routes
  std::string_view why;      // one clause, for the attempt's record; a literal
};

// Who shall take the next message of a route.
struct Choice {
  std::optional<std::size_t> upstream;
  std::string_view why;
  Time look_again =
      kNever;  // nobody now: when somebody may (a rate, a pause, a quota, spill_after); ends of work are told
  bool out_of_service = false;  // nobody, and not for want of room: probes only
  std::shared_ptr<void>
      canary;  // a place among a canary's messages: given back with the last holder, unless it was used
};

class Routes {
 public:
  // At least one, at most kMaxUpstreams. Objects of `before` with the same name live on.
  Routes(std::vector<UpstreamConfig> upstreams, HealthPolicy policy, const Routes* before = nullptr);

  std::size_t size() const { return upstreams_.size(); }
  Upstream& at(std::size_t i) { return *upstreams_[i]; }
  const std::shared_ptr<Upstream>& share(std::size_t i) const { return upstreams_[i]; }
  const Upstream& at(std::size_t i) const { return *upstreams_[i]; }
  std::optional<std::size_t> find(std::string_view name) const;
  std::uint32_t generation() const { return generation_; }
  Preference& preference() { return *preference_; }
  const Preference& preference() const { return *preference_; }

  // Who may take it at all: [[upstream]] match, and the credential's guard.
  UpstreamSet eligible(const Envelope& envelope, const Recipient& recipient) const;
  UpstreamSet eligible(const MessageRecord& record) const;  // for any of its recipients
  UpstreamSet all() const { return all_; }
  bool spills() const { return spills_; }            // somebody has a spill_after
  bool uniform() const { return with_match_ == 0; }  // every message may go everywhere (but for captured ones)
  // The wait bucket of mail that may go to these: the same in every process that has upstreams of these names and the same rules of
  // match, never 0. With other rules it is another, so that what waits in the old one is looked at and routed anew. Its low bits are
  // the sender's (bucket_of), so that nobody's burst fills the window of all; the rest is the class, which this gives.
  std::uint32_t bucket(UpstreamSet set) const;
  std::uint32_t bucket_of(UpstreamSet set, const Envelope& envelope) const;
  static constexpr std::uint32_t kSenderShares = 32;
  static constexpr std::uint32_t bucket_class(std::uint32_t bucket) { return bucket & ~(kSenderShares - 1); }

  // By priority, equal ones in turn by weight, the preferred one before all. `full`: who has no room on this thread. `waited`: how
  // long the message has been due. Takes a place in the rate of whom it names: give it back if the message does not go there.
  Choice choose(UpstreamSet set, UpstreamSet full, Duration waited, Time now);
  // The same question without taking anything: is there somebody?
  Choice look(UpstreamSet set, UpstreamSet full, Duration waited, Time now) const;

  // In service, to be asked in this order within one try, `first` before all others. A recipient whose last hand-over was cut
  // off goes to the same upstream first: it may know the message already.
  std::vector<Candidate> order(const Envelope& envelope, const Recipient& recipient, std::optional<std::size_t> first,
                               Time now) const;
  bool any_in_service(UpstreamSet set, Time now) const;
  // Whom to probe while none is in service: the first that may be probed, or nothing (all stopped, paused, used up).
  std::optional<std::size_t> preferred(UpstreamSet set, Time now) const;
  // Whom one probe asks, in this order. An upstream behind the preferred one may be well again.
  std::vector<Candidate> probe_order(const Envelope& envelope, const Recipient& recipient, Time now) const;
  // Better than `chosen` and out of service by its own failures: without a probe now and then nobody would learn that it
  // works again, since `chosen` takes everything.
  std::optional<std::size_t> open_beside(UpstreamSet set, std::size_t chosen, Time now) const;
  // When the first of those that nothing but their own pause keeps out of service is back; zero: there are none.
  Time skipped_until(UpstreamSet set, Time now) const;
  // With nobody in service: when a probe, the end of a pause or of a quota's period may change that.
  Time service_again(UpstreamSet set, Time now) const;

  // For people: every upstream in the order asked, and why.
  struct Explained {
    std::size_t upstream = 0;
    bool eligible = false;    // by match and guard
    bool in_service = false;  // would be asked
    std::string why;          // "preferred by ops", "priority 2", "does not match recipient_domain", "paused until ..."
    Time until = kNever;      // when that may change by itself
  };
  std::vector<Explained> explain(const Envelope& envelope, const Recipient& recipient, Time now) const;

 private:
  std::optional<std::size_t> preferred_index() const;  // for all mail; not of a canary
  // Calls `visit(begin, end)` for each group of equal priority, the preferred upstream in a group of its own first.
  template <typename Visit>
  void each_group(std::optional<std::size_t> first, const Visit& visit) const;
  std::optional<std::size_t> by_weight(const std::vector<std::size_t>& group, UpstreamSet among, bool take_turn) const;
  Choice find_room(UpstreamSet set, UpstreamSet full, Duration waited, Time now, std::optional<std::size_t> first,
                   bool take) const;
  std::vector<std::size_t> in_order(std::optional<std::size_t> first) const;

  std::vector<std::shared_ptr<Upstream>> upstreams_;
  std::shared_ptr<Preference> preference_;
  std::vector<std::vector<std::size_t>> groups_;  // by priority; within one as configured
  std::vector<std::uint64_t> name_hashes_;
  std::uint64_t match_hash_ = 0;  // of all `match`: when one changes, mail that waits is looked at anew
  UpstreamSet all_ = 0;
  UpstreamSet with_match_ = 0, captures_ = 0;
  std::uint32_t generation_ = 0;
  bool spills_ = false;
  mutable std::array<std::atomic<std::uint64_t>, 16>
      turns_{};  // by who shares: one counter for all would favour rhythms
};

}  // namespace postrider::relay
