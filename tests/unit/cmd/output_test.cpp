// Tables, times, and what a terminal gets to see.
#include "cmd/output.h"

#include <gtest/gtest.h>

namespace postrider::cmd {
namespace {

TEST(Output, TablesAlign) {
  Table table({"ID", "STATE", "REASON"});
  table.add({"1", "sent", "-"});
  table.add({"22", "deferred", "\u00e9t\u00e9"});
  EXPECT_EQ(table.render(false),
            "ID  STATE     REASON\n"
            "1   sent      -\n"
            "22  deferred  \u00e9t\u00e9\n");
}

TEST(Output, ColoursOnlyWhenAsked) {
  Table table({"STATE", "X"});
  table.add({"bounced", "y"});
  EXPECT_EQ(table.render(false).find('\033'), std::string::npos);
  EXPECT_NE(table.render(true).find("\033[31mbounced\033[0m  y"), std::string::npos);
}

TEST(Output, ShortRowsAreFilled) {
  Table table({"A", "B"});
  table.add({"x"});
  EXPECT_EQ(table.render(false), "A  B\nx\n");
}

TEST(Output, ControlCharactersDoNotReachTheTerminal) {
  Table table({"A"});
  table.add({"\033[2Jgone\r\n"});
  EXPECT_EQ(table.render(false), "A\n?[2Jgone??\n");
}

TEST(Output, RelativeTimes) {
  const Time now = from_ms(1'700'000'000'000);
  using namespace std::chrono_literals;
  EXPECT_EQ(relative_time(now, now), "now");
  EXPECT_EQ(relative_time(now - 59s, now), "59s ago");
  EXPECT_EQ(relative_time(now - 150s, now), "2m ago");
  EXPECT_EQ(relative_time(now + 2h, now), "in 2h");
  EXPECT_EQ(relative_time(now - 72h, now), "3d ago");
  EXPECT_EQ(describe_time(now - 3min, now), "3m ago (2023-11-14T22:10:20Z)");
}

TEST(Output, Bytes) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(25ull << 20), "25.0 MiB");
  EXPECT_EQ(format_bytes(16ull << 30), "16.0 GiB");
}

}  // namespace
}  // namespace postrider::cmd
