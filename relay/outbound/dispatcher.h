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
#include "relay/outbound/noticeboard.h"
#include "relay/outbound/routes.h"
#include "relay/outbound/transport.h"
#include "relay/outbound/upstream_news.h"
#include "storage/store.h"

namespace postrider::relay {

struct DispatchOptions {
  RetryPolicy retry;
  std::size_t max_in_flight = 200;  // messages claimed by this dispatcher at once, for each upstream
  std::size_t window = 512;         // due entries looked at ahead, per bucket and lane
  std::size_t probes = 2;           // concurrent tries at an upstream while none is in service
  bool remove_sent_body = true;
  bool notify_sender = true;            // delivery.dsn
  std::uint64_t jitter_seed = 0;        // 0: from std::random_device
  std::uint32_t shard = 0, shards = 1;  // which ids of the due index are this dispatcher's
};

// A place in flight, taken before accept so that the accept can carry the intent. Gives itself back when destroyed.
class Slot;

class DispatchMetrics;
struct Fleet;

struct FreshMessage {
  std::shared_ptr<const MessageRecord> record;  // as stored, recipients in `sending` or suppressed
  Body body;                                    // empty chunks when the body was staged: it is read from the spool
  std::uint32_t first_chunk = 0;                // chunks before it are in the spool only
};

class Dispatcher {
 public:
  virtual ~Dispatcher() = default;

  // A place in flight at the upstream that will be asked first.
  struct Reserved {
    std::shared_ptr<Fleet> fleet;
    std::shared_ptr<Slot> slot;
    std::size_t index = 0;  // of the upstream in the fleet
    std::string_view why;
    std::string upstream;
    std::shared_ptr<void> canary;  // its place among a canary's messages, if it has one
    bool notify_sender = true;     // what the intent has to say: delivery.dsn
  };
  // What a message that is about to be accepted may count on. Without a reservation (in-flight work is at its bound, its upstreams
  // are out of service or have no room, it is not due yet, the dispatcher drains) it is accepted without intent and waits in the
  // spool, in the bucket named.
  struct Offer {
    std::optional<Reserved> reserved;
    std::uint32_t wait_bucket = 0;
  };
  virtual Offer offer(const MessageRecord& record) = 0;
  // After an accept that carried the intent. Returns at once; the hand-over runs as a task of the dispatcher.
  virtual void deliver_fresh(Reserved reserved, FreshMessage message) = 0;

  virtual void start() = 0;                                        // begins to claim
  virtual boost::asio::awaitable<void> drain(Duration grace) = 0;  // stop claiming, wait for in-flight, settle all
  virtual std::size_t in_flight() const = 0;

  // After a reload: for all tries that begin from now on. What was waiting is routed anew.
  virtual void use(std::shared_ptr<Routes> routes, std::vector<std::unique_ptr<Transport>> transports,
                   DispatchOptions options) = 0;
  // Checks that an upstream can be reached and logged in to, without a message. Fault not_found: no such upstream.
  virtual void test(std::string upstream, Done<Attempt> done) = 0;
};

struct DispatcherParts {
  net::Loop& loop;
  const Clock& clock;
  AlarmSource& alarms;
  storage::Store& store;
  std::shared_ptr<Routes> routes;
  // One transport per upstream of Routes, in the same order; the dispatcher owns them.
  std::vector<std::unique_ptr<Transport>> transports;
  Noticeboard& board;  // of all dispatchers of this process
  Log& log;
  DispatchMetrics* metrics = nullptr;  // shared by all dispatchers; null: nothing is counted
  std::function<void()>
      notice_owed;  // after a claim or settlement that left one owed (storage::Store::owing); may be empty
  std::function<void(UpstreamNews)> news;  // any thread; may be empty
};

// Before the store's first verb. Drain before destruction; the Loop must still run then.
std::unique_ptr<Dispatcher> make_dispatcher(DispatcherParts parts, DispatchOptions options);

}  // namespace postrider::relay
