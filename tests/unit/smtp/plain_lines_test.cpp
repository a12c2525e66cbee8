#include "relay/smtp/plain_lines.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "relay/smtp/data_decoder.h"
#include "relay/smtp/dot_stuffer.h"

namespace postrider::smtp {
namespace {

// The definition, octet by octet.
PlainLines by_definition(std::string_view text, std::size_t max_line) {
  PlainLines found;
  while (found.octets < text.size()) {
    const std::string_view rest = text.substr(found.octets);
    const std::size_t end = rest.find("\r\n");
    if (end == std::string_view::npos) break;
    const std::string_view line = rest.substr(0, end);
    if (line.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) break;
    if (line.starts_with('.') || (max_line != 0 && line.size() + 2 > max_line)) break;
    found.octets += end + 2;
    for (char c : line) found.eight_bit = found.eight_bit || static_cast<unsigned char>(c) > 127;
  }
  return found;
}

std::string random_text(std::mt19937& random, std::size_t size) {
  static constexpr std::string_view kPieces[] = {"\r\n",
                                                 "\r\n",
                                                 "\r\n",
                                                 "a",
                                                 "bcdef",
                                                 ".",
                                                 "\r",
                                                 "\n",
                                                 "x.y",
                                                 "\xc3\xa9",
                                                 "0123456789abcdef",
                                                 std::string_view("\0", 1),
                                                 "\r\n.",
                                                 "\r\n..\r\n"};
  // Most texts are clean but for one octet somewhere.
  const bool clean = random() % 4 != 0;
  std::string text;
  while (text.size() < size) {
    std::string_view piece = kPieces[random() % std::size(kPieces)];
    if (clean && (piece == "\r" || piece == "\n" || piece[0] == '\0')) piece = "plain";
    text += piece;
  }
  return text;
}

TEST(PlainLines, NeverVouchForMoreThanTheDefinition) {
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = random_text(random, random() % 200);
    const std::size_t max_line = i % 3 == 0 ? 16 + random() % 60 : 0;
    const PlainLines fast = plain_lines(text, max_line), slow = by_definition(text, max_line);
    ASSERT_LE(fast.octets, slow.octets) << testing::PrintToString(text);
    ASSERT_EQ(fast.eight_bit, by_definition(std::string_view(text).substr(0, fast.octets), 0).eight_bit);
    ASSERT_EQ(by_definition(std::string_view(text).substr(0, fast.octets), max_line).octets, fast.octets);
  }
}

TEST(PlainLines, TakeAllOfACleanTextButForTheLastBlock) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "line " + std::to_string(i) + " of a message that needs no care\r\n";
  EXPECT_GT(plain_lines(text, 998).octets + 80, text.size());
  EXPECT_FALSE(plain_lines(text, 998).eight_bit);
  text[30] = '\xe9';
  EXPECT_TRUE(plain_lines(text, 998).eight_bit);
}

TEST(PlainLines, EndBeforeALineThatIsTooLong) {
  const std::string text =
      "short\r\n" + std::string(96, 'x') + "\r\n" + std::string(200, 'y') + "\r\n" + std::string(32, 'z');
  EXPECT_EQ(plain_lines(text, 98).octets, 7u + 98u);
  EXPECT_EQ(plain_lines(text, 97).octets, 7u);
  EXPECT_EQ(plain_lines(text, 8).octets, 0u) << "shorter than a block: left to the slow way";
}

// However the input is cut, fast and slow ways meet in the same octets.
TEST(PlainLines, DecoderAndStufferAreInverse) {
  std::mt19937 random(11);
  for (int i = 0; i < 2'000; ++i) {
    std::string text = random_text(random, random() % 300);
    std::string clean;  // CRLF lines only, no NUL
    for (char c : text) {
      if (c != '\r' && c != '\n' && c != '\0') clean += c;
      if (c == '\n') clean += "\r\n";
    }
    if (!clean.ends_with("\r\n")) clean += "\r\n";
    DotStuffer stuffer;
    std::string wire, back;
    for (std::size_t at = 0; at < clean.size();) {
      const std::size_t n = std::min<std::size_t>(1 + random() % 100, clean.size() - at);
      Spans out;
      stuffer.feed(std::string_view(clean).substr(at, n), out);
      for (auto span : out) wire += span;
      at += n;
    }
    Spans end;
    stuffer.finish(end);
    for (auto span : end) wire += span;
    DataDecoder decoder(BodyLimits{});
    bool finished = false;
    for (std::size_t at = 0; at < wire.size() && !finished;) {
      const std::size_t n = std::min<std::size_t>(1 + random() % 100, wire.size() - at);
      Spans out;
      const auto step = decoder.feed(std::string_view(wire).substr(at, n), out);
      for (auto span : out) back += span;
      finished = step.finished;
      at += step.consumed;
    }
    ASSERT_TRUE(finished);
    ASSERT_EQ(decoder.fault(), BodyFault::none);
    ASSERT_EQ(back, clean);
    ASSERT_EQ(decoder.size(), clean.size());
  }
}

}  // namespace
}  // namespace postrider::smtp
