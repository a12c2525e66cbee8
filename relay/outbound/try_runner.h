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
#include "relay/outbound/dispatch_metrics.h"
#include "relay/outbound/dispatcher.h"
#include "relay/outbound/slots.h"
#include "relay/outbound/try_ledger.h"

namespace postrider::relay {

// A message whose recipients are in `sending` for us, and what it holds while it is.
struct ClaimedMessage {
  std::shared_ptr<const MessageRecord> record;
  std::vector<std::uint32_t> recipients;
  Body body;                          // what of it is in memory: chunks from `first_in_memory` on
  std::uint32_t first_in_memory = 0;  // record->body_chunks: nothing is
  std::shared_ptr<Slot> slot;
  std::optional<ProbePass> probe;  // claimed while no upstream was in service
};

class TryRunner {
 public:
  TryRunner(DispatcherParts& parts, const DispatchOptions& options);

  boost::asio::awaitable<storage::Settlement> run(ClaimedMessage& message);
  // From now on what is cut off counts as our own doing: given back uncounted, or uncertain when past the dot.
  void stop() { stopped_ = true; }

 private:
  void plan(ClaimedMessage& message, TryLedger& ledger, Time now);
  std::vector<std::size_t> candidates(ClaimedMessage& message, const Recipient& recipient, Time now);
  bool may_ask(const ClaimedMessage& message, std::size_t upstream) const;
  boost::asio::awaitable<HandoverReport> ask(const ClaimedMessage& message, const TryLedger::Round& round);
  void note_health(std::size_t upstream, HandoverReport& report);

  DispatcherParts& parts_;
  const DispatchOptions& options_;
  std::mt19937_64 random_;
  bool stopped_ = false;
};

}  // namespace postrider::relay
