// The management side as the daemon makes it, on a memory store and upstreams that nobody delivers to, with a command line that
// talks to it.
#pragma once

#include <gtest/gtest.h>

#include "cmd/blocking.h"
#include "cmd/management.h"
#include "storage/memory_store.h"
#include "tests/unit/cmd/command_line.h"
#include "tests/unit/mgmt/fake_sender.h"
#include "tests/unit/mgmt/upstream_fixture.h"

namespace postrider::cmd::test {

class ManagementFixture : public testing::Test {
 protected:
  ManagementFixture()
      : management_(config(), {*store_,
                               metrics_,
                               {"pr_key", std::string(32, 's'), std::string(32, 'a'),
                                [](const std::string&) { return result<void>(); }},
                               passwords_,
                               {},
                               log_,
                               {},
                               upstreams_.control(),
                               http_,
                               message_memory_}) {
    ::unsetenv("POSTRIDER_URL");
    ::unsetenv("POSTRIDER_TOKEN");
    management_.start();
  }
  ~ManagementFixture() override {
    management_.close();
    store_->close();
  }

  Said run(std::vector<std::string> line, const std::string& key = "pr_key") {
    line.insert(line.end(), {"--url", management_.urls().front(), "--token", key});
    return run_line(std::move(line));
  }
  // A message of app@example.com to user@example.net, due now; its id.
  std::string accept(const std::string& body = "Subject: hi\r\n\r\nhello\r\n", Lane lane = Lane::normal) {
    storage::NewMessage message;
    message.now = net::SystemClock().now();
    message.record.id = ids_.next(message.now);
    message.record.envelope.sender = parse_address("app@example.com").value();
    message.record.envelope.created_at = message.now;
    message.record.envelope.lane = lane;
    message.record.recipients.emplace_back();
    message.record.recipients[0].address = parse_address("user@example.net").value();
    message.record.recipients[0].due = message.now;
    message.record.body_size = message.body.size = body.size();
    message.record.body_chunks = 1;
    message.body.chunks.push_back(std::make_shared<const std::string>(body));
    std::string id = message.record.id.str();
    wait_for<storage::Accepted>([&](Done<storage::Accepted> done) {
      store_->accept(std::move(message), std::move(done));
    }).value();
    return id;
  }

  NullLog log_;
  MetricsRegistry metrics_;
  MessageIdSource ids_{1};
  Budget message_memory_{16u << 20};
  std::unique_ptr<storage::MemoryStore> store_ = storage::make_memory_store();
  mgmt::test::Upstreams upstreams_;
  mgmt::test::FakeSender http_;
  relay::PasswordWorker passwords_;
  Management management_;

 private:
  static Config config() {
    Config config = parse_config({}).config;
    config.mgmt_listeners.front().address = "127.0.0.1:0";
    return config;
  }
};

}  // namespace postrider::cmd::test
