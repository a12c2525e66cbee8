// ScriptTransport: an upstream that does what a test's script says, message by message, in simulated time, and remembers
// every hand-over. It reads the whole body each time, and fails the test when a message is handed over twice at once.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "relay/outbound/transport.h"
#include "relay/outbound/wakeup.h"
#include "tests/simulation/sim_time.h"

namespace postrider::sim {

// How one hand-over goes.
struct Play {
  OutcomeKind kind = OutcomeKind::sent;
  Reason reason{Cause::none, Stage::final_dot, 250, "2.0.0", "Ok: queued as 1"};
  Duration takes{0};
  bool hangs = false;  // until the task is cancelled
  Time throttled_until{};
  std::map<std::uint32_t, RecipientOutcome> unlike;  // recipients that fare otherwise
};

Play sent(Duration takes = Duration{0});
Play route_failure();             // connection refused
Play throttled(Time until = {});  // 421, before MAIL
Play deferred();                  // 451 to RCPT
Play bounced();                   // 550 to RCPT
Play incapable();                 // the hop does not take this body
Play cut_after_dot();             // the answer is lost
Play hangs_at(Stage stage);

struct HandoverCall {
  Time at;
  std::size_t upstream;
  MessageId id;
  std::string sender;
  Lane lane;
  std::vector<std::uint32_t> recipients;
};

// Shared by all transports of a World.
struct Script {
  // By upstream; `nth` counts the hand-overs of this message at all upstreams from 1.
  std::function<Play(std::size_t upstream, const MessageRecord& message, unsigned nth)> play =
      [](std::size_t, const MessageRecord&, unsigned) { return sent(); };

  std::vector<HandoverCall> calls;
  std::map<MessageId, unsigned> count;
  std::map<MessageId, std::string> bodies;  // as read by the last hand-over
  std::set<MessageId> under_way;
  std::size_t most_under_way = 0;
  std::vector<MessageId> twice_at_once;
};

class ScriptTransport final : public relay::Transport {
 public:
  ScriptTransport(std::size_t upstream, std::string name, net::Loop& loop, SimTime& time, Script& script)
      : upstream_(upstream), name_(std::move(name)), loop_(loop), time_(time), script_(script) {}

  boost::asio::awaitable<relay::HandoverReport> deliver(relay::Handover handover) override;
  boost::asio::awaitable<Attempt> probe() override;
  void close_idle() override {}
  std::size_t connections() const override { return 0; }

 private:
  boost::asio::awaitable<bool> read_body(relay::Handover& handover);
  boost::asio::awaitable<bool> pass_time(const Play& play);  // false: cancelled

  std::size_t upstream_;
  std::string name_;
  net::Loop& loop_;
  SimTime& time_;
  Script& script_;
};

}  // namespace postrider::sim
