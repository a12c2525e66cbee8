// What every test of the suite uses: a mailbox the test thread empties, the verbs as plain calls that wait for their
// answer, and builders of messages, attempts and settlements. Time is a member and moves only when a test says so.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/store_conformance/factories.h"

namespace postrider::storage::conformance {

// Any thread posts; the test thread runs the tasks while it waits for something.
class QueueMailbox final : public Mailbox {
 public:
  void post(std::vector<Task> tasks) override;
  // Runs tasks until `satisfied`; throws after a minute without it, which no healthy store comes near.
  void run_until(const std::function<bool()>& satisfied);

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Task> tasks_;
};

std::string body_octets(std::size_t size);  // distinguishable at every offset
Body make_body(const std::string& octets);
Attempt make_attempt(const std::string& upstream, OutcomeKind outcome);
RecipientUpdate update(std::uint32_t recipient, Trigger trigger, Time due = {});
Event upstream_event(EventType type, Time at);
Report report_of(const MessageId& id, EventType type, std::uint64_t key);  // by primary, of all that it took
std::vector<EventType> types(const std::vector<Event>& events);

using Chunks = std::vector<std::shared_ptr<const std::string>>;

class StoreTest : public testing::TestWithParam<Factory> {
 protected:
  void SetUp() override { host_ = GetParam().make(StoreLimits{}); }
  void TearDown() override;
  void open(const StoreLimits& limits);  // another, empty store
  void reopen(Ending ending) { host_->reopen(ending, now_); }
  Store& store() { return host_->store(); }

  // A message that is due at once, from app@example.org, with a body of 100 octets.
  NewMessage message(const std::vector<std::string>& recipients = {"user@example.com"}, std::size_t body_size = 100);
  MessageId stored(NewMessage m);  // accepts it and expects that it is stored
  MessageId stored() { return stored(message()); }
  MessageId claimed(NewMessage m);  // the same, with an intent
  MessageId claimed() { return claimed(message()); }
  MessageId brought_to(RecipientState state);  // a one-recipient message in that state
  Settlement settlement(const MessageId& id, std::vector<RecipientUpdate> updates);  // with one attempt

  result<Accepted> accept(NewMessage m);
  result<Nothing> stage(const MessageId& id, std::uint32_t index, std::string bytes);
  Claimed claim(const MessageId& id, const std::string& upstream = "primary");
  result<Settled> settle(Settlement s);
  result<Settled> settle(const MessageId& id, Trigger trigger, Time due = {});  // recipient 0
  result<Steered> steer(const MessageId& id, SteerVerb verb, std::optional<std::uint32_t> recipient = {});
  result<Steered> steer(SteerRequest request);
  result<std::shared_ptr<MessageRecord>> amend(AmendRequest request);  // by alice, now
  result<MessageRecord> find(const MessageId& id);
  RecipientState state(const MessageId& id) { return find(id).value().state(); }
  std::vector<Event> history(const MessageId& id);
  std::vector<Event> all_events();
  ListPage list(ListQuery query);
  std::vector<MessageId> list_all(ListQuery query);  // page by page to the end
  result<Chunks> read_body(const MessageId& id, std::uint32_t first = 0, std::uint32_t count = 1000);
  std::string body_of(const MessageId& id);  // empty if it cannot be read
  Expired expire(std::size_t limit = 100, bool remove_body = true);
  Revived revive(Duration max_age, std::size_t limit = 100, std::optional<MessageId> after = {});
  result<Nothing> put_upstream(UpstreamState state, std::vector<Event> events = {});
  std::vector<UpstreamState> upstream_states();
  std::vector<Waiting> waiting();
  std::vector<DueHead> due_heads();
  result<Reported> report(const Report& report);
  std::vector<result<Reported>> report(std::vector<Report> reports);
  result<Nothing> suppress(const std::string& address, const std::string& reason = "asked for no mail");
  result<Nothing> unsuppress(const std::string& address);
  std::vector<std::optional<Suppression>> find_suppressions(std::vector<std::string> addresses);
  SuppressionPage list_suppressions(const SuppressionQuery& query = {});
  result<MessageId> find_by_provider_id(const std::string& upstream, const std::string& provider_id);
  std::vector<std::string> verify_faults();  // of all pages
  DuePage due(DueQuery query);
  std::vector<MessageId> due_ids(std::uint32_t bucket = 0, Lane lane = Lane::normal);
  // Step by step until there is no more to do.
  Retired retire_all(const RetirePolicy& policy, bool notify_sender = true);
  void advance(Duration by) { now_ += by; }

  // Makes the call with a Done and waits for the answer.
  template <typename T>
  result<T> answer(const std::function<void(Done<T>)>& call) {
    std::optional<result<T>> got;
    call(Done<T>(mailbox_, [&got](result<T> value) { got.emplace(std::move(value)); }));
    mailbox_.run_until([&got] { return got.has_value(); });
    return std::move(*got);
  }

  QueueMailbox mailbox_;
  std::unique_ptr<StoreHost> host_;
  Time now_ = from_ms(1'800'000'000'000);
  MessageIdSource ids_{42};
  bool notify_sender_ = false;  // of the settlements made here
};

#define POSTRIDER_STORE_SUITE(suite)                                      \
  INSTANTIATE_TEST_SUITE_P(Stores, suite, testing::ValuesIn(factories()), \
                           [](const testing::TestParamInfo<Factory>& i) { return i.param.name; })

}  // namespace postrider::storage::conformance
