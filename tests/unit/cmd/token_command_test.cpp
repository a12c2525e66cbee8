// `postrider token` on a data directory of its own, and against a management side as the daemon makes it.
#include <gtest/gtest.h>
#include <sysexits.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <fstream>

#include "cmd/data_dir.h"
#include "mgmt/secret.h"
#include "storage/lmdb_store.h"
#include "tests/temp_directory.h"
#include "tests/unit/cmd/management_fixture.h"

namespace postrider::cmd::test {
namespace {

namespace json = boost::json;

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

class TokenInSpool : public testing::Test {
 protected:
  TokenInSpool() : config_(directory_ / "postrider.toml") {
    ::unsetenv("POSTRIDER_URL");
    ::unsetenv("POSTRIDER_TOKEN");
    std::ofstream(config_) << "[server]\ndata_dir = \"" << data_dir() << "\"\n[spool]\nmax_size = \"64MiB\"\n"
                           << "[[mgmt.listener]]\naddress = \"127.0.0.1:1\"\n";
  }
  std::string data_dir() const { return directory_ / "data"; }
  Said token(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "token");
    arguments.insert(arguments.end(), {"--config", config_});
    return run_line(std::move(arguments));
  }
  json::array keys() {
    const Said said = token({"list", "--json"});
    EXPECT_EQ(said.exit_code, EX_OK) << said.err;
    return json::parse(said.out).at("keys").as_array();
  }

  TempDirectory directory_;
  std::string config_;
};

TEST_F(TokenInSpool, TheKeyStandsAloneOnStdout) {
  const Said made = token({"create", "app", "--scopes", "send, read"});
  ASSERT_EQ(made.exit_code, EX_OK) << made.err;
  const std::string key = first_line(made.out);
  EXPECT_TRUE(mgmt::looks_like_token(key)) << key;
  EXPECT_EQ(made.out, key + "\n");
  EXPECT_NE(made.err.find("shown once"), std::string::npos);
  EXPECT_NE(made.err.find("AWS_ACCESS_KEY_ID=PR"), std::string::npos);
  EXPECT_NE(made.err.find("AWS_SECRET_ACCESS_KEY="), std::string::npos);

  const Said listed = token({"list"});
  EXPECT_NE(listed.out.find("app"), std::string::npos);
  EXPECT_NE(listed.out.find("send,read"), std::string::npos);
  EXPECT_EQ(listed.out.find(key), std::string::npos);
}

TEST_F(TokenInSpool, TakesAllThatTheApiTakes) {
  const Said made = token({"create",
                           "app",
                           "--scopes",
                           "send",
                           "--tenant",
                           "shop",
                           "--senders",
                           "*@a.example,b@c.example",
                           "--networks",
                           "10.0.0.0/8, ::1",
                           "--expires",
                           "90d",
                           "--per-minute",
                           "5",
                           "--per-day",
                           "50",
                           "--allow-recipients",
                           "*@a.example",
                           "--redirect-to",
                           "qa@a.example",
                           "--json"});
  ASSERT_EQ(made.exit_code, EX_OK) << made.err;
  const json::object shown = json::parse(made.out).as_object();
  EXPECT_TRUE(mgmt::looks_like_token(std::string(shown.at("key").as_string())));
  EXPECT_EQ(shown.at("aws_secret_access_key").as_string().size(), 43u);
  ASSERT_EQ(keys().size(), 1u);
  const json::object key = keys()[0].as_object();
  EXPECT_FALSE(key.contains("key"));
  EXPECT_EQ(key.at("tenant").as_string(), "shop");
  EXPECT_EQ(key.at("senders").as_array().size(), 2u);
  EXPECT_EQ(key.at("networks").as_array().at(1).as_string(), "::1/128");
  EXPECT_EQ(key.at("per_minute").as_int64(), 5);
  EXPECT_EQ(key.at("per_day").as_int64(), 50);
  EXPECT_EQ(key.at("redirect_to").as_string(), "qa@a.example");
  EXPECT_EQ(*parse_rfc3339(std::string(key.at("expires_at").as_string())) -
                *parse_rfc3339(std::string(key.at("created_at").as_string())),
            std::chrono::hours(24 * 90));
  const std::string table = token({"list"}).out;
  EXPECT_NE(table.find("5 a minute, 50 a day"), std::string::npos) << table;
}

TEST_F(TokenInSpool, AnExpiryCanBeATime) {
  ASSERT_EQ(token({"create", "app", "--scopes", "read", "--expires", "2099-12-31T00:00:00Z"}).exit_code, EX_OK);
  EXPECT_EQ(keys()[0].at("expires_at").as_string(), "2099-12-31T00:00:00.000Z");
}

TEST_F(TokenInSpool, FaultsNameWhatIsWrong) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"create", "app", "--scopes", "king"}, "/scopes/0"},
      {{"create", "a b", "--scopes", "send"}, "/name"},
      {{"create", "app", "--scopes", "send", "--networks", "10.0.0.1/8"}, "/networks/0"},
      {{"create", "app", "--scopes", "send", "--expires", "soon"}, "/expires_at"},
      {{"create", "app", "--scopes", "send", "--expires", "2020-01-01T00:00:00Z"}, "in the future"},
      {{"create", "operator", "--scopes", "send"}, "/name"},
      {{"create", "app", "--scopes", "send", "--per-minute", "0"}, "/per_minute"},
      {{"create", "app", "--scopes", "send", "--per-day", "0"}, "/per_day"},
      {{"create", "app", "--scopes", "send", "--redirect-to", "qa"}, "/redirect_to"}};
  for (const auto& [line, named] : cases) {
    const Said said = token(line);
    EXPECT_EQ(said.exit_code, EX_DATAERR) << named;
    EXPECT_NE(said.err.find(named), std::string::npos) << said.err;
    EXPECT_EQ(said.out, "");
  }
  EXPECT_EQ(token({"create", "app"}).exit_code, EX_USAGE) << "scopes are needed";
  EXPECT_TRUE(keys().empty());
}

TEST_F(TokenInSpool, ANameIsGivenOnceAndRevokedOnce) {
  EXPECT_EQ(token({"create", "app", "--scopes", "send"}).exit_code, EX_OK);
  EXPECT_EQ(token({"create", "app", "--scopes", "send"}).exit_code, EX_DATAERR);
  EXPECT_EQ(token({"revoke", "app"}).exit_code, EX_OK);
  EXPECT_TRUE(keys().empty());
  EXPECT_EQ(token({"revoke", "app"}).exit_code, EX_NOINPUT);
}

TEST_F(TokenInSpool, RotatingReplacesTheKeyOfSessions) {
  ASSERT_EQ(token({"rotate"}).exit_code, EX_OK);
  const std::string key = ensure_relay_key(data_dir(), RelayKey::session);
  EXPECT_EQ(key.size(), mgmt::kSecretOctets);
  ASSERT_EQ(token({"rotate"}).exit_code, EX_OK);
  EXPECT_NE(ensure_relay_key(data_dir(), RelayKey::session), key);
}

TEST_F(TokenInSpool, WhereASpoolIsInUseTheDaemonIsAsked) {
  NullLog log;
  prepare_data_dir(data_dir());
  storage::SpoolOptions options;
  options.data_dir = data_dir();
  options.max_size = 64 << 20;
  const auto held = storage::open_lmdb_store(options, log);
  const Said said = token({"list"});
  EXPECT_NE(said.exit_code, EX_OK);
  EXPECT_NE(said.err.find("operator token"), std::string::npos) << said.err;
  held->close();
}

class TokenByApi : public ManagementFixture {};

TEST_F(TokenByApi, TheDaemonMakesListsAndRevokes) {
  const Said made = run({"token", "create", "app", "--scopes", "read", "--networks", "127.0.0.0/8"});
  ASSERT_EQ(made.exit_code, EX_OK) << made.err;
  const std::string key = first_line(made.out);
  EXPECT_TRUE(mgmt::looks_like_token(key)) << key;
  EXPECT_EQ(run({"queue", "list"}, key).exit_code, EX_OK) << "it opens at once";
  EXPECT_EQ(run({"token", "list"}, key).exit_code, EX_NOPERM) << "and not everything";
  EXPECT_NE(run({"token", "list"}).out.find("127.0.0.0/8"), std::string::npos);
  EXPECT_EQ(run({"token", "revoke", "app"}).exit_code, EX_OK);
  EXPECT_EQ(run({"queue", "list"}, key).exit_code, EX_NOPERM);
  EXPECT_EQ(run({"token", "revoke", "app"}).exit_code, EX_NOINPUT);
}

TEST_F(TokenByApi, ItsFaultsAreToldInFull) {
  const Said said = run({"token", "create", "a b", "--scopes", "king"});
  EXPECT_EQ(said.exit_code, EX_DATAERR);
  EXPECT_NE(said.err.find("/name must"), std::string::npos) << said.err;
  EXPECT_NE(said.err.find("/scopes/0 must"), std::string::npos) << said.err;
}

TEST_F(TokenByApi, TheDaemonRotates) {
  EXPECT_EQ(run({"token", "rotate"}).exit_code, EX_OK);
}

}  // namespace
}  // namespace postrider::cmd::test
