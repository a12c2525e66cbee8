#include "relay/outbound/try_runner.h"

#include <algorithm>
#include <string>
#include <utility>

#include "relay/outbound/body_source.h"
#include "relay/outbound/dispatch_log.h"

namespace postrider::relay {

namespace {

std::uint64_t seed_or_random(std::uint64_t seed) {
  if (seed != 0) return seed;
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

// A transport that throws broke its contract, and how far it came is not known: the message may have been handed over.
HandoverReport report_of_exception(const std::string& what, Time started_at) {
  HandoverReport report;
  report.attempt.started_at = started_at;
  report.attempt.stage = Stage::local;
  report.attempt.outcome = OutcomeKind::uncertain;
  report.attempt.reason = {
      Cause::uncertain, Stage::local, 0, {}, sanitize_reason_text("the hand-over broke off: " + what)};
  return report;
}

enum class Answer : unsigned char { handed_over, about_message, route_failure, throttled, none };

// What an attempt says about the upstream, whatever it says about the message.
Answer answer_of(const Attempt& attempt) {
  bool route = attempt.recipients.empty() && attempt.reason.cause == Cause::route;
  bool about_message = false;
  for (const RecipientOutcome& outcome : attempt.recipients) {
    if (outcome.kind == OutcomeKind::sent) return Answer::handed_over;
    if (outcome.reason.cause == Cause::throttle) return Answer::throttled;
    if (outcome.reason.cause == Cause::route) route = true;
    const Cause cause = outcome.reason.cause;
    if (cause == Cause::recipient || cause == Cause::content || cause == Cause::capability) about_message = true;
  }
  if (about_message) return Answer::about_message;
  return route ? Answer::route_failure : Answer::none;
}

}  // namespace

TryRunner::TryRunner(DispatcherParts& parts, const DispatchOptions& options)
    : parts_(parts), options_(options), random_(seed_or_random(options.jitter_seed)) {}

boost::asio::awaitable<storage::Settlement> TryRunner::run(ClaimedMessage& message) {
  TryLedger ledger(*message.record, parts_.routes.size());
  plan(message, ledger, parts_.clock.now());
  for (;;) {
    const std::optional<TryLedger::Round> round = ledger.next_round();
    if (!round) break;
    if (stopped_ || !may_ask(message, round->upstream)) {
      ledger.skip(*round);
      continue;
    }
    HandoverReport report = co_await ask(message, *round);
    if (parts_.metrics != nullptr) parts_.metrics->attempted(round->upstream, report.attempt.outcome);
    if (!stopped_) note_health(round->upstream, report);
    ledger.note(*round, std::move(report));
    if (stopped_) ledger.stop();
  }
  const double jitter = std::uniform_real_distribution<double>(0.0, 1.0)(random_);
  co_return ledger.settle(options_.retry, parts_.clock.now(), jitter);
}

void TryRunner::plan(ClaimedMessage& message, TryLedger& ledger, Time now) {
  for (const std::uint32_t index : message.recipients) {
    const Recipient& recipient = message.record->recipients[index];
    if (too_old(recipient, options_.retry, now)) {
      ledger.plan_give_up(index);
    } else {
      ledger.plan(index, candidates(message, recipient, now));
    }
  }
}

std::vector<std::size_t> TryRunner::candidates(ClaimedMessage& message, const Recipient& recipient, Time now) {
  const RouteDecision decision = parts_.routes.decide(message.record->envelope, recipient, now);
  if (decision.in_service.empty()) {
    return message.probe ? parts_.routes.probe_order(now) : std::vector<std::size_t>();
  }
  std::vector<std::size_t> order;
  order.reserve(decision.in_service.size() + 1);
  // Now and then one message asks first whether a better upstream works again; if not, it goes on as the others do.
  const std::optional<std::size_t> open = parts_.routes.open_beside(decision.in_service.front().upstream, now);
  if (open) {
    if (!message.probe) message.probe = parts_.routes.at(*open).begin_probe(1, now);
    if (message.probe) order.push_back(*open);
  }
  for (const Candidate& candidate : decision.in_service) order.push_back(candidate.upstream);
  return order;
}

bool TryRunner::may_ask(const ClaimedMessage& message, std::size_t upstream) const {
  const Upstream& one = parts_.routes.at(upstream);
  const Time now = parts_.clock.now();
  return message.probe ? !one.paused(now) : one.in_service(now);
}

boost::asio::awaitable<HandoverReport> TryRunner::ask(const ClaimedMessage& message, const TryLedger::Round& round) {
  const Time started_at = parts_.clock.now();
  Handover handover;
  handover.message = message.record;
  handover.recipients = round.recipients;
  handover.body = make_body_source(parts_.store, parts_.loop, *message.record, message.body, message.first_in_memory);
  HandoverReport report;
  std::string broken;
  try {
    report = co_await parts_.transports[round.upstream]->deliver(std::move(handover));
  } catch (const std::exception& e) {
    broken = e.what();
    if (broken.empty()) broken = "unknown exception";
  }
  if (!broken.empty()) report = report_of_exception(broken, started_at);
  if (report.attempt.upstream.empty()) report.attempt.upstream = parts_.routes.at(round.upstream).config().name;
  if (report.attempt.started_at == Time{}) report.attempt.started_at = started_at;
  co_return report;
}

void TryRunner::note_health(std::size_t index, HandoverReport& report) {
  Upstream& upstream = parts_.routes.at(index);
  const Attempt& attempt = report.attempt;
  const Time now = parts_.clock.now();
  switch (answer_of(attempt)) {
    case Answer::handed_over:
      if (upstream.note_hand_over()) {
        log_closed(parts_.log, upstream);
        parts_.routes.board().tell_all(now);
      }
      break;
    case Answer::about_message:
      upstream.note_answer();
      break;
    case Answer::route_failure:
      if (upstream.note_route_failure(attempt.reason, now)) log_opened(parts_.log, upstream, attempt.reason);
      break;
    case Answer::throttled:
      if (upstream.pause_until(report.throttled_until, now)) log_paused(parts_.log, upstream, attempt.reason);
      if (report.throttled_until > now) report.throttled_until = upstream.paused_until();  // bounded there
      break;
    case Answer::none:
      break;
  }
}

}  // namespace postrider::relay
