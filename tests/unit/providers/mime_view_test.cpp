#include <gmock/gmock.h>

#include "tests/unit/providers/lossy_fixture.h"

namespace postrider::providers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

MimeView view(std::string_view text) {
  result<MimeView> taken = view_mime(crlf(text));
  if (taken) return std::move(*taken);
  ADD_FAILURE() << taken.error().text;
  return {};
}

std::string refusal(std::string_view text) {
  const result<MimeView> taken = view_mime(crlf(text));
  return taken ? "(taken apart)" : taken.error().text;
}

std::string text(const MimeView& taken, std::string_view type = "text/plain") {
  const TextPart* part = taken.text(type);
  return part == nullptr ? "(none)" : part->text;
}

std::string header(const MimeView& taken, std::string_view name) {
  std::string found;
  for (const auto& [n, value] : taken.headers)
    if (n == name) found += "[" + value + "]";
  return found;
}

std::vector<std::string> emails(const std::vector<Mailbox>& mailboxes) {
  std::vector<std::string> list;
  for (const Mailbox& mailbox : mailboxes)
    list.push_back(mailbox.name.empty() ? mailbox.email : mailbox.name + "|" + mailbox.email);
  return list;
}

constexpr std::string_view kHead = "From: app@example.com\nTo: user@example.net\nSubject: s\nMIME-Version: 1.0\n";

std::string with_head(std::string_view rest) {
  return std::string(kHead) + std::string(rest);
}

// ---- header ---------------------------------------------------------------------------------------------------------

TEST(MimeView, ReadsAPlainMessage) {
  const MimeView taken = view("From: App <app@example.com>\nTo: user@example.net\nSubject: Hello\n\nline 1\nline 2\n");
  EXPECT_THAT(emails(taken.from), ElementsAre("App|app@example.com"));
  EXPECT_THAT(emails(taken.to), ElementsAre("user@example.net"));
  EXPECT_EQ(taken.subject, "Hello");
  EXPECT_EQ(text(taken), "line 1\nline 2\n");
  EXPECT_THAT(taken.attachments, IsEmpty());
}

TEST(MimeView, DecodesASubjectOfSeveralEncodedWords) {
  const MimeView taken = view(
      "From: a@example.com\nSubject: =?utf-8?B?8J+OiSBJbnZvaWNlIA==?=\n =?iso-8859-1?Q?f=FCr_M=E4rz?= plain\n\nx\n");
  EXPECT_EQ(taken.subject, "🎉 Invoice für März plain");
}

TEST(MimeView, TakesARawUtf8Subject) {
  EXPECT_EQ(view("From: a@example.com\nSubject: Grüße 🎉\n\nx\n").subject, "Grüße 🎉");
}

TEST(MimeView, MakesUtf8OfWhateverAHeaderHolds) {
  const MimeView taken = view(
      "From: a@example.com\nSubject: Gr\xfc\xdf"
      "e\nX-Raw: \xfc\xff\xfe\n\nx\n");
  EXPECT_NO_THROW(json(boost::json::serialize(boost::json::value(taken.subject))));
  for (const auto& [name, value] : taken.headers)
    EXPECT_NO_THROW(json(boost::json::serialize(boost::json::value(value)))) << name;
}

TEST(MimeView, UnfoldsASubjectAndOtherFields) {
  const MimeView taken = view("From: a@example.com\nSubject: one\n two\nReferences: <1@a>\n\t<2@a>\n\nx\n");
  EXPECT_EQ(taken.subject, "one two");
  EXPECT_EQ(header(taken, "References"), "[<1@a> <2@a>]");
}

TEST(MimeView, DecodesNamesOfMailboxes) {
  const MimeView taken = view(
      "From: =?utf-8?Q?J=C3=BCrgen?= <j@example.com>\nTo: \"Doe, \\\"Jo\\\"\" <doe@example.net>, plain@example.org\n"
      "Cc: Team: a@example.com, B <b@example.com>;\nReply-To: r@example.com\nSender: bot@example.com\n\nx\n");
  EXPECT_THAT(emails(taken.from), ElementsAre("Jürgen|j@example.com"));
  EXPECT_THAT(emails(taken.to), ElementsAre("Doe, \"Jo\"|doe@example.net", "plain@example.org"));
  EXPECT_THAT(emails(taken.cc), ElementsAre("a@example.com", "B|b@example.com"));
  EXPECT_THAT(emails(taken.reply_to), ElementsAre("r@example.com"));
  EXPECT_EQ(taken.sender.email, "bot@example.com");
}

TEST(MimeView, MakesOneLineOfNamesThatHoldLineBreaks) {
  const MimeView taken = view(with_head(
      "Cc: =?utf-8?Q?Doe=0D=0ABcc=3A_all?= <doe@example.net>\nContent-Type: multipart/mixed; boundary=m\n\n--m\n\nx\n"
      "--m\nContent-Type: image/png\nContent-Disposition: attachment; "
      "filename*=utf-8''a%0D%0AX-Y%3A.png\n\nx\n--m--\n"));
  ASSERT_THAT(taken.cc, SizeIs(1));
  ASSERT_THAT(taken.attachments, SizeIs(1));
  for (const std::string& name : {taken.cc[0].name, taken.attachments[0].filename}) {
    EXPECT_NE(name, "");
    EXPECT_EQ(name.find_first_of("\r\n"), name.npos) << name;
  }
}

TEST(MimeView, ReadsAnEmptyGroupAsNobody) {
  EXPECT_THAT(view("From: a@example.com\nTo: undisclosed-recipients:;\n\nx\n").to, IsEmpty());
}

TEST(MimeView, PutsDomainsIntoAscii) {
  EXPECT_THAT(emails(view("From: a@b\xc3\xbc"
                          "cher.example\nTo: x@EXAMPLE.Net\n\nx\n")
                         .from),
              ElementsAre("a@xn--bcher-kva.example"));
}

TEST(MimeView, KeepsAllOtherFieldsInOrderAndAsWritten) {
  const MimeView taken = view(
      "Received: from x\nFrom: a@example.com\nX-Tag: one\nList-Unsubscribe: <mailto:u@example.com>\nX-Tag: two\n"
      "Content-Type: text/plain\nContent-Language: en\nMIME-Version: 1.0\nX-Name: =?utf-8?Q?=C3=BC?=\nMessage-ID: "
      "<1@a>\n\nx\n");
  std::vector<std::string> names;
  for (const auto& [name, value] : taken.headers) names.push_back(name);
  EXPECT_THAT(names, ElementsAre("Received", "X-Tag", "List-Unsubscribe", "X-Tag", "X-Name", "Message-ID"));
  EXPECT_EQ(header(taken, "X-Tag"), "[one][two]");
  EXPECT_EQ(header(taken, "X-Name"), "[=?utf-8?Q?=C3=BC?=]");
}

// ---- texts ----------------------------------------------------------------------------------------------------------

struct Charset {
  const char* name;
  const char* type;
  const char* octets;
  const char* text;
};
void PrintTo(const Charset& charset, std::ostream* out) {
  *out << charset.name;
}
class MimeCharset : public testing::TestWithParam<Charset> {};

TEST_P(MimeCharset, BecomesUtf8) {
  const Charset& given = GetParam();
  EXPECT_EQ(text(view(with_head(std::string(given.type) + "\n" + given.octets))), given.text);
}

INSTANTIATE_TEST_SUITE_P(
    All, MimeCharset,
    testing::Values(
        Charset{"utf8", "Content-Type: text/plain; charset=utf-8\n", "gr\xc3\xbc\xc3\x9f", "grüß"},
        Charset{"latin1", "Content-Type: text/plain; charset=ISO-8859-1\n", "gr\xfc\xdf", "grüß"},
        Charset{"quotes_in_latin1", "Content-Type: text/plain; charset=iso-8859-1\n", "\x93hi\x94 \x80", "“hi” €"},
        Charset{"latin1_that_looks_like_utf8", "Content-Type: text/plain; charset=iso-8859-1\n", "\xc3\xbc", "Ã¼"},
        Charset{"shift_jis", "Content-Type: text/plain; charset=Shift_JIS\n", "\x93\xfa\x96\x7b", "日本"},
        Charset{"koi8", "Content-Type: text/plain; charset=\"koi8-r\"\n", "\xf0\xf2\xe9", "ПРИ"},
        Charset{"none_but_utf8", "Content-Type: text/plain\n", "gr\xc3\xbc\xc3\x9f", "grüß"},
        Charset{"none_and_western", "Content-Type: text/plain\n", "gr\xfc\xdf", "grüß"},
        Charset{"no_mime_at_all", "", "caf\xe9", "café"},
        Charset{"ascii_that_is_not", "Content-Type: text/plain; charset=us-ascii\n", "caf\xc3\xa9", "café"},
        Charset{"broken_utf8", "Content-Type: text/plain; charset=utf-8\n",
                "a\xff"
                "b",
                "a?b"},
        Charset{"base64", "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n", "Z3LDvMOf\n",
                "grüß"},
        Charset{"quoted_printable",
                "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n",
                "gr=C3=BC=\n=C3=9F", "grüß"}),
    [](const auto& given) { return std::string(given.param.name); });

TEST(MimeView, RefusesAnUnknownCharset) {
  EXPECT_THAT(refusal(with_head("Content-Type: text/plain; charset=x-klingon\n\nx\n")),
              HasSubstr("x-klingon is unknown"));
}

TEST(MimeView, RefusesAnUnknownTransferEncoding) {
  EXPECT_THAT(refusal(with_head("Content-Type: text/plain\nContent-Transfer-Encoding: x-rot13\n\nuryyb\n")),
              HasSubstr("x-rot13"));
}

TEST(MimeView, TakesAlternativesInTheOrderThatApisWant) {
  const MimeView taken =
      view(with_head("Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/calendar; "
                     "method=REQUEST; charset=utf-8\n\nBEGIN\n"
                     "--b\nContent-Type: text/html\n\n<p>h\n--b\nContent-Type: text/plain\n\np\n--b--\n"));
  ASSERT_THAT(taken.texts, SizeIs(3));
  EXPECT_EQ(taken.texts[0].content_type, "text/plain");
  EXPECT_EQ(taken.texts[1].content_type, "text/html");
  EXPECT_EQ(taken.texts[2].content_type, "text/calendar");
  EXPECT_EQ(taken.texts[2].method, "REQUEST");
  EXPECT_EQ(text(taken), "p");
}

TEST(MimeView, JoinsNoTextsThatAreNotAlternatives) {
  EXPECT_THAT(
      refusal(with_head("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nbody\n--b\n\n-- list footer\n--b--\n")),
      HasSubstr("several text parts"));
  EXPECT_THAT(
      refusal(with_head(
          "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nbody\n--b\nContent-Type: text/html\n\n<p>\n--b--\n")),
      HasSubstr("several text parts"));
  EXPECT_THAT(refusal(with_head("Content-Type: multipart/alternative; boundary=b\n\n--b\n\none\n--b\n\ntwo\n--b--\n")),
              HasSubstr("several alternatives of type text/plain"));
}

TEST(MimeView, AttachesTextsThatAreFiles) {
  const MimeView taken =
      view(with_head("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nbody\n"
                     "--b\nContent-Type: text/plain; name=log.txt\n\nlog\n"
                     "--b\nContent-Type: text/plain\nContent-Disposition: attachment\n\nnameless\n"
                     "--b\nContent-Type: text/csv\n\na,b\n--b--\n"));
  EXPECT_EQ(text(taken), "body");
  ASSERT_THAT(taken.attachments, SizeIs(3));
  EXPECT_EQ(taken.attachments[0].filename, "log.txt");
  EXPECT_EQ(taken.attachments[0].octets, "log");
  EXPECT_EQ(taken.attachments[1].filename, "");
  EXPECT_EQ(taken.attachments[2].content_type, "text/csv");
}

TEST(MimeView, LeavesSoftLineBreaksOfFlowedText) {
  EXPECT_EQ(text(view(with_head("Content-Type: text/plain; format=flowed\n\none \ntwo\n"))), "one \ntwo\n");
}

TEST(MimeView, TakesAnEmptyBody) {
  EXPECT_EQ(text(view("From: a@example.com\n\n")), "");
}

// ---- structure ------------------------------------------------------------------------------------------------------

TEST(MimeView, FindsImagesOfNestedRelatedAlternativeAndMixed) {
  const MimeView taken = view(with_head(
      "Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: multipart/related; boundary=r\n\n"
      "--r\nContent-Type: multipart/alternative; boundary=a\n\n--a\n\nplain\n--a\nContent-Type: text/html\n\n<img "
      "src=cid:logo>\n--a--\n"
      "--r\nContent-Type: image/png; name=logo.png\nContent-ID: <logo>\nContent-Transfer-Encoding: "
      "base64\n\niVBORw==\n--r--\n"
      "--m\nContent-Type: application/pdf\nContent-Disposition: attachment; filename=\"a b.pdf\"\n\n%PDF\n--m--\n"));
  EXPECT_EQ(text(taken), "plain");
  EXPECT_EQ(text(taken, "text/html"), "<img src=cid:logo>");
  ASSERT_THAT(taken.attachments, SizeIs(2));
  EXPECT_EQ(taken.attachments[0].content_id, "logo");
  EXPECT_TRUE(taken.attachments[0].is_inline);
  EXPECT_EQ(taken.attachments[0].octets, "\x89PNG");
  EXPECT_EQ(taken.attachments[1].filename, "a b.pdf");
  EXPECT_FALSE(taken.attachments[1].is_inline);
}

TEST(MimeView, FindsARelatedPartWithinAnAlternative) {
  const MimeView taken =
      view(with_head("Content-Type: multipart/alternative; boundary=a\n\n--a\n\nplain\n--a\nContent-Type: "
                     "multipart/related; boundary=r; start=\"<root>\"\n\n"
                     "--r\nContent-Type: image/gif\nContent-ID: <x@y>\n\nGIF\n--r\nContent-Type: "
                     "text/html\nContent-ID: <root>\n\n<p>\n--r--\n--a--\n"));
  EXPECT_EQ(text(taken, "text/html"), "<p>");
  ASSERT_THAT(taken.attachments, SizeIs(1));
  EXPECT_TRUE(taken.attachments[0].is_inline);
  EXPECT_EQ(taken.attachments[0].content_id, "x@y");
}

TEST(MimeView, TakesInlineImagesWithoutRelated) {
  const MimeView taken =
      view(with_head("Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: text/html\n\n<p>\n"
                     "--m\nContent-Type: image/png\nContent-ID: <i>\nContent-Disposition: inline\n\nx\n"
                     "--m\nContent-Type: image/png\nContent-Disposition: inline\n\ny\n--m--\n"));
  ASSERT_THAT(taken.attachments, SizeIs(2));
  EXPECT_TRUE(taken.attachments[0].is_inline);
  EXPECT_FALSE(taken.attachments[1].is_inline) << "nothing refers to it";
}

TEST(MimeView, ShowsWhatTheHtmlShowsWhateverTheDispositionSays) {
  const MimeView taken = view(with_head(
      "Content-Type: multipart/related; boundary=r\n\n--r\nContent-Type: text/html\n\n<img src=cid:a@b>\n"
      "--r\nContent-Type: image/png\nContent-ID: <a@b>\nContent-Disposition: attachment\n\nx\n"
      "--r\nContent-Type: application/pdf\nContent-ID: <c@d>\nContent-Disposition: attachment\n\ny\n--r--\n"));
  ASSERT_THAT(taken.attachments, SizeIs(2));
  EXPECT_TRUE(taken.attachments[0].is_inline);
  EXPECT_FALSE(taken.attachments[1].is_inline);
}

TEST(MimeView, FindsWhatIsShownInAnyQuotes) {
  const MimeView taken = view(
      with_head("Content-Type: multipart/related; boundary=r\n\n--r\nContent-Type: text/html\n\n<img src=\"cid:a@b\">"
                "<p style=\"background:url(&quot;cid:c@d&quot;)\">cid:e@f2\n"
                "--r\nContent-Type: image/png\nContent-ID: <a@b>\nContent-Disposition: attachment\n\nx\n"
                "--r\nContent-Type: image/png\nContent-ID: <c@d>\nContent-Disposition: attachment\n\ny\n"
                "--r\nContent-Type: image/png\nContent-ID: <e@f>\nContent-Disposition: attachment\n\nz\n--r--\n"));
  ASSERT_THAT(taken.attachments, SizeIs(3));
  EXPECT_TRUE(taken.attachments[0].is_inline);
  EXPECT_TRUE(taken.attachments[1].is_inline);
  EXPECT_FALSE(taken.attachments[2].is_inline) << "the text names another";
}

TEST(MimeView, RefusesImagesFoundByLocation) {
  EXPECT_THAT(refusal(with_head("Content-Type: multipart/related; boundary=r\n\n--r\nContent-Type: text/html\n\n<p>\n"
                                "--r\nContent-Type: image/png\nContent-Location: logo.png\n\nx\n--r--\n")),
              HasSubstr("Content-Location"));
}

TEST(MimeView, DecodesFilenamesOfRfc2231AndOfOutlook) {
  const MimeView taken = view(with_head(
      "Content-Type: multipart/mixed; boundary=m\n\n--m\n\nx\n"
      "--m\nContent-Type: application/pdf\nContent-Disposition: attachment; filename*0*=UTF-8''R%C3%A9su;\n "
      "filename*1*=m%C3%A9%20;\n filename*2=\"2026.pdf\"\n\na\n"
      "--m\nContent-Type: application/pdf; name=\"=?utf-8?B?w7xiZXIucGRm?=\"\nContent-Disposition: attachment\n\nb\n"
      "--m\nContent-Type: application/pdf\nContent-Disposition: attachment; "
      "filename*=iso-8859-1'de'%FCber.pdf\n\nc\n--m--\n"));
  ASSERT_THAT(taken.attachments, SizeIs(3));
  EXPECT_EQ(taken.attachments[0].filename, "Résumé 2026.pdf");
  EXPECT_EQ(taken.attachments[1].filename, "über.pdf");
  EXPECT_EQ(taken.attachments[2].filename, "über.pdf");
}

TEST(MimeView, AttachesAMessageOctetByOctet) {
  const std::string inner = crlf(
      "From: x@example.org\nsubject:  odd   spaces\nContent-Type: multipart/signed; boundary=\"s\"; "
      "protocol=\"application/pgp-signature\"\n\n"
      "prologue\n--s\nContent-Type: text/plain\n\nsigned  \n--s\nContent-Type: "
      "application/pgp-signature\n\nMAC\n--s--\nepilogue\n");
  const MimeView taken =
      view_mime(
          crlf(with_head("Content-Type: multipart/mixed; boundary=m\n\n--m\n\nsee below\n"
                         "--m\nContent-Type: message/rfc822\nContent-Disposition: attachment; filename=f.eml\n\n")) +
          inner + "\r\n--m--\r\n")
          .value();
  ASSERT_THAT(taken.attachments, SizeIs(1));
  EXPECT_EQ(taken.attachments[0].content_type, "message/rfc822");
  EXPECT_EQ(taken.attachments[0].filename, "f.eml");
  EXPECT_EQ(taken.attachments[0].octets, inner);
}

struct Refusal {
  const char* name;
  const char* type;
  const char* why;
};
void PrintTo(const Refusal& refused, std::ostream* out) {
  *out << refused.name;
}
class MimeRefusal : public testing::TestWithParam<Refusal> {};

TEST_P(MimeRefusal, IsRefusedWholeAndAsAPart) {
  const std::string type = "Content-Type: " + std::string(GetParam().type);
  const std::string parts = "\n--b\n\nx\n--b\nContent-Type: application/octet-stream\n\ny\n--b--\n";
  EXPECT_THAT(refusal(with_head(type + "\n" + parts)), HasSubstr(GetParam().why));
  EXPECT_THAT(refusal(with_head("Content-Type: multipart/mixed; boundary=m\n\n--m\n\ntext\n--m\n" + type + "\n" +
                                parts + "--m--\n")),
              HasSubstr(GetParam().why));
}

INSTANTIATE_TEST_SUITE_P(
    All, MimeRefusal,
    testing::Values(
        Refusal{"pgp_signed", "multipart/signed; protocol=\"application/pgp-signature\"; boundary=b", "signed"},
        Refusal{"smime_detached", "Multipart/Signed; protocol=\"application/pkcs7-signature\"; boundary=b", "signed"},
        Refusal{"pgp_encrypted", "multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b",
                "encrypted"},
        Refusal{"smime", "application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", "S/MIME"},
        Refusal{"old_smime", "application/x-pkcs7-mime; name=smime.p7m", "S/MIME"},
        Refusal{"report", "multipart/report; report-type=delivery-status; boundary=b", "report"},
        Refusal{"partial", "message/partial; id=1; number=1; total=2", "part of a larger message"}),
    [](const auto& given) { return std::string(given.param.name); });

// ---- size and damage ------------------------------------------------------------------------------------------------

TEST(MimeView, TakesAHundredAttachments) {
  std::string parts = "Content-Type: multipart/mixed; boundary=m\n\n--m\n\nx\n";
  for (int i = 0; i < 100; ++i)
    parts += "--m\nContent-Type: application/octet-stream; name=f" + std::to_string(i) +
             "\nContent-Transfer-Encoding: base64\n\nAAEC\n";
  const MimeView taken = view(with_head(parts + "--m--\n"));
  ASSERT_THAT(taken.attachments, SizeIs(100));
  EXPECT_EQ(taken.attachments[99].filename, "f99");
  EXPECT_EQ(taken.attachments[99].octets, std::string("\0\1\2", 3));
}

TEST(MimeView, TakesTenMegabytes) {
  const std::string octets(7'500'000, 'x');
  const std::string encoded = base64(octets);
  std::string parts =
      "Content-Type: multipart/mixed; boundary=m\n\n--m\n\nx\n--m\nContent-Type: "
      "application/zip\nContent-Transfer-Encoding: base64\n\n";
  for (std::size_t at = 0; at < encoded.size(); at += 76) parts += encoded.substr(at, 76) + "\n";
  const MimeView taken = view(with_head(parts + "--m--\n"));
  ASSERT_THAT(taken.attachments, SizeIs(1));
  EXPECT_TRUE(taken.attachments[0].octets == octets);
}

TEST(MimeView, ReadsWhatItCanOfBrokenBase64) {
  const MimeView taken =
      view(with_head("Content-Type: multipart/mixed; boundary=m\n\n--m\n\nx\n--m\nContent-Type: "
                     "image/png\nContent-Transfer-Encoding: base64\n\niVB*O!Rw=\n--m--\n"));
  ASSERT_THAT(taken.attachments, SizeIs(1));
  EXPECT_THAT(taken.attachments[0].octets, HasSubstr("\x89PN"));
}

TEST(MimeView, ReadsAMultipartThatDoesNotEnd) {
  const MimeView taken =
      view(with_head("Content-Type: multipart/mixed; boundary=m\n\n--m\n\nx\n--m\nContent-Type: image/png\n\nPNG"));
  EXPECT_EQ(text(taken), "x");
  EXPECT_THAT(taken.attachments, SizeIs(1));
}

TEST(MimeView, RefusesAMultipartWhoseBoundaryIsNotThere) {
  EXPECT_THAT(refusal(with_head("Content-Type: multipart/mixed; boundary=m\n\n--n\n\nall of it\n--n--\n")),
              HasSubstr("boundary is not found"));
  EXPECT_THAT(refusal(with_head("Content-Type: multipart/mixed\n\n--n\n\nall of it\n--n--\n")),
              HasSubstr("boundary is not found"));
}

TEST(MimeView, RefusesTooManyParts) {
  std::string parts = "Content-Type: multipart/mixed; boundary=m\n\n";
  for (int i = 0; i < 1100; ++i) parts += "--m\nContent-Type: image/png\n\nx\n";
  EXPECT_THAT(refusal(with_head(parts + "--m--\n")), HasSubstr("more than 1000 parts"));
}

// Else each thread of the relay could be kept busy for minutes by one message.
TEST(MimeView, RefusesWhatWouldTakeMinutesToTakeApart) {
  std::string nested = "Content-Type: multipart/mixed; boundary=b0\n\n";
  for (int i = 0; i < 1000; ++i)
    nested +=
        "--b" + std::to_string(i) + "\nContent-Type: multipart/mixed; Boundary=b" + std::to_string(i + 1) + "\n\n";
  std::string lines;
  for (int i = 0; i < 100'000; ++i) lines += "--b\n";
  EXPECT_THAT(refusal(with_head(nested + lines)), HasSubstr("too many multiparts"));
  EXPECT_EQ(text(view(with_head("Content-Type: multipart/mixed; boundary=m\n\n--m\n\n" + lines + "--m--\n"))).size(),
            lines.size() - 1);
}

TEST(MimeView, RefusesPartsNestedTooDeep) {
  std::string nested = "Content-Type: multipart/mixed; boundary=b0\n\n";
  for (int i = 0; i < 5000; ++i)
    nested +=
        "--b" + std::to_string(i) + "\nContent-Type: multipart/mixed; boundary=b" + std::to_string(i + 1) + "\n\n";
  EXPECT_THAT(refusal(with_head(nested + "--b5000\n\nx\n")), HasSubstr("nested more than"));
}

std::string repeated(std::string_view text, std::size_t octets) {
  std::string out;
  while (out.size() < octets) out += text;
  return out;
}

constexpr std::size_t kMebibyte = 1u << 20;

// GMime follows groups in groups as deep as they go, which ends the process.
TEST(MimeView, RefusesGroupsOfAddressesInEachOther) {
  EXPECT_THAT(refusal("To: " + repeated("a:", kMebibyte) + "\n\nx\n"), HasSubstr("too many groups"));
  const std::string groups = repeated("a:", 4002);
  for (const std::string name : {"From", "tO", "Cc ", "Bcc", "Reply-To", "Sender", "Resent-To"}) {
    EXPECT_THAT(refusal(name + ": " + groups + "\n\nx\n"), HasSubstr("too many groups"));
    EXPECT_THAT(refusal(name + ": (\n \"" + repeated("a:\n\t", 9000) + "\n\nx\n"), HasSubstr("too many groups"));
    EXPECT_THAT(refusal(with_head("Content-Type: message/rfc822\n\n" + name + ": " + groups + "\n\nx\n")),
                HasSubstr("too many groups"));
  }
  EXPECT_EQ(text(view("To: " + repeated("a:", 3998) + "\n\nx\n")), "x\n") << "these are few enough";
  const MimeView nested = view("To: a: b: c@x.test;; d@x.test\nX-Other: " + groups + "\n\n" + groups + "\n");
  EXPECT_EQ(nested.to.size(), 2u);
  EXPECT_EQ(text(nested).size(), groups.size() + 1) << "of other fields and of texts there may be any number";
}

TEST(MimeView, SurvivesWhateverIsNestedWithoutEnd) {
  for (const std::string name : {"To", "Date", "Message-ID"})
    EXPECT_EQ(text(view(name + ": " + repeated("(", kMebibyte) + "\n\nx\n")), "x\n") << name;
  EXPECT_EQ(text(view("To: " + repeated("a <", kMebibyte) + "\n\nx\n")), "x\n");
  EXPECT_NE(refusal(repeated("Content-Type: multipart/mixed; boundary=b\n\n--b\n", kMebibyte)), "(taken apart)");
  EXPECT_THAT(view(with_head(repeated("Content-Type: message/rfc822\n\n", kMebibyte) + "\nx\n")).attachments,
              SizeIs(1));
}

TEST(MimeView, NeverThrowsAtCutOffOrEmptyInput) {
  const std::string whole =
      crlf(with_head("Content-Type: multipart/mixed; boundary=m\n\n--m\nContent-Type: text/html; "
                     "charset=utf-8\n\n<p>\n--m\nContent-Type: message/rfc822\n\nFrom: a@b\n\nx\n--m--\n"));
  for (std::size_t length = 0; length <= whole.size(); ++length)
    (void)view_mime(std::string_view(whole).substr(0, length));
}

// ---- recipients -----------------------------------------------------------------------------------------------------

HeaderRecipients split(std::string_view fields, const std::vector<std::string>& recipients) {
  std::vector<std::uint32_t> all(recipients.size());
  std::iota(all.begin(), all.end(), 0u);
  return split_by_header(view("From: a@example.com\n" + std::string(fields) + "\n\nx\n"), record_to(recipients), all);
}

TEST(SplitByHeader, PutsEachWhereTheHeaderHasHim) {
  const HeaderRecipients parts = split("To: One <one@example.net>\nCc: two@example.net",
                                       {"one@example.net", "two@example.net", "three@example.net"});
  EXPECT_THAT(emails(parts.to), ElementsAre("One|one@example.net"));
  EXPECT_THAT(emails(parts.cc), ElementsAre("two@example.net"));
  EXPECT_THAT(emails(parts.bcc), ElementsAre("three@example.net"));
  EXPECT_THAT(parts.missing, IsEmpty());
}

TEST(SplitByHeader, NamesThoseThatTheCallDoesNotServe) {
  const HeaderRecipients parts =
      split("To: one@example.net, other@example.net\nCc: other@example.net", {"one@example.net"});
  EXPECT_THAT(emails(parts.to), ElementsAre("one@example.net"));
  EXPECT_THAT(emails(parts.missing), ElementsAre("other@example.net"));
}

TEST(SplitByHeader, FoldsTheDomainAndNotTheLocalPart) {
  const HeaderRecipients parts = split(
      "To: User@EXAMPLE.net, user@b\xc3\xbc"
      "cher.example",
      {"User@example.NET", "user@xn--bcher-kva.example"});
  EXPECT_THAT(parts.to, SizeIs(2));
  EXPECT_THAT(emails(split("To: User@example.net", {"user@example.net"}).bcc), ElementsAre("user@example.net"));
}

TEST(SplitByHeader, NamesNobodyTwice) {
  const HeaderRecipients parts = split("To: one@example.net, one@example.net\nCc: one@example.net",
                                       {"one@example.net", "one@example.net", "hid@example.net", "hid@example.net"});
  EXPECT_THAT(parts.to, SizeIs(1));
  EXPECT_THAT(parts.cc, IsEmpty());
  EXPECT_THAT(parts.bcc, SizeIs(1));
  EXPECT_THAT(parts.missing, IsEmpty());
}

}  // namespace
}  // namespace postrider::providers
