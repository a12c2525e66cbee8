#include "relay/outbound/preference.h"

#include <algorithm>

namespace postrider::relay {

namespace {

std::uint32_t percent(std::uint32_t part, std::uint32_t all) {
  return all == 0 ? 0 : static_cast<std::uint32_t>(std::uint64_t{part} * 100 / all);
}

std::string share(std::uint32_t failed, std::uint32_t all) {
  return std::to_string(percent(failed, all)) + "% of " + std::to_string(all);
}

}  // namespace

void Preference::set(Preferred preferred) {
  auto state = std::make_shared<State>();
  state->name = std::make_shared<const std::string>(preferred.upstream);
  state->preferred = std::move(preferred);
  state_.store(std::move(state));
}

void Preference::clear() {
  state_.store(nullptr);
}

std::optional<Preferred> Preference::get() const {
  const auto state = state_.load();
  if (!state) return std::nullopt;
  return state->preferred;
}

Preference::Turn Preference::next() {
  const auto state = state_.load();
  if (!state) return {};
  const Preferred& preferred = state->preferred;
  if (!preferred.canary()) return {state->name, nullptr};
  if (preferred.messages != 0) {
    if (state->admitted.fetch_add(1, std::memory_order_relaxed) < preferred.messages)
      return {state->name, std::make_shared<Place>(state)};
    state->admitted.fetch_sub(1, std::memory_order_relaxed);
    return {};
  }
  // Of each hundred exactly so many, spread over it (37 has no factor in common with 100), and another time in the next hundred:
  // whoever asks in a rhythm, since most calls find no room for their message, must not always meet the same turns.
  const std::uint64_t turn = state->turn.fetch_add(1, std::memory_order_relaxed);
  if ((turn * 37 + turn / 100) % 100 >= preferred.percent) return {};
  return {state->name, nullptr};
}

Preference::Place::~Place() {
  if (!used) state->admitted.fetch_sub(1, std::memory_order_relaxed);
}

void Preference::used(const std::shared_ptr<void>& place) {
  if (place) static_cast<Place*>(place.get())->used = true;
}

Preference::Judged Preference::note(const std::string& upstream, bool failed) {
  const auto state = state_.load();
  if (!state || !state->preferred.canary()) return {};
  const bool here = upstream == *state->name;
  (here ? state->here : state->elsewhere).fetch_add(1, std::memory_order_relaxed);
  if (failed) (here ? state->here_failed : state->elsewhere_failed).fetch_add(1, std::memory_order_relaxed);
  if (!here) return {};
  Judged judged = judge(*state);
  end(state, judged.verdict);
  return judged;
}

Preference::Judged Preference::note_opened(const std::string& upstream) {
  const auto state = state_.load();
  if (!state || !state->preferred.canary() || upstream != *state->name) return {};
  if (state->judged.exchange(true)) return {};
  end(state, Verdict::rolled_back);
  return {Verdict::rolled_back, upstream, "it went out of service"};
}

Preference::Score Preference::score() const {
  const auto state = state_.load();
  return state ? score_of(*state) : Score();
}

Preference::Score Preference::score_of(const State& state) {
  return {state.here.load(std::memory_order_relaxed), state.here_failed.load(std::memory_order_relaxed),
          state.elsewhere.load(std::memory_order_relaxed), state.elsewhere_failed.load(std::memory_order_relaxed)};
}

Preference::Judged Preference::judge(State& state) {
  const Score score = score_of(state);
  const Preferred& preferred = state.preferred;
  const std::uint32_t sample = preferred.messages == 0 ? kSample : std::min(kSample, preferred.messages);
  if (score.here < sample) return {};
  Judged judged;
  judged.upstream = preferred.upstream;
  judged.why = share(score.here_failed, score.here) + " hand-overs failed, " +
               (score.elsewhere == 0 ? "none were made elsewhere"
                                     : share(score.elsewhere_failed, score.elsewhere) + " elsewhere");
  if (percent(score.here_failed, score.here) > percent(score.elsewhere_failed, score.elsewhere) + kMargin) {
    judged.verdict = Verdict::rolled_back;
  } else if (score.here >= (preferred.messages == 0 ? kEnough : preferred.messages)) {
    judged.verdict = Verdict::promoted;
  }
  if (judged.verdict == Verdict::none || state.judged.exchange(true)) return {};
  return judged;
}

// Only if nobody has said something else meanwhile.
void Preference::end(const std::shared_ptr<State>& state, Verdict verdict) {
  if (verdict == Verdict::none) return;
  std::shared_ptr<State> next;
  if (verdict == Verdict::promoted) {
    next = std::make_shared<State>();
    next->name = state->name;
    next->preferred = state->preferred;
    next->preferred.percent = next->preferred.messages = 0;
  }
  std::shared_ptr<State> expected = state;
  state_.compare_exchange_strong(expected, std::move(next));
}

}  // namespace postrider::relay
