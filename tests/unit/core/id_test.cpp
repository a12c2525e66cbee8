#include "core/id.h"

#include <algorithm>
#include <unordered_set>

namespace postrider {
namespace {

constexpr Time kNow{Duration(1'769'847'300'123)};

TEST(MessageId, TextRoundTrips) {
  MessageIdSource source(1);
  for (int i = 0; i < 1000; ++i) {
    const MessageId id = source.next(kNow + Duration(i * 977));
    const std::string text = id.str();
    ASSERT_EQ(text.size(), MessageId::kTextLength);
    EXPECT_EQ(MessageId::parse(text), id);
    std::string upper = text;
    std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return std::toupper(c); });
    EXPECT_EQ(MessageId::parse(upper), id);
  }
}

TEST(MessageId, KnownTextForKnownBytes) {
  std::array<std::uint8_t, 16> bytes{};
  EXPECT_EQ(MessageId(bytes).str(), "00000000000000000000000000");
  bytes.fill(0xff);
  EXPECT_EQ(MessageId(bytes).str(), "7zzzzzzzzzzzzzzzzzzzzzzzzz");
  bytes.fill(0);
  bytes[15] = 31;
  EXPECT_EQ(MessageId(bytes).str(), "0000000000000000000000000z");
  bytes[15] = 32;
  EXPECT_EQ(MessageId(bytes).str(), "00000000000000000000000010");
}

TEST(MessageId, IsAUuidAsWell) {
  std::array<std::uint8_t, 16> bytes{};
  for (std::uint8_t i = 0; i < 16; ++i) bytes[i] = static_cast<std::uint8_t>(i * 0x11);
  const MessageId id(bytes);
  EXPECT_EQ(id.uuid(), "00112233-4455-6677-8899-aabbccddeeff");
  EXPECT_EQ(MessageId::parse(id.uuid()), id);
  EXPECT_EQ(MessageId::parse("00112233-4455-6677-8899-AABBCCDDEEFF"), id);
  EXPECT_FALSE(MessageId::parse("00112233-4455-6677-8899-aabbccddeefg"));
  EXPECT_FALSE(MessageId::parse("0011223-34455-6677-8899-aabbccddeeff"));
  EXPECT_FALSE(MessageId::parse("001122334455-6677-8899-aabb-ccddeeff"));
}

TEST(MessageId, RefusesWhatIsNotAnId) {
  EXPECT_FALSE(MessageId::parse(""));
  EXPECT_FALSE(MessageId::parse("0000000000000000000000000"));    // 25
  EXPECT_FALSE(MessageId::parse("000000000000000000000000000"));  // 27
  EXPECT_FALSE(MessageId::parse("80000000000000000000000000"));   // 130 bits
  for (const char c : std::string("ilouILOU-_ .\n")) {
    std::string text(26, '0');
    text[10] = c;
    EXPECT_FALSE(MessageId::parse(text)) << c;
  }
}

TEST(MessageId, HoldsItsTime) {
  MessageIdSource source(2);
  EXPECT_EQ(source.next(kNow).created_at(), kNow);
  EXPECT_EQ(MessageId::first_at(kNow).created_at(), kNow);
  EXPECT_LT(MessageId::first_at(kNow), source.next(kNow));
  EXPECT_GT(MessageId::first_at(kNow + Duration(1)), source.next(kNow));
}

TEST(MessageId, TextAndBytesSortByTime) {
  MessageIdSource source(3);
  std::vector<MessageId> ids;
  for (int i = 0; i < 5000; ++i) ids.push_back(source.next(kNow + Duration(i / 100)));
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end(), [](auto& a, auto& b) { return a.str() < b.str(); }));
  EXPECT_EQ(std::adjacent_find(ids.begin(), ids.end()), ids.end());
}

TEST(MessageId, UniqueAcrossSourcesAndAfterTheClockWentBack) {
  std::unordered_set<MessageId> seen;
  MessageIdSource one(4), other(5);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 2000; ++i) {
      EXPECT_TRUE(seen.insert(one.next(kNow)).second);
      EXPECT_TRUE(seen.insert(other.next(kNow)).second);
    }
    one.next(kNow - Duration(5));
    other.next(kNow - Duration(5));
  }
}

TEST(MessageId, TimesOutsideTheRangeAreClamped) {
  EXPECT_EQ(MessageId::first_at(Time{Duration(-1)}).created_at(), Time{});
  EXPECT_EQ(to_ms(MessageId::first_at(kNever).created_at()), (std::int64_t{1} << 48) - 1);
}

}  // namespace
}  // namespace postrider
