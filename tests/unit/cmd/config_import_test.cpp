// `postrider import`: what it reads, writes, refuses and says is left to do.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sysexits.h>

#include <fstream>
#include <sstream>

#include "tests/temp_directory.h"
#include "tests/unit/cmd/command_line.h"

namespace postrider::cmd {
namespace {

using test::run_line;
using test::Said;
using testing::HasSubstr;
using testing::Not;

class ConfigImport : public testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(directory_ / name) << text;
    return directory_ / name;
  }
  static std::string read(const std::string& file) {
    std::ifstream in(file);
    std::stringstream content;
    content << in.rdbuf();
    return content.str();
  }
  std::string main_cf() const {
    return write("main.cf",
                 "relayhost = [h.example]:587\nsmtp_sasl_auth_enable = yes\nsmtp_tls_security_level = encrypt\n");
  }
  std::string sasl_passwd() const { return write("sasl_passwd", "[h.example]:587 u:sesame\n"); }

  TempDirectory directory_;
};

TEST_F(ConfigImport, PrintsTheResultAndWhatIsLeftToDo) {
  const Said said = run_line({"import", "postfix", main_cf(), sasl_passwd(), "--secrets-dir", "/run/secrets"});
  EXPECT_EQ(said.exit_code, EX_OK);
  EXPECT_THAT(said.out, HasSubstr("password = { file = \"/run/secrets/primary.password\" }"));
  EXPECT_THAT(
      said.err,
      HasSubstr(
          "install -m 600 /dev/stdin '/run/secrets/primary.password'    # the password in sasl_passwd, line 1\n"));
  EXPECT_THAT(said.err, HasSubstr("postrider config check --config FILE"));
  EXPECT_THAT(said.out + said.err, Not(HasSubstr("sesame")));
}

TEST_F(ConfigImport, ReadsMasterCfBesideMainCf) {
  write("master.cf", "2526 inet n - y - - smtpd\n");
  EXPECT_THAT(run_line({"import", "postfix", main_cf()}).out, HasSubstr("address = \":2526\""));
  const std::string other = write("other.cf", "2527 inet n - y - - smtpd\n");
  EXPECT_THAT(run_line({"import", "postfix", main_cf(), "--master", other}).out, HasSubstr("address = \":2527\""));
}

TEST_F(ConfigImport, WritesAFileThatChecksAndIsNotReplacedUnasked) {
  const std::string output = directory_ / "postrider.toml";
  const std::vector<std::string> line = {"import",         "postfix",  main_cf(), sasl_passwd(),
                                         "--with-secrets", "--output", output};
  const Said first = run_line(line);
  EXPECT_EQ(first.exit_code, EX_OK);
  EXPECT_EQ(first.out, "");
  EXPECT_THAT(first.err, Not(HasSubstr("install")));
  struct stat status {};
  ASSERT_EQ(::stat(output.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  EXPECT_THAT(read(output), HasSubstr("password = \"sesame\""));
  EXPECT_EQ(run_line({"config", "check", "--config", output}).exit_code, EX_OK);

  std::ofstream(output) << "mine\n";
  const Said again = run_line(line);
  EXPECT_EQ(again.exit_code, EX_CANTCREAT);
  EXPECT_EQ(again.err, "postrider: " + output + " is there already; --force replaces it\n");
  EXPECT_EQ(read(output), "mine\n");
  std::vector<std::string> forced = line;
  forced.push_back("--force");
  EXPECT_EQ(run_line(forced).exit_code, EX_OK);
  EXPECT_THAT(read(output), HasSubstr("sesame"));
}

TEST_F(ConfigImport, NullmailerFromItsDirectoryOrItsRemotes) {
  const std::string remotes = write("remotes", "h.example\n");
  write("me", "web.example.com\n");
  EXPECT_THAT(run_line({"import", "nullmailer", directory_.path()}).out, HasSubstr("hostname = \"web.example.com\""));
  const Said alone = run_line({"import", "nullmailer", remotes});
  EXPECT_THAT(alone.out, testing::AllOf(HasSubstr("h.example"), Not(HasSubstr("web.example.com"))));
}

TEST_F(ConfigImport, MsmtpAndSsmtp) {
  EXPECT_THAT(run_line({"import", "msmtp", write("msmtprc", "host a.example\n")}).out,
              HasSubstr("host = \"a.example\""));
  EXPECT_THAT(run_line({"import", "ssmtp", write("ssmtp.conf", "mailhub=b.example\n")}).out,
              HasSubstr("host = \"b.example\""));
}

TEST_F(ConfigImport, WhatCannotBeReadIsNamed) {
  const Said said = run_line({"import", "msmtp", directory_ / "none"});
  EXPECT_EQ(said.exit_code, EX_NOINPUT);
  EXPECT_EQ(said.err, "postrider: " + (directory_ / "none") + " cannot be read: No such file or directory\n");
  EXPECT_EQ(run_line({"import", "exim", "x"}).exit_code, EX_USAGE);
  EXPECT_EQ(run_line({"import", "msmtp", write("m", "host a\n"), "-o", "/nonexistent/x"}).exit_code, EX_CANTCREAT);
}

}  // namespace
}  // namespace postrider::cmd
