// `postrider upstream` against a management side as the daemon makes it, on a memory store and upstreams that nobody delivers to.
#include "cmd/upstream_command.h"

#include <gtest/gtest.h>
#include <sysexits.h>

#include <boost/json/parse.hpp>

#include "tests/unit/cmd/management_fixture.h"

namespace postrider::cmd {
namespace {

namespace json = boost::json;
using test::Said;

class UpstreamLine : public test::ManagementFixture {
 protected:
  std::string accept() { return ManagementFixture::accept("Subject: hi\r\n\r\nhello\r\n", Lane::low); }
};

TEST_F(UpstreamLine, ListsForPeopleAndAsJson) {
  accept();
  upstreams_.fail("primary");
  const Said said = run({"upstream", "list"});
  EXPECT_EQ(said.exit_code, EX_OK) << said.err;
  EXPECT_NE(said.out.find("primary  smtp           1         out of service  1        0/20"), std::string::npos)
      << said.out;
  EXPECT_NE(said.out.find("connection refused"), std::string::npos) << said.out;
  const json::value list = json::parse(run({"upstream", "list", "--json"}).out);
  EXPECT_EQ(list.at("upstreams").at(0).at("name"), "primary");
}

TEST_F(UpstreamLine, PausesAndResumes) {
  const Said paused = run({"upstream", "pause", "primary"});
  EXPECT_EQ(paused.exit_code, EX_OK) << paused.err;
  EXPECT_EQ(
      paused.out,
      "primary is stopped (to let it go on: postrider upstream resume primary); 0 waiting messages may go there\n");
  EXPECT_TRUE(upstreams_.at("primary").stopped());
  const Said again = run({"upstream", "pause", "primary"});
  EXPECT_EQ(again.exit_code, EX_DATAERR);
  EXPECT_NE(again.err.find("paused already"), std::string::npos) << again.err;
  EXPECT_EQ(run({"upstream", "resume", "primary"}).exit_code, EX_OK);
  EXPECT_FALSE(upstreams_.at("primary").stopped());
  EXPECT_EQ(run({"upstream", "resume", "other"}).exit_code, EX_NOINPUT);
}

TEST_F(UpstreamLine, PrefersOrOnlySaysWhatWouldMove) {
  accept();
  const Said dry = run({"upstream", "prefer", "backup", "--dry-run"});
  EXPECT_EQ(dry.out, "1 of 1 waiting message would move to backup (high 0, normal 0, low 1); nothing was changed\n");
  EXPECT_FALSE(upstreams_.routes().preference().get());
  const Said canary = run({"upstream", "prefer", "backup", "--canary", "5%"});
  EXPECT_NE(canary.out.find("it is preferred for 5% of mail"), std::string::npos) << canary.out;
  EXPECT_EQ(upstreams_.routes().preference().get()->percent, 5u);
  EXPECT_NE(run({"upstream", "list"}).out.find("backup is preferred for 5% of mail by operator, since"),
            std::string::npos);
  EXPECT_EQ(run({"upstream", "prefer", "--none"}).exit_code, EX_OK);
  EXPECT_FALSE(upstreams_.routes().preference().get());
}

TEST_F(UpstreamLine, WhatCannotBeMeantIsAUsageError) {
  for (const std::vector<std::string>& line :
       std::vector<std::vector<std::string>>{{"upstream", "prefer"},
                                             {"upstream", "prefer", "backup", "--none"},
                                             {"upstream", "prefer", "--none", "--dry-run"},
                                             {"upstream", "explain"},
                                             {"upstream", "explain", "id", "--to", "user@example.net"},
                                             {"upstream", "pause"}})
    EXPECT_EQ(run(line).exit_code, EX_USAGE) << line.back();
  EXPECT_EQ(run({"upstream", "prefer", "backup", "--canary", "half"}).exit_code, EX_USAGE);
}

TEST_F(UpstreamLine, ATestThatFailsIsUnavailable) {
  upstreams_.found.outcome = OutcomeKind::sent;
  upstreams_.found.stage = Stage::auth;
  upstreams_.found.duration_ms = 12;
  upstreams_.found.peer = "smtp.example.net[192.0.2.1]:587";
  upstreams_.found.tls = "TLSv1.3";
  const Said works = run({"upstream", "test", "primary"});
  EXPECT_EQ(works.exit_code, EX_OK) << works.err;
  EXPECT_EQ(works.out,
            "primary works: reached and, where it has a login, logged in after 12 ms, smtp.example.net[192.0.2.1]:587, "
            "TLSv1.3\n");
  upstreams_.found.outcome = OutcomeKind::deferred;
  upstreams_.found.reason = {Cause::route, Stage::auth, 535, "5.7.8", "bad password"};
  const Said fails = run({"upstream", "test", "primary"});
  EXPECT_EQ(fails.exit_code, EX_UNAVAILABLE);
  EXPECT_NE(fails.out.find("primary fails at auth after 12 ms"), std::string::npos) << fails.out;
  EXPECT_NE(fails.out.find("535 5.7.8 bad password"), std::string::npos) << fails.out;
}

TEST_F(UpstreamLine, ExplainsAQuestionAndAMessage) {
  const Said asked = run({"upstream", "explain", "--from", "a@example.com", "--to", "user@example.net"});
  EXPECT_EQ(asked.exit_code, EX_OK) << asked.err;
  EXPECT_TRUE(asked.out.starts_with("primary takes it (first in order); backup is asked within the same try"))
      << asked.out;
  EXPECT_NE(asked.out.find("backup    yes"), std::string::npos) << asked.out;
  const std::string id = accept();
  const Said stored = run({"upstream", "explain", id});
  EXPECT_TRUE(stored.out.starts_with("user@example.net, queued:\nprimary takes it")) << stored.out;
  EXPECT_EQ(run({"upstream", "explain", "--from", "a@example.com"}).exit_code, EX_USAGE);
}

TEST_F(UpstreamLine, AMessageSaysWhatItWaitsFor) {
  const std::string id = accept();
  ASSERT_EQ(run({"upstream", "pause", "primary"}).exit_code, EX_OK);
  ASSERT_EQ(run({"upstream", "pause", "backup"}).exit_code, EX_OK);
  const Said shown = run({"queue", "show", id});
  EXPECT_TRUE(
      shown.out.starts_with("Due now in the low lane, waiting for its turn for its 1st try; all are paused by "
                            "an operator: the message waits until one is resumed.\n"))
      << shown.out;
}

TEST_F(UpstreamLine, ClassifyNeedsNoDaemon) {
  const Said said = test::run_line({"upstream", "classify", "--type", "mailgun", "--status", "401"});
  EXPECT_EQ(said.exit_code, EX_OK) << said.err;
  EXPECT_NE(said.out.find("route"), std::string::npos) << said.out;
}

}  // namespace
}  // namespace postrider::cmd
