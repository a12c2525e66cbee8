#include "cmd/config_command.h"

#include <sysexits.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace postrider::cmd {
namespace {

class ConfigCommand : public testing::Test {
 protected:
  ConfigCommand() {
    std::string pattern = std::filesystem::temp_directory_path() / "postrider-config-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  ~ConfigCommand() override {
    std::filesystem::remove_all(directory_);
    ::unsetenv("POSTRIDER_SERVER__THREADS");
  }

  std::string write(const std::string& name, const std::string& text) const {
    const auto path = directory_ / name;
    std::ofstream(path) << text;
    return path;
  }

  std::filesystem::path directory_;
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
            "error: " + file + ": line 2: server.thread is not a known key; did you mean server.threads?\n" +
                "error: " + file + ": line 3: server.hostnam is not a known key; did you mean server.hostname?\n" +
                "warning: " + file +
                ": there is no [[upstream]]: all mail is captured on this machine and none is sent on\n" + file +
                " has 2 faults\n");
}

TEST_F(ConfigCommand, MissingFileIsAFault) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(run_config_check("/nonexistent/postrider.toml"), EX_CONFIG);
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "error: /nonexistent/postrider.toml: cannot be read: No such file or directory\n"
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
