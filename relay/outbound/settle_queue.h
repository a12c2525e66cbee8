// SettleQueue: hands settlements to the store without anybody waiting for them, and keeps those the store could not commit
// until it can: offered again each second, and nothing new is claimed meanwhile. On the dispatcher's thread only; after
// flush() nothing of it is under way in the store.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "core/clock.h"
#include "core/log.h"
#include "net/loop.h"
#include "relay/outbound/span_alarm.h"
#include "relay/outbound/wakeup.h"
#include "storage/store.h"

namespace postrider::relay {

class SettleQueue {
 public:
  struct Listener {
    // Settled, and to be tried again then.
    std::function<void(const MessageId&, Lane, std::uint32_t bucket, Time next_due)> due_again;
    std::function<void()> unblocked;
    std::function<void()> notice_owed;  // may be empty
  };
  SettleQueue(net::Loop& loop, const Clock& clock, AlarmSource& alarms, storage::Store& store, Log& log,
              Listener listener);

  void add(Lane lane, storage::Settlement settlement);
  bool blocked() const { return blocked_; }  // the store refused one: claim nothing until it took them all
  std::size_t unsettled() const { return under_way_ + refused_.size(); }

  // Waits until all is settled. What the store still refuses after `grace` stays claimed: the next start finds it.
  boost::asio::awaitable<void> flush(Duration grace);

 private:
  struct Item {
    Lane lane;
    storage::Settlement settlement;
  };
  void offer(Item item);
  void answered(Item item, const result<storage::Settled>& answer);
  void offer_again();

  net::Loop& loop_;
  storage::Store& store_;
  Log& log_;
  Listener listener_;
  SpanAlarm again_, late_;
  std::vector<Item> refused_;
  std::size_t under_way_ = 0;
  bool blocked_ = false, flushed_ = false;
  Wakeup changed_;
};

}  // namespace postrider::relay
