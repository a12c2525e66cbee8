#include "relay/smtp/line_splitter.h"

#include <gtest/gtest.h>

#include <string>

namespace postrider::smtp {
namespace {

using namespace std::string_literals;

// Feeds `wire` in pieces of `step` octets through a buffer as a session has it; one text per line or fault.
std::vector<std::string> split(const std::string& wire, std::size_t step, std::size_t max_line = 64,
                               BareNewline policy = BareNewline::reject) {
  LineSplitter splitter(max_line, policy);
  std::vector<std::string> out;
  std::string buffer;
  for (std::size_t pos = 0; pos < wire.size(); pos += step) {
    buffer += wire.substr(pos, step);
    while (true) {
      const LineResult r = splitter.next(buffer);
      const char* names[] = {"", "", "<too long>", "<bare>", "<nul>"};
      if (r.status != LineStatus::need_more) {
        out.push_back(r.status == LineStatus::line ? std::string(r.line) : names[static_cast<int>(r.status)]);
      }
      buffer.erase(0, r.consumed);
      if (r.status == LineStatus::need_more) break;
    }
    EXPECT_LE(buffer.size(), max_line) << "unbounded buffer";
  }
  return out;
}

TEST(LineSplitter, GivesTheSameLinesHoweverTheyAreCut) {
  const std::string wire =
      "EHLO a\r\nMAIL FROM:<x@y>\r\n\r\n" + std::string(100, 'x') + "\r\nbare\nNO\0OP\r\ncr\rinside\r\nQUIT\r\n"s;
  const std::vector<std::string> expected{"EHLO a", "MAIL FROM:<x@y>", "",       "<too long>",
                                          "<bare>", "<nul>",           "<bare>", "QUIT"};
  for (std::size_t step = 1; step <= wire.size(); ++step) EXPECT_EQ(split(wire, step), expected) << step;
}

TEST(LineSplitter, CountsTheLineEnd) {
  EXPECT_EQ(split("12345678\r\n", 3, 10), std::vector<std::string>{"12345678"});
  EXPECT_EQ(split("123456789\r\n", 3, 10), std::vector<std::string>{"<too long>"});
}

TEST(LineSplitter, TakesALoneLfWhenNormalising) {
  const std::vector<std::string> expected{"NOOP", "QUIT", "<bare>"};
  EXPECT_EQ(split("NOOP\nQUIT\r\na\rb\r\n", 1, 64, BareNewline::normalise), expected);
}

TEST(LineSplitter, ForgetsAHalfLineOnReset) {
  LineSplitter splitter(10, BareNewline::reject);
  EXPECT_EQ(splitter.next("01234567890123").consumed, 14u);
  splitter.reset();
  EXPECT_EQ(splitter.next("NOOP\r\n").line, "NOOP");
}

}  // namespace
}  // namespace postrider::smtp
