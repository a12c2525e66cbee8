#include "relay/inbound/steering.h"

#include <gtest/gtest.h>

namespace postrider::relay {
namespace {

const Time kNow = from_ms(1'700'000'000'000);
using std::chrono::hours;
using std::chrono::minutes;

struct Read {
  std::string fault;
  Steering steering;
};

Read read(const std::string& header, Steering before = {}, const SteeringBounds& bounds = {}) {
  smtp::HeaderScanner scanner(1 << 20);
  scanner.feed(header + "\r\n");
  Read out{"", std::move(before)};
  if (auto done = read_steering(scanner.fields(), bounds, kNow, out.steering); !done) out.fault = done.error().text;
  return out;
}

TEST(Steering, OfAnOrdinaryHeaderIsNone) {
  const Read plain = read("Subject: x\r\nMT-Priority: 9\r\nX-Postrider-Colour: red\r\n");
  EXPECT_EQ(plain.fault, "");
  EXPECT_EQ(plain.steering.lane, std::nullopt);
  EXPECT_EQ(release_time(plain.steering, kNow), kNow);
  EXPECT_EQ(expiry_time(plain.steering, kNow), kNever);
  EXPECT_EQ(plain.steering.retry, MessageRetry());
  EXPECT_TRUE(plain.steering.tags.empty());
}

TEST(Steering, AHeaderTakesThePlaceOfWhatWasAskedOutsideAndAddsTags) {
  Steering before;
  before.lane = Lane::low;
  before.send_at = kNow + hours(5);
  before.tags = {"a"};
  const Read after = read("X-Postrider-Lane: high\r\nX-Postrider-Send-At: +1h\r\nX-Postrider-Tag: b, a\r\n", before);
  EXPECT_EQ(after.fault, "");
  EXPECT_EQ(after.steering.lane, Lane::high);
  EXPECT_EQ(release_time(after.steering, kNow), kNow + hours(1));
  EXPECT_EQ(after.steering.tags, (std::vector<std::string>{"a", "b"}));
}

TEST(Steering, WhatTheHeaderLeavesOutStays) {
  Steering before;
  before.lane = Lane::low;
  before.hold_for = minutes(5);
  const Read after = read("X-Postrider-Expires-In: 1m\r\n", before);
  EXPECT_EQ(after.steering.lane, Lane::low);
  EXPECT_EQ(release_time(after.steering, kNow), kNow + minutes(5));
  EXPECT_EQ(expiry_time(after.steering, kNow), kNow + minutes(6));
}

TEST(Steering, SpansCountFromTheAcceptAndNotFromTheHeader) {
  const Read scheduled = read("X-Postrider-Send-At: +10m\r\nX-Postrider-Expires-In: 1h\r\n");
  const Time accepted = kNow + minutes(3);
  EXPECT_EQ(release_time(scheduled.steering, accepted), accepted + minutes(10));
  EXPECT_EQ(expiry_time(scheduled.steering, accepted), accepted + minutes(70));
}

TEST(Steering, ATimeThatHasPassedIsNowAndSoItsTimeToLive) {
  const Read late = read("X-Postrider-Send-At: 2001-01-01T00:00:00Z\r\nX-Postrider-Expires-In: 1m\r\n");
  EXPECT_EQ(late.fault, "");
  EXPECT_EQ(release_time(late.steering, kNow), kNow);
  EXPECT_EQ(expiry_time(late.steering, kNow), kNow + minutes(1));
}

TEST(Steering, BoundsAreInclusive) {
  SteeringBounds bounds;
  bounds.max_hold = hours(1);
  bounds.max_retries = 2;
  bounds.min_retry_interval = minutes(1);
  const auto fault = [&](const std::string& header) { return read(header + "\r\n", {}, bounds).fault; };
  EXPECT_EQ(fault("X-Postrider-Send-At: +1h"), "");
  EXPECT_EQ(fault("X-Postrider-Send-At: +1h1ms"), "X-Postrider-Send-At: '+1h1ms': a message is held for at most 1h");
  EXPECT_EQ(fault("X-Postrider-Send-At: " + format_rfc3339(kNow + hours(1))), "");
  EXPECT_NE(fault("X-Postrider-Send-At: " + format_rfc3339(kNow + hours(1) + Duration(1))), "");
  EXPECT_EQ(fault("X-Postrider-Retries: 2"), "");
  EXPECT_EQ(fault("X-Postrider-Retries: 3"), "X-Postrider-Retries: '3': give a number from 0 to 2");
  EXPECT_EQ(fault("X-Postrider-Retry-Interval: 1m"), "");
  EXPECT_EQ(fault("X-Postrider-Retry-Interval: 59s"), "X-Postrider-Retry-Interval: '59s': give a time from 1m to 7d");
  EXPECT_EQ(fault("X-Postrider-Retry-Interval: 7d"), "");
  EXPECT_NE(fault("X-Postrider-Retry-Interval: 7d1ms"), "");
}

TEST(Steering, TagsAreBounded) {
  const std::string longest(kMaxTagOctets, 'x');
  EXPECT_EQ(read("X-Postrider-Tag: " + longest + "\r\n").steering.tags, std::vector<std::string>{longest});
  for (const std::string& bad :
       {longest + "x", std::string("a\x7f"), std::string("\xff"), std::string(","), std::string()})
    EXPECT_NE(read("X-Postrider-Tag: " + bad + "\r\n").fault, "") << bad;
  std::string fields;
  for (std::size_t i = 0; i < kMaxTags; ++i) fields += "X-Postrider-Tag: t" + std::to_string(i) + "\r\n";
  EXPECT_EQ(read(fields).steering.tags.size(), kMaxTags);
  EXPECT_NE(read(fields + "X-Postrider-Tag: more\r\n").fault, "");
}

TEST(Steering, AFaultIsPrintableAsciiAndNamesTheField) {
  const std::string fault = read("x-postrider-lane: \xc3\xa4 \x01" + std::string(200, 'y') + "\r\n").fault;
  EXPECT_TRUE(fault.starts_with("X-Postrider-Lane: '")) << fault;
  EXPECT_LT(fault.size(), 200u);
  for (unsigned char c : fault) EXPECT_TRUE(c >= ' ' && c < 0x7f) << fault;
}

TEST(Steering, LanesOfPriorities) {
  EXPECT_EQ(lane_of_priority(9), Lane::high);
  EXPECT_EQ(lane_of_priority(1), Lane::high);
  EXPECT_EQ(lane_of_priority(0), Lane::normal);
  EXPECT_EQ(lane_of_priority(-1), Lane::low);
  EXPECT_EQ(lane_of_priority(-9), Lane::low);
}

}  // namespace
}  // namespace postrider::relay
