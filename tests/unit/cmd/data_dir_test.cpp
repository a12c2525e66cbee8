// The data directory and the operator token of a first start.
#include "cmd/data_dir.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "cmd/exit_codes.h"
#include "tests/temp_directory.h"

namespace postrider::cmd {
namespace {

mode_t mode_of(const std::string& path) {
  struct stat info {};
  EXPECT_EQ(::stat(path.c_str(), &info), 0) << path;
  return info.st_mode & 0777;
}

TEST(DataDir, IsMadeWithItsParentsForItsUserOnly) {
  const TempDirectory directory;
  prepare_data_dir(directory / "a/b");
  EXPECT_EQ(mode_of(directory / "a/b"), 0700u);
  prepare_data_dir(directory / "a/b");
}

TEST(DataDir, SaysWhyItCannotBeMade) {
  const TempDirectory directory;
  std::ofstream(directory / "file") << "x";
  EXPECT_THROW(prepare_data_dir(directory / "file"), CommandError);
  EXPECT_THROW(prepare_data_dir(directory / "file/below"), CommandError);
}

TEST(OperatorToken, IsMadeOnceAndKept) {
  const TempDirectory directory;
  EXPECT_EQ(read_operator_token(directory.path()).error().kind, FaultKind::not_found);
  const std::string token = ensure_operator_token(directory.path());
  EXPECT_EQ(ensure_operator_token(directory.path()), token);
  EXPECT_EQ(read_operator_token(directory.path()).value(), token);
  EXPECT_EQ(mode_of(operator_token_file(directory.path())), 0600u);
}

TEST(OperatorToken, HoldsAllItsBitsInUrlSafeLetters) {
  const std::string one = make_operator_token(), two = make_operator_token();
  EXPECT_NE(one, two);
  EXPECT_EQ(one.size(), 3u + 43u);  // 256 bits in base64 without padding
  EXPECT_TRUE(one.starts_with("pr_"));
  EXPECT_EQ(one.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
            std::string::npos);
}

TEST(OperatorToken, AnEmptyFileIsNotAToken) {
  const TempDirectory directory;
  std::ofstream(operator_token_file(directory.path())) << "\n";
  EXPECT_EQ(read_operator_token(directory.path()).error().kind, FaultKind::invalid);
  EXPECT_THROW(ensure_operator_token(directory.path()), CommandError);
}

}  // namespace
}  // namespace postrider::cmd
