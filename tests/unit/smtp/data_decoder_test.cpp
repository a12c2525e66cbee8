#include "relay/smtp/data_decoder.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "relay/smtp/dot_stuffer.h"

namespace postrider::smtp {
namespace {

using namespace std::string_literals;

struct Decoded {
  std::string body, left;
  bool finished = false;
  BodyFault fault = BodyFault::none;
  bool operator==(const Decoded&) const = default;
};
void PrintTo(const Decoded& d, std::ostream* out) {
  *out << testing::PrintToString(d.body) << " left " << testing::PrintToString(d.left) << " finished " << d.finished
       << " fault " << static_cast<int>(d.fault);
}

// The input arrives in pieces that do not outlive their call, as from a receive buffer.
Decoded decode(const std::string& wire, std::size_t step, BodyLimits limits = {}) {
  DataDecoder decoder(limits);
  Decoded result;
  for (std::size_t pos = 0; pos < wire.size(); pos += step) {
    const std::string piece = wire.substr(pos, step);
    Spans spans;
    const auto [consumed, finished] = decoder.feed(piece, spans);
    for (std::string_view s : spans) result.body += s;
    if (finished) {
      result.finished = true;
      result.left = wire.substr(pos + consumed);
      break;
    }
    EXPECT_EQ(consumed, piece.size());
  }
  result.fault = decoder.fault();
  if (result.fault != BodyFault::none) result.body.clear();
  return result;
}

struct Case {
  const char* what;
  std::string wire;
  Decoded expected;
  BareNewline policy = BareNewline::reject;
};
void PrintTo(const Case& c, std::ostream* out) {
  *out << c.what;
}

class Data : public testing::TestWithParam<Case> {};
TEST_P(Data, DecodesTheSameHoweverItIsCut) {
  BodyLimits limits;
  limits.bare_newline = GetParam().policy;
  for (std::size_t step = 1; step <= GetParam().wire.size(); ++step) {
    EXPECT_EQ(decode(GetParam().wire, step, limits), GetParam().expected) << "cut every " << step;
  }
}

constexpr BareNewline kNormalise = BareNewline::normalise;
INSTANTIATE_TEST_SUITE_P(
    Cases, Data,
    testing::Values(
        Case{"plain", "a\r\n\r\nb\r\n.\r\nQUIT\r\n", {"a\r\n\r\nb\r\n", "QUIT\r\n", true}},
        Case{"empty body", ".\r\nX", {"", "X", true}}, Case{"unfinished", "a\r\n.", {"a\r\n", "", false}},
        Case{"stuffed dots", "..\r\n...a\r\n.b\r\n.\r\n", {".\r\n..a\r\nb\r\n", "", true}},
        Case{"dot inside", "a.\r\nb.c\r\n.\r\n", {"a.\r\nb.c\r\n", "", true}},
        Case{"smuggling LF dot LF", "a\n.\nMAIL\r\n.\r\nQ", {"", "Q", true, BodyFault::bare_newline}},
        Case{"smuggling LF dot CRLF", "a\n.\r\nMAIL\r\n.\r\nQ", {"", "Q", true, BodyFault::bare_newline}},
        Case{"smuggling CRLF dot LF", "a\r\n.\nMAIL\r\n.\r\nQ", {"", "Q", true, BodyFault::bare_newline}},
        Case{"smuggling CRLF dot CR", "a\r\n.\rMAIL\r\n.\r\nQ", {"", "Q", true, BodyFault::bare_newline}},
        Case{"smuggling CR dot CR", "a\r.\rb\r\n.\r\nQ", {"", "Q", true, BodyFault::bare_newline}},
        Case{"CR CR LF", "a\r\r\n.\r\nQ", {"", "Q", true, BodyFault::bare_newline}},
        Case{"NUL", "a\0b\r\n.\r\nQ"s, {"", "Q", true, BodyFault::nul}},
        Case{"normalise LF", "a\nb\r\n.\r\n", {"a\r\nb\r\n", "", true}, kNormalise},
        Case{"normalise CR", "a\rb\r\n.\r\n", {"a\r\nb\r\n", "", true}, kNormalise},
        Case{"normalise CR CR LF", "a\r\r\n.\r\n", {"a\r\n\r\n", "", true}, kNormalise},
        Case{"normalise does not end at LF dot LF", "a\n.\nb\r\n.\r\nQ", {"a\r\n.\r\nb\r\n", "Q", true}, kNormalise},
        Case{
            "normalise does not end at LF dot CRLF", "a\n.\r\nb\r\n.\r\nQ", {"a\r\n.\r\nb\r\n", "Q", true}, kNormalise},
        Case{"normalise CRLF dot LF", "a\r\n.\nb\r\n.\r\nQ", {"a\r\n\r\nb\r\n", "Q", true}, kNormalise},
        Case{"normalise CRLF dot CR", "a\r\n.\rb\r\n.\r\nQ", {"a\r\n\r\nb\r\n", "Q", true}, kNormalise}),
    [](const auto& one) { return std::to_string(one.index); });

TEST(DataDecoder, LimitsSizeAndLinesExactly) {
  const std::string wire = "1234\r\n56\r\n.\r\n";
  for (std::size_t step = 1; step <= wire.size(); ++step) {
    EXPECT_EQ(decode(wire, step, {BareNewline::reject, 10, 6}).fault, BodyFault::none);
    EXPECT_EQ(decode(wire, step, {BareNewline::reject, 9, 0}).fault, BodyFault::too_big);
    EXPECT_EQ(decode(wire, step, {BareNewline::reject, 3, 0}).fault, BodyFault::too_big);
    EXPECT_EQ(decode(wire, step, {BareNewline::reject, 0, 5}).fault, BodyFault::line_too_long);
    EXPECT_TRUE(decode(wire, step, {BareNewline::reject, 1, 0}).finished) << "stays in step";
  }
}

TEST(DataDecoder, ReportsEightBitAndSize) {
  DataDecoder decoder({});
  Spans spans;
  decoder.feed("abc\r\n", spans);
  EXPECT_FALSE(decoder.eight_bit());
  decoder.feed(std::string(40, 'x') + "\xc3\xbc\r\n.\r\n", spans);
  EXPECT_TRUE(decoder.eight_bit());
  EXPECT_EQ(decoder.size(), 49u);
}

TEST(DataDecoder, GivesAnOrdinaryBodyInOnePiece) {
  std::string wire;
  for (int i = 0; i < 1000; ++i) wire += "a line of text. with dots.\r\n";
  DataDecoder decoder({});
  Spans spans;
  decoder.feed(wire, spans);
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(spans[0].data(), wire.data());
  EXPECT_EQ(spans[0].size(), wire.size());
}

TEST(BdatDecoder, CountsOctetsAndLeavesTheRest) {
  BdatDecoder decoder({});
  Spans spans;
  decoder.begin_chunk(4, false);
  EXPECT_EQ(decoder.feed("a\r", spans), 2u);
  EXPECT_FALSE(decoder.chunk_complete());
  EXPECT_EQ(decoder.feed("\n.QUIT", spans), 2u);
  EXPECT_TRUE(decoder.chunk_complete());
  decoder.begin_chunk(0, true);
  EXPECT_TRUE(decoder.chunk_complete() && decoder.last());
  decoder.finish(spans);
  std::string body;
  for (std::string_view s : spans) body += s;
  EXPECT_EQ(body, "a\r\n.\r\n");
  EXPECT_EQ(decoder.size(), 6u);
}

TEST(BdatDecoder, HoldsLinesToTheSamePolicy) {
  const std::pair<std::string, BodyFault> cases[] = {{"a\nb\r\n", BodyFault::bare_newline},
                                                     {"a\r", BodyFault::bare_newline},
                                                     {"a\0"s, BodyFault::nul},
                                                     {"", BodyFault::none}};
  for (const auto& [text, fault] : cases) {
    BdatDecoder decoder({});
    Spans spans;
    decoder.begin_chunk(text.size(), true);
    decoder.feed(text, spans);
    decoder.finish(spans);
    EXPECT_EQ(decoder.fault(), fault);
  }
}

TEST(DotStuffer, RoundTripsThroughTheDecoderHoweverItIsCut) {
  std::mt19937 random(1);
  const std::string_view pieces[] = {".", "\r\n", "a", "..", ".\r\n", "text", "\r\n.\r\n"};
  for (int round = 0; round < 300; ++round) {
    std::string body;
    for (int i = 0; i < 30; ++i) body += pieces[random() % std::size(pieces)];
    body += "\r\n";
    std::string wire;
    DotStuffer stuffer;
    for (std::size_t pos = 0; pos < body.size();) {
      const std::string chunk = body.substr(pos, 1 + random() % 9);
      Spans spans;
      stuffer.feed(chunk, spans);
      for (std::string_view s : spans) wire += s;
      pos += chunk.size();
    }
    Spans spans;
    stuffer.finish(spans);
    for (std::string_view s : spans) wire += s;
    EXPECT_EQ(decode(wire, 1 + random() % 50), (Decoded{body, "", true}));
  }
}

std::string stuff(std::initializer_list<std::string_view> chunks) {
  DotStuffer stuffer;
  Spans spans;
  for (std::string_view chunk : chunks) stuffer.feed(chunk, spans);
  stuffer.finish(spans);
  std::string wire;
  for (std::string_view s : spans) wire += s;
  return wire;
}

TEST(DotStuffer, NeverSendsALoneCrOrLf) {
  EXPECT_EQ(stuff({"a\nb\r", "c\r\n"}), "a\r\nb\r\nc\r\n.\r\n");
  EXPECT_EQ(stuff({"a\r", "\nb"}), "a\r\nb\r\n.\r\n");
  EXPECT_EQ(stuff({"a\r"}), "a\r\n.\r\n");
  EXPECT_EQ(stuff({"a\n.\nb\n"}), "a\r\n..\r\nb\r\n.\r\n");
  EXPECT_EQ(stuff({"a\r.\r\n"}), "a\r\n..\r\n.\r\n");
  EXPECT_EQ(stuff({"a\r", ".b\r\n"}), "a\r\n..b\r\n.\r\n");
  EXPECT_EQ(stuff({"\r\r\n"}), "\r\n\r\n.\r\n");
}

TEST(DotStuffer, EndsWithTheFinalDotOnItsOwnLine) {
  EXPECT_EQ(stuff({}), ".\r\n");
  EXPECT_EQ(stuff({""}), ".\r\n");
  EXPECT_EQ(stuff({"a"}), "a\r\n.\r\n");
  EXPECT_EQ(stuff({"a\r\n"}), "a\r\n.\r\n");
  EXPECT_EQ(stuff({"."}), "..\r\n.\r\n");
}

TEST(DotStuffer, SendsAnOrdinaryChunkAsItIs) {
  const std::string chunk = "one\r\ntwo. three\r\n";
  DotStuffer stuffer;
  Spans spans;
  stuffer.feed(chunk, spans);
  ASSERT_EQ(spans.size(), 1u);
  EXPECT_EQ(spans[0].data(), chunk.data());
}

}  // namespace
}  // namespace postrider::smtp
