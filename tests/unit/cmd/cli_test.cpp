// The command line: exit codes, errors that say what to do, and the commands that read and write a spool on disk.
#include "cmd/cli.h"

#include <gtest/gtest.h>
#include <sysexits.h>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <fstream>

#include "cmd/user_directory.h"
#include "relay/inbound/password.h"
#include "tests/temp_directory.h"
#include "tests/unit/cmd/command_line.h"

namespace postrider::cmd {
namespace {

namespace json = boost::json;
using test::run_line;
using test::Said;

class CommandLine : public testing::Test {
 protected:
  CommandLine() : config_(directory_ / "postrider.toml") {
    ::unsetenv("POSTRIDER_URL");
    ::unsetenv("POSTRIDER_TOKEN");
    std::ofstream(config_) << "[server]\ndata_dir = \"" << data_dir() << "\"\n[spool]\nmax_size = \"64MiB\"\n"
                           << "[[mgmt.listener]]\naddress = \"127.0.0.1:1\"\n";
  }
  std::string data_dir() const { return directory_ / "data"; }
  Said with_config(std::vector<std::string> arguments, const std::string& input = {}) {
    arguments.insert(arguments.end(), {"--config", config_});
    return run_line(std::move(arguments), input);
  }
  json::array users() {
    const Said said = with_config({"user", "list", "--json"});
    EXPECT_EQ(said.exit_code, EX_OK) << said.err;
    return json::parse(said.out).at("users").as_array();
  }

  TempDirectory directory_;
  std::string config_;
};

TEST_F(CommandLine, Version) {
  const Said said = run_line({"--version"});
  EXPECT_EQ(said.exit_code, EX_OK);
  EXPECT_EQ(said.out, "postrider " POSTRIDER_VERSION "\n");
}

TEST_F(CommandLine, WhatIsNotACommandIsAUsageError) {
  for (const std::vector<std::string>& line : {std::vector<std::string>{},
                                               {"dance"},
                                               {"queue"},
                                               {"queue", "show"},
                                               {"queue", "list", "--colour"},
                                               {"user", "add"}})
    EXPECT_EQ(run_line(line).exit_code, EX_USAGE);
}

TEST_F(CommandLine, AMistypedCommandIsNamed) {
  struct Case {
    std::vector<std::string> line;
    const char* says;
  };
  for (const auto& [line, says] :
       {Case{{"quue", "list"}, "'quue' is not a command of postrider; did you mean queue?\n"},
        {{"queue", "lst"}, "'lst' is not a command of postrider queue; did you mean list?\n"},
        {{"upstream", "paus", "primary"}, "'paus' is not a command of postrider upstream; did you mean pause?\n"},
        {{"config", "dance", "--json"},
         "'dance' is not a command of postrider config; there are check, show, reference\n"}}) {
    const Said said = run_line(line);
    EXPECT_EQ(said.exit_code, EX_USAGE);
    EXPECT_TRUE(said.err.starts_with(says)) << said.err;
  }
}

TEST_F(CommandLine, AnAddressThatIsNoneIsNotAsked) {
  const Said said = run_line({"queue", "list", "--url", "nonsense", "--token", "pr_x"});
  EXPECT_EQ(said.exit_code, EX_USAGE);
  EXPECT_NE(said.err.find("'nonsense' (from --url) is not the address of an API"), std::string::npos) << said.err;
}

TEST_F(CommandLine, AnEmptyBoundIsNoBoundAndSoRefused) {
  for (const std::vector<std::string>& line :
       {std::vector<std::string>{"user", "add", "app", "--password-stdin", "--senders", ""},
        {"user", "add", "app", "--password-stdin", "--senders", " , "},
        {"user", "passwd", "app", "--password-stdin", "--allow-recipients", ""},
        {"user", "passwd", "app", "--password-stdin", "--redirect-to", ""},
        {"token", "create", "app", "--scopes", "send", "--senders", ""},
        {"token", "create", "app", "--scopes", "send", "--allow-recipients", ""},
        {"token", "create", "app", "--scopes", "send", "--networks", ""}}) {
    const Said said = with_config(line, "wald\n");
    EXPECT_EQ(said.exit_code, EX_USAGE) << line.back();
    EXPECT_NE(said.err.find("is empty; leave it out"), std::string::npos) << said.err;
  }
  EXPECT_TRUE(users().empty());
}

TEST_F(CommandLine, HelpIsNoError) {
  EXPECT_EQ(run_line({"queue", "list", "--help"}).exit_code, EX_OK);
}

TEST_F(CommandLine, ADaemonThatIsNotThereIsNamed) {
  const Said said = run_line({"queue", "list", "--url", "http://127.0.0.1:1", "--token", "pr_x"});
  EXPECT_EQ(said.exit_code, EX_UNAVAILABLE);
  EXPECT_NE(said.err.find("cannot reach postrider at http://127.0.0.1:1 (from --url): "), std::string::npos)
      << said.err;
  EXPECT_NE(said.err.find("is it running? --url"), std::string::npos) << said.err;
}

TEST_F(CommandLine, AKeyThatIsNotThereIsSaid) {
  const Said said = with_config({"queue", "list"});
  EXPECT_EQ(said.exit_code, EX_NOPERM);
  EXPECT_NE(said.err.find("operator.token"), std::string::npos) << said.err;
}

TEST_F(CommandLine, FaultyConfigurationIsEX_CONFIG) {
  std::ofstream(config_) << "[server]\ncolour = 1\n";
  EXPECT_EQ(with_config({"queue", "list"}).exit_code, EX_CONFIG);
  EXPECT_EQ(with_config({"user", "list"}).exit_code, EX_CONFIG);
  EXPECT_EQ(with_config({"spool", "stat"}).exit_code, EX_CONFIG);
  EXPECT_EQ(with_config({"serve"}).exit_code, EX_CONFIG);
}

TEST_F(CommandLine, UsersLiveInTheSpoolWhileNoDaemonHasIt) {
  const Said added = with_config(
      {"user", "add", "app", "--password-stdin", "--senders", "a@example.com, *@example.net", "--scram"}, "wald\n");
  ASSERT_EQ(added.exit_code, EX_OK) << added.err;
  ASSERT_EQ(users().size(), 1u);
  EXPECT_EQ(users()[0].at("name").as_string(), "app");
  EXPECT_EQ(users()[0].at("role").as_string(), "sender");
  EXPECT_EQ(users()[0].at("senders").as_array().size(), 2u);
  EXPECT_TRUE(users()[0].at("scram").as_bool());
  EXPECT_NE(with_config({"user", "list"}).out.find("a@example.com, *@example.net"), std::string::npos);

  EXPECT_EQ(with_config({"user", "add", "app", "--password-stdin"}, "x\n").exit_code, EX_DATAERR);
  EXPECT_EQ(with_config({"user", "passwd", "app", "--password-stdin"}, "wiese\n").exit_code, EX_OK);
  EXPECT_EQ(with_config({"user", "remove", "app"}).exit_code, EX_OK);
  EXPECT_TRUE(users().empty());
  EXPECT_EQ(with_config({"user", "remove", "app"}).exit_code, EX_NOUSER);
  EXPECT_EQ(with_config({"user", "passwd", "app", "--password-stdin"}, "x\n").exit_code, EX_NOUSER);
}

TEST_F(CommandLine, AUserMayHaveAGuard) {
  const Said added = with_config({"user", "add", "app", "--password-stdin", "--allow-recipients",
                                  "*@example.com, a@example.org", "--redirect-to", "qa@example.net"},
                                 "wald\n");
  ASSERT_EQ(added.exit_code, EX_OK) << added.err;
  EXPECT_EQ(users()[0].at("redirect_to").as_string(), "qa@example.net");
  EXPECT_NE(with_config({"user", "list"}).out.find("*@example.com, a@example.org, else to qa@example.net"),
            std::string::npos);
  EXPECT_EQ(with_config({"user", "passwd", "app", "--password-stdin"}, "x\n").exit_code, EX_OK);
  EXPECT_EQ(users()[0].at("allow_recipients").as_array().size(), 2u) << "a new password leaves the guard alone";
  EXPECT_EQ(with_config({"user", "passwd", "app", "--password-stdin", "--capture"}, "x\n").exit_code, EX_OK);
  EXPECT_TRUE(users()[0].at("capture").as_bool());
  EXPECT_TRUE(users()[0].at("redirect_to").is_null());
  EXPECT_EQ(with_config({"user", "passwd", "app", "--password-stdin", "--no-guard"}, "x\n").exit_code, EX_OK);
  EXPECT_FALSE(users()[0].at("capture").as_bool());

  EXPECT_EQ(with_config({"user", "passwd", "app", "--password-stdin", "--redirect-to", "qa"}, "x\n").exit_code,
            EX_DATAERR);
  EXPECT_EQ(with_config({"user", "passwd", "app", "--password-stdin", "--no-guard", "--capture"}, "x\n").exit_code,
            EX_USAGE);
}

TEST_F(CommandLine, FaultyUsersAreRefused) {
  EXPECT_EQ(with_config({"user", "add", "a b", "--password-stdin"}, "x\n").exit_code, EX_DATAERR);
  EXPECT_EQ(with_config({"user", "add", "app", "--role", "king", "--password-stdin"}, "x\n").exit_code, EX_DATAERR);
  EXPECT_EQ(with_config({"user", "add", "app", "--password-stdin"}, "\n").exit_code, EX_DATAERR);
  EXPECT_EQ(with_config({"user", "add", "app", "--password-stdin"}, "").exit_code, EX_DATAERR);
}

TEST_F(CommandLine, WithoutATerminalAPasswordComesFromStdinOnly) {
  if (::isatty(STDIN_FILENO)) GTEST_SKIP() << "stdin is a terminal";
  const Said said = with_config({"user", "add", "app"}, "wald\n");
  EXPECT_EQ(said.exit_code, EX_USAGE);
  EXPECT_NE(said.err.find("--password-stdin"), std::string::npos) << said.err;
}

TEST_F(CommandLine, APasswordIsStoredAsWhatVerifiesIt) {
  storage::UserRecord user;
  ASSERT_TRUE(set_password(user, "wald", false));
  EXPECT_TRUE(user.scram.empty());
  EXPECT_TRUE(relay::verify_password(user.password_hash, "wald"));
  EXPECT_FALSE(relay::verify_password(user.password_hash, "wiese"));
  ASSERT_TRUE(set_password(user, "wiese", true));
  EXPECT_FALSE(user.scram.empty());
  EXPECT_FALSE(set_password(user, "", true));
}

TEST_F(CommandLine, ReadsASpoolOnDisk) {
  EXPECT_EQ(run_line({"spool", "stat", "--data-dir", data_dir()}).exit_code, EX_NOINPUT);
  ASSERT_EQ(with_config({"user", "add", "app", "--password-stdin"}, "wald\n").exit_code, EX_OK);
  const Said stat = run_line({"spool", "stat", "--data-dir", data_dir(), "--json"});
  ASSERT_EQ(stat.exit_code, EX_OK) << stat.err;
  EXPECT_EQ(json::parse(stat.out).at("live_messages").to_number<int>(), 0);
  EXPECT_NE(run_line({"spool", "stat", "--data-dir", data_dir()}).out.find("live messages"), std::string::npos);
  EXPECT_EQ(run_line({"spool", "list", "--data-dir", data_dir()}).out, "no messages\n");
  EXPECT_EQ(run_line({"spool", "list", "--data-dir", data_dir(), "--state", "asleep"}).exit_code, EX_USAGE);
  EXPECT_EQ(run_line({"spool", "show", "nonsense", "--data-dir", data_dir()}).exit_code, EX_NOINPUT);
  const std::string nobody = MessageId::first_at(from_ms(1)).str();
  EXPECT_EQ(run_line({"spool", "show", nobody, "--data-dir", data_dir()}).exit_code, EX_NOINPUT);
  EXPECT_EQ(run_line({"spool", "cat", nobody, "--data-dir", data_dir()}).exit_code, EX_NOINPUT);
  const Said verify = run_line({"spool", "verify", "--data-dir", data_dir()});
  EXPECT_EQ(verify.exit_code, EX_OK) << verify.out;
  EXPECT_NE(verify.out.find("faults: 0\n"), std::string::npos);
}

}  // namespace
}  // namespace postrider::cmd
