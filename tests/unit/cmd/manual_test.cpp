// The pages and the completion script in the tree are those of the command line as it is. After a change of it run
// `postrider man --output docs/man` and `postrider completion > config/completion/postrider.bash`.
#include <gtest/gtest.h>
#include <sysexits.h>

#include "tests/checkout.h"
#include "tests/unit/cmd/command_line.h"

namespace postrider::cmd::test {
namespace {

TEST(Manual, ThePagesInTheTreeAreCurrent) {
  std::size_t pages = 0;
  for (const auto& entry : std::filesystem::directory_iterator(checkout() / "docs" / "man")) {
    const std::string name = entry.path().stem().string();
    const bool main = name == "postrider";
    const Said made = main ? run_line({"man"}) : run_line({"man", name.substr(std::string("postrider-").size())});
    EXPECT_EQ(made.exit_code, 0) << made.err;
    EXPECT_EQ(made.out, committed("docs/man/" + entry.path().filename().string()));
    ++pages;
  }
  EXPECT_GE(pages, 10u);
}

TEST(Manual, ThereIsAPageForEveryCommand) {
  const std::string help = run_line({"--help"}).out;
  for (const char* command : {"serve", "config", "queue", "spool", "user", "upstream", "events", "import", "retention",
                              "token", "bootstrap"}) {
    EXPECT_NE(help.find(command), std::string::npos);
    EXPECT_NE(run_line({"man"}).out.find("postrider\\-" + std::string(command)), std::string::npos) << command;
    EXPECT_EQ(run_line({"man", command}).exit_code, 0) << command;
  }
}

TEST(Manual, TheCompletionInTheTreeIsCurrent) {
  EXPECT_EQ(run_line({"completion"}).out, committed("config/completion/postrider.bash"));
}

TEST(Manual, AnUnknownPageIsAnError) {
  const Said made = run_line({"man", "nothing"});
  EXPECT_EQ(made.exit_code, EX_USAGE);
  EXPECT_NE(made.err.find("no manual page of nothing"), std::string::npos);
}

}  // namespace
}  // namespace postrider::cmd::test
