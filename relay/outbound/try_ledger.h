// TryLedger: the books of one try of one message: who may be asked for which recipient, what each upstream said, and what
// becomes of every recipient in the end. Pure: no I/O, no clock. The rules for one outcome are core/retry.h; here is how the
// outcomes of several upstreams make one (docs/decisions/0006-retry-route-failures-and-parking.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "core/retry.h"
#include "relay/outbound/routes.h"
#include "relay/outbound/transport.h"
#include "storage/store.h"

namespace postrider::relay {

// What the upstream is after its answer: not paused; paused for less than mail waits for it; paused, and the next one is asked.
enum class Pause : std::uint8_t { none, waited_for, skipped };

class TryLedger {
 public:
  explicit TryLedger(const MessageRecord& record);

  // A recipient and the upstreams that may be asked for it, in order; none: it is given back uncounted, to be looked at again at
  // `again` (or when it was due). `eligible`: how many there are for it at all; one that none of them can take for its size or form
  // bounces. `paused_until`: when the first of those that are not asked for a pause of theirs may be; zero: there are none.
  void plan(std::uint32_t recipient, std::vector<Candidate> candidates, std::size_t eligible, Time again = {},
            Time paused_until = {});
  void plan_give_up(std::uint32_t recipient);               // too old to be tried
  void plan_no_route(std::uint32_t recipient, Time again);  // no upstream takes it: it waits for another configuration

  // The recipients that go to the same upstream next; nothing: the try is over.
  struct Round {
    std::size_t upstream = 0;
    std::string_view why;
    std::vector<std::uint32_t> recipients;
  };
  std::optional<Round> next_round() const;
  void skip(const Round& round);  // not asked: it went out of service meanwhile
  // Not asked: it has no room now. Those recipients wait for it uncounted, whatever others answered.
  void wait(const Round& round, Time again);
  // A recipient that met nothing but throttles of upstreams that are paused now is due at once: the route holds it back until the
  // first of them may be asked again, however that comes about. Any other waits until its due time. A pause is no answer: where
  // another upstream failed, that is the try.
  void note(const Round& round, HandoverReport report, Pause pause = Pause::none);
  // The relay stops: nobody more is asked. What the last upstream had not answered for is given back uncounted.
  void stop();

  // Everything that happened, as one settlement. `jitter` in [0,1) is the same for all recipients, so that those who wait together
  // are tried together again.
  storage::Settlement settle(const RetryPolicy& policy, Time now, double jitter);

 private:
  struct Entry {
    std::uint32_t recipient = 0;
    std::vector<Candidate> candidates;
    std::size_t eligible = 0;
    std::size_t next = 0;
    bool too_old = false;
    bool no_route = false;
    Time again{};       // given back: not before
    bool over = false;  // an outcome that no other upstream can better
    std::optional<RecipientOutcome> outcome;
    int strength = 0;                  // of it
    std::size_t attempt = 0;           // that gave it
    Time paused_until{};               // the first of the upstreams that are paused; zero: none is
    std::optional<Time> its_own_wait;  // of a throttle that is nobody's pause; zero: the retry interval
    std::size_t incapable = 0;         // upstreams that cannot take this body
    bool only_paused = true;           // whoever was asked is paused for it
  };

  void note_outcome(Entry& entry, const RecipientOutcome& outcome, Time throttled_until, Pause pause);
  static Time waits_until(const Entry& entry, const RetryPolicy& policy, Time now);
  storage::RecipientUpdate update_of(Entry& entry, const RetryPolicy& policy, Time now, double jitter);

  const MessageRecord& record_;
  std::vector<Entry> entries_;
  std::vector<Attempt> attempts_;
  bool stopped_ = false;
};

}  // namespace postrider::relay
