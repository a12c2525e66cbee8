#include "relay/smtp/header_scanner.h"

#include <gtest/gtest.h>

namespace postrider::smtp {
namespace {

struct Scanned {
  std::vector<std::pair<std::string, std::string>> fields;
  std::string section, body;
  bool separator = false, too_big = false;
  bool operator==(const Scanned&) const = default;
};

Scanned scan(const std::string& message, std::size_t step, std::size_t max_size = 4096) {
  HeaderScanner scanner(max_size);
  Scanned result;
  std::size_t pos = 0;
  auto status = HeaderScanner::Status::need_more;
  while (pos < message.size() && status == HeaderScanner::Status::need_more) {
    const auto s = scanner.feed(std::string_view(message).substr(pos, step));
    status = s.status;
    pos += s.consumed;
  }
  result.too_big = status == HeaderScanner::Status::too_big;
  if (result.too_big) return result;
  if (status == HeaderScanner::Status::need_more) scanner.finish();
  for (const HeaderField& f : scanner.fields()) result.fields.emplace_back(f.name, f.raw);
  result.section = scanner.section();
  result.separator = scanner.separator();
  result.body = std::string(scanner.body_prefix()) + message.substr(pos);
  return result;
}

void expect(const std::string& message, const Scanned& expected) {
  for (std::size_t step = 1; step <= message.size(); ++step) {
    const Scanned got = scan(message, step);
    EXPECT_EQ(got.fields, expected.fields) << step;
    EXPECT_EQ(got.section, expected.section) << step;
    EXPECT_EQ(got.body, expected.body) << step;
    EXPECT_EQ(got.separator, expected.separator) << step;
  }
}

TEST(HeaderScanner, SplitsFieldsWithTheirFolding) {
  expect("Subject: a\r\n folded\r\n\tmore\r\nTo : b\r\nEmpty:\r\n\r\nbody\r\n",
         {{{"Subject", "Subject: a\r\n folded\r\n\tmore\r\n"}, {"To", "To : b\r\n"}, {"Empty", "Empty:\r\n"}},
          "Subject: a\r\n folded\r\n\tmore\r\nTo : b\r\nEmpty:\r\n",
          "body\r\n",
          true});
}

TEST(HeaderScanner, TextWithoutHeaderIsBody) {
  expect("Hello there,\r\nthis: is text\r\n", {{}, "", "Hello there,\r\nthis: is text\r\n", false});
  expect(" indented\r\n", {{}, "", " indented\r\n", false});
  expect("\r\nbody", {{}, "", "body", true});
}

TEST(HeaderScanner, AnImpossibleFieldEndsTheSection) {
  expect("A: b\r\nno field here\r\nC: d\r\n", {{{"A", "A: b\r\n"}}, "A: b\r\n", "no field here\r\nC: d\r\n", false});
}

TEST(HeaderScanner, TheMessageMayEndInTheHeader) {
  expect("A: b\r\n", {{{"A", "A: b\r\n"}}, "A: b\r\n", "", false});
  expect("A: b\r\nC: d", {{{"A", "A: b\r\n"}, {"C", "C: d"}}, "A: b\r\nC: d", "", false});
  expect("A: b\r\ntext", {{{"A", "A: b\r\n"}}, "A: b\r\n", "text", false});
}

TEST(HeaderScanner, KeepsAMailboxLineApart) {
  HeaderScanner scanner(4096);
  scanner.feed("From user Sat Jan  1 08:15:00 2026\r\nA: b\r\n\r\n");
  ASSERT_EQ(scanner.fields().size(), 2u);
  EXPECT_EQ(scanner.fields()[0].kind, FieldKind::mailbox_line);
  EXPECT_EQ(scanner.fields()[0].name, "");
  EXPECT_EQ(scanner.fields()[1].name, "A");
}

TEST(HeaderScanner, LimitsTheHeaderNotTheBody) {
  const std::string field = "A: " + std::string(1500, 'x') + "\r\n";
  const std::string text(5000, 'y');
  for (std::size_t step : {1u, 7u, 999u, 6000u}) {
    EXPECT_TRUE(scan(field, step, 1000).too_big) << step;
    EXPECT_EQ(scan(text, step, 2000).body, text) << step;
  }
}

TEST(ClassifyField, KnowsWhatNeverLeaves) {
  for (const char* name : {"bcc", "Resent-BCC", "Return-Path", "content-length"}) {
    EXPECT_EQ(classify_field(name), FieldKind::dropped) << name;
  }
  for (const char* name : {"X-Postrider-Tag", "x-POSTRIDER-anything", "X-Postrider-"}) {
    EXPECT_EQ(classify_field(name), FieldKind::steering) << name;
  }
  EXPECT_EQ(classify_field("X-Postrider"), FieldKind::other);
  EXPECT_EQ(classify_field("RECEIVED"), FieldKind::received);
  EXPECT_EQ(classify_field("message-id"), FieldKind::message_id);
  EXPECT_EQ(classify_field("X-Idempotency-Key"), FieldKind::idempotency_key);
  EXPECT_EQ(classify_field("Content-Type"), FieldKind::other);
}

TEST(HeaderField, ValueHasNoSurroundingSpace) {
  HeaderScanner scanner(4096);
  scanner.feed("A: \r\n one\r\n two \r\nB:\r\n\r\n");
  EXPECT_EQ(scanner.fields()[0].value(), "one\r\n two");
  EXPECT_EQ(scanner.fields()[1].value(), "");
}

}  // namespace
}  // namespace postrider::smtp
