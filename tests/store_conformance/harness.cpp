#include "tests/store_conformance/harness.h"

#include <chrono>
#include <stdexcept>

namespace postrider::storage::conformance {

void QueueMailbox::post(std::vector<Task> tasks) {
  const std::lock_guard lock(mutex_);
  for (Task& task : tasks) tasks_.push_back(std::move(task));
  arrived_.notify_one();
}

void QueueMailbox::run_until(const std::function<bool()>& satisfied) {
  while (!satisfied()) {
    std::unique_lock lock(mutex_);
    const bool any = arrived_.wait_for(lock, std::chrono::minutes(1), [this] { return !tasks_.empty(); });
    if (!any) throw std::runtime_error("the store did not answer");
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
  }
}

std::string body_octets(std::size_t size) {
  static std::string octets = "Subject: test\r\n\r\n";  // each shorter body is the start of the longer ones
  while (octets.size() < size) octets += "octet " + std::to_string(octets.size()) + "\r\n";
  return octets.substr(0, size);
}

Body make_body(const std::string& octets) {
  Body body;
  body.size = octets.size();
  for (std::size_t at = 0; at < octets.size(); at += kChunkPayload) {
    body.chunks.push_back(std::make_shared<const std::string>(octets.substr(at, kChunkPayload)));
  }
  return body;
}

Attempt make_attempt(const std::string& upstream, OutcomeKind outcome) {
  Attempt attempt;
  attempt.upstream = upstream;
  attempt.peer = "mx.example.net[192.0.2.1]:25";
  attempt.tls = "TLSv1.3";
  attempt.duration_ms = 12;
  attempt.stage = Stage::final_dot;
  attempt.outcome = outcome;
  attempt.reason.code = outcome == OutcomeKind::sent ? 250 : 451;
  attempt.reason.enhanced = outcome == OutcomeKind::sent ? "2.0.0" : "4.3.0";
  attempt.reason.text = "said the peer";
  attempt.recipients.push_back({0, outcome, attempt.reason});
  return attempt;
}

RecipientUpdate update(std::uint32_t recipient, Trigger trigger, Time due) {
  RecipientUpdate u;
  u.recipient = recipient;
  u.trigger = trigger;
  u.due = due;
  u.spends_try = trigger != Trigger::unclaim;
  u.upstream = "primary";
  if (trigger == Trigger::hand_over) u.remote_id = "remote-1";
  u.reason.text = to_string(trigger);
  return u;
}

Event upstream_event(EventType type, Time at) {
  Event event;
  event.type = type;
  event.at = at;
  event.reason.text = "said the upstream";
  return event;
}

Report report_of(const MessageId& id, EventType type, std::uint64_t key) {
  Report report;
  report.upstream = "primary";
  report.id = id;
  report.type = type;
  report.key = key;
  report.reason.text = "said the provider";
  return report;
}

std::vector<EventType> types(const std::vector<Event>& events) {
  std::vector<EventType> all;
  for (const Event& event : events) all.push_back(event.type);
  return all;
}

// ---- the store ----------------------------------------------------------------------------------------------------

void StoreTest::TearDown() {
  if (host_) host_->store().close();
}

void StoreTest::open(const StoreLimits& limits) {
  host_->store().close();
  host_.reset();
  host_ = GetParam().make(limits);
}

NewMessage StoreTest::message(const std::vector<std::string>& recipients, std::size_t body_size) {
  NewMessage m;
  m.now = now_;
  m.record.id = ids_.next(now_);
  m.record.envelope.sender = parse_address("app@example.org").value();
  m.record.envelope.created_at = now_;
  for (const std::string& address : recipients) {
    Recipient& recipient = m.record.recipients.emplace_back();
    recipient.address = parse_address(address).value();
    recipient.due = now_;
    recipient.age_from = now_;
  }
  m.body = make_body(body_octets(body_size));
  m.record.body_size = body_size;
  m.record.body_chunks = static_cast<std::uint32_t>(m.body.chunks.size());
  return m;
}

MessageId StoreTest::stored(NewMessage m) {
  const MessageId id = m.record.id;
  const auto accepted = accept(std::move(m));
  if (!accepted) {
    ADD_FAILURE() << accepted.error().text;
  } else {
    EXPECT_EQ(accepted->kind, Accepted::Kind::stored);
  }
  return id;
}

MessageId StoreTest::claimed(NewMessage m) {
  m.intent = Intent{"primary"};
  return stored(std::move(m));
}

MessageId StoreTest::brought_to(RecipientState wanted) {
  switch (wanted) {
    case RecipientState::queued:
      return stored();
    case RecipientState::sending:
      return claimed();
    case RecipientState::cancelled: {
      const MessageId id = stored();
      EXPECT_TRUE(steer(id, SteerVerb::cancel).has_value());
      return id;
    }
    case RecipientState::expired: {
      NewMessage m = message();
      m.record.envelope.expires_at = now_;
      const MessageId id = stored(std::move(m));
      EXPECT_EQ(expire().messages, 1u);
      return id;
    }
    case RecipientState::deferred:
    case RecipientState::held:
    case RecipientState::sent:
    case RecipientState::bounced:
    case RecipientState::failed: {
      const MessageId id = claimed();
      const Trigger trigger = wanted == RecipientState::deferred  ? Trigger::defer
                              : wanted == RecipientState::held    ? Trigger::hold
                              : wanted == RecipientState::sent    ? Trigger::hand_over
                              : wanted == RecipientState::bounced ? Trigger::refuse
                                                                  : Trigger::give_up;
      EXPECT_TRUE(settle(id, trigger, now_ + std::chrono::minutes(10)).has_value());
      return id;
    }
    case RecipientState::delivered: {
      const MessageId id = brought_to(RecipientState::sent);
      EXPECT_TRUE(report(report_of(id, EventType::delivered, 1)).has_value());
      return id;
    }
    case RecipientState::suppressed: {
      EXPECT_TRUE(suppress("user@example.com").has_value());
      const MessageId id = claimed();
      EXPECT_TRUE(unsuppress("user@example.com").has_value());
      return id;
    }
  }
  throw std::logic_error("no such state");
}

Settlement StoreTest::settlement(const MessageId& id, std::vector<RecipientUpdate> updates) {
  Settlement s;
  s.id = id;
  s.now = now_;
  s.attempts.push_back(make_attempt("primary", OutcomeKind::deferred));
  s.updates = std::move(updates);
  s.notify_sender = notify_sender_;
  return s;
}

result<Accepted> StoreTest::accept(NewMessage m) {
  return answer<Accepted>([&](Done<Accepted> done) { store().accept(std::move(m), std::move(done)); });
}

result<Nothing> StoreTest::stage(const MessageId& id, std::uint32_t index, std::string bytes) {
  StagedChunk chunk{id, index, std::make_shared<const std::string>(std::move(bytes))};
  return answer<Nothing>([&](Done<Nothing> done) { store().stage(std::move(chunk), std::move(done)); });
}

Claimed StoreTest::claim(const MessageId& id, const std::string& upstream) {
  std::vector<ClaimRequest> requests{{id, upstream, now_}};
  auto claims = answer<std::vector<Claimed>>(
      [&](Done<std::vector<Claimed>> done) { store().claim(std::move(requests), std::move(done)); });
  return std::move(claims.value().at(0));
}

result<Settled> StoreTest::settle(Settlement s) {
  return answer<Settled>([&](Done<Settled> done) { store().settle(std::move(s), std::move(done)); });
}

result<Settled> StoreTest::settle(const MessageId& id, Trigger trigger, Time due) {
  return settle(settlement(id, {update(0, trigger, due)}));
}

result<Steered> StoreTest::steer(const MessageId& id, SteerVerb verb, std::optional<std::uint32_t> recipient) {
  SteerRequest request;
  request.id = id;
  request.verb = verb;
  request.recipient = recipient;
  request.actor = "alice";
  request.now = now_;
  return steer(std::move(request));
}

result<Steered> StoreTest::steer(SteerRequest request) {
  std::vector<SteerRequest> requests{std::move(request)};
  auto steered = answer<std::vector<result<Steered>>>(
      [&](Done<std::vector<result<Steered>>> done) { store().steer(std::move(requests), std::move(done)); });
  return std::move(steered.value().at(0));
}

result<std::shared_ptr<MessageRecord>> StoreTest::amend(AmendRequest request) {
  request.actor = "alice";
  request.now = now_;
  return answer<std::shared_ptr<MessageRecord>>(
      [&](Done<std::shared_ptr<MessageRecord>> done) { store().amend(std::move(request), std::move(done)); });
}

result<MessageRecord> StoreTest::find(const MessageId& id) {
  return answer<MessageRecord>([&](Done<MessageRecord> done) { store().find(id, std::move(done)); });
}

std::vector<Event> StoreTest::history(const MessageId& id) {
  return answer<std::vector<Event>>([&](Done<std::vector<Event>> done) { store().history(id, std::move(done)); })
      .value();
}

std::vector<Event> StoreTest::all_events() {
  std::vector<Event> all;
  for (;;) {
    const EventQuery query{all.empty() ? 0 : all.back().seq, 37};
    auto page =
        answer<std::vector<Event>>([&](Done<std::vector<Event>> done) { store().events(query, std::move(done)); });
    if (page.value().empty()) return all;
    all.insert(all.end(), page->begin(), page->end());
  }
}

ListPage StoreTest::list(ListQuery query) {
  return answer<ListPage>([&](Done<ListPage> done) { store().list(std::move(query), std::move(done)); }).value();
}

std::vector<MessageId> StoreTest::list_all(ListQuery query) {
  std::vector<MessageId> all;
  for (;;) {
    const ListPage page = list(query);
    for (const MessageRecord& record : page.messages) all.push_back(record.id);
    if (!page.next) return all;
    if (query.before && !(*page.next < *query.before)) throw std::runtime_error("the cursor does not move");
    query.before = page.next;
  }
}

result<Chunks> StoreTest::read_body(const MessageId& id, std::uint32_t first, std::uint32_t count) {
  return answer<Chunks>([&](Done<Chunks> done) { store().read_body(BodyQuery{id, first, count}, std::move(done)); });
}

std::string StoreTest::body_of(const MessageId& id) {
  std::string octets;
  const auto chunks = read_body(id);
  if (!chunks) return octets;
  for (const auto& chunk : *chunks) octets += *chunk;
  return octets;
}

Expired StoreTest::expire(std::size_t limit, bool remove_body) {
  const ExpireRequest request{now_, limit, remove_body, notify_sender_};
  return answer<Expired>([&](Done<Expired> done) { store().expire(request, std::move(done)); }).value();
}

Revived StoreTest::revive(Duration max_age, std::size_t limit, std::optional<MessageId> after) {
  ReviveRequest request;
  request.after = after;
  request.limit = limit;
  request.max_age = max_age;
  request.reason.cause = Cause::route;
  request.reason.text = "primary works again";
  request.now = now_;
  return answer<Revived>([&](Done<Revived> done) { store().revive(request, std::move(done)); }).value();
}

result<Nothing> StoreTest::put_upstream(UpstreamState state, std::vector<Event> events) {
  return answer<Nothing>(
      [&](Done<Nothing> done) { store().put_upstream_state(std::move(state), std::move(events), std::move(done)); });
}

std::vector<UpstreamState> StoreTest::upstream_states() {
  return answer<std::vector<UpstreamState>>(
             [&](Done<std::vector<UpstreamState>> done) { store().upstream_states(std::move(done)); })
      .value();
}

std::vector<Waiting> StoreTest::waiting() {
  return answer<std::vector<Waiting>>([&](Done<std::vector<Waiting>> done) { store().waiting(std::move(done)); })
      .value();
}

std::vector<DueHead> StoreTest::due_heads() {
  return answer<std::vector<DueHead>>([&](Done<std::vector<DueHead>> done) { store().due_heads(std::move(done)); })
      .value();
}

result<Reported> StoreTest::report(const Report& one) {
  return report(std::vector<Report>{one}).at(0);
}

std::vector<result<Reported>> StoreTest::report(std::vector<Report> reports) {
  return answer<std::vector<result<Reported>>>([&](Done<std::vector<result<Reported>>> done) {
           store().report(std::move(reports), now_, std::move(done));
         })
      .value();
}

result<Nothing> StoreTest::suppress(const std::string& address, const std::string& reason) {
  const Suppression entry{address, reason, "alice", now_};
  return answer<Nothing>([&](Done<Nothing> done) { store().put_suppression(entry, std::move(done)); });
}

result<Nothing> StoreTest::unsuppress(const std::string& address) {
  return answer<Nothing>([&](Done<Nothing> done) { store().remove_suppression(address, std::move(done)); });
}

std::vector<std::optional<Suppression>> StoreTest::find_suppressions(std::vector<std::string> addresses) {
  using Found = std::vector<std::optional<Suppression>>;
  return answer<Found>([&](Done<Found> done) { store().find_suppressions(std::move(addresses), std::move(done)); })
      .value();
}

SuppressionPage StoreTest::list_suppressions(const SuppressionQuery& query) {
  return answer<SuppressionPage>([&](Done<SuppressionPage> done) { store().list_suppressions(query, std::move(done)); })
      .value();
}

result<MessageId> StoreTest::find_by_provider_id(const std::string& upstream, const std::string& provider_id) {
  return answer<MessageId>(
      [&](Done<MessageId> done) { store().find_by_provider_id(upstream, provider_id, std::move(done)); });
}

std::vector<std::string> StoreTest::verify_faults() {
  std::vector<std::string> faults;
  VerifyQuery query;
  do {
    const auto page = answer<VerifyPage>([&](Done<VerifyPage> done) { store().verify(query, std::move(done)); });
    faults.insert(faults.end(), page->faults.begin(), page->faults.end());
    query.after = page->next;
  } while (query.after);
  return faults;
}

DuePage StoreTest::due(DueQuery query) {
  return answer<DuePage>([&](Done<DuePage> done) { store().due(std::move(query), std::move(done)); }).value();
}

std::vector<MessageId> StoreTest::due_ids(std::uint32_t bucket, Lane lane) {
  DueQuery query;
  query.bucket = bucket;
  query.lane = lane;
  std::vector<MessageId> all;
  for (const DueEntry& entry : due(query).entries) all.push_back(entry.key.id);
  return all;
}

Retired StoreTest::retire_all(const RetirePolicy& policy, bool notify_sender) {
  Retired sum;
  RetireRequest request{policy, now_, 50, notify_sender};
  for (int step = 0; step < 10'000; ++step) {
    const Retired one = answer<Retired>([&](Done<Retired> done) { store().retire(request, std::move(done)); }).value();
    sum.messages += one.messages;
    sum.bodies += one.bodies;
    sum.bytes += one.bytes;
    sum.owing += one.owing;
    if (!one.more) return sum;
  }
  throw std::runtime_error("retention finds no end");
}

}  // namespace postrider::storage::conformance
