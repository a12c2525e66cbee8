#include "mgmt/compose.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "providers/mime_view.h"

namespace postrider::mgmt {
namespace {

using providers::MimeView;
using providers::view_mime;

constexpr std::string_view kId = "<01hf7yat00000000000000000@relay.example.com>";
const Time kNow = from_ms(1'770'000'000'000);

Letter fine() {
  Letter letter;
  letter.from = {"shop@example.com", "", ""};
  letter.to = {{"user@example.net", "", ""}};
  letter.subject = "Hello";
  letter.text = "Hi\n";
  return letter;
}

// What holds of every message that is composed.
std::string composed(const Letter& letter) {
  Faults faults;
  check_letter(letter, faults);
  EXPECT_TRUE(faults.empty()) << faults[0].pointer << " " << faults[0].detail;
  const auto made = compose(letter, kId, kNow);
  EXPECT_TRUE(made.has_value());
  const std::string& octets = *made;
  EXPECT_TRUE(octets.ends_with("\r\n"));
  std::size_t line = 0;
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const auto c = static_cast<unsigned char>(octets[i]);
    if (c == '\n') {
      EXPECT_TRUE(i > 0 && octets[i - 1] == '\r') << "bare LF at " << i;
      line = 0;
      continue;
    }
    if (c == '\r') {
      EXPECT_TRUE(i + 1 < octets.size() && octets[i + 1] == '\n') << "bare CR at " << i;
      continue;
    }
    EXPECT_TRUE(c != 0 && c < 128) << "octet " << int(c) << " at " << i;
    EXPECT_LE(++line, 998u) << "at " << i;
    if (testing::Test::HasFailure()) break;
  }
  EXPECT_EQ(*compose(letter, kId, kNow), octets) << "not the same octets again";
  return octets;
}

MimeView viewed(const Letter& letter) {
  const auto view = view_mime(composed(letter));
  EXPECT_TRUE(view.has_value()) << view.error().text;
  return view ? *view : MimeView();
}

std::string header_of(const std::string& octets) {
  return octets.substr(0, octets.find("\r\n\r\n") + 2);
}

std::string text_of(const MimeView& view, std::string_view type) {
  const auto* part = view.text(type);
  return part ? part->text : "(none)";
}

TEST(Compose, APlainMessageIsItsHeaderAndItsText) {
  EXPECT_EQ(composed(fine()),
            "From: shop@example.com\r\nTo: user@example.net\r\nSubject: Hello\r\n"
            "Date: Mon, 02 Feb 2026 02:40:00 +0000\r\n"
            "Message-ID: <01hf7yat00000000000000000@relay.example.com>\r\nMIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n\r\nHi\r\n");
}

TEST(Compose, NamesAndSubjectsOfAnyLanguageComeBack) {
  for (const std::string text : {"Jürgen Müller", "Müller, Jürgen", "\"quoted\" \\back", "日本語の名前", "🎉🎊 Party 🎉",
                                 "مرحبا بالعالم", "plain name", "a.b", "(comment)",
                                 "=?utf-8?Q?not_encoded?=", "ends with \\", "tab\tinside", "x@y", "a;b:c<d>", "é"}) {
    Letter letter = fine();
    letter.from.name = text;
    letter.to[0].name = text;
    letter.cc = {{"cc@example.net", text, ""}, {"dd@example.net", "", ""}};
    letter.reply_to = {{"r@example.net", text, ""}};
    letter.subject = text;
    const MimeView view = viewed(letter);
    std::string spaced = text;
    std::replace(spaced.begin(), spaced.end(), '\t', ' ');
    ASSERT_EQ(view.from.size(), 1u) << text;
    EXPECT_EQ(view.from[0].email, "shop@example.com") << text;
    ASSERT_EQ(view.to.size(), 1u) << text;
    EXPECT_EQ(view.to[0].email, "user@example.net");
    ASSERT_EQ(view.cc.size(), 2u) << text;
    ASSERT_EQ(view.reply_to.size(), 1u) << text;
    EXPECT_EQ(view.from[0].name, spaced);
    EXPECT_EQ(view.cc[0].name, spaced);
    EXPECT_EQ(view.subject, spaced);
  }
}

TEST(Compose, LongNamesAndSubjectsAreFolded) {
  Letter letter = fine();
  for (int i = 0; i < 60; ++i) letter.subject += " größe";
  for (int i = 0; i < 300; ++i) letter.to.push_back({"user" + std::to_string(i) + "@example.net", "Name Ünd Name", ""});
  const std::string octets = composed(letter);
  const std::string header = header_of(octets);
  for (std::size_t at = 0, end; (end = header.find("\r\n", at)) != std::string::npos; at = end + 2)
    EXPECT_LE(end - at, 120u) << header.substr(at, end - at);
  const MimeView view = *view_mime(octets);
  EXPECT_EQ(view.subject, letter.subject);
  EXPECT_EQ(view.to.size(), 301u);
}

TEST(Compose, TextComesBackWhateverItHolds) {
  std::string long_word(100'000, 'w'), all_lines;
  for (int i = 0; i < 2000; ++i) all_lines += "line " + std::to_string(i) + "\n";
  std::string emoji;
  for (int i = 0; i < 2000; ++i) emoji += "🎉";
  for (const std::string& text :
       {std::string(" "), std::string("x"), std::string("no end of line"), std::string("a\r\nb\r\n"),
        std::string(".\n..\n.dots\n"), std::string("From me\nFrom you\n"),
        std::string("trailing blanks   \n\ttabs\t\n"), long_word, all_lines, emoji, std::string("=3D =\n="),
        std::string("ünï\ncödé\n"), std::string("--=_1_boundary\n"), std::string("\n\n\n"),
        std::string("\x01\x02\x1b\n"), std::string("مرحبا\n")}) {
    Letter letter = fine();
    letter.text = text;
    letter.html = "<p>" + text + "</p>";
    std::string lines = text;
    std::erase(lines, '\r');
    const MimeView view = viewed(letter);
    EXPECT_EQ(text_of(view, "text/plain"), lines) << text.substr(0, 40);
    EXPECT_EQ(text_of(view, "text/html"), "<p>" + lines + "</p>");
  }
}

TEST(Compose, TextInBase64HasLinesThatEndInCrlf) {
  Letter letter = fine();
  letter.text = "ööö\nööö\n";
  EXPECT_NE(composed(letter).find("w7bDtsO2DQrDtsO2w7YNCg=="), std::string::npos) << composed(letter);
}

TEST(Compose, AttachmentsComeBackOctetForOctet) {
  std::mt19937 random(7);
  for (const std::size_t size : {0u, 1u, 56u, 57u, 58u, 5'000u, 300'000u}) {
    std::string octets(size, '\0');
    for (char& c : octets) c = static_cast<char>(random());
    Letter letter = fine();
    letter.attachments = {{octets, "größe 日本.pdf", "application/pdf", "", false, ""},
                          {octets, "plain.bin", "", "", false, ""}};
    const MimeView view = viewed(letter);
    ASSERT_EQ(view.attachments.size(), 2u);
    EXPECT_EQ(view.attachments[0].octets, octets);
    EXPECT_EQ(view.attachments[0].filename, "größe 日本.pdf");
    EXPECT_EQ(view.attachments[0].content_type, "application/pdf");
    EXPECT_FALSE(view.attachments[0].is_inline);
    EXPECT_EQ(view.attachments[1].content_type, "application/octet-stream");
    EXPECT_EQ(view.attachments[1].filename, "plain.bin");
    EXPECT_EQ(text_of(view, "text/plain"), "Hi\n");
  }
}

TEST(Compose, FileNamesOfAllKindsComeBack) {
  std::string very_long;
  for (int i = 0; i < 60; ++i) very_long += "sehr-größe-";
  for (const std::string& name :
       {std::string("a.txt"), std::string("with \"quotes\".txt"), std::string("semi;colon.txt"),
        std::string("100% ü.txt"), std::string("日本語.pdf"), std::string("'a'.b"), very_long}) {
    Letter letter = fine();
    letter.attachments = {{"x", name, "text/csv", "", false, ""}};
    const MimeView view = viewed(letter);
    ASSERT_EQ(view.attachments.size(), 1u);
    EXPECT_EQ(view.attachments[0].filename, name);
  }
}

TEST(Compose, PartsStandWhereReadersLookForThem) {
  Letter letter = fine();
  letter.html = "<img src=\"cid:logo\">";
  letter.alternatives = {{"text/calendar; method=REQUEST", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", ""}};
  letter.attachments = {{"png", "logo.png", "image/png", "logo", true, ""},
                        {"pdf", "a.pdf", "application/pdf", "", false, ""}};
  const std::string octets = composed(letter);
  std::vector<std::size_t> places;
  for (const std::string part : {"multipart/mixed", "multipart/alternative", "text/plain", "multipart/related",
                                 "text/html", "image/png", "text/calendar", "application/pdf"})
    places.push_back(octets.find("Content-Type: " + part));
  EXPECT_TRUE(std::is_sorted(places.begin(), places.end())) << octets;
  EXPECT_NE(places.back(), std::string::npos);
  EXPECT_NE(octets.find("method=REQUEST"), std::string::npos);
  EXPECT_NE(octets.find("Content-Id: <logo>"), std::string::npos) << octets;
  const MimeView view = *view_mime(octets);
  ASSERT_EQ(view.attachments.size(), 2u);
  EXPECT_TRUE(view.attachments[0].is_inline);
  EXPECT_EQ(view.attachments[0].content_id, "logo");
  EXPECT_FALSE(view.attachments[1].is_inline);
}

TEST(Compose, AttachmentsAloneAreAMessage) {
  Letter letter = fine();
  letter.text.clear();
  letter.attachments = {{"pdf", "a.pdf", "application/pdf", "", false, ""}};
  EXPECT_EQ(viewed(letter).attachments.size(), 1u);
  letter.attachments.push_back(letter.attachments[0]);
  EXPECT_EQ(viewed(letter).attachments.size(), 2u);
  letter.attachments = {{"png", "", "image/png", "logo", true, ""}};  // inline, and no HTML to show it
  EXPECT_EQ(viewed(letter).attachments.size(), 1u);
}

// Words of every kind in a random order, one blank between two.
std::string random_line(std::mt19937& random, std::size_t most_words) {
  static const std::vector<std::string> words = {
      "plain",
      "größe",
      "日本語",
      "🎉",
      "مرحبا",
      "a.b",
      "x@y.z",
      "\"q\"",
      "(c)",
      "\\",
      "=?x?=",
      "100%",
      "a;b,c",
      "<d>",
      "'e'",
      "=3D",
      "--",
      "e\u0301",
      "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww"};
  std::string out;
  for (std::size_t count = 1 + random() % most_words; count > 0; --count)
    out += (out.empty() ? "" : " ") + words[random() % words.size()];
  return out;
}

TEST(Compose, RandomLettersComeBack) {
  std::mt19937 random(4711);
  for (int round = 0; round < 200; ++round) {
    Letter letter = fine();
    letter.from.name = random_line(random, 4);
    letter.to.clear();
    for (std::size_t i = 0; i <= random() % 5; ++i)
      letter.to.push_back({"u" + std::to_string(i) + "@example.net", random_line(random, 3), ""});
    letter.subject = random_line(random, 30);
    letter.text = random_line(random, 200) + "\n";
    if (random() % 2) letter.html = "<p>" + random_line(random, 200) + "</p>\n";
    if (random() % 2) letter.attachments = {{letter.text, random_line(random, 4), "image/png", "", false, ""}};
    SCOPED_TRACE("round " + std::to_string(round) + ": " + letter.from.name + " / " + letter.subject);
    const MimeView view = viewed(letter);
    ASSERT_EQ(view.from.size(), 1u);
    EXPECT_EQ(view.from[0].name, letter.from.name);
    ASSERT_EQ(view.to.size(), letter.to.size());
    for (std::size_t i = 0; i < letter.to.size(); ++i) {
      EXPECT_EQ(view.to[i].email, letter.to[i].email);
      EXPECT_EQ(view.to[i].name, letter.to[i].name);
    }
    EXPECT_EQ(view.subject, letter.subject);
    EXPECT_EQ(text_of(view, "text/plain"), letter.text);
    if (!letter.html.empty()) {
      EXPECT_EQ(text_of(view, "text/html"), letter.html);
    }
    ASSERT_EQ(view.attachments.size(), letter.attachments.size());
    if (!letter.attachments.empty()) {
      EXPECT_EQ(view.attachments[0].filename, letter.attachments[0].filename);
      EXPECT_EQ(view.attachments[0].octets, letter.attachments[0].octets);
    }
    if (HasFailure()) break;
  }
}

TEST(Compose, FurtherFieldsAreEncodedAndFoldedAtBlanks) {
  Letter letter = fine();
  std::string references;
  for (int i = 0; i < 20; ++i) references += (i ? " <id" : "<id") + std::to_string(i) + "@example.com>";
  const std::string url = "<https://example.com/" + std::string(300, 'u') + ">";
  letter.headers = {{"References", references}, {"List-Unsubscribe", url}, {"X-Größe", "x"}};
  letter.headers.pop_back();
  letter.headers.emplace_back("X-Word", "größe is größe");
  letter.headers.emplace_back("X-Empty", "");
  letter.headers.emplace_back("Message-ID", "<own@example.com>");
  letter.headers.emplace_back("Date", "Sat, 31 Jan 2026 08:15:00 +0100");
  const std::string octets = composed(letter);
  EXPECT_NE(octets.find(url), std::string::npos) << "a URL is never broken";
  EXPECT_EQ(octets.find(kId), std::string::npos);
  EXPECT_NE(octets.find("Message-ID: <own@example.com>\r\n"), std::string::npos);
  EXPECT_NE(octets.find("Date: Sat, 31 Jan 2026 08:15:00 +0100\r\n"), std::string::npos);
  EXPECT_NE(octets.find("X-Empty:\r\n"), std::string::npos);
  const MimeView view = *view_mime(octets);
  const auto found = std::find_if(view.headers.begin(), view.headers.end(),
                                  [](const auto& field) { return field.first == "References"; });
  ASSERT_NE(found, view.headers.end());
  EXPECT_EQ(found->second, references);
}

// composed() looks at the length of every line.
TEST(Compose, WordsThatFitNoLineAreEncoded) {
  for (const std::string& text : {std::string(998, 'w'), "Re: " + std::string(990, 'w'),
                                  "a" + std::string(990, ' ') + "b", std::string(901, 'w') + " short words"}) {
    Letter letter = fine();
    letter.subject = letter.from.name = letter.to[0].name = text;
    const MimeView view = viewed(letter);
    EXPECT_EQ(view.subject, text);
    EXPECT_EQ(view.from.at(0).name, text);
    EXPECT_EQ(view.to.at(0).name, text);
  }
  Letter quotes = fine();
  quotes.from.name = std::string(890, '"') + ".";
  EXPECT_EQ(viewed(quotes).from.at(0).name, quotes.from.name) << "with a backslash before each it is twice as long";
}

TEST(Compose, OnlyWhatHasTheShapeOfAnEncodedWordIsEncoded) {
  const std::string url = "<https://example.com/?q=?utf-8?q?x?=&b=?c>";
  Letter letter = fine();
  letter.headers = {{"List-Unsubscribe", url},
                    {"references", "<=?utf-8?q?x?=@example.com>"},
                    {"Message-ID", "<=?utf-8?b?eA==?=@example.com>"},
                    {"X-Url", "https://example.com/?a=?b&c=?d=?= =?? =?a?x?y?="},
                    {"X-Word", "one =?utf-8?q?two?= three"}};
  letter.subject = "what =? 2 ?=";
  const std::string octets = composed(letter);
  for (const std::string& line :
       {"List-Unsubscribe: " + url, std::string("references: <=?utf-8?q?x?=@example.com>"),
        std::string("Message-ID: <=?utf-8?b?eA==?=@example.com>"), "X-Url: " + letter.headers[3].second,
        std::string("Subject: what =? 2 ?="), std::string("X-Word: one =?utf-8?B?PT91dGYtOD9xP3R3bz89?= three")})
    EXPECT_NE(octets.find(line + "\r\n"), std::string::npos) << line << "\n" << octets;
  for (const std::string text : {"=?utf-8?q?x?=", "a=?UTF-8?B?eA==?=b", "=?utf-8?q?a b?= c", "=?=?utf-8?q?x?="}) {
    letter = fine();
    letter.subject = letter.from.name = text;
    const MimeView view = viewed(letter);
    EXPECT_EQ(view.subject, text) << "shown as it was written";
    EXPECT_EQ(view.from.at(0).name, text);
  }
}

TEST(Compose, BlindRecipientsAreNowhereInIt) {
  Letter letter = fine();
  letter.bcc = {{"secret@example.net", "Secret", ""}};
  EXPECT_EQ(composed(letter).find("ecret"), std::string::npos);
}

TEST(Compose, DomainsAreWrittenInAsciiAndUtf8LocalPartsAsTheyAre) {
  Letter letter = fine();
  letter.from.email = "shop@bücher.example";
  EXPECT_NE(composed(letter).find("From: shop@xn--bcher-kva.example\r\n"), std::string::npos);
  letter.to[0].email = "müller@bücher.example";  // RFC 6531: only UTF-8 can say it
  EXPECT_NE(compose(letter, kId, kNow)->find("To: müller@xn--bcher-kva.example\r\n"), std::string::npos);
}

TEST(Compose, TextsThatNameABoundaryAreNotCutByIt) {
  Letter letter = fine();
  letter.attachments = {{"x", "f", "", "", false, ""}};
  const std::string first = composed(letter);
  const std::size_t at = first.find("boundary=\"") + 10;
  const std::string boundary = first.substr(at, first.find('"', at) - at);
  ASSERT_TRUE(boundary.starts_with("=_")) << first;
  letter.text = "--" + boundary + "--\n";
  EXPECT_EQ(text_of(viewed(letter), "text/plain"), letter.text);
}

TEST(Compose, RawOctetsStayButForTheirLineEnds) {
  Letter letter;
  letter.raw = "From: a@example.com\nSubject: \xc3\xa4\r\n\none\rtwo\n\xff\xfe";
  EXPECT_EQ(
      *compose(letter, kId, kNow),
      "Message-ID: " + std::string(kId) + "\r\nFrom: a@example.com\r\nSubject: \xc3\xa4\r\n\r\none\r\ntwo\r\n\xff\xfe");
  letter.raw = "Message-ID: <x@y>\r\n\r\nx";
  EXPECT_EQ(*compose(letter, kId, kNow), letter.raw);
  letter.raw = "no header at all\r\n";
  EXPECT_FALSE(compose(letter, kId, kNow));
}

}  // namespace
}  // namespace postrider::mgmt
