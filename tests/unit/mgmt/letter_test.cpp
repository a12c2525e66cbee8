#include "mgmt/letter.h"

#include <gtest/gtest.h>

namespace postrider::mgmt {
namespace {

Letter fine() {
  Letter letter;
  letter.from = {"shop@example.com", "The Shop", ""};
  letter.to = {{"user@example.net", "", ""}};
  letter.subject = "Hello";
  letter.text = "Hi\n";
  return letter;
}

Faults faults_of(const Letter& letter) {
  Faults faults;
  check_letter(letter, faults);
  return faults;
}

std::vector<std::string> pointers_of(const Letter& letter) {
  std::vector<std::string> out;
  for (const FieldFault& fault : faults_of(letter)) out.push_back(fault.pointer);
  return out;
}

using Pointers = std::vector<std::string>;

TEST(CheckLetter, ALetterWithEverythingIsFine) {
  Letter letter = fine();
  letter.cc = {{"ünï@exämple.com", "Jürgen \"J\" Müller, PhD", ""}};
  letter.reply_to = {{"\"odd local\"@example.com", "", ""}};
  letter.sender = Party{"office@example.com", "", ""};
  letter.html = "<p>Hi</p>";
  letter.alternatives = {{"text/calendar; method=REQUEST", "BEGIN:VCALENDAR\r\n", ""}};
  letter.attachments = {{"\0\xff octets", "réport.pdf", "application/pdf", "", false, ""},
                        {"png", "", "image/png", "logo@shop", true, ""}};
  letter.headers = {{"X-Order", "4711"}, {"Message-ID", "<a@b.example>"}, {"Date", "Sat, 31 Jan 2026 08:15:00 +0000"}};
  letter.tags = {"invoice", "größe"};
  letter.metadata = {{"order", "4711"}, {"note", "two\nlines"}};
  EXPECT_EQ(pointers_of(letter), Pointers{});
}

TEST(CheckLetter, AllThatIsWrongIsToldAtOnceWithItsPlace) {
  Letter letter;
  letter.at = "/messages/3";
  letter.to = {{"nobody", "", "/messages/3/to/0"}, {"a@b@c", "", "/messages/3/to/1"}};
  letter.bcc = {{"a@-x.com", "", ""}};
  letter.subject = "a\nBcc: evil@example.com";
  letter.tags = {""};
  letter.metadata = {{"", "x"}};
  const Pointers expected{"/messages/3/from",    "/messages/3/to/0", "/messages/3/to/1",   "/messages/3/bcc",
                          "/messages/3/subject", "/messages/3/text", "/messages/3/tags/0", "/messages/3/metadata/"};
  EXPECT_EQ(pointers_of(letter), expected);
}

TEST(CheckLetter, WhatFollowsFromAFaultOfItsCallIsNotToldBesideIt) {
  Letter letter = fine();
  letter.from = {};
  letter.to.clear();
  letter.text.clear();
  letter.subject = "a\nb";
  const Faults of_call{
      {"/from/email", "must be a string"}, {"/cc", "must be an array"}, {"/attachments/0", "is wrong"}};
  Faults faults;
  check_letter(letter, faults, of_call);
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults.front().pointer, "/subject");
}

TEST(AddFault, TellsEachOnce) {
  Faults faults;
  for (const char* pointer : {"/a", "/b", "/a"}) add_fault(faults, pointer, "is wrong");
  add_fault(faults, "/a", "is wrong in another way");
  EXPECT_EQ(faults.size(), 3u);
}

// Every text that becomes part of a header, with every octet that could end a field.
TEST(CheckLetter, NoTextOfAHeaderHoldsControlCharacters) {
  using Put = void (*)(Letter&, std::string);
  const std::vector<std::pair<std::string, Put>> fields{
      {"/from", [](Letter& l, std::string s) { l.from.name = std::move(s); }},
      {"/from", [](Letter& l, std::string s) { l.from.email = "a" + std::move(s) + "@example.com"; }},
      {"/to", [](Letter& l, std::string s) { l.to[0].name = std::move(s); }},
      {"/cc",
       [](Letter& l, std::string s) {
         l.cc = {{"a@example.com", std::move(s), ""}};
       }},
      {"/bcc",
       [](Letter& l, std::string s) {
         l.bcc = {{"a@exa" + std::move(s) + ".com", "", ""}};
       }},
      {"/reply_to",
       [](Letter& l, std::string s) {
         l.reply_to = {{"a@example.com", std::move(s), ""}};
       }},
      {"/from",
       [](Letter& l, std::string s) {
         l.sender = Party{"a@example.com", std::move(s), ""};
       }},
      {"/from", [](Letter& l, std::string s) { l.envelope_sender = "a" + std::move(s) + "@example.com"; }},
      {"/subject", [](Letter& l, std::string s) { l.subject = std::move(s); }},
      {"/headers/X-A",
       [](Letter& l, std::string s) {
         l.headers = {{"X-A", std::move(s)}};
       }},
      {"/attachments/0",
       [](Letter& l, std::string s) {
         l.attachments = {{"x", std::move(s), "", "", false, ""}};
       }},
      {"/attachments/0",
       [](Letter& l, std::string s) {
         l.attachments = {{"x", "f", "image/png; a=" + std::move(s), "", false, ""}};
       }},
      {"/attachments/0",
       [](Letter& l, std::string s) {
         l.attachments = {{"x", "f", "", std::move(s), true, ""}};
       }},
      {"/html",
       [](Letter& l, std::string s) {
         l.alternatives = {{"text/x-a; b=" + std::move(s), "x", ""}};
       }},
      {"/tags/0", [](Letter& l, std::string s) { l.tags = {std::move(s)}; }},
  };
  for (const auto& [pointer, put] : fields) {
    for (const std::string evil : {"\r\nBcc: x@example.com", "\n", "\r", "\x01", "\x7f", "\xff", "\xc0\x8a"}) {
      Letter letter = fine();
      put(letter, "a" + evil);
      const Pointers found = pointers_of(letter);
      ASSERT_FALSE(found.empty()) << pointer << " took " << testing::PrintToString(evil);
      EXPECT_EQ(found[0], pointer);
    }
    Letter letter = fine();
    put(letter, std::string("a\0b", 3));
    EXPECT_FALSE(pointers_of(letter).empty()) << pointer << " took NUL";
  }
}

TEST(CheckLetter, HeadersThatAreNotTheClientsToSetAreRefused) {
  for (const std::string name : {"From",
                                 "TO",
                                 "cc",
                                 "Bcc",
                                 "Subject",
                                 "Sender",
                                 "Reply-To",
                                 "MIME-Version",
                                 "Content-Type",
                                 "content-transfer-encoding",
                                 "Received",
                                 "Return-Path",
                                 "Resent-To",
                                 "X-Postrider-Lane",
                                 "X-Idempotency-Key",
                                 "Content-Length",
                                 "",
                                 "X A",
                                 "X:A",
                                 "X\r\nBcc",
                                 "Ünï",
                                 "X-2345678901234567890123456789012345678901234567890123456789012345678901234567890"}) {
    Letter letter = fine();
    letter.headers = {{name, "v"}};
    EXPECT_EQ(faults_of(letter).size(), 1u) << name;
  }
  for (const std::string value : {"no id", "<a b@c>", "<@c>", "<a@>", "<a@b"}) {
    Letter letter = fine();
    letter.headers = {{"message-id", value}};
    EXPECT_EQ(pointers_of(letter), Pointers{"/headers/message-id"}) << value;
  }
  Letter twice = fine();
  twice.headers = {{"References", "<a@b>"}, {"references", "<c@d>"}};
  EXPECT_EQ(pointers_of(twice), Pointers{"/headers/references"});
  Letter long_word = fine();
  long_word.headers = {{"X-A", std::string(901, 'x')}};
  EXPECT_EQ(pointers_of(long_word), Pointers{"/headers/X-A"});
}

TEST(CheckLetter, EveryBoundHolds) {
  Letter letter = fine();
  letter.to.assign(kMaxLetterRecipients, {"user@example.net", "", ""});
  EXPECT_EQ(pointers_of(letter), Pointers{});
  letter.bcc = {{"one@example.net", "", ""}};
  EXPECT_EQ(pointers_of(letter), Pointers{"/to"});

  letter = fine();
  letter.attachments.assign(kMaxLetterAttachments + 1, {"x", "f", "", "", false, ""});
  EXPECT_EQ(pointers_of(letter), Pointers{"/attachments"});
  letter = fine();
  letter.headers.assign(kMaxLetterHeaders + 1, {"X-A", "v"});
  EXPECT_EQ(pointers_of(letter), Pointers{"/headers"});
  letter = fine();
  letter.tags.assign(kMaxTags + 1, "t");
  EXPECT_EQ(pointers_of(letter), Pointers{"/tags"});
  letter = fine();
  letter.metadata = {{"k", std::string(kMaxMetadataOctets, 'v')}};
  EXPECT_EQ(pointers_of(letter), Pointers{"/metadata"});
  letter = fine();
  letter.subject = std::string(999, 's');
  EXPECT_EQ(pointers_of(letter), Pointers{"/subject"});
}

TEST(CheckLetter, PartsThatCannotBeSentAreRefused) {
  for (const std::string type : {"multipart/mixed", "png", "image/", "/png", "image/p ng", "text/\xc3\xa4"}) {
    Letter letter = fine();
    letter.attachments = {{"x", "f", type, "", false, ""}};
    EXPECT_EQ(pointers_of(letter), Pointers{"/attachments/0"}) << type;
  }
  Letter letter = fine();
  letter.attachments = {{"Subject: \xc3\xa4\r\n\r\n", "m.eml", "message/rfc822", "", false, ""}};
  EXPECT_EQ(pointers_of(letter), Pointers{"/attachments/0"});
  letter.attachments[0].octets = "Subject: a\r\n\r\n";
  EXPECT_EQ(pointers_of(letter), Pointers{});
  letter.attachments.assign(2, {"x", "f", "image/png", "same", true, ""});
  EXPECT_EQ(pointers_of(letter), Pointers{"/attachments/1"});
  letter = fine();
  letter.alternatives = {{"text/html", "x", ""}, {"image/png", "x", ""}};
  EXPECT_EQ(faults_of(letter).size(), 2u);
}

TEST(CheckLetter, RawStandsForItself) {
  Letter letter;
  letter.raw = "From: a@example.com\r\nTo: b@example.com\r\n\r\nx\r\n";
  EXPECT_EQ(pointers_of(letter), Pointers{});
  letter.subject = "x";
  letter.text = "x";
  letter.headers = {{"X-A", "b"}};
  letter.raw += '\0';
  EXPECT_EQ(pointers_of(letter), (Pointers{"/raw", "/subject", "/text", "/headers"}));
}

}  // namespace
}  // namespace postrider::mgmt
