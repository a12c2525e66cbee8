// Preference: the operator's hot swap: one upstream that goes before all others, for all mail or, as a canary, for a share or a number
// of messages first. The canary decides itself: back when it does worse than the others by kMargin over at least kSample
// hand-overs, all mail when it did well for long enough. Shared by all threads, atomic; outlives reloads.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/time.h"

namespace postrider::relay {

struct Preferred {
  std::string upstream;
  std::uint32_t percent = 0;   // canary: this share of messages; 0: no share
  std::uint32_t messages = 0;  // canary: so many messages; 0: no number
  std::string by;
  Time since{};
  bool canary() const { return percent != 0 || messages != 0; }
};

class Preference {
 public:
  static constexpr std::uint32_t kSample = 20;           // hand-overs of the canary before it is judged
  static constexpr std::uint32_t kMargin = 10;           // percentage points that it may do worse
  static constexpr std::uint32_t kEnough = 5 * kSample;  // hand-overs after which a share becomes all mail

  void set(Preferred preferred);
  void clear();
  std::optional<Preferred> get() const;

  // Who goes first for the next message; null: the configured order. A canary admits by turn; with a number the message has a place,
  // which goes back when the last holder lets go and nothing was noted for it with used().
  struct Turn {
    std::shared_ptr<const std::string> upstream;
    std::shared_ptr<void> place;
  };
  Turn next();
  static void used(const std::shared_ptr<void>& place);

  enum class Verdict : std::uint8_t { none, promoted, rolled_back };
  // One recipient-independent result of a hand-over; `at_preferred`: by the preferred upstream. The verdict is given once.
  struct Judged {
    Verdict verdict = Verdict::none;
    std::string upstream;
    std::string why;  // "40% of 20 hand-overs failed, 2% of 150 elsewhere"
  };
  Judged note(const std::string& upstream, bool failed);
  Judged note_opened(const std::string& upstream);  // its circuit opened: a canary goes back

  struct Score {
    std::uint32_t here = 0, here_failed = 0, elsewhere = 0, elsewhere_failed = 0;
  };
  Score score() const;

 private:
  struct State;
  struct Place {
    explicit Place(std::shared_ptr<State> of) : state(std::move(of)) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place();
    std::shared_ptr<State> state;
    bool used = false;
  };
  struct State {
    Preferred preferred;
    std::shared_ptr<const std::string> name;
    std::atomic<std::uint32_t> turn{0}, admitted{0};
    std::atomic<std::uint32_t> here{0}, here_failed{0}, elsewhere{0}, elsewhere_failed{0};
    std::atomic<bool> judged{false};
  };
  static Score score_of(const State& state);
  static Judged judge(State& state);
  void end(const std::shared_ptr<State>& state, Verdict verdict);

  std::atomic<std::shared_ptr<State>> state_;
};

}  // namespace postrider::relay
