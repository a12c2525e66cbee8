// Dispatcher: claims due messages, asks the route who shall take them, hands them over, settles what came of it. One per
// relay thread, on its Loop only; the store's claims keep dispatchers apart. Woken by accepts, by the store's due changes and
// by its one Alarm; it never polls. Rules: DESIGN section 3, core/retry.h. Slots are RAII: see Slot.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/log.h"
#include "core/retry.h"
#include "net/loop.h"
#include "relay/outbound/routes.h"
#include "relay/outbound/transport.h"
#include "storage/store.h"

namespace postrider::relay {

struct DispatchOptions {
  RetryPolicy retry;
  std::size_t max_in_flight = 200;  // messages claimed by this dispatcher at once
  std::size_t window = 512;         // due entries looked at ahead, per bucket and lane
  std::size_t probes = 2;           // concurrent tries while no upstream is in service
  bool remove_sent_body = true;
  bool notify_sender = true;            // delivery.dsn
  std::uint64_t jitter_seed = 0;        // 0: from std::random_device
  std::uint32_t shard = 0, shards = 1;  // which ids of the due index are this dispatcher's
};

// A place in flight, taken before accept so that the accept can carry the intent. Gives itself back when destroyed.
class Slot;

class DispatchMetrics;

struct FreshMessage {
  std::shared_ptr<const MessageRecord> record;  // as stored, recipients in `sending`
  Body body;                                    // empty chunks when the body was staged: it is read from the spool
  std::uint32_t first_chunk = 0;                // chunks before it are in the spool only
};

class Dispatcher {
 public:
  virtual ~Dispatcher() = default;

  // A slot and the name of the upstream that will be asked, or nothing when in-flight work is at its bound, no upstream is
  // in service, or the dispatcher drains: then accept without intent and the message waits in the spool.
  struct Reserved {
    std::shared_ptr<Slot> slot;
    std::string upstream;
  };
  virtual std::optional<Reserved> reserve(const Envelope& envelope) = 0;
  // After an accept that carried the intent. Returns at once; the hand-over runs as a task of the dispatcher.
  virtual void deliver_fresh(Reserved reserved, FreshMessage message) = 0;

  virtual void start() = 0;                                        // begins to claim
  virtual boost::asio::awaitable<void> drain(Duration grace) = 0;  // stop claiming, wait for in-flight, settle all
  virtual std::size_t in_flight() const = 0;
};

struct DispatcherParts {
  net::Loop& loop;
  const Clock& clock;
  AlarmSource& alarms;
  storage::Store& store;
  Routes& routes;
  // One transport per upstream of Routes, in the same order; the dispatcher owns them.
  std::vector<std::unique_ptr<Transport>> transports;
  Log& log;
  DispatchMetrics* metrics = nullptr;  // shared by all dispatchers; null: nothing is counted
  std::function<void()> notice_owed;  // after a settlement that left one owed (see storage::Store::owing); may be empty
};

// Before the store's first verb. Drain before destruction; the Loop must still run then.
std::unique_ptr<Dispatcher> make_dispatcher(DispatcherParts parts, DispatchOptions options);

}  // namespace postrider::relay
