#include "relay/outbound/try_runner.h"

#include <algorithm>
#include <bit>
#include <string>
#include <utility>

#include "core/id.h"
#include "relay/outbound/body_source.h"

namespace postrider::relay {

namespace {

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

enum class Evidence : unsigned char { handed_over, about_message, route_failure, throttled, none };

// It was not even asked for this one: our own memory, a body it cannot take, a guard's Maildir.
bool reached(const RecipientOutcome& outcome) {
  return outcome.reason.stage != Stage::none && outcome.reason.stage != Stage::local;
}

// What an attempt says about the upstream, whatever it says about the message. An answer that was lost after the hand-over is its
// failure too: an upstream that takes messages and then falls silent is not in service.
Evidence evidence_of(const Attempt& attempt) {
  bool route = attempt.recipients.empty() && attempt.reason.cause == Cause::route;
  bool about_message = false;
  for (const RecipientOutcome& outcome : attempt.recipients) {
    const Cause cause = outcome.reason.cause;
    if (!reached(outcome)) continue;
    if (outcome.kind == OutcomeKind::sent) return Evidence::handed_over;
    if (cause == Cause::throttle) return Evidence::throttled;
    if (cause == Cause::route || cause == Cause::uncertain) route = true;
    if (cause == Cause::recipient || cause == Cause::content || cause == Cause::capability) about_message = true;
  }
  if (about_message) return Evidence::about_message;
  return route ? Evidence::route_failure : Evidence::none;
}

// What it said that made it pause.
Reason throttle_of(const Attempt& attempt) {
  for (const RecipientOutcome& outcome : attempt.recipients)
    if (reached(outcome) && outcome.reason.cause == Cause::throttle) return outcome.reason;
  return attempt.reason;
}

Pause pause_of(const Upstream& upstream, Time now) {
  if (!upstream.paused(now)) return Pause::none;
  return upstream.skipped_for_pause(now) ? Pause::skipped : Pause::waited_for;
}

// A provider that takes one call of a message and says 429 to the next speaks of the account; an SMTP server that refuses one recipient
// of several with 4.7.x most often speaks of that recipient (greylisting).
bool throttled_between_calls(const Attempt& attempt, UpstreamType type) {
  const auto throttled = [](const RecipientOutcome& outcome) {
    return reached(outcome) && outcome.reason.cause == Cause::throttle;
  };
  return is_http(type) && std::any_of(attempt.recipients.begin(), attempt.recipients.end(), throttled);
}

constexpr Duration kRoomAgain = std::chrono::seconds(1);     // until a message that found no room is looked at again
constexpr Duration kLeaveAgain{20};                          // for a quota's mark that is being written
constexpr Duration kNoRouteAgain = std::chrono::minutes(1);  // and one that no upstream takes
// Until a recipient whose upstreams are out of service is looked at again while others of the same message have theirs in service.
constexpr Duration kApartAgain = std::chrono::seconds(10);

}  // namespace

TryRunner::TryRunner(DispatcherParts& parts, const DispatchOptions& options)
    : parts_(parts),
      options_(options),
      stalls_(parts.clock, parts.alarms,
              [this](Upstream& upstream) {
                if (upstream.note_stalled(parts_.clock.now()) != Change::opened) return;
                const auto failure = upstream.last_failure();
                note_change(*routes_, upstream, Change::opened, failure ? failure->reason : Reason());
              }),
      random_(options.jitter_seed != 0 ? options.jitter_seed : random_seed()) {}

boost::asio::awaitable<storage::Settlement> TryRunner::run(ClaimedMessage& message) {
  Routes& routes = *message.fleet->routes;
  routes_ = message.fleet->routes;
  const RetryPolicy policy = policy_for(options_.retry, message.record->envelope);
  TryLedger ledger(*message.record);
  plan(message, ledger, policy, parts_.clock.now());
  bool slot_used = false;
  for (;;) {
    std::optional<TryLedger::Round> round = ledger.next_round();
    if (!round) break;
    std::shared_ptr<Slot> slot;
    const Entry entry = stopped_ ? Entry::out_of_service : enter(message, *round, slot);
    if (entry == Entry::out_of_service) {
      ledger.skip(*round);
      continue;
    }
    if (entry != Entry::granted) {
      ledger.wait(*round, parts_.clock.now() + (entry == Entry::no_room ? kRoomAgain : kLeaveAgain));
      continue;
    }
    slot_used = slot_used || round->upstream == message.upstream;
    Upstream& upstream = routes.at(round->upstream);
    HandoverReport report = co_await ask(message, *round);
    report.attempt.why = round->why;
    upstream.count_attempt(report.attempt.outcome);
    account(upstream, *round, report);
    if (!stopped_ && note_health(routes, upstream, report) && round->upstream == message.upstream)
      Preference::used(message.canary);
    ledger.note(*round, std::move(report), pause_of(upstream, parts_.clock.now()));
    if (stopped_) ledger.stop();
  }
  if (!slot_used && message.rated) routes.at(message.upstream).rate().give_back(1);
  const double jitter = std::uniform_real_distribution<double>(0.0, 1.0)(random_);
  co_return ledger.settle(policy, parts_.clock.now(), jitter);
}

// ---- whom to ask ----------------------------------------------------------------------------------------------------

void TryRunner::plan(ClaimedMessage& message, TryLedger& ledger, const RetryPolicy& policy, Time now) {
  const Routes& routes = *message.fleet->routes;
  const bool alone = message.record->recipients.size() == 1;
  for (const std::uint32_t index : message.recipients) {
    const Recipient& recipient = message.record->recipients[index];
    const UpstreamSet eligible = routes.eligible(message.record->envelope, recipient);
    if (too_old(recipient, policy, now)) {
      ledger.plan_give_up(index);
    } else if (eligible == 0) {
      ledger.plan_no_route(index, now + kNoRouteAgain);
    } else {
      std::vector<Candidate> order = candidates(message, recipient, eligible, now);
      const Time again = order.empty() && !alone ? now + kApartAgain : Time{};
      ledger.plan(index, std::move(order), static_cast<std::size_t>(std::popcount(eligible)), again,
                  routes.skipped_until(eligible, now));
    }
  }
}

std::vector<Candidate> TryRunner::candidates(ClaimedMessage& message, const Recipient& recipient, UpstreamSet eligible,
                                             Time now) {
  Routes& routes = *message.fleet->routes;
  const Envelope& envelope = message.record->envelope;
  std::vector<Candidate> order = routes.order(envelope, recipient, message.upstream, now);
  if (order.empty() && !message.probe) {
    // It was claimed for others of its recipients, and waits beside their mail, which needs no probe.
    if (const auto open = routes.preferred(eligible, now)) message.probe = routes.at(*open).begin_probe(1, now);
  }
  if (order.empty()) return message.probe ? probes(message, recipient, now) : order;
  if (order.front().why.empty()) order.front().why = message.why;
  if (message.probe && message.probe->upstream() != nullptr) {
    const auto probed = routes.find(message.probe->upstream()->name());
    if (probed && has(eligible, *probed) && !routes.at(*probed).in_service(now))
      order.insert(order.begin(), {*probed, "a probe: it may work again"});
    return order;
  }
  // Now and then one message asks first whether a better upstream works again; if not, it goes on as the others do.
  const std::optional<std::size_t> open = routes.open_beside(eligible, order.front().upstream, now);
  if (open && !may_have_been_sent(recipient)) {
    message.probe = routes.at(*open).begin_probe(1, now);
    if (message.probe) order.insert(order.begin(), {*open, "a probe: it may work again"});
  }
  return order;
}

// Whom one probe asks, the one that it has leave for first.
std::vector<Candidate> TryRunner::probes(const ClaimedMessage& message, const Recipient& recipient, Time now) {
  const Routes& routes = *message.fleet->routes;
  std::vector<Candidate> order = routes.probe_order(message.record->envelope, recipient, now);
  const auto probed = std::find_if(order.begin(), order.end(), [&](const Candidate& candidate) {
    return &routes.at(candidate.upstream) == message.probe->upstream();
  });
  if (probed != order.end()) std::rotate(order.begin(), probed, probed + 1);
  return order;
}

// Room for this round: a slot, a place in the rate, leave in the quota. The message has the first two where it was claimed for.
TryRunner::Entry TryRunner::enter(ClaimedMessage& message, TryLedger::Round& round, std::shared_ptr<Slot>& slot) {
  Upstream& upstream = message.fleet->routes->at(round.upstream);
  const Time now = parts_.clock.now();
  const bool probes = message.probe && message.probe->upstream() == &upstream;
  const bool in_turn = message.probe && upstream.worth_a_probe(now);  // the probe's way through the others
  if (!probes && !in_turn && !upstream.in_service(now)) return Entry::out_of_service;
  if (upstream.stopped()) return Entry::out_of_service;
  const bool claimed_for = round.upstream == message.upstream;
  if (!claimed_for) {
    if (upstream.paused(now)) return Entry::no_room;
    slot = message.fleet->slots[round.upstream]->take();
    if (!slot || !upstream.rate().take(now)) return Entry::no_room;
  }
  // What is left of a quota goes to as many as it suffices for: the others are asked for anew, and find it used up.
  for (const Quota* quota : {&upstream.day(), &upstream.month()}) {
    const std::uint64_t left = quota->left();
    if (quota->limited() && left > 0 && left < round.recipients.size()) round.recipients.resize(left);
  }
  const auto count = static_cast<std::uint32_t>(round.recipients.size());
  const Quota::Leave leave = upstream.take_quota(count, now);
  if (upstream.wants_mark()) tell(upstream, UpstreamNews::Kind::quota_marked, {});
  if (leave != Quota::Leave::yes) {
    if (!claimed_for) upstream.rate().give_back(1);
    return leave == Quota::Leave::used_up ? Entry::out_of_service : Entry::no_leave_yet;
  }
  if (count > 1) upstream.rate().charge(count - 1, now);
  return Entry::granted;
}

// ---- asking ---------------------------------------------------------------------------------------------------------

boost::asio::awaitable<HandoverReport> TryRunner::ask(const ClaimedMessage& message, const TryLedger::Round& round) {
  const Time started_at = parts_.clock.now();
  Handover handover;
  handover.message = message.record;
  handover.recipients = round.recipients;
  handover.body = make_body_source(parts_.store, parts_.loop, *message.record, message.body, message.first_in_memory);
  HandoverReport report;
  std::string broken;
  const StallWatch::Attempt watched(stalls_, message.fleet->routes->share(round.upstream));
  try {
    report = co_await message.fleet->transports[round.upstream]->deliver(std::move(handover));
  } catch (const std::exception& e) {
    broken = e.what();
    if (broken.empty()) broken = "unknown exception";
  }
  if (!broken.empty()) report = report_of_exception(broken, started_at);
  if (report.attempt.upstream.empty()) report.attempt.upstream = message.fleet->routes->at(round.upstream).name();
  if (report.attempt.started_at == Time{}) report.attempt.started_at = started_at;
  co_return report;
}

// ---- what it says about the upstream --------------------------------------------------------------------------------

// What was not handed over does not count: an uncertain hand-over does.
void TryRunner::account(Upstream& upstream, const TryLedger::Round& round, const HandoverReport& report) {
  std::uint32_t went = 0;
  for (const RecipientOutcome& outcome : report.attempt.recipients) {
    const bool handed_over = outcome.kind == OutcomeKind::sent || outcome.kind == OutcomeKind::uncertain;
    if (handed_over && reached(outcome)) ++went;
  }
  const auto asked = static_cast<std::uint32_t>(round.recipients.size());
  if (went < asked) upstream.give_back_quota(asked - went);
}

// True when it said something.
bool TryRunner::note_health(Routes& routes, Upstream& upstream, HandoverReport& report) {
  const Attempt& attempt = report.attempt;
  const Time now = parts_.clock.now();
  const Evidence evidence = evidence_of(attempt);
  switch (evidence) {
    case Evidence::handed_over:
      note_change(routes, upstream, upstream.note_hand_over(now), {});
      break;
    case Evidence::about_message:
      upstream.note_answer(now);
      break;
    case Evidence::route_failure:
      note_change(routes, upstream, upstream.note_route_failure(attempt.reason, now), attempt.reason);
      break;
    case Evidence::throttled:
      break;
    case Evidence::none:
      return false;
  }
  if (evidence == Evidence::throttled || throttled_between_calls(attempt, upstream.config().type)) {
    const Reason why = throttle_of(attempt);
    if (upstream.pause_until(report.throttled_until, now, why)) tell(upstream, UpstreamNews::Kind::paused, why);
    report.throttled_until = upstream.paused_until();  // bounded there, and given where it said nothing
  }
  const Preference::Judged judged = routes.preference().note(upstream.name(), evidence != Evidence::handed_over);
  if (judged.verdict == Preference::Verdict::none) return true;
  Reason reason;
  reason.text = judged.why;
  const bool promoted = judged.verdict == Preference::Verdict::promoted;
  tell(upstream, promoted ? UpstreamNews::Kind::promoted : UpstreamNews::Kind::rolled_back, reason);
  return true;
}

void TryRunner::note_change(Routes& routes, Upstream& upstream, Change change, const Reason& reason) {
  switch (change) {
    case Change::none:
      return;
    case Change::works_again:
      return tell(upstream, UpstreamNews::Kind::works_again, {});
    case Change::closed:
      tell(upstream, UpstreamNews::Kind::closed, {});
      break;
    case Change::opened: {
      tell(upstream, UpstreamNews::Kind::opened, reason);
      const Preference::Judged judged = routes.preference().note_opened(upstream.name());
      Reason why;
      why.text = judged.why;
      if (judged.verdict != Preference::Verdict::none) tell(upstream, UpstreamNews::Kind::rolled_back, why);
      break;
    }
  }
  parts_.board.tell_all(parts_.clock.now());
}

void TryRunner::tell(const Upstream& upstream, UpstreamNews::Kind kind, const Reason& reason) {
  if (parts_.news) parts_.news({upstream.name(), kind, reason, {}});
}

}  // namespace postrider::relay
