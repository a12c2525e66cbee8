#include "relay/outbound/notice_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "relay/outbound/notice_encoding.h"
#include "relay/smtp/xtext.h"
#include "tests/unit/relay/notice_fixture.h"

namespace postrider::relay {
namespace {

using std::chrono::hours;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

using NoticeBuilderTest = NoticeTest;

// ---- structure ----------------------------------------------------------------------------------------------------

TEST_F(NoticeBuilderTest, IsAMultipartReportOfThreeParts) {
  refused();
  const ReadNotice notice = read();
  EXPECT_EQ(notice.type, "multipart/report");
  EXPECT_EQ(notice.report_type, "delivery-status");
  ASSERT_EQ(notice.parts.size(), 3u);
  EXPECT_EQ(notice.parts[0].type, "text/plain");
  EXPECT_EQ(notice.parts[1].type, "message/delivery-status");
  EXPECT_EQ(notice.parts[2].type, "text/rfc822-headers");
  EXPECT_EQ(notice.parts[2].content, "From: app@example.com\r\nSubject: Invoice 4711\r\n");
  for (const ReadPart& part : notice.parts) EXPECT_EQ(part.encoding, "") << part.type;
  EXPECT_EQ(notice.encoding, "");
}

TEST_F(NoticeBuilderTest, HeaderSaysWhoWritesToWhom) {
  refused();
  const ReadNotice notice = read();
  EXPECT_EQ(notice.field("From"), "Mail Delivery System <MAILER-DAEMON@relay.example.com>");
  EXPECT_EQ(notice.field("To"), "<app@example.com>");
  EXPECT_EQ(notice.field("Subject"), "Mail not delivered: Invoice 4711");
  EXPECT_EQ(notice.field("Auto-Submitted"), "auto-replied");
  EXPECT_EQ(notice.field("In-Reply-To"), "<4711@example.com>");
  EXPECT_EQ(notice.field("MIME-Version"), "1.0");
}

TEST_F(NoticeBuilderTest, WithoutAHeaderToReturnThereAreTwoParts) {
  refused();
  EXPECT_EQ(read_notice(build("")).parts.size(), 2u);
}

TEST_F(NoticeBuilderTest, AWholeMessagePassesAsItIs) {
  refused();
  const std::string body = "Subject: Invoice 4711\r\n\r\n.dot\r\n--=_x\r\nend\r\n";
  const std::string octets = build_whole(body);
  const ReadNotice notice = read_notice(octets);
  ASSERT_EQ(notice.parts.size(), 3u);
  EXPECT_EQ(notice.parts[2].type, "message/rfc822");
  EXPECT_EQ(notice.parts[2].encoding, "");
  EXPECT_EQ(notice.encoding, "");
  EXPECT_EQ(ReadNotice::one(notice.parts[2].message, "Subject"), "Invoice 4711");
  EXPECT_THAT(octets, HasSubstr("\r\n\r\n" + body + "\r\n--" + notice.boundary + "--\r\n"));
}

TEST_F(NoticeBuilderTest, AWholeMessageInEightBitsSaysSoOnBothLevels) {
  refused();
  message_.envelope.eight_bit = true;
  ReadNotice notice =
      read_notice(build_whole("Subject: x\r\n\r\nGr\xc3\xbc\xc3\x9f"
                              "e\r\n"));
  EXPECT_EQ(notice.encoding, "8bit");
  EXPECT_EQ(notice.parts.at(2).encoding, "8bit");
  EXPECT_EQ(notice.parts.at(2).type, "message/rfc822");
  message_.envelope.smtputf8 = true;
  notice = read_notice(build_whole("Subject: \xc3\xbc\r\n\r\n"));
  EXPECT_EQ(notice.parts.at(2).type, "message/global");  // RFC 6532 3.7
}

TEST_F(NoticeBuilderTest, AnEightBitHeaderIsReturnedInSevenBits) {
  refused();
  const std::string header =
      "Subject: Gr\xc3\xbc\xc3\x9f"
      "e = 1\r\nX-Trailing: blank \r\nX-Long: " +
      std::string(200, 'y') + "\xc3\xa9\r\n";
  const ReadNotice notice = read_notice(build(header));
  EXPECT_EQ(notice.parts.at(2).encoding, "quoted-printable");
  EXPECT_EQ(notice.parts.at(2).charset, "utf-8");
  EXPECT_EQ(notice.parts.at(2).content, header);
}

TEST_F(NoticeBuilderTest, AHeaderThatIsNotUtf8KeepsItsOctetsAndClaimsNoCharset) {
  refused();
  const std::string header =
      "Subject: Gr\xfc\xdf"
      "e\r\n";
  const ReadNotice notice = read_notice(build(header));
  EXPECT_EQ(notice.parts.at(2).charset, "");
  EXPECT_EQ(notice.parts.at(2).encoding, "quoted-printable");
  const std::string octets = build(header);
  EXPECT_THAT(octets, HasSubstr("Subject: Gr=FC=DFe\r\n"));
}

TEST_F(NoticeBuilderTest, AHeaderWithALineOfTwoThousandOctetsIsFoldedByItsEncoding) {
  refused();
  const std::string header = "X-Long: " + std::string(2000, 'y') + "\r\n";
  EXPECT_EQ(read_notice(build(header)).parts.at(2).content, header);
}

// ---- the report ---------------------------------------------------------------------------------------------------

TEST_F(NoticeBuilderTest, ReportOfARefusal) {
  refused().orcpt = "rfc822;User+2Bnews@Example.NET";
  message_.envelope.envid = "QQ+2B31+4159";
  const ReadNotice notice = read();
  ASSERT_EQ(notice.report.size(), 2u);
  const ReadFields& all = notice.report[0];
  EXPECT_EQ(ReadNotice::one(all, "Reporting-MTA"), "dns; relay.example.com");
  EXPECT_EQ(ReadNotice::one(all, "Original-Envelope-Id"), "QQ+31A59");
  EXPECT_EQ(ReadNotice::one(all, "Arrival-Date"), "Sat, 31 Jan 2026 08:15:00 +0000");
  EXPECT_EQ(ReadNotice::one(all, "X-Postrider-Id"), message_.id.str());
  const ReadFields& one = notice.report[1];
  EXPECT_EQ(ReadNotice::one(one, "Original-Recipient"), "rfc822; User+news@Example.NET");
  EXPECT_EQ(ReadNotice::one(one, "Final-Recipient"), "rfc822; user@example.net");
  EXPECT_EQ(ReadNotice::one(one, "Action"), "failed");
  EXPECT_EQ(ReadNotice::one(one, "Status"), "5.1.1");
  EXPECT_EQ(ReadNotice::one(one, "Remote-MTA"), "dns; mx.example.net");
  EXPECT_EQ(ReadNotice::one(one, "Diagnostic-Code"), "smtp; 550 5.1.1 No such user here");
  EXPECT_EQ(ReadNotice::one(one, "Last-Attempt-Date"), "Sat, 31 Jan 2026 08:15:01 +0000");
  EXPECT_EQ(ReadNotice::one(one, "Will-Retry-Until"), "(none)");
}

TEST_F(NoticeBuilderTest, ReportOfADelaySaysUntilWhen) {
  add(RecipientState::deferred, Notice::delayed, {Cause::route, Stage::auth, 535, "5.7.8", "who are you?"}).age_from =
      kAccepted + hours(1);
  const ReadFields one = per_recipient();
  EXPECT_EQ(ReadNotice::one(one, "Action"), "delayed");
  EXPECT_EQ(ReadNotice::one(one, "Status"), "4.7.8");
  EXPECT_EQ(ReadNotice::one(one, "Will-Retry-Until"), "Thu, 05 Feb 2026 09:15:00 +0000");
}

TEST_F(NoticeBuilderTest, ReportOfARelayedMessage) {
  add(RecipientState::sent, Notice::relayed, {Cause::none, Stage::final_dot, 250, "2.1.5", "Ok: queued as 1234"});
  const ReadFields one = per_recipient();
  EXPECT_EQ(ReadNotice::one(one, "Action"), "relayed");
  EXPECT_EQ(ReadNotice::one(one, "Status"), "2.0.0");
  EXPECT_EQ(ReadNotice::one(one, "Remote-MTA"), "dns; mx.example.net");
}

TEST_F(NoticeBuilderTest, WithoutAnAnswerThereIsNoRemoteMta) {
  add(RecipientState::failed, Notice::failed,
      {Cause::age, Stage::connect, 0, "", "gave up after 5d: connection refused"});
  history_.back().attempt->recipients[0].reason.text = "connection refused";
  const ReadFields one = per_recipient();
  EXPECT_EQ(ReadNotice::one(one, "Remote-MTA"), "(none)");
  EXPECT_EQ(ReadNotice::one(one, "Diagnostic-Code"), "X-Postrider; connection refused");
  EXPECT_EQ(ReadNotice::one(one, "Last-Attempt-Date"), "Sat, 31 Jan 2026 08:15:01 +0000");
}

TEST_F(NoticeBuilderTest, WhoSaidItIsTheOneWhoseAnswerDecided) {
  add(RecipientState::failed, Notice::failed, {Cause::age, Stage::rcpt, 450, "4.2.0", "gave up after 5d: busy"});
  history_.clear();
  attempt(0, {Cause::recipient, Stage::rcpt, 450, "4.2.0", "busy"}, kAccepted, "first.example.net[192.0.2.1]:25");
  attempt(0, {Cause::route, Stage::connect, 0, "", "connection refused"}, kAccepted + hours(1),
          "second.example.net[::1]:25");
  const ReadFields one = per_recipient();
  EXPECT_EQ(ReadNotice::one(one, "Remote-MTA"), "dns; first.example.net");
  EXPECT_EQ(ReadNotice::one(one, "Diagnostic-Code"), "smtp; 450 4.2.0 busy");
  EXPECT_EQ(ReadNotice::one(one, "Last-Attempt-Date"), "Sat, 31 Jan 2026 09:15:00 +0000");
}

TEST_F(NoticeBuilderTest, AHopWithoutANameIsAnAddressLiteral) {
  refused();
  history_[0].attempt->peer = "192.0.2.7[192.0.2.7]:25";
  EXPECT_EQ(ReadNotice::one(per_recipient(), "Remote-MTA"), "dns; [192.0.2.7]");
  history_[0].attempt->peer = "2001:db8::1[2001:db8::1]:25";
  EXPECT_EQ(ReadNotice::one(per_recipient(), "Remote-MTA"), "dns; [IPv6:2001:db8::1]");
}

TEST_F(NoticeBuilderTest, WithoutHistoryTheRecordSpeaks) {
  refused();
  history_.clear();
  const ReadFields one = per_recipient();
  EXPECT_EQ(ReadNotice::one(one, "Status"), "5.1.1");
  EXPECT_EQ(ReadNotice::one(one, "Diagnostic-Code"), "smtp; 550 5.1.1 No such user here");
  EXPECT_EQ(ReadNotice::one(one, "Last-Attempt-Date"), "(none)");
  EXPECT_THAT(text(), HasSubstr("it was refused: 550 5.1.1 No such user here"));
}

// ---- status -------------------------------------------------------------------------------------------------------

TEST(NoticeStatus, OfEveryStateAndCause) {
  const auto status = [](RecipientState state, Reason reason, Notice kind = Notice::failed) {
    Recipient r;
    r.state = state;
    r.reason = std::move(reason);
    return notice_status(r, kind);
  };
  using enum RecipientState;
  EXPECT_EQ(status(bounced, {Cause::recipient, Stage::rcpt, 550, "5.1.1", ""}), "5.1.1");
  EXPECT_EQ(status(bounced, {Cause::recipient, Stage::rcpt, 550, "", ""}), "5.0.0");
  EXPECT_EQ(status(bounced, {Cause::capability, Stage::hello, 0, "5.6.3", ""}), "5.6.3");
  EXPECT_EQ(status(bounced, {Cause::capability, Stage::final_dot, 552, "", ""}), "5.3.4");
  EXPECT_EQ(status(bounced, {Cause::capability, Stage::none, 413, "", ""}), "5.3.4");  // over HTTP
  EXPECT_EQ(status(bounced, {Cause::capability, Stage::none, 415, "", ""}), "5.6.3");
  EXPECT_EQ(status(failed, {Cause::retries, Stage::rcpt, 452, "4.2.2", ""}), "4.2.2");  // RFC 3464 2.3.4: stays 4
  EXPECT_EQ(status(failed, {Cause::retries, Stage::rcpt, 451, "", ""}), "4.0.0");
  EXPECT_EQ(status(failed, {Cause::age, Stage::connect, 0, "", ""}), "4.4.7");
  EXPECT_EQ(status(failed, {Cause::retries, Stage::route, 0, "", ""}), "4.4.4");
  EXPECT_EQ(status(failed, {Cause::retries, Stage::resolve, 0, "", ""}), "4.4.3");
  EXPECT_EQ(status(failed, {Cause::retries, Stage::connect, 0, "", ""}), "4.4.1");
  EXPECT_EQ(status(failed, {Cause::retries, Stage::greeting, 0, "", ""}), "4.4.1");
  EXPECT_EQ(status(failed, {Cause::retries, Stage::tls, 0, "", ""}), "4.7.5");
  EXPECT_EQ(status(failed, {Cause::retries, Stage::auth, 0, "", ""}), "4.7.8");
  EXPECT_EQ(status(failed, {Cause::retries, Stage::auth, 535, "5.7.8", ""}), "5.7.8");
  EXPECT_EQ(status(failed, {Cause::retries, Stage::final_dot, 0, "", ""}), "4.4.2");
  EXPECT_EQ(status(failed, {Cause::retries, Stage::local, 0, "", ""}), "4.3.0");
  EXPECT_EQ(status(expired, {}), "4.4.7");
  EXPECT_EQ(status(suppressed, {}), "5.7.1");
  EXPECT_EQ(status(deferred, {Cause::recipient, Stage::rcpt, 451, "4.7.1", ""}, Notice::delayed), "4.7.1");
  EXPECT_EQ(status(deferred, {Cause::route, Stage::connect, 0, "", ""}, Notice::delayed), "4.4.1");
  EXPECT_EQ(status(sent, {Cause::none, Stage::final_dot, 250, "2.6.0", ""}, Notice::relayed), "2.0.0");
}

TEST(NoticeStatus, WhatIsNoStatusIsNotRepeated) {
  for (const std::string bad :
       {"5.1", "5.1.1.1", "5..1", "5.1.", "5.1.1\r\nX: y", "9.1.1", "2.0.0", "5.1.1111", "5.a.1"}) {
    Recipient r;
    r.state = RecipientState::bounced;
    r.reason = {Cause::recipient, Stage::rcpt, 550, bad, ""};
    EXPECT_EQ(notice_status(r, Notice::failed), "5.0.0") << bad;
  }
}

// ---- text beyond ASCII --------------------------------------------------------------------------------------------

TEST_F(NoticeBuilderTest, ASubjectInUtf8ArrivesWhole) {
  refused();
  std::string subject;
  while (subject.size() + 12 <= 256) subject += "Größe\xf0\x9f\x93\xa6 ";
  subject.pop_back();
  message_.envelope.subject = subject;
  const std::string octets = build();
  EXPECT_EQ(read_notice(octets).field("Subject"), "Mail not delivered: " + subject);
  for (std::size_t at = octets.find("=?UTF-8?Q?"); at != std::string::npos; at = octets.find("=?UTF-8?Q?", at + 1))
    EXPECT_LE(octets.find("?=\r\n", at) + 2 - at, 75u);  // RFC 2047 2.
}

TEST_F(NoticeBuilderTest, TextInUtf8IsQuotedPrintable) {
  refused("user@example.net", "Postfach gibt es nicht: Übergröße");
  message_.envelope.subject = "Grüße";
  const ReadNotice notice = read();
  EXPECT_EQ(notice.parts.at(0).encoding, "quoted-printable");
  EXPECT_EQ(notice.parts.at(0).charset, "utf-8");
  EXPECT_THAT(notice.parts.at(0).content, HasSubstr("  Subject:   Grüße\r\n"));
  EXPECT_THAT(notice.parts.at(0).content, HasSubstr("Übergröße"));
  EXPECT_EQ(ReadNotice::one(notice.report.at(1), "Diagnostic-Code"),
            "smtp; 550 5.1.1 Postfach gibt es nicht: \\x{DC}bergr\\x{F6}\\x{DF}e");
  EXPECT_EQ(notice.parts.at(1).encoding, "");
}

TEST_F(NoticeBuilderTest, AnInternationalAddressIsInTheFormOfRfc6533) {
  refused(
      "jos\xc3\xa9+news@b\xc3\xbc"
      "cher.example");
  EXPECT_EQ(ReadNotice::one(per_recipient(), "Final-Recipient"), "utf-8; jos\\x{E9}\\x{2B}news@b\\x{FC}cher.example");
  EXPECT_EQ(utf8_addr_xtext("\xe4\xb8\xad\xf0\x9f\x93\xa6=\\@x"), "\\x{4E2D}\\x{1F4E6}\\x{3D}\\x{5C}@x");
}

TEST_F(NoticeBuilderTest, TheLongestInternationalAddressStaysWhole) {
  std::string local, domain;
  for (int i = 0; i < 32; ++i) local += "\xc3\xa9";
  for (int i = 0; i < 120; ++i) domain += "\xc3\xbc";
  refused(local + "@" + domain + ".example");
  const std::string final_recipient = ReadNotice::one(per_recipient(), "Final-Recipient");
  EXPECT_THAT(final_recipient, StartsWith("utf-8; \\x{E9}\\x{E9}"));
  EXPECT_THAT(final_recipient, EndsWith("\\x{FC}.example"));
  EXPECT_EQ(std::count(final_recipient.begin(), final_recipient.end(), '{'), 152);
}

TEST_F(NoticeBuilderTest, OriginalRecipientsOfBothTypes) {
  Recipient& r = refused();
  r.orcpt = "utf-8;jos\\x{E9}@example.net";
  EXPECT_EQ(ReadNotice::one(per_recipient(), "Original-Recipient"), "utf-8; jos\\x{E9}@example.net");
  r.orcpt = "utf-8;jos\xc3\xa9@example.net";  // utf-8-addr-unitext, allowed with SMTPUTF8
  EXPECT_EQ(ReadNotice::one(per_recipient(), "Original-Recipient"), "utf-8; jos\\x{E9}@example.net");
  r.orcpt = "x400;/C=de/";
  EXPECT_EQ(ReadNotice::one(per_recipient(), "Original-Recipient"), "x400; /C=de/");
  r.orcpt = "";
  EXPECT_EQ(ReadNotice::one(per_recipient(), "Original-Recipient"), "(none)");
}

TEST_F(NoticeBuilderTest, ASenderWhoseDomainAloneIsInternationalIsWrittenInAscii) {
  refused();
  message_.envelope.sender = {"app",
                              "b\xc3\xbc"
                              "cher.example"};
  EXPECT_EQ(read().field("To"), "<app@xn--bcher-kva.example>");
}

// ---- hostile strings ----------------------------------------------------------------------------------------------

TEST_F(NoticeBuilderTest, NoStringOfAStrangerBeginsALine) {
  const std::string evil = "x\r\nBcc: victim@example.org\r\n\r\n--=_" + message_.id.str() +
                           "\n\rInjected: yes\r\x01\x1b[2J\xc2\x85Injected: yes\xe2\x80\xa8\xff";
  Recipient& r = refused("user@example.net", evil);
  r.reason.enhanced = "5.1.1\r\nInjected: yes";
  r.orcpt = "rfc822\r\nInjected: yes;" + smtp::encode_xtext(evil);
  r.upstream = r.remote_id = evil;
  history_[0].attempt->peer = evil;
  history_[0].attempt->recipients[0].reason = r.reason;
  message_.envelope.subject = evil;
  message_.envelope.envid = smtp::encode_xtext(evil);
  message_.envelope.message_id_header = "<" + evil + ">";
  message_.envelope.helo = message_.envelope.client = evil;
  const std::string octets = build();
  EXPECT_EQ(octets.find("\r\nBcc:"), std::string::npos);
  EXPECT_EQ(octets.find("\r\nInjected:"), std::string::npos);
  const ReadNotice notice = read_notice(octets);
  ASSERT_EQ(notice.parts.size(), 3u);
  EXPECT_EQ(notice.report.size(), 2u);
  EXPECT_EQ(notice.field("Bcc"), "(none)");
  EXPECT_EQ(notice.field("In-Reply-To"), "(none)");
  const std::string& people = notice.parts[0].content;
  EXPECT_EQ(people.find("\r\nInjected"), std::string::npos);
  EXPECT_EQ(people.find('\x1b'), std::string::npos);
  for (const ReadFields& fields : notice.report) EXPECT_EQ(fields.count("Injected") + fields.count("Bcc"), 0u);
}

TEST_F(NoticeBuilderTest, AnAddressInQuotesStaysOneAddress) {
  refused("\"a b>, <c@d\"@example.net");
  message_.envelope.sender = parse_address("\"odd \\\"one\\\"\"@example.com").value();
  const ReadNotice notice = read();
  EXPECT_EQ(ReadNotice::one(notice.report.at(1), "Final-Recipient"), "rfc822; \"a b>, <c@d\"@example.net");
  EXPECT_THAT(build(), HasSubstr("\r\nTo: <\"odd \\\"one\\\"\"@example.com>\r\n"));
}

TEST_F(NoticeBuilderTest, EmptyThingsLeaveNoEmptyFields) {
  add(RecipientState::bounced, Notice::failed, {}).tries = 0;
  history_.clear();
  message_.envelope.subject = message_.envelope.message_id_header = "";
  const ReadNotice notice = read();
  EXPECT_EQ(notice.field("Subject"), "Mail not delivered: (no subject)");
  EXPECT_EQ(notice.field("In-Reply-To"), "(none)");
  for (const ReadFields& fields : notice.report) {
    for (const auto& [name, value] : fields) EXPECT_NE(value, "") << name;
  }
  EXPECT_THAT(notice.parts.at(0).content, Not(HasSubstr("Subject:")));
  EXPECT_THAT(notice.parts.at(0).content, Not(HasSubstr("tries")));
}

// ---- whole or header ----------------------------------------------------------------------------------------------

TEST_F(NoticeBuilderTest, WholeOnlyWhereTheSameHopWouldTakeIt) {
  message_.envelope.ret = DsnReturn::full;
  Recipient& r = refused();
  EXPECT_TRUE(may_return_whole(subject()));
  r.reason = {Cause::content, Stage::final_dot, 554, "5.7.1", "spam"};
  EXPECT_FALSE(may_return_whole(subject()));
  r.reason = {Cause::retries, Stage::final_dot, 451, "4.3.2", "gave up after 4 tries: not today"};
  EXPECT_FALSE(may_return_whole(subject()));
  r.reason = {Cause::capability, Stage::hello, 0, "5.6.3", "no 8BITMIME"};
  EXPECT_FALSE(may_return_whole(subject()));
  r.reason = {Cause::recipient, Stage::rcpt, 550, "5.1.1", "no such user"};
  message_.body = BodyState::removed;
  EXPECT_FALSE(may_return_whole(subject()));
  message_.body = BodyState::present;
  message_.envelope.ret = DsnReturn::headers;
  EXPECT_FALSE(may_return_whole(subject()));
  message_.envelope.ret = DsnReturn::full;
  r.owed = Notice::relayed;
  EXPECT_FALSE(may_return_whole(subject()));  // RFC 3461 4.3: of failures only
}

}  // namespace
}  // namespace postrider::relay
