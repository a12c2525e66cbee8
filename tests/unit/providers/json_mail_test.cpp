// What the four lossy vendors have in common, shown on one that takes every rule: addressing, texts, fields.
#include "providers/json_mail.h"

#include <gmock/gmock.h>

#include "tests/unit/providers/lossy_fixture.h"

namespace postrider::providers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

constexpr std::string_view kLeftOut[] = {"date", "x-own-*"};
constexpr JsonRules kRules{"vendor", false, false, kLeftOut};

result<JsonMail> taken_apart(std::string_view text, const std::vector<std::string>& recipients,
                             const JsonRules& rules = kRules) {
  const MessageRecord message = record_to(recipients);
  std::vector<std::uint32_t> all(recipients.size());
  std::iota(all.begin(), all.end(), 0u);
  const std::string body = crlf(text);
  return take_apart({message, all, body}, rules);
}

std::vector<std::string> emails(const std::vector<Mailbox>& mailboxes) {
  std::vector<std::string> list;
  for (const Mailbox& mailbox : mailboxes) list.push_back(mailbox.email);
  return list;
}

const std::string kTo = "From: app@example.com\nTo: one@example.net\nCc: two@example.net\n";

TEST(JsonMail, HidesWhoIsNotInTheHeader) {
  const JsonMail mail = taken_apart(kTo + "\nx\n", {"one@example.net", "two@example.net", "hid@example.net"}).value();
  EXPECT_THAT(emails(mail.to), ElementsAre("one@example.net"));
  EXPECT_THAT(emails(mail.cc), ElementsAre("two@example.net"));
  EXPECT_THAT(emails(mail.bcc), ElementsAre("hid@example.net"));
}

TEST(JsonMail, NamesNobodyWhomTheCallDoesNotServe) {
  const JsonMail mail = taken_apart(kTo + "\nx\n", {"two@example.net", "hid@example.net"}).value();
  EXPECT_THAT(emails(mail.to), ElementsAre("two@example.net")) << "no API takes mail without To";
  EXPECT_THAT(mail.cc, IsEmpty());
  EXPECT_THAT(emails(mail.bcc), ElementsAre("hid@example.net"));
}

TEST(JsonMail, ShowsAHiddenRecipientToHimselfOnly) {
  const JsonMail mail = taken_apart(kTo + "\nx\n", {"hid@example.net"}).value();
  EXPECT_THAT(emails(mail.to), ElementsAre("hid@example.net"));
  EXPECT_THAT(mail.bcc, IsEmpty());
}

TEST(JsonMail, NeverShowsHiddenRecipientsToEachOther) {
  const result<JsonMail> mail = taken_apart(kTo + "\nx\n", {"hid@example.net", "den@example.net"});
  ASSERT_FALSE(mail);
  EXPECT_EQ(mail.error().kind, FaultKind::conflict) << "halves of them can be served";
  JsonRules separate = kRules;
  separate.separate_letters = true;
  const JsonMail letters = taken_apart(kTo + "\nx\n", {"hid@example.net", "den@example.net"}, separate).value();
  EXPECT_THAT(letters.to, IsEmpty());
  EXPECT_THAT(emails(letters.bcc), ElementsAre("hid@example.net", "den@example.net"));
}

TEST(JsonMail, NeedsOneAuthor) {
  EXPECT_THAT(taken_apart("To: one@example.net\n\nx\n", {"one@example.net"}).error().text, HasSubstr("no From"));
  EXPECT_THAT(taken_apart("From: a@example.com, b@example.com\n\nx\n", {"one@example.net"}).error().text,
              HasSubstr("several authors"));
}

TEST(JsonMail, KeepsASenderThatIsNotTheAuthor) {
  EXPECT_THAT(taken_apart(kTo + "Sender: The Bot <bot@example.com>\n\nx\n", {"one@example.net"})->headers,
              ElementsAre(Pair("Sender", "The Bot <bot@example.com>")));
  EXPECT_THAT(taken_apart(kTo + "Sender: app@example.com\n\nx\n", {"one@example.net"})->headers, IsEmpty());
}

TEST(JsonMail, LeavesOutTracesBrokenSignaturesAndWhatTheVendorWrites) {
  const JsonMail mail =
      taken_apart(
          "Received: from x\nReturn-Path: <a@b>\nDKIM-Signature: v=1\nARC-Seal: i=1\nAuthentication-Results: x\n" +
              kTo +
              "Date: now\nX-Own-Thing: x\nX-Order: 5\nIn-Reply-To: <1@a>\nList-Unsubscribe: <https://u.example>\n"
              "List-Unsubscribe-Post: List-Unsubscribe=One-Click\n\nx\n",
          {"one@example.net"})
          .value();
  EXPECT_THAT(mail.headers, ElementsAre(Pair("X-Order", "5"), Pair("In-Reply-To", "<1@a>"),
                                        Pair("List-Unsubscribe", "<https://u.example>"),
                                        Pair("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")));
}

TEST(JsonMail, JoinsRepeatedListFieldsAndKeepsTheFirstOfOthers) {
  const JsonMail mail = taken_apart(kTo +
                                        "List-Unsubscribe: <mailto:u@example.com>\nX-Tag: one\nlist-unsubscribe: "
                                        "<https://u.example>\nx-tag: two\n\nx\n",
                                    {"one@example.net"})
                            .value();
  const boost::json::object headers = header_object(mail);
  EXPECT_EQ(headers.at("List-Unsubscribe"), "<mailto:u@example.com>, <https://u.example>");
  EXPECT_EQ(headers.at("X-Tag"), "one");
  EXPECT_EQ(headers.size(), 2u);
}

TEST(JsonMail, PutsATextWhereThereIsNone) {
  EXPECT_EQ(taken_apart(kTo + "\n", {"one@example.net"})->plain, " ");
  const JsonMail scan =
      taken_apart(kTo + "Content-Type: application/pdf; name=scan.pdf\n\n%PDF\n", {"one@example.net"}).value();
  EXPECT_EQ(scan.plain, " ");
  EXPECT_EQ(scan.attachments.at(0).filename, "scan.pdf");
}

TEST(JsonMail, AttachesACalendarThatCannotBeAnAlternative) {
  const std::string text = kTo +
                           "Content-Type: multipart/alternative; boundary=b\n\n--b\n\nplain\n--b\nContent-Type: "
                           "text/calendar; method=REQUEST\n\nBEGIN\n"
                           "--b\nContent-Type: text/x-amp-html\n\n<amp>\n--b--\n";
  const JsonMail mail = taken_apart(text, {"one@example.net"}).value();
  EXPECT_EQ(mail.plain, "plain");
  ASSERT_EQ(mail.attachments.size(), 1u);
  EXPECT_EQ(mail.attachments[0].filename, "invite.ics");
  EXPECT_EQ(mail.attachments[0].octets, "BEGIN");
  JsonRules rules = kRules;
  rules.other_alternatives = true;
  EXPECT_EQ(taken_apart(text, {"one@example.net"}, rules)->others.size(), 2u);
}

TEST(JsonMail, RefusesTextThatIsNeitherPlainNorHtml) {
  EXPECT_THAT(
      taken_apart(
          kTo + "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/enriched\n\nx\n--b--\n",
          {"one@example.net"})
          .error()
          .text,
      HasSubstr("neither plain nor HTML"));
}

TEST(JsonMail, WritesMailboxesAsFieldsDo) {
  EXPECT_EQ(mailbox_text({"", "a@example.com"}), "a@example.com");
  EXPECT_EQ(mailbox_text({"App", "a@example.com"}), "App <a@example.com>");
  EXPECT_EQ(mailbox_text({"Doe, \"Jo\"", "a@example.com"}), "\"Doe, \\\"Jo\\\"\" <a@example.com>");
  EXPECT_EQ(mailbox_text({"Jürgen", "a@example.com"}), "=?utf-8?B?SsO8cmdlbg==?= <a@example.com>");
  EXPECT_EQ(mailboxes_text({{"A", "a@example.com"}, {"", "b@example.com"}}), "A <a@example.com>, b@example.com");
}

TEST(JsonMail, EncodesLongNamesInWordsOfWholeCharacters) {
  std::string name;
  for (int i = 0; i < 40; ++i) name += "ü";
  const std::string words = encoded_word(name);
  const MimeView read = view_mime("From: " + words + " <a@example.com>\r\n\r\nx\r\n").value();
  EXPECT_EQ(read.from.at(0).name, name);
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t end = std::min(words.find(' ', at), words.size());
    EXPECT_LE(end - at, 75u);
    at = end + 1;
  }
}

TEST(JsonMail, NamesFilesThatHaveNoName) {
  EXPECT_EQ(file_name({"a.txt", "text/plain", "", false, ""}), "a.txt");
  EXPECT_EQ(file_name({"", "image/png", "", false, ""}), "attachment.png");
  EXPECT_EQ(file_name({"", "message/rfc822", "", false, ""}), "message.eml");
  EXPECT_EQ(file_name({"", "application/vnd.ms-excel", "", false, ""}), "attachment");
}

TEST(PlaceNamed, FindsThePlacesOfNamedRecipients) {
  const MessageRecord message = record_to({"One@example.net", "two@example.net", "three@example.net"});
  const std::vector<std::uint32_t> some = {2, 0};
  Reading reading;
  reading.kind = OutcomeKind::sent;
  reading.named.push_back({"one@EXAMPLE.net", OutcomeKind::bounced, {}, "id1"});
  reading.named.push_back({"two@example.net", OutcomeKind::bounced, {}, ""});
  place_named(reading, {message, some, ""});
  ASSERT_EQ(reading.singles.size(), 1u) << "two is not of this call";
  EXPECT_EQ(reading.singles[0].place, 1u);
  EXPECT_EQ(reading.singles[0].provider_id, "id1");
  EXPECT_THAT(reading.named, IsEmpty());
}

}  // namespace
}  // namespace postrider::providers
