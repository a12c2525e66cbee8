// Every script of this folder is one test, named by its file.
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/dialogs/runner.h"

namespace postrider::dialogs {
namespace {

class Dialog : public testing::TestWithParam<std::string> {};

TEST_P(Dialog, GoesAsWritten) {
  const Script script = read_script(GetParam());
  try {
    Runner(script).run();
  } catch (const std::exception& e) {
    FAIL() << e.what();
  }
}

std::string name_of(const testing::TestParamInfo<std::string>& script) {
  std::string name = std::filesystem::path(script.param).stem().string();
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(Scripts, Dialog, testing::ValuesIn(list_scripts()), name_of);

TEST(Dialogs, CoverWhatIsPromised) {
  EXPECT_GE(list_scripts().size(), 60u);
}

}  // namespace
}  // namespace postrider::dialogs
