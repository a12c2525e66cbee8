// What the tests of relay/inbound share: one Loop driven by the test's own thread, the memory store, and a dispatcher that only
// remembers what it was given.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/budget.h"
#include "net/loop.h"
#include "net/task_group.h"
#include "relay/inbound/submission.h"
#include "relay/outbound/dispatcher.h"
#include "storage/memory_store.h"

namespace postrider::relay {

class RememberingDispatcher final : public Dispatcher {
 public:
  Offer offer(const MessageRecord& record) override {
    offered.push_back(record);
    Offer made;
    made.wait_bucket = wait_bucket;
    if (!free) return made;
    Reserved slot;
    slot.upstream = "primary";
    made.reserved = std::move(slot);
    return made;
  }
  void deliver_fresh(Reserved reserved, FreshMessage message) override {
    upstreams.push_back(reserved.upstream);
    messages.push_back(std::move(message));
  }
  void use(std::shared_ptr<Routes>, std::vector<std::unique_ptr<Transport>>, DispatchOptions) override {}
  void test(std::string, Done<Attempt>) override {}
  void start() override {}
  boost::asio::awaitable<void> drain(Duration) override { co_return; }
  std::size_t in_flight() const override { return messages.size(); }

  bool free = true;
  std::uint32_t wait_bucket = 0;
  std::vector<MessageRecord> offered;
  std::vector<std::string> upstreams;
  std::vector<FreshMessage> messages;
};

class InboundTest : public testing::Test {
 protected:
  // Runs the loop until `task` has ended.
  template <typename T>
  T run(boost::asio::awaitable<T> task) {
    std::optional<T> value;
    tasks_.spawn("test", keep(std::move(task), value));
    while (!value) loop_.io().run_one();
    return std::move(*value);
  }

  template <typename T, typename Start>
  result<T> ask(Start start) {
    std::optional<result<T>> value;
    start(Done<T>(loop_, [&value](result<T> answer) { value.emplace(std::move(answer)); }));
    while (!value) loop_.io().run_one();
    return std::move(*value);
  }

  MessageRecord stored(const MessageId& id) {
    return ask<MessageRecord>([&](auto done) { store_->find(id, std::move(done)); }).value();
  }
  std::string stored_body(const MessageRecord& record) {
    std::string body;
    using Chunks = std::vector<std::shared_ptr<const std::string>>;
    storage::BodyQuery query{record.id, 0, record.body_chunks};
    for (const auto& chunk : ask<Chunks>([&](auto done) { store_->read_body(query, std::move(done)); }).value())
      body += *chunk;
    return body;
  }

  net::Loop loop_{"test"};
  NullLog log_;
  Budget memory_{64 << 20};  // outlives the chunks in the store
  std::unique_ptr<storage::MemoryStore> store_ = storage::make_memory_store();
  net::TaskGroup tasks_{loop_, [](std::string_view, const std::exception& e) { ADD_FAILURE() << e.what(); }};

 private:
  template <typename T>
  static boost::asio::awaitable<void> keep(boost::asio::awaitable<T> task, std::optional<T>& value) {
    T got = co_await std::move(task);
    value.emplace(std::move(got));
  }
};

}  // namespace postrider::relay
