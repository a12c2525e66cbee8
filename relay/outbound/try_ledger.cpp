#include "relay/outbound/try_ledger.h"

#include <algorithm>
#include <utility>

namespace postrider::relay {

namespace {

bool another_may_help(const RecipientOutcome& outcome) {
  if (outcome.kind == OutcomeKind::sent || outcome.kind == OutcomeKind::uncertain) return false;
  const Cause cause = outcome.reason.cause;
  return cause == Cause::route || cause == Cause::throttle || cause == Cause::capability;
}

// How much an outcome that another upstream might better says about what to do when none does. Who throttles this recipient alone is
// asked again after the retry interval, and nothing is spent. Who is paused is not there for a while: what the others said counts,
// unless they cannot take the message at all.
int strength_of(const RecipientOutcome& outcome, Pause pause) {
  if (!another_may_help(outcome)) return 5;
  if (outcome.reason.cause == Cause::throttle) return pause == Pause::none ? 4 : 2;
  return outcome.reason.cause == Cause::route ? 3 : 1;  // 1: capability
}

Time earlier(Time known, Time other) {
  return known == Time{} ? other : std::min(known, other);
}

// A transport answers for every recipient it was asked for, mostly in the order asked. Where one is missing the attempt
// as a whole speaks for it.
RecipientOutcome outcome_for(const Attempt& attempt, std::uint32_t recipient, std::size_t place) {
  const auto& all = attempt.recipients;
  if (place < all.size() && all[place].recipient == recipient) return all[place];
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const RecipientOutcome& o) { return o.recipient == recipient; });
  if (found != all.end()) return *found;
  const bool uncertain = attempt.stage == Stage::final_dot || attempt.outcome == OutcomeKind::uncertain;
  const OutcomeKind kind = uncertain ? OutcomeKind::uncertain : OutcomeKind::deferred;
  return {recipient, kind, attempt.reason};
}

storage::RecipientUpdate give_back(const Recipient& recipient, std::uint32_t index, Time again) {
  storage::RecipientUpdate update;
  update.recipient = index;
  update.trigger = Trigger::unclaim;
  update.due = std::max(recipient.due, again);  // keeps its place among those that wait
  update.reason = recipient.reason;
  return update;
}

storage::RecipientUpdate wait_for_route(std::uint32_t index, Time again) {
  storage::RecipientUpdate update;
  update.recipient = index;
  update.trigger = Trigger::defer;
  update.due = again;
  update.reason.cause = Cause::route;
  update.reason.stage = Stage::route;
  update.reason.text = "no upstream is configured for this message: every one has a match that does not fit";
  return update;
}

// Retry is pointless where the time is over: said with the last word of the upstream, which the sender can act on.
storage::RecipientUpdate give_up_for_age(const Recipient& recipient, std::uint32_t index, const RetryPolicy& policy) {
  storage::RecipientUpdate update;
  update.recipient = index;
  update.trigger = Trigger::give_up;
  update.route_caused = route_caused(recipient.reason);
  update.reason = recipient.reason;
  update.reason.cause = Cause::age;
  std::string text = "gave up after " + format_duration(policy.max_age);
  if (!recipient.reason.text.empty()) text += ": " + recipient.reason.text;
  if (may_have_been_sent(recipient)) text += "; it may have arrived";
  update.reason.text = sanitize_reason_text(text);
  return update;
}

}  // namespace

TryLedger::TryLedger(const MessageRecord& record) : record_(record) {}

void TryLedger::plan(std::uint32_t recipient, std::vector<Candidate> candidates, std::size_t eligible, Time again,
                     Time paused_until) {
  Entry entry;
  entry.recipient = recipient;
  entry.candidates = std::move(candidates);
  entry.eligible = eligible;
  entry.again = again;
  entry.paused_until = paused_until;
  entries_.push_back(std::move(entry));
}

void TryLedger::plan_give_up(std::uint32_t recipient) {
  plan(recipient, {}, 0);
  entries_.back().too_old = true;
}

void TryLedger::plan_no_route(std::uint32_t recipient, Time again) {
  plan(recipient, {}, 0, again);
  entries_.back().no_route = true;
}

std::optional<TryLedger::Round> TryLedger::next_round() const {
  if (stopped_) return std::nullopt;
  std::optional<Round> round;
  for (const Entry& entry : entries_) {
    if (entry.over || entry.next == entry.candidates.size()) continue;
    const Candidate& candidate = entry.candidates[entry.next];
    if (!round) {
      round.emplace();
      round->upstream = candidate.upstream;
      round->why = candidate.why;
    }
    if (round->upstream == candidate.upstream) round->recipients.push_back(entry.recipient);
  }
  return round;
}

void TryLedger::skip(const Round& round) {
  for (Entry& entry : entries_) {
    const bool waits = !entry.over && entry.next < entry.candidates.size();
    if (waits && entry.candidates[entry.next].upstream == round.upstream) ++entry.next;
  }
}

void TryLedger::wait(const Round& round, Time again) {
  for (Entry& entry : entries_) {
    const bool waits = !entry.over && entry.next < entry.candidates.size();
    if (!waits || entry.candidates[entry.next].upstream != round.upstream) continue;
    entry.outcome.reset();
    entry.again = again;
    entry.over = true;
  }
}

void TryLedger::note(const Round& round, HandoverReport report, Pause pause) {
  Attempt& attempt = report.attempt;
  attempt.counted = false;  // settle() says which one spent the try
  std::size_t place = 0;    // entries are in the order in which the round named them
  for (Entry& entry : entries_) {
    if (place == round.recipients.size()) break;
    if (entry.recipient != round.recipients[place]) continue;
    note_outcome(entry, outcome_for(attempt, entry.recipient, place), report.throttled_until, pause);
    ++place;
  }
  attempts_.push_back(std::move(attempt));
}

void TryLedger::note_outcome(Entry& entry, const RecipientOutcome& outcome, Time throttled_until, Pause pause) {
  ++entry.next;
  const bool throttled = outcome.reason.cause == Cause::throttle;
  const bool stays = throttled && pause == Pause::waited_for;
  // What may have been sent already waits for its own upstream: due at once, an equal one that has room would take it.
  const bool bound = stays && may_have_been_sent(record_.recipients[entry.recipient]);
  const bool paused = throttled && pause != Pause::none && !bound;
  if (outcome.reason.cause == Cause::capability) ++entry.incapable;
  if (paused) entry.paused_until = earlier(entry.paused_until, throttled_until);
  if (bound) entry.paused_until = {};
  const int strength = strength_of(outcome, bound ? Pause::none : pause);
  if (throttled && !paused) entry.its_own_wait = earlier(entry.its_own_wait.value_or(Time{}), throttled_until);
  if (strength >= entry.strength) {
    entry.outcome = outcome;
    entry.strength = strength;
    entry.attempt = attempts_.size();
  }
  entry.only_paused = entry.only_paused && paused;
  entry.over = !another_may_help(outcome) || stays;
}

void TryLedger::stop() {
  stopped_ = true;
  if (attempts_.empty()) return;
  for (Entry& entry : entries_) {
    if (!entry.outcome || entry.attempt + 1 != attempts_.size()) continue;
    // Sent, refused and uncertain stand; everything else was our stopping, whatever the transport took it for.
    const Cause cause = entry.outcome->reason.cause;
    const bool answered =
        entry.outcome->kind != OutcomeKind::deferred || cause == Cause::recipient || cause == Cause::content;
    if (!answered) entry.outcome.reset();
  }
  if (attempts_.back().outcome == OutcomeKind::deferred && attempts_.back().stage == Stage::none) attempts_.pop_back();
}

storage::Settlement TryLedger::settle(const RetryPolicy& policy, Time now, double jitter) {
  storage::Settlement settlement;
  settlement.id = record_.id;
  settlement.now = now;
  settlement.updates.reserve(entries_.size());
  for (Entry& entry : entries_) settlement.updates.push_back(update_of(entry, policy, now, jitter));
  const bool spent = std::any_of(settlement.updates.begin(), settlement.updates.end(),
                                 [](const storage::RecipientUpdate& u) { return u.spends_try; });
  if (spent && !attempts_.empty()) attempts_.back().counted = true;  // one try, however many were asked
  settlement.attempts = std::move(attempts_);
  return settlement;
}

// Who throttled this recipient alone may be asked before anybody's pause is over.
Time TryLedger::waits_until(const Entry& entry, const RetryPolicy& policy, Time now) {
  if (!entry.its_own_wait) return entry.paused_until;
  const Time own = *entry.its_own_wait == Time{} ? now + policy.retry_interval : *entry.its_own_wait;
  return entry.paused_until == Time{} || own < entry.paused_until ? *entry.its_own_wait : entry.paused_until;
}

storage::RecipientUpdate TryLedger::update_of(Entry& entry, const RetryPolicy& policy, Time now, double jitter) {
  const Recipient& recipient = record_.recipients[entry.recipient];
  if (entry.too_old) return give_up_for_age(recipient, entry.recipient, policy);
  if (entry.no_route) return wait_for_route(entry.recipient, entry.again);
  if (!entry.outcome) return give_back(recipient, entry.recipient, entry.again);
  // Every upstream there is was asked, and none can take it: more tries would only say it again.
  if (another_may_help(*entry.outcome) && entry.incapable == entry.eligible) {
    entry.outcome->kind = OutcomeKind::bounced;
    // Our own finding gets a status (RFC 3463 3.7); a server's answer stays as it was said, and a notice finds one (notice_status).
    Reason& reason = entry.outcome->reason;
    if (reason.enhanced.empty() && reason.code == 0) reason.enhanced = "5.6.3";
  } else if (another_may_help(*entry.outcome)) {
    entry.outcome->kind = OutcomeKind::deferred;
  }
  const Decision decision = decide(recipient, *entry.outcome, policy, now, waits_until(entry, policy, now), jitter);
  storage::RecipientUpdate update;
  update.recipient = entry.recipient;
  update.trigger = decision.trigger;
  update.spends_try = decision.spends_try;
  update.route_caused = decision.route_caused;
  update.due = decision.trigger == Trigger::defer && entry.only_paused ? now : decision.due;
  update.reason = decision.reason;
  const Attempt& attempt = attempts_[entry.attempt];
  update.upstream = attempt.upstream;
  update.takes_notice = decision.trigger == Trigger::hand_over && attempt.hop_notifies;
  if (decision.trigger == Trigger::hand_over) {
    update.remote_id = attempt.remote_id;
    update.provider_id = attempt.provider_id;
  }
  return update;
}

}  // namespace postrider::relay
