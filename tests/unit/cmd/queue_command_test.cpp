// `postrider queue` and `postrider user` against a management side as the daemon makes it, on a memory store.
#include "cmd/queue_command.h"

#include <gtest/gtest.h>
#include <sysexits.h>

#include <boost/json/parse.hpp>

#include "tests/unit/cmd/management_fixture.h"

namespace postrider::cmd {
namespace {

namespace json = boost::json;
using test::Said;

class Queue : public test::ManagementFixture {};

TEST_F(Queue, ListsForPeopleAndAsJson) {
  const std::string id = accept();
  const Said said = run({"queue", "list", "--state", "queued", "--sender", "@example.com", "--limit", "5"});
  EXPECT_EQ(said.exit_code, EX_OK) << said.err;
  EXPECT_NE(said.out.find(id + "  queued"), std::string::npos) << said.out;
  const json::value page = json::parse(run({"queue", "list", "--json"}).out);
  EXPECT_EQ(page.at("messages").as_array().at(0).at("id").as_string(), id);
  EXPECT_EQ(run({"queue", "list", "--state", "sent"}).out, "no messages\n");
  const Said faulty = run({"queue", "list", "--state", "asleep"});
  EXPECT_EQ(faulty.exit_code, EX_USAGE);
  EXPECT_NE(faulty.err.find("'state'"), std::string::npos) << faulty.err;
}

TEST_F(Queue, ShowsAndPrints) {
  const std::string id = accept();
  EXPECT_TRUE(
      run({"queue", "show", id})
          .out.starts_with(
              "Due now, waiting for its turn for its 1st try; primary takes it (first in order); backup is asked "));
  EXPECT_EQ(json::parse(run({"queue", "show", id, "--json"}).out).at("id").as_string(), id);
  EXPECT_EQ(run({"queue", "cat", id}).out, "Subject: hi\r\n\r\nhello\r\n");
  EXPECT_EQ(run({"queue", "cat", id, "--headers"}).out, "Subject: hi\r\n\r\n");
  EXPECT_EQ(run({"queue", "show", "nonsense"}).exit_code, EX_NOINPUT);
}

TEST_F(Queue, SteersManyAndGoesOnAfterOneThatCannotBe) {
  const std::string first = accept(), second = accept();
  const Said said = run({"queue", "hold", first, "nonsense", second, "--reason", "looks odd"});
  EXPECT_EQ(said.exit_code, EX_NOINPUT);
  EXPECT_NE(said.err.find("nonsense"), std::string::npos);
  EXPECT_NE(said.out.find(first + ": Held at "), std::string::npos) << said.out;
  EXPECT_NE(said.out.find(second + ": Held"), std::string::npos) << said.out;
  EXPECT_EQ(run({"queue", "release", first}).exit_code, EX_OK);
  EXPECT_EQ(run({"queue", "retry", first}).exit_code, EX_OK);
  EXPECT_EQ(run({"queue", "cancel", first, "--recipient", "user@example.net"}).exit_code, EX_OK);
  const Said twice = run({"queue", "cancel", first});
  EXPECT_EQ(twice.exit_code, EX_DATAERR);
  EXPECT_NE(twice.err.find("cancelled"), std::string::npos) << twice.err;
}

TEST_F(Queue, ListsPageAfterPageUpToTheLimit) {
  for (int i = 0; i < 7; ++i) accept();
  const json::object all = json::parse(run({"queue", "list", "--json"}).out).as_object();
  EXPECT_EQ(all.at("messages").as_array().size(), 7u);
  EXPECT_TRUE(all.at("next").is_null());
  const json::object some = json::parse(run({"queue", "list", "--json", "--limit", "3"}).out).as_object();
  EXPECT_EQ(some.at("messages").as_array().size(), 3u);
  const std::string cursor(some.at("next").as_string());
  const json::object rest = json::parse(run({"queue", "list", "--json", "--cursor", cursor}).out).as_object();
  EXPECT_EQ(rest.at("messages").as_array().size(), 4u);
  EXPECT_EQ(run({"queue", "list", "--since", "1h"}).exit_code, EX_OK);
  EXPECT_EQ(run({"queue", "list", "--until", "1h"}).out, "no messages\n");
  EXPECT_EQ(run({"queue", "list", "--limit", "none"}).exit_code, EX_USAGE);
}

TEST_F(Queue, SteersByFilter) {
  const std::string first = accept();
  accept();
  const Said dry = run({"queue", "hold", "--sender", "@example.com", "--dry-run"});
  EXPECT_EQ(dry.out, "2 messages fit (queued 2); 2 would be held\n") << dry.err;
  ASSERT_EQ(run({"queue", "hold", first}).exit_code, EX_OK);
  EXPECT_EQ(run({"queue", "hold", "--all"}).out, "2 messages fit (held 1, queued 1); 1 held, 1 skipped (held 1)\n");
  const json::object released = json::parse(run({"queue", "release", "--state", "held", "--json"}).out).as_object();
  EXPECT_EQ(released.at("changed").to_number<int>(), 2);
  EXPECT_EQ(run({"queue", "cancel", "--recipient", "user@example.net"}).out,
            "2 messages fit (queued 2); 2 cancelled\n");
}

TEST_F(Queue, SaysWhichMessagesMustBeSaid) {
  for (std::vector<std::string> line : {std::vector<std::string>{"queue", "hold"},
                                        {"queue", "hold", "--dry-run"},
                                        {"queue", "hold", "abc", "--state", "queued"},
                                        {"queue", "hold", "abc", "--dry-run"}}) {
    const Said said = run(line);
    EXPECT_EQ(said.exit_code, EX_USAGE);
    EXPECT_NE(said.err.find("ids"), std::string::npos) << said.err;
  }
}

TEST_F(Queue, AsksBeforeManyChange) {
  for (int i = 0; i < 101; ++i) accept();
  SteerOptions options;
  options.verb = "hold";
  options.all = options.json = true;
  options.interactive = true;
  const ApiOptions api{management_.urls().front(), "pr_key", {}};
  const Said no = test::run_in_process([&] { return run_queue_steer(api, options); }, "n\n");
  EXPECT_NE(no.err.find("101 messages would be held. Go on? [y/N] "), std::string::npos) << no.err;
  EXPECT_EQ(no.out, "");
  const Said yes = test::run_in_process([&] { return run_queue_steer(api, options); }, "y\n");
  EXPECT_EQ(json::parse(yes.out).at("changed").to_number<int>(), 101);
  options.verb = "release";
  options.yes = true;
  const Said unasked = test::run_in_process([&] { return run_queue_steer(api, options); }, "");
  EXPECT_EQ(json::parse(unasked.out).at("changed").to_number<int>(), 101) << unasked.err;
}

TEST_F(Queue, EventsInOrderForPeopleAndAsLines) {
  const std::string id = accept();
  ASSERT_EQ(run({"queue", "hold", id, "--reason", "looks odd"}).exit_code, EX_OK);
  const Said people = run({"events"});
  EXPECT_EQ(people.exit_code, EX_OK) << people.err;
  const auto accepted = people.out.find("Z  accepted          " + id + "  from app@example.com\n");
  EXPECT_NE(accepted, std::string::npos) << people.out;
  EXPECT_NE(people.out.find("Z  held              " + id + "  by operator: by request: looks odd\n", accepted),
            std::string::npos)
      << people.out;
  const Said lines = run({"events", "--json", "--type", "held", "--message", id});
  EXPECT_EQ(std::count(lines.out.begin(), lines.out.end(), '\n'), 1);
  EXPECT_EQ(json::parse(lines.out).at("message").as_string(), id);
  EXPECT_EQ(std::count_if(people.out.begin(), people.out.end(), [](char c) { return c == '\n'; }), 2);
  const Said one = run({"events", "--limit", "1"});
  EXPECT_EQ(std::count(one.out.begin(), one.out.end(), '\n'), 1);
  EXPECT_EQ(run({"events", "--type", "slept"}).exit_code, EX_USAGE);
}

TEST_F(Queue, Retention) {
  const Said shown = run({"retention", "show"});
  EXPECT_EQ(shown.exit_code, EX_OK) << shown.err;
  EXPECT_NE(shown.out.find("next run would remove 0 messages and 0 bodies, 0 B\n"), std::string::npos) << shown.out;
  EXPECT_EQ(run({"retention", "run", "--dry-run"}).out, "would remove 0 messages and 0 bodies, 0 B\n");
  EXPECT_EQ(run({"retention", "run"}).out, "removed 0 messages and 0 bodies, 0 B\n");
  EXPECT_EQ(json::parse(run({"retention", "run", "--json"}).out).at("more"), false);
}

TEST_F(Queue, AnUnreachableDaemonIsSaidWithWhereItWasLookedFor) {
  management_.close();
  const Said said = run({"queue", "list"});
  EXPECT_EQ(said.exit_code, EX_UNAVAILABLE);
  for (const char* part : {"cannot reach postrider at http://127.0.0.1:", "(from --url)", "is it running?", "--config"})
    EXPECT_NE(said.err.find(part), std::string::npos) << said.err;
}

TEST_F(Queue, AWrongKeyIsSaid) {
  const Said said = run({"queue", "list"}, "pr_wrong");
  EXPECT_EQ(said.exit_code, EX_NOPERM);
  EXPECT_NE(said.err.find("refuses the key from --token"), std::string::npos) << said.err;
}

TEST_F(Queue, UsersGoThroughTheApiWhenTold) {
  EXPECT_TRUE(run({"user", "list"}).out.starts_with("NAME"));
  EXPECT_EQ(run({"user", "remove", "nobody"}).exit_code, EX_NOINPUT);
}

}  // namespace
}  // namespace postrider::cmd
