#include "relay/outbound/settle_queue.h"

#include <utility>

#include "relay/outbound/dispatch_log.h"

namespace postrider::relay {

namespace {

constexpr Duration kOfferAgain = std::chrono::seconds(1);

bool worth_offering_again(const Fault& fault) {
  return fault.kind == FaultKind::unavailable || fault.kind == FaultKind::full;
}

}  // namespace

SettleQueue::SettleQueue(net::Loop& loop, const Clock& clock, AlarmSource& alarms, storage::Store& store, Log& log,
                         Listener listener)
    : loop_(loop),
      store_(store),
      log_(log),
      listener_(std::move(listener)),
      again_(clock, alarms),
      late_(clock, alarms),
      changed_(loop) {}

void SettleQueue::add(Lane lane, storage::Settlement settlement) {
  offer({lane, std::move(settlement)});
}

void SettleQueue::offer(Item item) {
  ++under_way_;
  storage::Settlement given = item.settlement;  // ours is kept until the store has answered for its own
  Done<storage::Settled> done(loop_, [this, kept = std::move(item)](const result<storage::Settled>& answer) mutable {
    answered(std::move(kept), answer);
  });
  store_.settle(std::move(given), std::move(done));
}

void SettleQueue::answered(Item item, const result<storage::Settled>& answer) {
  --under_way_;
  if (answer) {
    if (answer->next_due != kNever)
      listener_.due_again(item.settlement.id, item.lane, item.settlement.wait_bucket, answer->next_due);
    if (answer->owes_notice && listener_.notice_owed) listener_.notice_owed();
  } else if (worth_offering_again(answer.error())) {
    blocked_ = true;
    if (refused_.empty() && !flushed_) again_.set(kOfferAgain, [this] { offer_again(); });
    refused_.push_back(std::move(item));
  } else {
    log_unsettled(log_, item.settlement.id, answer.error());
  }
  if (blocked_ && under_way_ == 0 && refused_.empty()) {
    blocked_ = false;
    listener_.unblocked();
  }
  changed_.signal();
}

void SettleQueue::offer_again() {
  for (Item& item : std::exchange(refused_, {})) offer(std::move(item));
}

boost::asio::awaitable<void> SettleQueue::flush(Duration grace) {
  bool late = false;
  late_.set(grace, [this, &late] {
    late = true;
    changed_.signal();
  });
  while (under_way_ > 0 || (!refused_.empty() && !late)) co_await changed_.wait();
  flushed_ = true;
  late_.cancel();
  again_.cancel();
  const Fault lost{FaultKind::unavailable, "the spool takes no settlements; the next start will find the claim"};
  for (const Item& item : std::exchange(refused_, {})) log_unsettled(log_, item.settlement.id, lost);
}

}  // namespace postrider::relay
