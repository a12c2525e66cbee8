// What the tests of a notice's text and octets share: a message to example.net whose recipients got their states by attempts that
// are in its history, and the notice about them.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "relay/outbound/notice_builder.h"
#include "relay/smtp/newline.h"
#include "tests/unit/relay/notice_mime.h"

namespace postrider::relay {

inline constexpr Time kAccepted{Duration(1'769'847'300'000)};  // Sat, 31 Jan 2026 08:15:00 +0000

class NoticeTest : public testing::Test {
 protected:
  NoticeTest() {
    message_.id = *MessageId::parse("01kg9jz5a8v3m2n4p6q8r0s1t3");
    message_.envelope.sender = {"app", "example.com"};
    message_.envelope.subject = "Invoice 4711";
    message_.envelope.message_id_header = "<4711@example.com>";
    message_.envelope.created_at = kAccepted;
  }

  // A recipient that got its state by an attempt at mx.example.net.
  Recipient& add(RecipientState state, Notice owed, Reason reason, const std::string& address = "user@example.net") {
    Recipient& r = message_.recipients.emplace_back();
    r.address = parse_address(address).value();
    r.state = state;
    r.owed = owed;
    r.reason = reason;
    r.tries = 1;
    r.age_from = kAccepted;
    r.changed_at = kAccepted + std::chrono::seconds(2);
    recipients_.push_back(static_cast<std::uint32_t>(message_.recipients.size() - 1));
    attempt(recipients_.back(), std::move(reason), kAccepted + std::chrono::seconds(1));
    return r;
  }
  Recipient& refused(const std::string& address = "user@example.net", const std::string& text = "No such user here") {
    return add(RecipientState::bounced, Notice::failed, {Cause::recipient, Stage::rcpt, 550, "5.1.1", text}, address);
  }
  void attempt(std::uint32_t recipient, Reason reason, Time at,
               const std::string& peer = "mx.example.net[192.0.2.1]:25") {
    Event event;
    event.type = EventType::attempted;
    event.attempt = std::make_shared<Attempt>();
    event.attempt->peer = peer;
    event.attempt->started_at = at;
    event.attempt->recipients.push_back({recipient, OutcomeKind::deferred, std::move(reason)});
    history_.push_back(event);
  }

  NoticeSubject subject() const { return {message_, recipients_, history_}; }
  std::string build(const std::string& header = "From: app@example.com\r\nSubject: Invoice 4711\r\n") const {
    const NoticeFrame frame = build_notice(subject(), context_, header);
    return checked(frame.head + frame.tail);
  }
  std::string build_whole(const std::string& body) const {
    const NoticeFrame frame = build_notice(subject(), context_, std::nullopt);
    return frame.head + body + frame.tail;
  }
  ReadNotice read() const { return read_notice(build()); }
  std::string text() const { return read().parts.at(0).content; }
  ReadFields per_recipient(std::size_t place = 0) const { return read().report.at(1 + place); }

  // What must hold for every notice without a message in it: ASCII, lines that end in CRLF and are not too long.
  static std::string checked(const std::string& octets) {
    EXPECT_FALSE(smtp::has_eight_bit(octets));
    EXPECT_EQ(octets.find('\0'), std::string::npos);
    std::size_t at = 0;
    while (at < octets.size()) {
      const std::size_t end = octets.find('\n', at);
      EXPECT_NE(end, std::string::npos) << "no end of line";
      if (end == std::string::npos) break;
      const std::string line = octets.substr(at, end - at);
      EXPECT_TRUE(line.ends_with('\r')) << line;
      EXPECT_EQ(line.find('\r'), line.size() - 1) << line;
      EXPECT_LE(line.size(), 999u) << line;
      at = end + 1;
    }
    return octets;
  }

  MessageRecord message_;
  std::vector<std::uint32_t> recipients_;
  std::vector<Event> history_;
  NoticeContext context_{"relay.example.com", kAccepted + std::chrono::seconds(3), std::chrono::hours(24 * 5)};
};

}  // namespace postrider::relay
