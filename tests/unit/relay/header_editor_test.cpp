#include "relay/inbound/header_editor.h"

#include <gtest/gtest.h>

#include "core/utf8.h"

namespace postrider::relay {
namespace {

const Time kNow = from_ms(1'700'000'000'000);
const MessageId kId = MessageId::first_at(kNow);

EditedHeader edit(const std::string& message, const std::string& received = "Received: here\r\n") {
  smtp::HeaderScanner scanner(1 << 20);
  auto step = scanner.feed(message);
  bool follows = step.status == smtp::HeaderScanner::Status::complete && !scanner.separator();
  if (step.status == smtp::HeaderScanner::Status::need_more) {
    scanner.finish();
    follows = !scanner.body_prefix().empty();
  }
  EditedHeader out = edit_header(scanner, follows, received, "relay.example", kId, kNow);
  out.text += scanner.body_prefix();
  return out;
}

const std::string kAdded = "Message-ID: <" + kId.str() + "@relay.example>\r\nDate: Tue, 14 Nov 2023 22:13:20 +0000\r\n";

TEST(HeaderEditor, PutsReceivedOnTopAndWhatIsMissingAtTheEnd) {
  EXPECT_EQ(edit("From: a@b\r\n\r\ntext").text.substr(0, 16), "Received: here\r\n");
  EXPECT_EQ(edit("From: a@b\r\n\r\n").text, "Received: here\r\nFrom: a@b\r\n" + kAdded + "\r\n");
}

TEST(HeaderEditor, LeavesACompleteHeaderAlone) {
  const std::string header = "Date: x\r\nMESSAGE-ID : <1@x>\r\nTo:  <b@c> \r\n";
  EXPECT_EQ(edit(header + "\r\n", "").text, header + "\r\n");
  EXPECT_EQ(edit(header + "\r\n").message_id, "<1@x>");
}

TEST(HeaderEditor, TakesOutWhatMustNotGoOn) {
  const std::string dropped =
      "bcc: x\r\n y\r\nResent-Bcc: z\r\nRETURN-PATH: <r>\r\nContent-Length: 1\r\nX-Postrider-Lane: high\r\n"
      "X-Idempotency-Key: k1\r\n";
  EditedHeader out = edit(dropped + "To: t\r\n\r\n", "");
  EXPECT_EQ(out.text, "To: t\r\n" + kAdded + "\r\n");
  EXPECT_EQ(out.idempotency_key, "k1");
}

TEST(HeaderEditor, TheKeyIsTheWholeValueUnfolded) {
  EXPECT_EQ(edit("X-Idempotency-Key: reset 17\r\n\r\n").idempotency_key, "reset 17");
  EXPECT_EQ(edit("x-idempotency-key:reset\r\n\t 17  \r\n\r\n").idempotency_key, "reset 17");
  EXPECT_EQ(edit("X-Idempotency-Key:\r\n k1\r\n\r\n").idempotency_key, "k1");
  EXPECT_EQ(edit("X-Idempotency-Key: a\r\nX-Idempotency-Key: b\r\n\r\n").idempotency_keys, 2u);
}

TEST(HeaderEditor, DropsTheLineOfAMailboxFile) {
  EXPECT_EQ(edit("From root Mon Jan  1 00:00:00 2024\r\nTo: t\r\n\r\n", "").text, "To: t\r\n" + kAdded + "\r\n");
}

TEST(HeaderEditor, TextWithoutHeaderGetsOneAndAnEmptyLine) {
  EXPECT_EQ(edit("plain text\r\n", "").text, kAdded + "\r\nplain text\r\n");
}

TEST(HeaderEditor, AnEmptyHeaderStaysBeforeItsBody) {
  EXPECT_EQ(edit("\r\nbody", "").text, kAdded + "\r\n");
}

TEST(HeaderEditor, AMessageThatEndsInItsHeaderGetsNoEmptyLine) {
  EXPECT_EQ(edit("To: t\r\n", "").text, "To: t\r\n" + kAdded);
  EXPECT_EQ(edit("To: t", "").text, "To: t\r\n" + kAdded);
}

TEST(HeaderEditor, CountsReceivedFields) {
  EXPECT_EQ(edit("Received: a\r\nReceived: b\r\n c\r\nX-Received: d\r\n\r\n").received, 2u);
}

TEST(Received, AsksNothingOfTheNextHopThatTheMessageDoesNot) {
  EnvelopeSpec envelope;
  envelope.recipients.push_back({{"x",
                                  "b\xc3\xbc"
                                  "cher.example"},
                                 "",
                                 {}});
  EXPECT_NE(make_received(envelope, "relay.example", false, kId, kNow).find("for <x@xn--bcher-kva.example>;"),
            std::string::npos);
  envelope.recipients[0].address.local = "j\xc3\xbcrgen";
  EXPECT_EQ(make_received(envelope, "relay.example", false, kId, kNow).find("for <"), std::string::npos);
}

TEST(Received, NamesWhatIsKnown) {
  EnvelopeSpec envelope;
  envelope.client_address = "2001:db8::1";
  envelope.helo = "client(x).example";
  envelope.protocol = "ESMTPS";
  envelope.tls = "TLSv1.3 with cipher X";
  envelope.recipients.push_back({{"b", "example.com"}, "", {}});
  EXPECT_EQ(
      make_received(envelope, "relay.example", false, kId, kNow),
      "Received: from client?x?.example ([IPv6:2001:db8::1])\r\n\tby relay.example with ESMTPS id " + kId.str() +
          "\r\n\t(using TLSv1.3 with cipher X)\r\n\tfor <b@example.com>;\r\n\tTue, 14 Nov 2023 22:13:20 +0000\r\n");
  envelope.recipients.push_back({{"c", "example.com"}, "", {}});
  envelope.tls.clear();
  EXPECT_EQ(make_received(envelope, "relay.example", true, kId, kNow),
            "Received: by relay.example with ESMTPS id " + kId.str() + ";\r\n\tTue, 14 Nov 2023 22:13:20 +0000\r\n");
}

TEST(ListingSubject, DecodesWhatIsUtf8) {
  EXPECT_EQ(listing_subject("plain"), "plain");
  EXPECT_EQ(listing_subject("=?utf-8?q?a_=C3=A4?="), "a ä");
  EXPECT_EQ(listing_subject("=?UTF-8?B?w6Q=?=\r\n =?UTF-8?B?w7Y=?= end"), "äö end");
  EXPECT_EQ(listing_subject("two =?us-ascii?q?words?= here"), "two words here");
  EXPECT_EQ(listing_subject("=?iso-8859-1?q?=E4?="), "=?iso-8859-1?q?=E4?=") << "another charset stays as it is";
}

TEST(ListingSubject, BrokenWordsStayAsTheyAre) {
  for (const char* text :
       {"=?utf-8?q?=C?=", "=?utf-8?q?=?=", "=?utf-8?b?*?=", "=?utf-8?x?a?=", "=?utf-8?q?a", "=?", "=?=?=?=?"})
    EXPECT_EQ(listing_subject(text), text);
}

TEST(ListingSubject, IsCutAtACharacter) {
  std::string euros;
  for (int i = 0; i < 200; ++i) euros += "€";
  std::string cut = listing_subject(euros);
  EXPECT_LE(cut.size(), kMaxListingSubject);
  EXPECT_GT(cut.size(), kMaxListingSubject - 4);
  EXPECT_TRUE(is_utf8(cut));
}

}  // namespace
}  // namespace postrider::relay
