#include "core/notice.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>

namespace postrider {
namespace {

constexpr Time kStart{Duration(1'700'000'000'000)};
constexpr std::array kStates = {RecipientState::queued,    RecipientState::sending,   RecipientState::deferred,
                                RecipientState::held,      RecipientState::sent,      RecipientState::delivered,
                                RecipientState::bounced,   RecipientState::failed,    RecipientState::expired,
                                RecipientState::cancelled, RecipientState::suppressed};
static_assert(kStates.size() == kRecipientStates);
constexpr std::array kDoors = {Door::smtp, Door::http, Door::sendmail, Door::bounce};
constexpr std::array kReturns = {DsnReturn::unset, DsnReturn::full, DsnReturn::headers};

// NEVER stands alone (RFC 3461 4.1); the other three in any combination, the last of which is "not given".
std::vector<Notify> every_notify() {
  std::vector<Notify> all{{.never = true}};
  for (int bits = 0; bits < 8; ++bits)
    all.push_back({.success = (bits & 1) != 0, .failure = (bits & 2) != 0, .delay = (bits & 4) != 0});
  return all;
}

struct Case {
  Notify notify;
  RecipientState state;
  bool hop_notifies, by_route, late, told;
};

void each_case(const std::function<void(const Case&)>& check) {
  for (const Notify& notify : every_notify()) {
    for (const RecipientState state : kStates) {
      for (int bits = 0; bits < 16; ++bits)
        check({notify, state, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0});
    }
  }
}

Envelope envelope(Door door = Door::smtp) {
  Envelope e;
  e.sender = {"app", "example.com"};
  e.door = door;
  return e;
}

Recipient recipient_of(const Case& c) {
  Recipient r;
  r.address = {"user", "example.net"};
  r.notify = c.notify;
  r.state = c.state;
  r.failed_by_route = c.by_route;
  r.delay_told = c.told;
  r.age_from = kStart;
  return r;
}

Notice owed(const Envelope& e, const Case& c) {
  return notice_owed(e, recipient_of(c), c.hop_notifies, kStart + (c.late ? kDelayNotice : Duration(1)));
}

// The table of docs/one-message.md, written out.
Notice by_the_table(const Case& c) {
  const bool failure = c.notify.failure || !(c.notify.never || c.notify.success || c.notify.delay);
  switch (c.state) {
    case RecipientState::bounced:
    case RecipientState::expired:
    case RecipientState::suppressed:
      return failure ? Notice::failed : Notice::none;
    case RecipientState::failed:
      return failure && !c.by_route ? Notice::failed : Notice::none;
    case RecipientState::sent:
      return c.notify.success && !c.hop_notifies ? Notice::relayed : Notice::none;
    case RecipientState::deferred:
      return c.notify.delay && c.late && !c.told ? Notice::delayed : Notice::none;
    default:
      return Notice::none;
  }
}

std::string name(const Case& c) {
  std::string text(to_string(c.state));
  if (c.notify.never) text += " never";
  if (c.notify.success) text += " success";
  if (c.notify.failure) text += " failure";
  if (c.notify.delay) text += " delay";
  if (c.hop_notifies) text += ", hop speaks DSN";
  if (c.by_route) text += ", by route";
  if (c.late) text += ", late";
  return text += c.told ? ", told" : "";
}

TEST(NoticeOwed, EveryCaseOfSmtpAndSendmailFollowsTheTable) {
  each_case([](const Case& c) {
    EXPECT_EQ(owed(envelope(Door::smtp), c), by_the_table(c)) << name(c);
    EXPECT_EQ(owed(envelope(Door::sendmail), c), by_the_table(c)) << name(c);
  });
}

TEST(NoticeOwed, OverHttpOnlyToWhoAsked) {
  each_case([](const Case& c) {
    const Notice expected = c.notify.given() ? by_the_table(c) : Notice::none;
    EXPECT_EQ(owed(envelope(Door::http), c), expected) << name(c);
  });
}

TEST(NoticeOwed, NeverToANullSenderAndNeverAboutANotice) {
  each_case([](const Case& c) {
    for (const Door door : kDoors) {
      Envelope e = envelope(door);
      e.sender = Address{};
      EXPECT_EQ(owed(e, c), Notice::none) << name(c);
    }
    EXPECT_EQ(owed(envelope(Door::bounce), c), Notice::none) << name(c);
  });
}

TEST(NoticeOwed, WhatIsReturnedDecidesNothing) {
  each_case([](const Case& c) {
    for (const DsnReturn ret : kReturns) {
      Envelope e = envelope();
      e.ret = ret;
      EXPECT_EQ(owed(e, c), by_the_table(c)) << name(c);
    }
  });
}

TEST(NoticeOwed, NothingOfWhatWasNeverAsked) {
  each_case([](const Case& c) {
    const Notice notice = owed(envelope(), c);
    EXPECT_FALSE(c.notify.never && notice != Notice::none) << name(c);
    EXPECT_FALSE(!c.notify.success && notice == Notice::relayed) << name(c);
    EXPECT_FALSE(!c.notify.delay && notice == Notice::delayed) << name(c);
  });
}

TEST(NoticeOwed, ADelayIsToldFromFourHoursOn) {
  const Envelope e = envelope();
  Recipient r = recipient_of({{.delay = true}, RecipientState::deferred, false, false, false, false});
  EXPECT_EQ(notice_owed(e, r, false, kStart + kDelayNotice - Duration(1)), Notice::none);
  EXPECT_EQ(notice_owed(e, r, false, kStart + kDelayNotice), Notice::delayed);
}

TEST(NoticeWhenParkedEnds, OnlyForAFailureOfTheRouteAndOnlyToWhoIsTold) {
  each_case([](const Case& c) {
    const Recipient r = recipient_of(c);
    const bool parked = c.state == RecipientState::failed && c.by_route;
    const bool failure = c.notify.failure || !c.notify.given();
    const Notice expected = parked && failure ? Notice::failed : Notice::none;
    EXPECT_EQ(notice_when_parked_ends(envelope(Door::smtp), r), expected) << name(c);
    EXPECT_EQ(notice_when_parked_ends(envelope(Door::sendmail), r), expected) << name(c);
    EXPECT_EQ(notice_when_parked_ends(envelope(Door::http), r), c.notify.given() ? expected : Notice::none) << name(c);
    EXPECT_EQ(notice_when_parked_ends(envelope(Door::bounce), r), Notice::none) << name(c);
    Envelope null = envelope();
    null.sender = Address{};
    EXPECT_EQ(notice_when_parked_ends(null, r), Notice::none) << name(c);
  });
}

// Told at once or when the body goes, never twice and never neither: for whoever wants to hear of failures.
TEST(NoticeWhenParkedEnds, AFailureIsToldAtExactlyOneOfBothMoments) {
  for (const bool by_route : {false, true}) {
    const Recipient r = recipient_of({{}, RecipientState::failed, false, by_route, false, false});
    const bool now = notice_owed(envelope(), r, false, kStart) == Notice::failed;
    const bool later = notice_when_parked_ends(envelope(), r) == Notice::failed;
    EXPECT_NE(now, later) << (by_route ? "route" : "recipient");
  }
}

}  // namespace
}  // namespace postrider
