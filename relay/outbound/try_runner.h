// TryRunner: carries out one try of one claimed message: asks the upstreams in the order of the route, one after the other,
// reports to their circuits what came of it, and answers with the settlement. One per dispatcher, on its Loop; it neither
// claims nor settles.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include "core/clock.h"
#include "core/log.h"
#include "relay/outbound/dispatcher.h"
#include "relay/outbound/fleet.h"
#include "relay/outbound/stall_watch.h"
#include "relay/outbound/try_ledger.h"

namespace postrider::relay {

// A message whose recipients are in `sending` for us, and what it holds while it is.
struct ClaimedMessage {
  std::shared_ptr<const MessageRecord> record;
  std::vector<std::uint32_t> recipients;
  Body body;                          // what of it is in memory: chunks from `first_in_memory` on
  std::uint32_t first_in_memory = 0;  // record->body_chunks: nothing is
  std::shared_ptr<Fleet> fleet;
  std::shared_ptr<Slot> slot;      // at `upstream`
  std::size_t upstream = 0;        // chosen when it was claimed
  bool rated = false;              // it has a place in the rate of `upstream`
  std::string_view why;            // it was chosen; a literal
  std::shared_ptr<void> canary;    // its place among a canary's messages, if it has one
  std::optional<ProbePass> probe;  // leave to ask upstreams that are out of service
};

class TryRunner {
 public:
  TryRunner(DispatcherParts& parts, const DispatchOptions& options);

  boost::asio::awaitable<storage::Settlement> run(ClaimedMessage& message);
  // From now on what is cut off counts as our own doing: given back uncounted, or uncertain when past the dot.
  void stop() { stopped_ = true; }

 private:
  void plan(ClaimedMessage& message, TryLedger& ledger, const RetryPolicy& policy, Time now);
  std::vector<Candidate> candidates(ClaimedMessage& message, const Recipient& recipient, UpstreamSet eligible,
                                    Time now);
  static std::vector<Candidate> probes(const ClaimedMessage& message, const Recipient& recipient, Time now);
  enum class Entry : unsigned char { granted, no_room, no_leave_yet, out_of_service };
  Entry enter(ClaimedMessage& message, TryLedger::Round& round, std::shared_ptr<Slot>& slot);
  boost::asio::awaitable<HandoverReport> ask(const ClaimedMessage& message, const TryLedger::Round& round);
  void account(Upstream& upstream, const TryLedger::Round& round, const HandoverReport& report);
  bool note_health(Routes& routes, Upstream& upstream, HandoverReport& report);
  void note_change(Routes& routes, Upstream& upstream, Change change, const Reason& reason);
  void tell(const Upstream& upstream, UpstreamNews::Kind kind, const Reason& reason);

  DispatcherParts& parts_;
  const DispatchOptions& options_;
  std::shared_ptr<Routes> routes_;  // of the last try that began: an attempt that stalls may end a canary
  StallWatch stalls_;
  std::mt19937_64 random_;
  bool stopped_ = false;
};

}  // namespace postrider::relay
