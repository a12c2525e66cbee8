#include "core/header_fields.h"

#include <gtest/gtest.h>

#include "core/message.h"

namespace postrider {
namespace {

TEST(HeaderFields, EndAtTheEmptyLine) {
  EXPECT_EQ(header_fields("A: 1\r\nB: 2\r\n\r\ntext\r\n\r\n"), "A: 1\r\nB: 2\r\n");
  EXPECT_EQ(header_fields("A: 1\r\n"), "A: 1\r\n");
  EXPECT_EQ(header_fields("\r\ntext"), "");
  EXPECT_EQ(header_fields(""), "");
}

TEST(HeaderFields, AreCutAtALineWhenThereAreTooMany) {
  const std::string line = "X: " + std::string(95, 'h') + "\r\n";
  std::string header;
  while (header.size() < 2 * kMaxKeptHeaders) header += line;
  const std::string_view kept = header_fields(header);
  EXPECT_LE(kept.size(), kMaxKeptHeaders);
  EXPECT_GT(kept.size(), kMaxKeptHeaders - line.size());
  EXPECT_EQ(kept.size() % line.size(), 0u);
}

TEST(HeaderFields, OfOneEndlessLineAreNotKept) {
  EXPECT_EQ(header_fields("X: " + std::string(2 * kMaxKeptHeaders, 'h') + "\r\n\r\n"), "");
}

}  // namespace
}  // namespace postrider
