// `postrider queue` and `postrider user` against a management side as the daemon makes it, on a memory store.
#include "cmd/queue_command.h"

#include <gtest/gtest.h>
#include <sysexits.h>

#include <boost/json/parse.hpp>

#include "cmd/blocking.h"
#include "cmd/management.h"
#include "storage/memory_store.h"
#include "tests/unit/cmd/command_line.h"

namespace postrider::cmd {
namespace {

namespace json = boost::json;
using test::Said;

Config config() {
  Config config = parse_config({}).config;
  config.mgmt_listeners.front().address = "127.0.0.1:0";
  return config;
}

class Queue : public testing::Test {
 protected:
  Queue() : management_(config(), {*store_, metrics_, "pr_key", nullptr, log_}) {
    ::unsetenv("POSTRIDER_URL");
    ::unsetenv("POSTRIDER_TOKEN");
    management_.start();
  }
  ~Queue() override {
    management_.close();
    store_->close();
  }

  Said run(std::vector<std::string> line, const std::string& key = "pr_key") {
    line.insert(line.end(), {"--url", management_.urls().front(), "--token", key});
    return test::run_line(std::move(line));
  }
  std::string accept(const std::string& body = "Subject: hi\r\n\r\nhello\r\n") {
    storage::NewMessage message;
    message.now = net::SystemClock().now();
    message.record.id = ids_.next(message.now);
    message.record.envelope.sender = parse_address("app@example.com").value();
    message.record.envelope.created_at = message.now;
    message.record.recipients.emplace_back();
    message.record.recipients[0].address = parse_address("user@example.net").value();
    message.record.recipients[0].due = message.now;
    message.record.body_size = message.body.size = body.size();
    message.record.body_chunks = 1;
    message.body.chunks.push_back(std::make_shared<const std::string>(body));
    const std::string id = message.record.id.str();
    wait_for<storage::Accepted>([&](Done<storage::Accepted> done) {
      store_->accept(std::move(message), std::move(done));
    }).value();
    return id;
  }

  NullLog log_;
  MetricsRegistry metrics_;
  MessageIdSource ids_{1};
  std::unique_ptr<storage::MemoryStore> store_ = storage::make_memory_store();
  Management management_;
};

TEST_F(Queue, ListsForPeopleAndAsJson) {
  const std::string id = accept();
  const Said said = run({"queue", "list", "--state", "queued", "--sender", "@example.com", "--limit", "5"});
  EXPECT_EQ(said.exit_code, EX_OK) << said.err;
  EXPECT_NE(said.out.find(id + "  queued"), std::string::npos) << said.out;
  const json::value page = json::parse(run({"queue", "list", "--json"}).out);
  EXPECT_EQ(page.at("messages").as_array().at(0).at("id").as_string(), id);
  EXPECT_EQ(run({"queue", "list", "--state", "sent"}).out, "no messages\n");
  const Said faulty = run({"queue", "list", "--state", "asleep"});
  EXPECT_EQ(faulty.exit_code, EX_DATAERR);
  EXPECT_NE(faulty.err.find("'state'"), std::string::npos) << faulty.err;
}

TEST_F(Queue, ShowsAndPrints) {
  const std::string id = accept();
  EXPECT_TRUE(run({"queue", "show", id}).out.starts_with("Queued: due now, waits for its turn."));
  EXPECT_EQ(json::parse(run({"queue", "show", id, "--json"}).out).at("id").as_string(), id);
  EXPECT_EQ(run({"queue", "cat", id}).out, "Subject: hi\r\n\r\nhello\r\n");
  EXPECT_EQ(run({"queue", "show", "nonsense"}).exit_code, EX_NOINPUT);
}

TEST_F(Queue, SteersManyAndGoesOnAfterOneThatCannotBe) {
  const std::string first = accept(), second = accept();
  const Said said = run({"queue", "hold", first, "nonsense", second, "--reason", "looks odd"});
  EXPECT_EQ(said.exit_code, EX_NOINPUT);
  EXPECT_NE(said.err.find("nonsense"), std::string::npos);
  EXPECT_NE(said.out.find(first + ": Held: by request: looks odd"), std::string::npos) << said.out;
  EXPECT_NE(said.out.find(second + ": Held"), std::string::npos) << said.out;
  EXPECT_EQ(run({"queue", "release", first}).exit_code, EX_OK);
  EXPECT_EQ(run({"queue", "retry", first}).exit_code, EX_OK);
  EXPECT_EQ(run({"queue", "cancel", first, "--recipient", "user@example.net"}).exit_code, EX_OK);
  const Said twice = run({"queue", "cancel", first});
  EXPECT_EQ(twice.exit_code, EX_DATAERR);
  EXPECT_NE(twice.err.find("cancelled"), std::string::npos) << twice.err;
}

TEST_F(Queue, AWrongKeyIsSaid) {
  const Said said = run({"queue", "list"}, "pr_wrong");
  EXPECT_EQ(said.exit_code, EX_NOPERM);
  EXPECT_NE(said.err.find("--token"), std::string::npos) << said.err;
}

TEST_F(Queue, UsersGoThroughTheApiWhenTold) {
  EXPECT_TRUE(run({"user", "list"}).out.starts_with("NAME"));
  EXPECT_EQ(run({"user", "remove", "nobody"}).exit_code, EX_NOINPUT);
}

}  // namespace
}  // namespace postrider::cmd
