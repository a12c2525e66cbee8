#include "relay/outbound/notice_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/relay/notice_fixture.h"

namespace postrider::relay {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

using NoticeTextTest = NoticeTest;

std::string crlf(std::string_view text) {
  std::string out;
  for (const char c : text.substr(1)) out += c == '\n' ? "\r\n" : std::string(1, c);
  return out;
}

TEST_F(NoticeTextTest, GoldenRefusal) {
  refused();
  EXPECT_EQ(build(), crlf(R"(
From: Mail Delivery System <MAILER-DAEMON@relay.example.com>
To: <app@example.com>
Subject: Mail not delivered: Invoice 4711
Auto-Submitted: auto-replied
In-Reply-To: <4711@example.com>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
 boundary="=_01kg9jz5a8v3m2n4p6q8r0s1t3.1769847303000"

This is a report on mail, in parts (RFC 3464).

--=_01kg9jz5a8v3m2n4p6q8r0s1t3.1769847303000
Content-Type: text/plain
Content-Description: Notice

This is the mail relay at relay.example.com.

Your message could not be delivered. Nothing more will be tried.

  Subject:   Invoice 4711
  Accepted:  Sat, 31 Jan 2026 08:15:00 +0000
  Its id:    01kg9jz5a8v3m2n4p6q8r0s1t3

<user@example.net>
  What happened:  mx.example.net refused it: 550 5.1.1 No such user here
  When:           Sat, 31 Jan 2026 08:15:02 +0000, after 1 try
  What to do:     check the address for a mistake, or ask the recipient for
                  the right one

--=_01kg9jz5a8v3m2n4p6q8r0s1t3.1769847303000
Content-Type: message/delivery-status
Content-Description: Report for programs

Reporting-MTA: dns; relay.example.com
Arrival-Date: Sat, 31 Jan 2026 08:15:00 +0000
X-Postrider-Id: 01kg9jz5a8v3m2n4p6q8r0s1t3

Final-Recipient: rfc822; user@example.net
Action: failed
Status: 5.1.1
Remote-MTA: dns; mx.example.net
Diagnostic-Code: smtp; 550 5.1.1 No such user here
Last-Attempt-Date: Sat, 31 Jan 2026 08:15:01 +0000

--=_01kg9jz5a8v3m2n4p6q8r0s1t3.1769847303000
Content-Type: text/rfc822-headers
Content-Description: The header of the message

From: app@example.com
Subject: Invoice 4711

--=_01kg9jz5a8v3m2n4p6q8r0s1t3.1769847303000--
)"));
}

TEST_F(NoticeTextTest, GoldenGivenUpAfterRetries) {
  add(RecipientState::sent, Notice::none, {Cause::none, Stage::final_dot, 250, "2.0.0", "Ok"}, "fine@example.net");
  recipients_.clear();
  Recipient& r = add(RecipientState::failed, Notice::failed,
                     {Cause::retries, Stage::rcpt, 452, "4.2.2", "gave up after 4 tries: The mailbox is full"});
  history_.pop_back();
  for (int i = 0; i < 4; ++i)
    attempt(1, {Cause::recipient, Stage::rcpt, 452, "4.2.2", "The mailbox is full"}, kAccepted + minutes(10 * i));
  r.tries = 4;
  r.changed_at = kAccepted + minutes(30) + seconds(1);
  r.orcpt = "rfc822;sales+2Bnews@example.com";
  message_.envelope.envid = "QQ+2B314159";
  message_.envelope.subject = "Monthly news of the shop, with everything that is new since the last one came to you";
  EXPECT_EQ(build(), crlf(R"(
From: Mail Delivery System <MAILER-DAEMON@relay.example.com>
To: <app@example.com>
Subject: Mail not delivered: Monthly news of the shop, with everything that
 is new since the last one came to you
Auto-Submitted: auto-replied
In-Reply-To: <4711@example.com>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
 boundary="=_01kg9jz5a8v3m2n4p6q8r0s1t3.1769847303000"

This is a report on mail, in parts (RFC 3464).

--=_01kg9jz5a8v3m2n4p6q8r0s1t3.1769847303000
Content-Type: text/plain
Content-Description: Notice

This is the mail relay at relay.example.com.

Your message could not be delivered to 1 of its 2 recipients. Nothing more
will be tried for this one.

  Subject:   Monthly news of the shop, with everything that is new since the
             last one came to you
  Accepted:  Sat, 31 Jan 2026 08:15:00 +0000
  Its id:    01kg9jz5a8v3m2n4p6q8r0s1t3

<user@example.net>
  You wrote to:   sales+news@example.com
  What happened:  given up: the last answer, from mx.example.net, was: 452
                  4.2.2 The mailbox is full
  When:           Sat, 31 Jan 2026 08:45:01 +0000, after 4 tries
  What to do:     the mailbox is full: send again later, or reach the
                  recipient another way

--=_01kg9jz5a8v3m2n4p6q8r0s1t3.1769847303000
Content-Type: message/delivery-status
Content-Description: Report for programs

Reporting-MTA: dns; relay.example.com
Original-Envelope-Id: QQ+314159
Arrival-Date: Sat, 31 Jan 2026 08:15:00 +0000
X-Postrider-Id: 01kg9jz5a8v3m2n4p6q8r0s1t3

Original-Recipient: rfc822; sales+news@example.com
Final-Recipient: rfc822; user@example.net
Action: failed
Status: 4.2.2
Remote-MTA: dns; mx.example.net
Diagnostic-Code: smtp; 452 4.2.2 The mailbox is full
Last-Attempt-Date: Sat, 31 Jan 2026 08:45:00 +0000

--=_01kg9jz5a8v3m2n4p6q8r0s1t3.1769847303000
Content-Type: text/rfc822-headers
Content-Description: The header of the message

From: app@example.com
Subject: Invoice 4711

--=_01kg9jz5a8v3m2n4p6q8r0s1t3.1769847303000--
)"));
}

TEST_F(NoticeTextTest, TextOfADelay) {
  Recipient& r = add(RecipientState::deferred, Notice::delayed,
                     {Cause::recipient, Stage::rcpt, 451, "4.7.1", "Greylisted, come back"});
  r.tries = 24;
  r.changed_at = kAccepted + hours(4);
  EXPECT_EQ(text(), crlf(R"(
This is the mail relay at relay.example.com.

Your message could not be delivered yet. It is still being tried.

  Subject:   Invoice 4711
  Accepted:  Sat, 31 Jan 2026 08:15:00 +0000
  Its id:    01kg9jz5a8v3m2n4p6q8r0s1t3

<user@example.net>
  What happened:  not yet: the last answer, from mx.example.net, was: 451
                  4.7.1 Greylisted, come back
  Last tried:     Sat, 31 Jan 2026 12:15:00 +0000, after 24 tries
  Given up:       at the latest on Thu, 05 Feb 2026 08:15:00 +0000
  What to do:     nothing; you are told if it fails in the end
)"));
}

TEST_F(NoticeTextTest, TextOfARelayedMessage) {
  add(RecipientState::sent, Notice::relayed, {Cause::none, Stage::final_dot, 250, "2.0.0", "Ok: queued as 1234"});
  EXPECT_EQ(text(), crlf(R"(
This is the mail relay at relay.example.com.

Your message was passed on. You asked to be told.

  Subject:   Invoice 4711
  Accepted:  Sat, 31 Jan 2026 08:15:00 +0000
  Its id:    01kg9jz5a8v3m2n4p6q8r0s1t3

<user@example.net>
  What happened:  passed on to mx.example.net, which does not report
                  delivery. Nothing more is heard of it from here
  When:           Sat, 31 Jan 2026 08:15:02 +0000, after 1 try
  What to do:     nothing
)"));
}

TEST_F(NoticeTextTest, TextOfAFailureThatTheRouteCaused) {
  Recipient& r = add(RecipientState::failed, Notice::failed,
                     {Cause::retries, Stage::connect, 0, "", "gave up after 4 tries: connection refused"});
  history_.back().attempt->recipients[0].reason.text = "connection refused";
  r.failed_by_route = true;
  r.tries = 4;
  EXPECT_THAT(text(), HasSubstr("  What happened:  given up: connection refused\r\n"));
  EXPECT_THAT(text(), HasSubstr("after 4 tries\r\n"));
  EXPECT_THAT(text(), HasSubstr("  What to do:     show this to the operator of this relay, whose next hop\r\n"
                                "                  did not work; then send again\r\n"));
}

TEST_F(NoticeTextTest, TextWhereEveryAnswerWasLost) {
  const std::string lost = "the connection was closed after the final dot: the message may be sent more than once";
  Recipient& r =
      add(RecipientState::failed, Notice::failed,
          {Cause::retries, Stage::final_dot, 0, "", "gave up after 4 tries: " + lost + "; it may have arrived"});
  history_.clear();
  for (int i = 0; i < 4; ++i) {
    attempt(0, {Cause::uncertain, Stage::final_dot, 0, "", lost}, kAccepted + minutes(10 * i));
    history_.back().attempt->recipients[0].kind = OutcomeKind::uncertain;
  }
  r.tries = 4;
  EXPECT_EQ(text(), crlf(R"(
This is the mail relay at relay.example.com.

It is not known whether your message was delivered. Nothing more will be
tried.

  Subject:   Invoice 4711
  Accepted:  Sat, 31 Jan 2026 08:15:00 +0000
  Its id:    01kg9jz5a8v3m2n4p6q8r0s1t3

<user@example.net>
  What happened:  given up: the connection was closed after the final dot:
                  the message may be sent more than once
  Perhaps there:  yes, also more than once: it was handed over 4 times
                  without an answer
  When:           Sat, 31 Jan 2026 08:15:02 +0000, after 4 tries
  What to do:     ask the recipient whether it arrived, before you send it
                  again
)"));
  EXPECT_THAT(build(), HasSubstr("\r\nSubject: Mail perhaps not delivered: Invoice 4711\r\n"));
}

TEST_F(NoticeTextTest, OneLostAnswerIsSaidWhateverCameAfterIt) {
  refused();
  attempt(0, {Cause::uncertain, Stage::final_dot, 0, "", "no answer in time"}, kAccepted);
  history_.back().attempt->recipients[0].kind = OutcomeKind::uncertain;
  std::swap(history_[0], history_[1]);
  EXPECT_THAT(text(), HasSubstr("  What happened:  mx.example.net refused it: 550 5.1.1 No such user here\r\n"
                                "  Perhaps there:  yes: it was handed over once without an answer\r\n"));
  EXPECT_THAT(text(), HasSubstr("  What to do:     ask the recipient whether it arrived"));
  refused("other@example.net");
  EXPECT_THAT(text(), HasSubstr("It is not known whether your message was delivered to any of its 2\r\n"
                                "recipients; see below to whom it was not. Nothing more will be tried.\r\n"));
}

TEST_F(NoticeTextTest, ADelayAfterALostAnswerDoesNotSayThatItDidNotArrive) {
  add(RecipientState::deferred, Notice::delayed, {Cause::uncertain, Stage::final_dot, 0, "", "no answer in time"});
  history_.back().attempt->recipients[0].kind = OutcomeKind::uncertain;
  EXPECT_THAT(text(), HasSubstr("It is not known whether your message was delivered. It is still being tried.\r\n"));
  EXPECT_THAT(text(), HasSubstr("  What to do:     nothing; you are told if it fails in the end\r\n"));
}

TEST_F(NoticeTextTest, WhatExpiredIsAMatterOfItsTimeToLive) {
  add(RecipientState::expired, Notice::failed, {Cause::recipient, Stage::rcpt, 450, "4.2.1", "busy"});
  EXPECT_THAT(text(), HasSubstr("  What happened:  its time to live was over before it could be delivered\r\n"));
  EXPECT_THAT(text(), HasSubstr("  What to do:     if it is still of use, send it again with a longer time to\r\n"
                                "                  live, or with none\r\n"));
  EXPECT_THAT(text(), Not(HasSubstr("postmaster")));
}

TEST_F(NoticeTextTest, WhatIsTooBigForEveryHopIsToBeSmallerAndNoCodeIsPutIntoTheAnswer) {
  add(RecipientState::bounced, Notice::failed, {Cause::capability, Stage::final_dot, 552, "", "too big"});
  EXPECT_THAT(text(), HasSubstr("  What happened:  mx.example.net refused it: 552 too big\r\n"));
  EXPECT_THAT(text(), HasSubstr("  What to do:     send a smaller message\r\n"));
  EXPECT_EQ(ReadNotice::one(per_recipient(), "Status"), "5.3.4");
  EXPECT_EQ(ReadNotice::one(per_recipient(), "Diagnostic-Code"), "smtp; 552 too big");
}

TEST_F(NoticeTextTest, SaysHowManyOfHowManyRecipients) {
  refused("one@example.net");
  EXPECT_THAT(text(), HasSubstr("Your message could not be delivered. Nothing more will be tried.\r\n"));
  refused("two@example.net");
  EXPECT_THAT(text(), HasSubstr("could not be delivered to any of its 2 recipients."));
  add(RecipientState::sent, Notice::none, {}, "three@example.net");
  recipients_.pop_back();
  EXPECT_THAT(text(), HasSubstr("could not be delivered to 2 of its 3 recipients."));
  EXPECT_THAT(text(), Not(HasSubstr("three@example.net")));
}

TEST_F(NoticeTextTest, ExplainsAHundredRecipientsAndReportsAll) {
  for (int i = 0; i < 130; ++i) refused("user" + std::to_string(i) + "@example.net");
  const ReadNotice notice = read();
  EXPECT_THAT(notice.parts.at(0).content, HasSubstr("<user99@example.net>"));
  EXPECT_THAT(notice.parts.at(0).content, Not(HasSubstr("<user100@example.net>")));
  EXPECT_THAT(notice.parts.at(0).content, HasSubstr("The other 30 are named"));
  ASSERT_EQ(notice.report.size(), 131u);
  EXPECT_EQ(ReadNotice::one(notice.report[130], "Final-Recipient"), "rfc822; user129@example.net");
}

TEST_F(NoticeTextTest, AdviceFollowsTheStatus) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"5.1.1", "check the address"},      {"5.2.2", "mailbox is full"},   {"5.2.3", "send a smaller message"},
      {"5.3.4", "send a smaller message"}, {"5.7.1", "refused by a rule"}, {"5.1.8", "check your own address"},
      {"", "if it fails again"},           {"5.0.0", "if it fails again"}};
  for (const auto& [status, advice] : cases) {
    message_.recipients.clear();
    recipients_.clear();
    refused().reason.enhanced = status;
    std::string lines = text();
    std::size_t at = lines.find("  What to do:     ");
    EXPECT_THAT(lines.substr(at, lines.find("\r\n", at) - at), HasSubstr(advice)) << status;
  }
}

TEST_F(NoticeTextTest, WhatNoNextHopTakesIsForTheOperator) {
  add(RecipientState::bounced, Notice::failed,
      {Cause::capability, Stage::mail, 0, "5.6.7", "the message needs SMTPUTF8, which the upstream does not take"});
  EXPECT_THAT(text(), HasSubstr("  What to do:     show this to the operator of this relay, none of whose\r\n"));
}

TEST_F(NoticeTextTest, LinesForPeopleAreShort) {
  refused("user@example.net",
          "a sentence of many words that goes on and on, as servers like to write them, with a link "
          "https://example.net/help/with/a/very/long/path/that/cannot/be/broken/anywhere/at/all");
  std::size_t long_lines = 0;
  const std::string all = text();
  for (std::size_t at = 0; at < all.size(); at = all.find('\n', at) + 1) {
    if (all.find('\r', at) - at > 76) ++long_lines;
  }
  EXPECT_EQ(long_lines, 1u) << all;  // the link
}

}  // namespace
}  // namespace postrider::relay
