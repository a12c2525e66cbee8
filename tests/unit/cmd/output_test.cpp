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

TEST(Output, TimesInWordsAndOnTheClock) {
  const Time now = from_ms(1'700'000'000'000);  // 22:13:20
  using namespace std::chrono_literals;
  EXPECT_EQ(relative_time_in_words(now, now), "now");
  EXPECT_EQ(relative_time_in_words(now - 1s, now), "1 second ago");
  EXPECT_EQ(relative_time_in_words(now + 6min, now), "in 6 minutes");
  EXPECT_EQ(clock_time(now + 1h, now), "23:13 UTC");
  EXPECT_EQ(clock_time(now + 2h, now), "2023-11-15 00:13 UTC");
  EXPECT_EQ(time_cell(std::nullopt, {now}), "-");
  EXPECT_EQ(time_cell(now - 2h, {now}), "2h ago");
  EXPECT_EQ(time_cell(now, {now, false, true}), "2023-11-14T22:13:20Z");
}

TEST(Output, TablesFitTheTerminal) {
  Table table({"ID", "REASON", "X"});
  table.add({"0123456789", "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9", "y"});
  EXPECT_EQ(table.render(false, 100), table.render(false));
  EXPECT_EQ(table.render(false, 23),
            "ID          REASON    X\n"
            "0123456789  \u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u2026  y\n");
  EXPECT_EQ(table.render(false, 5), table.render(false, 23)) << "ids and the last eight characters stay";
}

TEST(Output, TheLastColumnMayBeFolded) {
  Table table({"AT", "WHAT"});
  table.fold_last();
  table.add({"now", "one two three four"});
  EXPECT_EQ(table.render(false, 14),
            "AT   WHAT\n"
            "now  one two\n"
            "     three\n"
            "     four\n");
}

TEST(Output, LongWordsAreFoldedToo) {
  EXPECT_EQ(fold("abcdefgh ij", 4), (std::vector<std::string>{"abcd", "efgh", "ij"}));
  EXPECT_EQ(fold("", 4), std::vector<std::string>{""});
  EXPECT_EQ(cut("abcdef", 4), "abc\u2026");
}

TEST(Output, Bytes) {
  EXPECT_EQ(format_bytes(0), "0 B");
  EXPECT_EQ(format_bytes(1023), "1023 B");
  EXPECT_EQ(format_bytes(25ull << 20), "25.0 MiB");
  EXPECT_EQ(format_bytes(16ull << 30), "16.0 GiB");
}

}  // namespace
}  // namespace postrider::cmd
