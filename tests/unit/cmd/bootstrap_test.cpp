// `postrider bootstrap`: everything a first start makes, once, and a first admin.
#include "cmd/bootstrap.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <filesystem>
#include <fstream>

#include "cmd/data_dir.h"
#include "tests/temp_directory.h"
#include "tests/unit/cmd/command_line.h"

namespace postrider::cmd::test {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

class Bootstrap : public testing::Test {
 protected:
  Bootstrap() : config_(directory_ / "postrider.toml"), umask_(::umask(077)) {
    std::ofstream(config_) << "[server]\nhostname = \"relay.example.com\"\ndata_dir = \"" << data_dir()
                           << "\"\n[spool]\nmax_size = \"64MiB\"\n";
  }
  ~Bootstrap() override { ::umask(umask_); }

  std::string data_dir() const { return directory_ / "data"; }
  Said bootstrap(std::vector<std::string> arguments = {}, const std::string& input = {}) {
    arguments.insert(arguments.begin(), "bootstrap");
    arguments.insert(arguments.end(), {"--config", config_});
    return run_line(std::move(arguments), input);
  }
  json::array users() {
    return json::parse(run_line({"user", "list", "--json", "--config", config_}).out).at("users").as_array();
  }
  static std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
  }

  TempDirectory directory_;
  std::string config_;
  const mode_t umask_;
};

TEST_F(Bootstrap, MakesAllThatAFirstStartMakesAndSaysSo) {
  const Said said = bootstrap();
  ASSERT_EQ(said.exit_code, EX_OK) << said.err;
  EXPECT_EQ(count(said.out, ": made\n"), 5u) << said.out;
  for (const char* secret : {"operator.token", "session.key", "aws.key", "certs/relay.key"}) {
    struct stat info {};
    ASSERT_EQ(::stat((data_dir() + "/" + secret).c_str(), &info), 0) << secret;
    EXPECT_EQ(info.st_mode & 0777, 0600u) << secret;
  }
  EXPECT_TRUE(fs::exists(data_dir() + "/certs/relay.crt"));
  EXPECT_EQ(said.out.find(read_operator_token(data_dir()).value()), std::string::npos) << "secrets are not printed";
}

TEST_F(Bootstrap, ASecondRunChangesNothing) {
  ASSERT_EQ(bootstrap({"--admin", "root", "--password-stdin"}, "wald\n").exit_code, EX_OK);
  const std::string token = read_operator_token(data_dir()).value();
  const std::string session = ensure_relay_key(data_dir(), RelayKey::session);
  const json::value changed_at = users()[0].at("changed_at");
  const Said again = bootstrap({"--admin", "root", "--password-stdin"}, "other\n");
  ASSERT_EQ(again.exit_code, EX_OK) << again.err;
  EXPECT_EQ(count(again.out, "is there already"), 6u) << again.out;
  EXPECT_EQ(read_operator_token(data_dir()).value(), token);
  EXPECT_EQ(ensure_relay_key(data_dir(), RelayKey::session), session);
  ASSERT_EQ(users().size(), 1u);
  EXPECT_EQ(users()[0].at("changed_at"), changed_at);
}

TEST_F(Bootstrap, AddsAnAdmin) {
  const Said said = bootstrap({"--admin", "root", "--password-stdin"}, "wald\n");
  ASSERT_EQ(said.exit_code, EX_OK) << said.err;
  EXPECT_NE(said.out.find("user root: made, with the role admin"), std::string::npos) << said.out;
  ASSERT_EQ(users().size(), 1u);
  EXPECT_EQ(users()[0].at("role").as_string(), "admin");
}

TEST_F(Bootstrap, LeavesAUserOfThatNameAsItIsAndSaysWhatItIs) {
  ASSERT_EQ(run_line({"user", "add", "root", "--password-stdin", "--config", config_}, "wald\n").exit_code, EX_OK);
  const Said said = bootstrap({"--admin", "root", "--password-stdin"}, "other\n");
  EXPECT_EQ(said.exit_code, EX_OK);
  EXPECT_NE(said.out.find("as sender; left as it is"), std::string::npos) << said.out;
  EXPECT_EQ(users()[0].at("role").as_string(), "sender");
}

TEST_F(Bootstrap, FaultsStopIt) {
  EXPECT_EQ(bootstrap({"--admin", "a b", "--password-stdin"}, "wald\n").exit_code, EX_DATAERR);
  EXPECT_EQ(bootstrap({"--admin", "root", "--password-stdin"}, "\n").exit_code, EX_DATAERR);
  EXPECT_TRUE(users().empty());
  std::ofstream(config_) << "[server]\ncolour = 1\n";
  EXPECT_EQ(bootstrap().exit_code, EX_CONFIG);
  std::ofstream(config_) << "[server]\ndata_dir = \"" << data_dir() << "\"\n[tls]\ncertificate = \"" << data_dir()
                         << "/none.pem\"\nkey = \"" << data_dir() << "/none.pem\"\n";
  EXPECT_EQ(bootstrap().exit_code, EX_CONFIG);
}

TEST_F(Bootstrap, IsOfThisDataDirectoryWhateverDaemonTheEnvironmentNames) {
  ::setenv("POSTRIDER_URL", "http://127.0.0.1:1", 1);
  const Said said = bootstrap({"--admin", "root", "--password-stdin"}, "wald\n");
  ::unsetenv("POSTRIDER_URL");
  EXPECT_EQ(said.exit_code, EX_OK) << said.err;
  EXPECT_EQ(users().size(), 1u);
}

}  // namespace
}  // namespace postrider::cmd::test
