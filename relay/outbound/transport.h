// Transport: one verb, "hand this message over for these recipients", behind which SMTP, HTTP providers and the capture
// directory look alike. Lives on one relay thread. Never touches the store or the retry rules: it reports, others decide.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <vector>

#include "core/message.h"
#include "core/upstream_config.h"

namespace postrider::relay {

// The body of one message for one attempt: from memory, or window by window from the spool. Restartable: each attempt
// gets a fresh one. next() gives chunks in order, then null; a fault means the spool could not give it (Cause::spool).
class BodySource {
 public:
  virtual ~BodySource() = default;
  virtual boost::asio::awaitable<result<std::shared_ptr<const std::string>>> next() = 0;
};

struct Handover {
  std::shared_ptr<const MessageRecord> message;
  std::vector<std::uint32_t> recipients;  // indices; at least one
  std::unique_ptr<BodySource> body;
};

struct HandoverReport {
  Attempt attempt;         // outcome for every recipient asked; `counted` is left to the dispatcher
  Time throttled_until{};  // with Cause::throttle, when the peer said so; zero: it did not
};

inline constexpr Duration kSoon =
    std::chrono::seconds(1);  // a pause for want of something of our own: a connection, memory

class Transport {
 public:
  virtual ~Transport() = default;
  // Never throws for what a peer or a network does: that is in the report. Throws only std::bad_alloc and the like.
  virtual boost::asio::awaitable<HandoverReport> deliver(Handover handover) = 0;
  // Checks that the upstream can be reached and logged in to, without a message (`upstream test`, later).
  virtual boost::asio::awaitable<Attempt> probe() = 0;
  virtual void close_idle() = 0;  // QUIT to what is idle now, keep no connection longer
  virtual std::size_t connections() const = 0;
};

}  // namespace postrider::relay
