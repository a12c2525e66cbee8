#include "cmd/logging.h"

#include <condition_variable>
#include <mutex>

namespace postrider::cmd {
namespace {

constexpr Time kTime{Duration(1'769'847'300'123)};

TEST(LogLine, TextIsLogfmt) {
  const MessageId id = MessageId::parse("01h455vb4pex5vsknk084sn02q").value();
  EXPECT_EQ(format_log_line(LogFormat::text, kTime, LogLevel::info, "message.accepted", &id,
                            {{"sender", "a@b.c"}, {"recipients", "2"}}),
            "2026-01-31T08:15:00.123Z info message.accepted id=01h455vb4pex5vsknk084sn02q sender=a@b.c recipients=2");
}

// The log writes what has gathered: one call may bring several lines.
void add_lines(std::vector<std::string>& lines, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n') + 1;
    ASSERT_GT(end, 0u) << "a line without its end";
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

TEST(LogLine, ValuesAreQuotedWhereTheyMustBe) {
  EXPECT_EQ(
      format_log_line(LogFormat::text, kTime, LogLevel::warn, "x", nullptr,
                      {{"a", ""}, {"b", "two words"}, {"c", "k=v"}, {"d", "say \"hi\" \\"}, {"e", "caf\xc3\xa9"}}),
      "2026-01-31T08:15:00.123Z warn x a=\"\" b=\"two words\" c=\"k=v\" d=\"say \\\"hi\\\" \\\\\" e=\"caf\xc3\xa9\"");
}

TEST(LogLine, NothingBreaksALineOrSteersATerminal) {
  const std::string nasty = "a\r\n2026 error fake\x1b[2J\x7f\xc2\x9b\xff\t";
  for (const LogFormat format : {LogFormat::text, LogFormat::json}) {
    const std::string line = format_log_line(format, kTime, LogLevel::info, "x", nullptr, {{"text", nasty}});
    for (const char c : line) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
    EXPECT_NE(line.find("a\\u000d\\u000a2026 error fake\\u001b[2J\\u007f\\u009b\xef\xbf\xbd\\u0009"), std::string::npos)
        << line;
  }
}

TEST(LogLine, Json) {
  EXPECT_EQ(format_log_line(LogFormat::json, kTime, LogLevel::error, "spool.failed", nullptr, {{"reason", "a \"b\""}}),
            "{\"time\":\"2026-01-31T08:15:00.123Z\",\"level\":\"error\",\"event\":\"spool.failed\",\"reason\":\"a "
            "\\\"b\\\"\"}");
}

TEST(OperatorLog, WritesInOrderAndEverythingBeforeItEnds) {
  std::vector<std::string> lines;
  {
    const auto log = make_log(
        {}, [&](std::string_view text) { add_lines(lines, text); }, [] { return kTime; });
    for (int i = 0; i < 100; ++i) log->info("n", {{"i", std::to_string(i)}});
  }
  ASSERT_EQ(lines.size(), 100u);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(lines[static_cast<std::size_t>(i)], "2026-01-31T08:15:00.123Z info n i=" + std::to_string(i) + "\n");
}

TEST(OperatorLog, LevelDecidesAndCanChange) {
  std::vector<std::string> lines;
  {
    const auto log = make_log(
        {}, [&](std::string_view text) { add_lines(lines, text); }, [] { return kTime; });
    EXPECT_FALSE(log->enabled(LogLevel::debug));
    log->write(LogLevel::debug, "hidden", nullptr, {});
    log->set_level(LogLevel::debug);
    log->write(LogLevel::debug, "shown", nullptr, {});
    log->set_level(LogLevel::error);
    log->warn("hidden", {});
  }
  EXPECT_EQ(lines, std::vector<std::string>{"2026-01-31T08:15:00.123Z debug shown\n"});
}

// Holds the logging thread inside its first line until the test lets go.
struct Gate {
  void pass() {
    std::unique_lock lock(mutex);
    entered = true;
    changed.notify_all();
    changed.wait(lock, [&] { return open; });
  }
  void await_entry() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return entered; });
  }
  void let_go() {
    const std::lock_guard lock(mutex);
    open = true;
    changed.notify_all();
  }
  std::mutex mutex;
  std::condition_variable changed;
  bool entered = false, open = false;
};

TEST(OperatorLog, FullQueueDropsTheOldestCountsAndSaysSo) {
  Gate gate;
  std::vector<std::string> lines;
  LoggingOptions options;
  options.queue_lines = 4;
  auto log = make_log(
      options,
      [&](std::string_view text) {
        if (lines.empty()) gate.pass();
        add_lines(lines, text);
      },
      [] { return kTime; });
  log->info("first", {});
  gate.await_entry();
  for (int i = 0; i < 10; ++i) log->info("n", {{"i", std::to_string(i)}});  // 4 fit
  EXPECT_EQ(log->dropped(), 6u);
  gate.let_go();
  log.reset();
  EXPECT_EQ(lines, (std::vector<std::string>{
                       "2026-01-31T08:15:00.123Z info first\n", "2026-01-31T08:15:00.123Z warn log.dropped lines=6\n",
                       "2026-01-31T08:15:00.123Z info n i=6\n", "2026-01-31T08:15:00.123Z info n i=7\n",
                       "2026-01-31T08:15:00.123Z info n i=8\n", "2026-01-31T08:15:00.123Z info n i=9\n"}));
}

}  // namespace
}  // namespace postrider::cmd
