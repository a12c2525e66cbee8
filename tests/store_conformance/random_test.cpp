// Thousands of random operations against a model that knows only states: the store agrees with it after every one, the
// counters agree with it, and retention at its most greedy, at any moment, never touches a message with a live recipient.
#include <algorithm>
#include <map>
#include <random>

#include "tests/store_conformance/harness.h"

namespace postrider::storage::conformance {
namespace {

struct ModelRecipient {
  RecipientState state = RecipientState::queued;
  Time due{};
  bool cancel = false, hold = false, by_route = false, tried = false, handed_over = false;
};

struct ModelMessage {
  std::vector<ModelRecipient> recipients;
  std::size_t body_size = 0;
  std::size_t least_events = 1;
  Time expires = kNever;
  std::size_t batch = 0;

  bool live() const {
    return std::any_of(recipients.begin(), recipients.end(), [](const auto& r) { return is_live(r.state); });
  }
  RecipientState state() const {
    std::vector<RecipientState> states;
    for (const auto& r : recipients) states.push_back(r.state);
    return derive_message_state(states);
  }
};

class RandomTest : public StoreTest {
 protected:
  std::uint32_t dice(std::uint32_t sides) { return static_cast<std::uint32_t>(random_() % sides); }

  void accept_one() {
    static const std::vector<std::string> addresses{"a@example.com", "b@example.com", "c@example.net"};
    const std::size_t count = 1 + dice(3);
    NewMessage m = message({addresses.begin(), addresses.begin() + static_cast<std::ptrdiff_t>(count)},
                           dice(8) == 0 ? kChunkPayload + dice(1000) : 1 + dice(3000));
    ModelMessage model;
    model.body_size = m.record.body_size;
    const bool intent = dice(2) == 0;
    for (Recipient& r : m.record.recipients) {
      if (dice(4) == 0) r.due = now_ + std::chrono::minutes(dice(30));
      const bool claims = intent && r.due <= now_;
      const std::size_t i = model.recipients.size();
      model.recipients.push_back({claims ? after_claim(i) : RecipientState::queued, r.due});
    }
    if (intent) m.intent = Intent{"primary"};
    if (dice(4) == 0) model.expires = m.record.envelope.expires_at = now_ + std::chrono::minutes(1 + dice(40));
    model.batch = dice(static_cast<std::uint32_t>(batches_.size()));
    m.record.envelope.batch = batches_[model.batch];
    model_[stored(std::move(m))] = model;
  }

  // All messages have the same addresses in the same places; one of them is on the suppression list now and then.
  RecipientState after_claim(std::size_t recipient) const {
    return recipient == suppressed_ ? RecipientState::suppressed : RecipientState::sending;
  }

  void change_list() {
    static const std::vector<std::string> addresses{"A@example.com", "b@EXAMPLE.com", "c@example.net"};
    const bool was_on = suppressed_ < addresses.size();
    ASSERT_EQ(unsuppress(addresses[was_on ? suppressed_ : 0]).has_value(), was_on);
    suppressed_ = dice(6);
    if (suppressed_ >= addresses.size()) return;
    ASSERT_TRUE(suppress(addresses[suppressed_]).has_value());
  }

  void claim_one(const MessageId& id, ModelMessage& model) {
    std::vector<std::uint32_t> expected, suppressed;
    for (std::uint32_t i = 0; i < model.recipients.size(); ++i) {
      ModelRecipient& r = model.recipients[i];
      const bool waits = r.state == RecipientState::queued || r.state == RecipientState::deferred;
      if (!waits || r.due > now_ || model.expires <= now_) continue;
      r.state = after_claim(i);
      (r.state == RecipientState::sending ? expected : suppressed).push_back(i);
    }
    const Claimed claimed = claim(id);
    ASSERT_EQ(claimed.recipients, expected);
    ASSERT_EQ(claimed.suppressed, suppressed);
  }

  void settle_one(const MessageId& id, ModelMessage& model) {
    static const std::vector<std::pair<Trigger, RecipientState>> ends{
        {Trigger::hand_over, RecipientState::sent}, {Trigger::refuse, RecipientState::bounced},
        {Trigger::defer, RecipientState::deferred}, {Trigger::defer, RecipientState::deferred},
        {Trigger::give_up, RecipientState::failed}, {Trigger::unclaim, RecipientState::queued},
        {Trigger::hold, RecipientState::held}};
    std::vector<RecipientUpdate> updates;
    for (std::uint32_t i = 0; i < model.recipients.size(); ++i) {
      ModelRecipient& r = model.recipients[i];
      if (r.state != RecipientState::sending || dice(4) == 0) continue;
      const auto& [trigger, state] = ends[dice(static_cast<std::uint32_t>(ends.size()))];
      const Time due = now_ + std::chrono::minutes(dice(20));
      updates.push_back(update(i, trigger, due));
      updates.back().route_caused = dice(2) == 0;
      const bool ended = state == RecipientState::sent || state == RecipientState::bounced;
      const bool tried = r.tried || trigger != Trigger::unclaim;
      r = {!ended && r.cancel ? RecipientState::cancelled : !ended && r.hold ? RecipientState::held : state, due};
      if (model.expires <= now_ && is_live(r.state)) r.state = RecipientState::expired;
      r.by_route = r.state == RecipientState::failed && updates.back().route_caused;
      r.tried = tried;
      r.handed_over = trigger == Trigger::hand_over;
    }
    if (updates.empty()) return;
    Settlement s = settlement(id, std::move(updates));
    s.remove_sent_body = dice(2) == 0;
    s.wait_bucket = dice(3);
    const auto settled = settle(std::move(s));
    ASSERT_TRUE(settled.has_value()) << settled.error().text;
    ASSERT_EQ(settled->state, model.state());
    ++model.least_events;
  }

  static bool steer_applies(SteerVerb verb, RecipientState state, bool body_gone) {
    const bool waits = state == RecipientState::queued || state == RecipientState::deferred;
    const bool parked = state == RecipientState::held || state == RecipientState::failed;
    const bool suppressed = state == RecipientState::suppressed;
    switch (verb) {
      case SteerVerb::retry:
        return (waits || parked) && !body_gone;
      case SteerVerb::release:
        return (parked || suppressed) && !body_gone;
      case SteerVerb::hold:
        return waits || state == RecipientState::sending;
      case SteerVerb::cancel:
        return waits || parked || state == RecipientState::sending;
    }
    return false;
  }

  void steer_one(const MessageId& id, ModelMessage& model) {
    const auto verb = static_cast<SteerVerb>(dice(4));
    const bool body_gone = find(id)->body == BodyState::removed;
    std::uint32_t changed = 0;
    for (ModelRecipient& r : model.recipients) {
      if (!steer_applies(verb, r.state, body_gone)) continue;
      ++changed;
      if (r.state == RecipientState::sending) {
        (verb == SteerVerb::hold ? r.hold : r.cancel) = true;
      } else {
        const RecipientState to = verb == SteerVerb::hold     ? RecipientState::held
                                  : verb == SteerVerb::cancel ? RecipientState::cancelled
                                                              : RecipientState::queued;
        r = {to, now_};
        model.least_events = std::max<std::size_t>(model.least_events, 2);
      }
    }
    const auto steered = steer(id, verb);
    ASSERT_EQ(steered.has_value(), changed > 0);
    ASSERT_EQ(steered ? steered->changed : 0, changed);
  }

  // By the upstream that took whom it took.
  void report_one(const MessageId& id, ModelMessage& model) {
    static const std::vector<EventType> types{EventType::delivered, EventType::bounced, EventType::deferred,
                                              EventType::opened};
    const EventType type = types[dice(4)];
    const auto is_sending = [](const ModelRecipient& r) { return r.state == RecipientState::sending; };
    const bool sending = std::any_of(model.recipients.begin(), model.recipients.end(), is_sending);
    const auto handed_over = static_cast<std::uint32_t>(std::count_if(
        model.recipients.begin(), model.recipients.end(), [](const ModelRecipient& r) { return r.handed_over; }));
    const Report one = report_of(id, type, ++reports_);
    const auto reported = report(one);
    if (sending || handed_over == 0) {
      ASSERT_EQ(reported.error().kind, sending ? FaultKind::conflict : FaultKind::not_found);
      return;
    }
    ASSERT_EQ(reported->events, handed_over);
    ASSERT_EQ(report(one)->events, 0u);
    for (ModelRecipient& r : model.recipients) {
      if (!r.handed_over) continue;
      if (type == EventType::delivered && r.state == RecipientState::sent) r.state = RecipientState::delivered;
      if (type == EventType::bounced) r.state = RecipientState::bounced;
    }
    ++model.least_events;
  }

  void amend_one(const MessageId& id, ModelMessage& model) {
    AmendRequest request;
    request.id = id;
    if (dice(2) == 0) request.send_at = now_ + std::chrono::minutes(dice(30));
    if (dice(2) == 0) request.lane = static_cast<Lane>(dice(3));
    if (dice(2) == 0) request.expires_at = dice(2) == 0 ? kNever : now_ + std::chrono::minutes(1 + dice(40));
    const bool possible = std::all_of(model.recipients.begin(), model.recipients.end(), [this](const auto& r) {
      return r.state == RecipientState::queued && !r.tried && r.due > now_;
    });
    ASSERT_EQ(amend(request).has_value(), possible);
    if (!possible) return;
    for (ModelRecipient& r : model.recipients) r.due = request.send_at.value_or(r.due);
    model.expires = request.expires_at.value_or(model.expires);
  }

  void crash() {
    reopen(Ending::crash);
    for (auto& [id, model] : model_) {
      const auto found = find(id);
      ASSERT_TRUE(found.has_value());
      for (std::size_t i = 0; i < model.recipients.size(); ++i) {
        ModelRecipient& r = model.recipients[i];
        if (r.state != RecipientState::sending) continue;
        const bool third = found->recipients[i].interruptions >= 3, tried = r.tried;
        r = {r.cancel          ? RecipientState::cancelled
             : r.hold || third ? RecipientState::held
                               : RecipientState::deferred,
             now_};
        r.tried = tried;
        model.least_events = std::max<std::size_t>(model.least_events, 3);
      }
    }
  }

  void expire_some() {
    const std::size_t limit = 1 + dice(10);
    std::map<std::pair<Time, MessageId>, ModelMessage*> over;
    const auto waits = [](const ModelRecipient& r) { return is_live(r.state) && r.state != RecipientState::sending; };
    for (auto& [id, model] : model_) {
      const bool any = std::any_of(model.recipients.begin(), model.recipients.end(), waits);
      if (any && model.expires <= now_) over[{model.expires, id}] = &model;
    }
    const Expired expired = expire(limit, dice(2) == 0);
    ASSERT_EQ(expired.messages, std::min(limit, over.size()));
    ASSERT_EQ(expired.more, over.size() > limit);
    std::size_t done = 0;
    for (auto& [key, model] : over) {
      if (done++ == limit) break;
      for (ModelRecipient& r : model->recipients)
        if (waits(r)) r = {RecipientState::expired, now_};
    }
  }

  void revive_all() {
    std::uint64_t expected = 0;
    for (auto& [id, model] : model_) {
      if (model.expires <= now_ || find(id)->body == BodyState::removed) continue;
      bool any = false;
      for (ModelRecipient& r : model.recipients) {
        if (r.state != RecipientState::failed || !r.by_route) continue;
        r = {RecipientState::queued, now_};
        any = true;
      }
      expected += any ? 1 : 0;
    }
    ASSERT_EQ(revive(std::chrono::hours(24 * 365), 1000).messages, expected);
  }

  void retire_some() {
    RetirePolicy policy;
    policy.history = std::chrono::minutes(dice(2) * dice(120));
    policy.sent_bodies = std::chrono::minutes(dice(2) * dice(60));
    policy.failed_bodies = std::chrono::minutes(dice(2) * dice(60));
    policy.history_max_bytes = dice(3) == 0 ? dice(200'000) : 1ull << 40;
    const RetireRequest request{policy, now_, 1 + dice(60)};
    ASSERT_TRUE(answer<Retired>([&](Done<Retired> done) { store().retire(request, std::move(done)); }).has_value());
    check_all();
  }

  // Live: all there, to the last octet and event. Finished: as the model says, or gone as a whole.
  void check_all() {
    for (auto at = model_.begin(); at != model_.end();) {
      const auto& [id, model] = *at;
      const auto found = find(id);
      if (!found) {
        ASSERT_FALSE(model.live()) << id.str() << " was live and is gone";
        at = model_.erase(at);
        continue;
      }
      for (std::size_t i = 0; i < model.recipients.size(); ++i) {
        ASSERT_EQ(found->recipients[i].state, model.recipients[i].state) << id.str();
      }
      if (model.live()) {
        ASSERT_EQ(body_of(id), body_octets(model.body_size)) << id.str();
        const auto events = history(id);
        ASSERT_EQ(events.at(0).type, EventType::accepted);
        ASSERT_GE(events.size(), model.least_events);
      }
      ++at;
    }
    ASSERT_TRUE(verify_faults().empty());
    check_counters();
    check_batches();
  }

  void check_counters() {
    const SpoolStats stats = store().stats();
    std::uint64_t expected[kRecipientStates] = {}, live = 0;
    for (const auto& [id, model] : model_) {
      ++expected[static_cast<int>(model.state())];
      if (model.live()) ++live;
    }
    for (int i = 0; i < kRecipientStates; ++i) {
      ASSERT_EQ(stats.messages[i], expected[i]) << to_string(static_cast<RecipientState>(i));
    }
    ASSERT_EQ(stats.live_messages, live);
  }

  void check_batches() {
    for (std::size_t batch = 1; batch < batches_.size(); ++batch) {
      std::vector<MessageId> expected;
      for (auto at = model_.rbegin(); at != model_.rend(); ++at)
        if (at->second.batch == batch) expected.push_back(at->first);
      ListQuery query;
      query.batch = batches_[batch];
      ASSERT_EQ(list_all(query), expected);
    }
  }

  // The due index holds what waits, all of it and nothing else.
  void check_due() {
    std::map<MessageId, Time> expected, got;
    for (const auto& [id, model] : model_) {
      for (const ModelRecipient& r : model.recipients) {
        if (r.state != RecipientState::queued && r.state != RecipientState::deferred) continue;
        const auto entry = expected.emplace(id, r.due).first;
        entry->second = std::min(entry->second, r.due);
      }
    }
    for (std::uint32_t bucket = 0; bucket < 3; ++bucket) {
      for (const Lane lane : kLanes) {
        DueQuery query;
        query.bucket = bucket;
        query.lane = lane;
        query.limit = 100'000;
        for (const DueEntry& entry : due(query).entries) got[entry.key.id] = entry.key.due;
      }
    }
    ASSERT_EQ(got, expected);
  }

  void step() {
    advance(Duration(dice(60'000)));
    const std::uint32_t what = dice(100);
    if (what < 25 || model_.empty()) return accept_one();
    if (what < 32) return retire_some();
    if (what < 33) return crash();
    if (what < 35) return revive_all();
    if (what < 38) return expire_some();
    if (what < 40) return change_list();
    auto at = model_.begin();
    std::advance(at, dice(static_cast<std::uint32_t>(model_.size())));
    if (what < 55) return claim_one(at->first, at->second);
    if (what < 87) return settle_one(at->first, at->second);
    if (what < 90) return amend_one(at->first, at->second);
    if (what < 94) return report_one(at->first, at->second);
    steer_one(at->first, at->second);
  }

  static constexpr Lane kLanes[] = {Lane::high, Lane::normal, Lane::low};
  std::mt19937_64 random_;
  const std::vector<MessageId> batches_{MessageId(), ids_.next(now_), ids_.next(now_)};  // the first: none
  std::map<MessageId, ModelMessage> model_;
  std::size_t suppressed_ = SIZE_MAX;  // place of the address on the list; beyond them: none
  std::uint64_t reports_ = 0;
};

TEST_P(RandomTest, RetentionNeverTouchesALiveMessage) {
  for (const std::uint64_t seed : {1u, 2u, 3u, 4u}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    open(StoreLimits{});
    random_.seed(seed);
    model_.clear();
    suppressed_ = SIZE_MAX;
    for (int i = 0; i < 1000; ++i) {
      ASSERT_NO_FATAL_FAILURE(step()) << "step " << i;
      if (HasNonfatalFailure()) return;
    }
    ASSERT_NO_FATAL_FAILURE(check_all());
    ASSERT_NO_FATAL_FAILURE(check_due());
    ASSERT_FALSE(model_.empty());
  }
}

// What is left after everything ended and went is nothing: no byte, no event, no entry.
TEST_P(RandomTest, NothingIsLeftOfWhatEnded) {
  random_.seed(5);
  for (int i = 0; i < 600; ++i) ASSERT_NO_FATAL_FAILURE(step()) << "step " << i;
  for (auto& [id, model] : model_) {
    for (ModelRecipient& r : model.recipients) {
      if (r.state == RecipientState::sending) r.cancel = true;
    }
    (void)steer(id, SteerVerb::cancel);
  }
  ASSERT_NO_FATAL_FAILURE(crash());
  RetirePolicy policy;
  policy.history = policy.sent_bodies = policy.failed_bodies = Duration(0);
  retire_all(policy, false);  // nobody writes notices here
  const SpoolStats stats = store().stats();
  EXPECT_EQ(stats.live_messages, 0u);
  EXPECT_EQ(stats.live_bytes, 0u);
  EXPECT_EQ(stats.finished_bytes, 0u);
  for (const std::uint64_t count : stats.messages) EXPECT_EQ(count, 0u);
  EXPECT_TRUE(list_all({}).empty());
  EXPECT_TRUE(all_events().empty());
  EXPECT_EQ(expire().next, kNever);
  for (std::uint32_t bucket = 0; bucket < 3; ++bucket)
    for (const Lane lane : kLanes) EXPECT_TRUE(due_ids(bucket, lane).empty());
}

POSTRIDER_STORE_SUITE(RandomTest);

}  // namespace
}  // namespace postrider::storage::conformance
