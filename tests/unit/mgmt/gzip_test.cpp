#include "mgmt/gzip.h"

#include <gtest/gtest.h>

#include "mgmt/request_body.h"
#include "net/loop.h"

namespace postrider::mgmt {
namespace {

// What it unpacks to when it comes in pieces of that size, or nothing.
std::optional<std::string> unpacked(std::string_view packed, std::size_t piece) {
  Gunzip gunzip;
  std::string out;
  const auto keep = [&](std::string_view octets) {
    out += octets;
    return true;
  };
  for (std::size_t at = 0; at < packed.size(); at += piece)
    if (!gunzip.take(packed.substr(at, piece), keep)) return std::nullopt;
  if (!gunzip.complete()) return std::nullopt;
  return out;
}

TEST(Gzip, WhatIsPackedUnpacksInPiecesOfAnySize) {
  std::string text;
  for (int i = 0; i < 40'000; ++i) text += std::to_string(i);
  for (const std::string& plain : {std::string(), std::string("x"), text}) {
    const std::string packed = gzip(plain);
    EXPECT_TRUE(packed.starts_with("\x1f\x8b"));
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}, packed.size()})
      EXPECT_EQ(unpacked(packed, piece), plain) << piece;
  }
}

TEST(Gzip, SeveralOneAfterTheOtherAreOne) {
  EXPECT_EQ(unpacked(gzip("one ") + gzip("") + gzip("two"), 3), "one two");
}

TEST(Gzip, WhatIsNoneIsTold) {
  const std::string packed = gzip("some text that is long enough to be cut");
  EXPECT_FALSE(unpacked("plain text", 100));
  EXPECT_FALSE(unpacked(packed + "rubbish", 100));
  for (std::size_t length = 1; length < packed.size(); ++length)
    EXPECT_FALSE(unpacked(packed.substr(0, length), 100)) << length;
  std::string damaged = packed;
  damaged[damaged.size() - 6] ^= 1;  // the checksum (RFC 1952 2.3.1)
  EXPECT_FALSE(unpacked(damaged, 100));
}

TEST(Gzip, ABombIsUnpackedNoFurtherThanItsSinkTakes) {
  const std::string bomb = gzip(std::string(20u << 20, 'a'));
  ASSERT_LT(bomb.size(), 100'000u);
  std::size_t seen = 0;
  Gunzip gunzip;
  EXPECT_FALSE(gunzip.take(bomb, [&](std::string_view octets) { return (seen += octets.size()) < 100'000; }));
  EXPECT_LE(seen, 100'000 + Gunzip::kPiece);
}

// Without a directory: what finds no memory is refused.
struct HasLoop {
  net::Loop loop{"test"};
};
struct Room : private HasLoop, public BodyRoom {
  explicit Room(std::uint64_t octets) : BodyRoom(loop, loop.clock(), loop.make_alarm(), {"", octets}) {}
};

TEST(RequestBody, PaysForWhatItKeepsBeyondTheFreeOctets) {
  Room room(100'000);
  {
    RequestBody body(room, 1'000'000);
    EXPECT_TRUE(body.take(std::string(RequestBody::kFree, 'a')));
    EXPECT_EQ(room.memory().used(), 0u);
    EXPECT_TRUE(body.take(std::string(60'000, 'b')));
    EXPECT_EQ(room.memory().used(), 60'000u);
    EXPECT_FALSE(body.take(std::string(40'001, 'c')));
    EXPECT_EQ(body.trouble(), RequestBody::Trouble::no_room);
    EXPECT_FALSE(body.take("x"));
    EXPECT_FALSE(body.finish());
  }
  EXPECT_EQ(room.memory().used(), 0u);
}

TEST(RequestBody, LimitIsOfWhatItUnpacksTo) {
  Room room(1u << 20);
  const std::string packed = gzip(std::string(5000, 'a'));
  RequestBody fits(room, 5000, Coding::gzip);
  EXPECT_TRUE(fits.take(packed) && fits.finish());
  EXPECT_EQ(fits.arrived(), packed.size());
  EXPECT_EQ(fits.release(), std::string(5000, 'a'));
  RequestBody too_long(room, 4999, Coding::gzip);
  EXPECT_FALSE(too_long.take(packed));
  EXPECT_EQ(too_long.trouble(), RequestBody::Trouble::too_long);
  RequestBody cut(room, 5000, Coding::gzip);
  EXPECT_TRUE(cut.take(packed.substr(0, packed.size() - 1)));
  EXPECT_FALSE(cut.finish());
  EXPECT_EQ(cut.trouble(), RequestBody::Trouble::not_gzip);
}

}  // namespace
}  // namespace postrider::mgmt
