#include "cmd/config_command.h"

#include <sysexits.h>

#include <boost/json/parse.hpp>
#include <cstdlib>
#include <fstream>

#include "tests/temp_directory.h"
#include "tests/unit/cmd/command_line.h"

namespace postrider::cmd {
namespace {

class ConfigCommand : public testing::Test {
 protected:
  ~ConfigCommand() override { ::unsetenv("POSTRIDER_SERVER__THREADS"); }

  std::string write(const std::string& name, const std::string& text) const {
    const std::string path = directory_ / name;
    std::ofstream(path) << text;
    return path;
  }

  const TempDirectory directory_;
};

TEST_F(ConfigCommand, ValidFileIsOk) {
  const std::string file = write("a.toml", "[server]\nthreads = 2\n");
  testing::internal::CaptureStdout();
  EXPECT_EQ(run_config_check(file), EX_OK);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), file + " is valid\n");
}

TEST_F(ConfigCommand, EveryFaultIsPrintedWithItsLine) {
  const std::string file = write("a.toml", "[server]\nthread = 2\nhostnam = \"x\"\n");
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_config_check(file), EX_CONFIG);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            file + ":2:1: error: server.thread is not a known key; did you mean server.threads?\n" + file +
                ":3:1: error: server.hostnam is not a known key; did you mean server.hostname?\n" + file +
                ": warning: there is no [[upstream]]: all mail is captured on this machine and none is sent on\n" +
                file + " has 2 faults\n");
}

TEST_F(ConfigCommand, MissingFileIsAFault) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_config_check("/nonexistent/postrider.toml"), EX_CONFIG);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "/nonexistent/postrider.toml: error: cannot be read: No such file or directory\n"
            "/nonexistent/postrider.toml has 1 fault\n");
}

TEST_F(ConfigCommand, EnvironmentAndSecretFilesAreRead) {
  const std::string secret = write("pw", "sesame\n");
  const std::string file = write("a.toml",
                                 "[[upstream]]\nname = \"p\"\ntype = \"smtp\"\nhost = \"h.example\"\n"
                                 "username = \"u\"\npassword = { file = \"" +
                                     secret + "\" }\n");
  ::setenv("POSTRIDER_SERVER__THREADS", "7", 1);
  const LoadedConfig loaded = load_config(file);
  ASSERT_TRUE(loaded.ok());
  EXPECT_EQ(loaded.file, file);
  EXPECT_EQ(loaded.result.config.server.threads, 7u);
  EXPECT_EQ(loaded.result.config.upstreams.at(0).password, "sesame");

  testing::internal::CaptureStdout();
  EXPECT_EQ(run_config_show(file), EX_OK);
  const std::string shown = testing::internal::GetCapturedStdout();
  EXPECT_EQ(shown.find("sesame"), std::string::npos);
  EXPECT_NE(shown.find("POSTRIDER_SERVER__THREADS"), std::string::npos);
}

TEST_F(ConfigCommand, FindingsAsJson) {
  const std::string file = write("a.toml", "[server]\nthread = 2\n");
  ::setenv("POSTRIDER_SERVER__THREADS", "many", 1);
  const test::Said said = test::run_line({"config", "check", "--json", "--config", file});
  EXPECT_EQ(said.exit_code, EX_CONFIG);
  EXPECT_EQ(said.err, "");
  EXPECT_EQ(
      boost::json::parse(said.out),
      boost::json::parse(R"([
    {"file": ")" + file + R"(", "line": 2, "column": 1, "variable": null, "key": "server.thread", "severity": "error",
     "text": "server.thread is not a known key; did you mean server.threads?"},
    {"file": null, "line": null, "column": null, "variable": "POSTRIDER_SERVER__THREADS", "key": "server.threads",
     "severity": "error", "text": "server.threads = \"many\" is not a whole number"},
    {"file": ")" + file +
                         R"(", "line": null, "column": null, "variable": null, "key": "upstream", "severity": "warning",
     "text": "there is no [[upstream]]: all mail is captured on this machine and none is sent on"}])"));
}

TEST_F(ConfigCommand, CertificatesAreChecked) {
  const std::string none = directory_ / "none.pem";
  const std::string file = write("a.toml", "[tls]\ncertificate = \"" + none + "\"\nkey = \"" + none +
                                               "\"\n[[upstream]]\nname = \"p\"\ntype = \"smtp\"\nhost = \"h.example\"\n"
                                               "tls_ca_file = \"" +
                                               none + "\"\n");
  const test::Said said = test::run_line({"config", "check", "--config", file});
  EXPECT_EQ(said.exit_code, EX_CONFIG);
  EXPECT_TRUE(said.err.starts_with(file + ":2:1: error: tls.certificate: cannot use the certificate " + none))
      << said.err;
  EXPECT_NE(said.err.find(file + ":8:1: error: upstream.p.tls_ca_file: cannot use the CA file " + none),
            std::string::npos)
      << said.err;
}

TEST_F(ConfigCommand, OneFileOfAPairIsLookedAtAsWell) {
  const std::string empty = write("empty.pem", ""), none = directory_ / "none.pem";
  const std::string file =
      write("a.toml", "[tls]\ncertificate = \"" + empty + "\"\n[[mgmt.listener]]\ntls = \"on\"\nclient_ca = \"" + none +
                          "\"\n[[upstream]]\nname = \"p\"\ntype = \"smtp\"\nhost = "
                          "\"h.example\"\ntls_key = \"" +
                          none + "\"\n");
  const test::Said said = test::run_line({"config", "check", "--config", file});
  EXPECT_EQ(said.exit_code, EX_CONFIG);
  for (const std::string& fault :
       {":2:1: error: tls.certificate: cannot use the certificate " + empty + ": there is no certificate in it",
        std::string(":2:1: error: tls.certificate needs tls.key, which is not set"),
        ":5:1: error: mgmt.listener.0.client_ca: cannot use the CA file " + none + ": No such file or directory",
        ":10:1: error: upstream.p.tls_key: cannot use the key " + none + ": No such file or directory",
        std::string(":10:1: error: upstream.p needs both tls_certificate and tls_key, or neither")})
    EXPECT_NE(said.err.find(file + fault), std::string::npos) << fault << "\n" << said.err;
  EXPECT_NE(said.err.find(" has 5 faults\n"), std::string::npos) << said.err;
}

TEST_F(ConfigCommand, WhatThisMachineLacksIsSaidBesideOtherFaults) {
  const std::string none = directory_ / "none.pem";
  const std::string file =
      write("a.toml", "[tls]\ncertificate = \"" + none + "\"\nkey = \"" + none +
                          "\"\n[[upstream]]\ntype = \"smtp\"\nhost = \"h.example\"\nport = 0\ntls_ca_file = \"" + none +
                          "\"\nname = \"p\"\nquota_time_zone = \"Mars/Olympus\"\n");
  const test::Said said = test::run_line({"config", "check", "--config", file});
  EXPECT_EQ(said.exit_code, EX_CONFIG);
  std::size_t after = 0;
  for (const char* fault : {":2:1: error: tls.certificate: ", ":7:1: error: upstream.p.port = 0 is out of bounds",
                            ":8:1: error: upstream.p.tls_ca_file: ", ":10:1: error: upstream.p.quota_time_zone: "}) {
    const std::size_t at = said.err.find(fault);
    EXPECT_NE(at, std::string::npos) << fault << said.err;
    EXPECT_LE(after, at) << "not in the order of the file: " << said.err;
    after = at;
  }
  EXPECT_NE(said.err.find(" has 4 faults\n"), std::string::npos) << said.err;
}

TEST_F(ConfigCommand, ValuesAsJsonAndOnlyWhatWasChanged) {
  const std::string file =
      write("a.toml",
            "[addresses]\naliases = { root = \"ops@example.com\" }\n[[upstream]]\nname = \"p\"\ntype = "
            "\"smtp\"\nhost = \"h.example\"\nusername = \"u\"\npassword = \"sesame\"\n");
  ::setenv("POSTRIDER_SERVER__THREADS", "7", 1);
  const test::Said changed = test::run_line({"config", "show", "--json", "--changed", "--config", file});
  EXPECT_EQ(changed.exit_code, EX_OK);
  const auto place = [&](int line) {
    return R"("origin": "file", "file": ")" + file + R"(", "line": )" + std::to_string(line) +
           R"(, "column": 1, "variable": null})";
  };
  EXPECT_EQ(boost::json::parse(changed.out), boost::json::parse(R"([
    {"key": "server.threads", "value": 7, "origin": "environment", "file": null, "line": null, "column": null,
     "variable": "POSTRIDER_SERVER__THREADS"},
    {"key": "addresses.aliases", "value": {"root": "ops@example.com"}, )" +
                                                                place(2) + R"(,
    {"key": "upstream.p.name", "value": "p", )" + place(4) + R"(,
    {"key": "upstream.p.type", "value": "smtp", )" + place(5) + R"(,
    {"key": "upstream.p.host", "value": "h.example", )" + place(6) +
                                                                R"(,
    {"key": "upstream.p.username", "value": "u", )" + place(7) + R"(,
    {"key": "upstream.p.password", "value": "********", )" + place(8) +
                                                                "]"));
  const boost::json::value all = boost::json::parse(test::run_line({"config", "show", "--json", "--config", file}).out);
  EXPECT_GT(all.as_array().size(), 80u);
  EXPECT_EQ(all.at(0),
            boost::json::parse(R"({"key": "server.hostname", "value": null, "origin": "default", "file": null,
                                              "line": null, "column": null, "variable": null})"));
}

TEST_F(ConfigCommand, ReferenceComesInBothForms) {
  testing::internal::CaptureStdout();
  EXPECT_EQ(run_config_reference(ReferenceFormat::markdown), EX_OK);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), render_config_reference());
  testing::internal::CaptureStdout();
  EXPECT_EQ(run_config_reference(ReferenceFormat::toml), EX_OK);
  EXPECT_EQ(testing::internal::GetCapturedStdout(), render_config_example());
}

}  // namespace
}  // namespace postrider::cmd
