// What the tests of the housekeepers share (keeper, reviver, expirer): a Loop that the test's own thread runs until it is quiet, a
// store in memory, and time that passes from alarm to alarm.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/id.h"
#include "net/loop.h"
#include "net/task_group.h"
#include "storage/memory_store.h"
#include "tests/simulation/sim_time.h"
#include "tests/unit/relay/routes_fixture.h"

namespace postrider::relay {

class HouseTest : public testing::Test {
 protected:
  void run() {
    while (loop_.io().poll() > 0) {
    }
  }
  void run(boost::asio::awaitable<void> task) {
    tasks_.spawn("test", std::move(task));
    run();
    EXPECT_EQ(tasks_.size(), 0u) << "it did not end";
  }
  // From alarm to alarm; at each the loop runs until it is quiet.
  void pass(Duration time) {
    const Time end = time_.now() + time;
    run();
    while (time_.next_alarm() <= end) {
      time_.pass_to(time_.next_alarm());
      run();
    }
    time_.pass_to(end);
    run();
  }

  template <typename T, typename Start>
  T ask(Start start) {
    net::Loop loop("ask");
    std::optional<result<T>> value;
    start(Done<T>(loop, [&value](result<T> answer) { value.emplace(std::move(answer)); }));
    while (!value) loop.io().run_one();
    return std::move(value->value());
  }

  // Accepted now, for one recipient; queued.
  MessageId accept(Time expires_at = kNever) {
    storage::NewMessage message;
    message.record.id = ids_.next(time_.now());
    message.record.envelope.created_at = time_.now();
    message.record.envelope.expires_at = expires_at;
    Recipient& recipient = message.record.recipients.emplace_back();
    recipient.address = {"user", "example.net"};
    recipient.due = recipient.age_from = recipient.changed_at = time_.now();
    message.body.chunks.push_back(std::make_shared<const std::string>("Subject: hello\r\n\r\nhello\r\n"));
    message.record.body_size = message.body.chunks.front()->size();
    message.record.body_chunks = 1;
    const MessageId id = message.record.id;
    ask<storage::Accepted>([&](auto done) { store_->accept(std::move(message), std::move(done)); });
    return id;
  }
  // Its tries were used up by the route.
  MessageId fail() {
    const MessageId id = accept();
    const storage::ClaimRequest request{id, "a", time_.now()};
    ask<std::vector<storage::Claimed>>([&](auto done) { store_->claim({request}, std::move(done)); });
    storage::Settlement settlement;
    settlement.id = id;
    settlement.now = time_.now();
    storage::RecipientUpdate& update = settlement.updates.emplace_back();
    update.trigger = Trigger::give_up;
    update.route_caused = true;
    update.reason = kRefused;
    update.upstream = "a";
    ask<storage::Settled>([&](auto done) { store_->settle(std::move(settlement), std::move(done)); });
    return id;
  }
  RecipientState state(const MessageId& id) {
    return ask<MessageRecord>([&](auto done) { store_->find(id, std::move(done)); }).state();
  }
  std::size_t count(const std::vector<MessageId>& ids, RecipientState wanted) {
    std::size_t count = 0;
    for (const MessageId& id : ids) count += state(id) == wanted ? 1 : 0;
    return count;
  }

  sim::SimTime time_;
  NullLog log_;
  std::unique_ptr<storage::MemoryStore> store_ = storage::make_memory_store();
  MessageIdSource ids_{1};
  net::Loop loop_{"test"};
  net::TaskGroup tasks_{loop_, [](std::string_view, const std::exception& e) { ADD_FAILURE() << e.what(); }};
};

}  // namespace postrider::relay
