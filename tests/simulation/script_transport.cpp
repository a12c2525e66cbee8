#include "tests/simulation/script_transport.h"

#include <algorithm>
#include <utility>

#include "net/task_group.h"

namespace postrider::sim {

namespace {

Play failing(OutcomeKind kind, Cause cause, Stage stage, int code, std::string enhanced, std::string text) {
  Play play;
  play.kind = kind;
  play.reason = {cause, stage, code, std::move(enhanced), std::move(text)};
  return play;
}

// What a transport reports that is cancelled at this stage.
Play cut_off(Stage stage) {
  if (stage == Stage::final_dot) return cut_after_dot();
  return failing(OutcomeKind::deferred, Cause::interrupted, stage, 0, {}, "cancelled");
}

relay::HandoverReport report_of(const Play& play, const relay::Handover& handover, const std::string& upstream,
                                Time started_at, Time now) {
  relay::HandoverReport report;
  Attempt& attempt = report.attempt;
  attempt.upstream = upstream;
  attempt.peer = upstream + "[192.0.2.1]:25";
  attempt.started_at = started_at;
  attempt.duration_ms = static_cast<std::uint32_t>(std::max<std::int64_t>(0, (now - started_at).count()));
  attempt.stage = play.reason.stage;
  attempt.outcome = play.kind;
  attempt.reason = play.reason;
  if (play.kind == OutcomeKind::sent) attempt.remote_id = play.reason.text;
  for (const std::uint32_t recipient : handover.recipients) {
    const auto unlike = play.unlike.find(recipient);
    attempt.recipients.push_back(unlike == play.unlike.end() ? RecipientOutcome{recipient, play.kind, play.reason}
                                                             : unlike->second);
  }
  report.throttled_until = play.throttled_until;
  return report;
}

}  // namespace

Play sent(Duration takes) {
  Play play;
  play.takes = takes;
  return play;
}
Play route_failure() {
  return failing(OutcomeKind::deferred, Cause::route, Stage::connect, 0, {}, "connection refused");
}
Play throttled(Time until) {
  Play play = failing(OutcomeKind::deferred, Cause::throttle, Stage::greeting, 421, "4.7.0", "slow down");
  play.throttled_until = until;
  return play;
}
Play deferred() {
  return failing(OutcomeKind::deferred, Cause::recipient, Stage::rcpt, 451, "4.2.2", "mailbox full");
}
Play bounced() {
  return failing(OutcomeKind::bounced, Cause::recipient, Stage::rcpt, 550, "5.1.1", "no such user");
}
Play incapable() {
  return failing(OutcomeKind::deferred, Cause::capability, Stage::mail, 0, {}, "no 8BITMIME");
}
Play cut_after_dot() {
  return failing(OutcomeKind::uncertain, Cause::uncertain, Stage::final_dot, 0, {},
                 "sending end of data -- message may be sent more than once");
}
Play hangs_at(Stage stage) {
  Play play = cut_off(stage);
  play.hangs = true;
  return play;
}

boost::asio::awaitable<relay::HandoverReport> ScriptTransport::deliver(relay::Handover handover) {
  const MessageRecord& message = *handover.message;
  const Time started_at = time_.now();
  script_.calls.push_back(
      {started_at, upstream_, message.id, message.envelope.sender.str(), message.envelope.lane, handover.recipients});
  if (!script_.under_way.insert(message.id).second) script_.twice_at_once.push_back(message.id);
  script_.most_under_way = std::max(script_.most_under_way, script_.under_way.size());
  Play play = script_.play(upstream_, message, ++script_.count[message.id]);

  const bool readable = co_await read_body(handover);
  if (!readable) play = failing(OutcomeKind::deferred, Cause::spool, Stage::local, 0, {}, "the body could not be read");
  const bool in_time = co_await pass_time(play);
  if (!in_time) play = cut_off(play.reason.stage);
  script_.under_way.erase(message.id);
  co_return report_of(play, handover, name_, started_at, time_.now());
}

boost::asio::awaitable<bool> ScriptTransport::read_body(relay::Handover& handover) {
  std::string whole;
  for (;;) {
    const result<std::shared_ptr<const std::string>> chunk = co_await handover.body->next();
    if (!chunk) co_return false;
    if (!*chunk) break;
    whole += **chunk;
  }
  script_.bodies[handover.message->id] = std::move(whole);
  co_return true;
}

boost::asio::awaitable<bool> ScriptTransport::pass_time(const Play& play) {
  if (play.takes == Duration{0} && !play.hangs) co_return true;
  relay::Wakeup over(loop_);
  const std::unique_ptr<Alarm> alarm = time_.make_alarm();
  if (!play.hangs) alarm->set(time_.now() + play.takes, [&over] { over.signal(); });
  co_await over.wait();
  const bool cut = co_await net::cancelled();
  co_return !cut;
}

boost::asio::awaitable<Attempt> ScriptTransport::probe() {
  co_return Attempt{};
}

}  // namespace postrider::sim
