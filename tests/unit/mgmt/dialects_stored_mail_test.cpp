// What a stored message says to its reader, whoever wrote it.
#include "mgmt/dialects/stored_mail.h"

#include <gtest/gtest.h>

#include "net/await.h"
#include "net/task_group.h"
#include "tests/unit/mgmt/api_server.h"

namespace postrider::mgmt::test {
namespace {

TEST(StoredMail, ThePlainTextGoesBeforeTheHtml) {
  const StoredMail mail = view_stored_mail(
      "From: =?utf-8?Q?J=C3=BCrgen?= <j@example.com>\r\nSubject: both\r\nMIME-Version: 1.0\r\n"
      "Content-Type: multipart/alternative; boundary=b\r\n\r\n"
      "--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
      "Gr=C3=BC=C3=9Fe\r\nzweite\r\n--b\r\nContent-Type: text/html\r\n\r\n<b>hi</b>\r\n--b--\r\n");
  EXPECT_EQ(mail.text, "Grüße\nzweite");
  EXPECT_EQ(mail.html, "<b>hi</b>");
  EXPECT_EQ(mail.shown(), mail.text);
  EXPECT_EQ(mail.view.from.at(0).name, "Jürgen");
  EXPECT_EQ(mail.note, "");
}

TEST(StoredMail, HtmlAloneIsShownAsItIs) {
  const StoredMail mail = view_stored_mail("Subject: rich\r\nContent-Type: text/html\r\n\r\n<p>hi</p>\r\n");
  EXPECT_EQ(mail.text, std::nullopt);
  EXPECT_EQ(mail.shown(), "<p>hi</p>");
}

TEST(StoredMail, TextWithoutACharsetIsReadAsReadersDo) {
  EXPECT_EQ(view_stored_mail("Subject: old\r\n\r\ncaf\xe9\r\n").text, "café");
  const StoredMail japanese =
      view_stored_mail("Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n\x1b$B$3$s$K$A$O\x1b(B\r\n");
  EXPECT_EQ(japanese.text, "こんにちは");
}

TEST(StoredMail, AnUnknownCharsetIsShownAsItsSource) {
  const StoredMail mail =
      view_stored_mail("Subject: odd\r\nContent-Type: text/plain; charset=x-nobody\r\n\r\nab\xff\r\n");
  EXPECT_EQ(mail.text, "ab\xef\xbf\xbd");
  EXPECT_NE(mail.note.find("charset"), std::string::npos) << mail.note;
  EXPECT_EQ(mail.view.subject, "odd");
}

TEST(StoredMail, AnEncryptedMessageKeepsItsHeaderReadable) {
  const StoredMail mail = view_stored_mail(
      "From: a@example.com\r\nSubject: secret\r\nContent-Type: multipart/encrypted; boundary=b;\r\n"
      "\tprotocol=\"application/pgp-encrypted\"\r\n\r\n--b\r\n\r\nVersion: 1\r\n--b--\r\n");
  EXPECT_EQ(mail.view.subject, "secret");
  EXPECT_EQ(mail.view.from.at(0).email, "a@example.com");
  EXPECT_NE(mail.note.find("encrypted"), std::string::npos) << mail.note;
  EXPECT_NE(mail.text.value().find("Version: 1"), std::string::npos);
}

TEST(StoredMail, AMessageOfAttachmentsHasNoText) {
  const StoredMail mail = view_stored_mail(
      "Subject: file\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; "
      "filename=a.pdf\r\n\r\n%PDF\r\n");
  EXPECT_EQ(mail.shown(), std::nullopt);
  EXPECT_EQ(mail.note, "the message has no text of its own");
}

TEST(StoredMail, AKeptHeaderSaysWhoAndWhatButNoText) {
  const StoredMail mail = view_kept_header(
      "From: a@example.com\r\nTo: b@example.net,\r\n c@example.net\r\nContent-Type: multipart/mixed;\r\n boundary=b\r\n"
      "Subject: kept\r\n");
  EXPECT_EQ(mail.view.subject, "kept");
  EXPECT_EQ(mail.view.to.size(), 2u);
  EXPECT_EQ(mail.shown(), std::nullopt);
}

// ---- through the store ----------------------------------------------------------------------------------------------

boost::asio::awaitable<void> read_one(net::Loop& loop, storage::Store& store, Budget& memory, MessageId id,
                                      std::promise<result<StoredMail>>& out) {
  auto start = [&](Done<MessageRecord> done) { store.find(id, std::move(done)); };
  const auto message = co_await net::await_done<MessageRecord>(loop, start);
  auto mail = co_await read_stored_mail(loop, store, memory, message.value(), "it was removed");
  out.set_value(std::move(mail));
}

result<StoredMail> read(ApiServer& server, Budget& memory, const MessageId& id) {
  std::promise<result<StoredMail>> out;
  net::TaskGroup tasks(server.loop(), [](std::string_view, const std::exception&) {});
  server.loop().post(Task([&] { tasks.spawn("read", read_one(server.loop(), server.store(), memory, id, out)); }));
  return out.get_future().get();
}

std::string long_mail(std::size_t size) {
  std::string body = "Subject: long\r\n\r\n";
  while (body.size() < size) body += std::string(70, 'x') + "\r\n";
  return body;
}

TEST(StoredMail, IsReadWindowByWindow) {
  ApiServer server;
  Budget memory(16u << 20);
  const std::string body = long_mail(20 * storage::kChunkPayload + 17);
  const MessageId id = server.accept("a@example.com", {"b@example.net"}, body);
  const auto mail = read(server, memory, id);
  ASSERT_TRUE(mail);
  const std::size_t lines = (body.size() - std::string("Subject: long\r\n\r\n").size()) / 72;
  EXPECT_EQ(mail->text.value().size(), lines * 71 - 1);
  EXPECT_EQ(memory.used(), 0u);
}

TEST(StoredMail, OfAVeryLargeOneOnlyTheHeaderIsRead) {
  ApiServer server;
  Budget memory(1u << 20);  // there is no room for more
  const MessageId id = server.accept("a@example.com", {"b@example.net"}, long_mail(kMaxStoredMail + 1));
  const auto mail = read(server, memory, id);
  ASSERT_TRUE(mail);
  EXPECT_EQ(mail->view.subject, "long");
  EXPECT_EQ(mail->shown(), std::nullopt);
  EXPECT_NE(mail->note.find("/v1/messages/" + id.str() + "/body"), std::string::npos) << mail->note;
}

TEST(StoredMail, WithoutRoomItSaysSo) {
  ApiServer server;
  Budget memory(1000);
  const auto mail = read(server, memory, server.accept("a@example.com", {"b@example.net"}));
  ASSERT_FALSE(mail);
  EXPECT_EQ(mail.error().kind, FaultKind::unavailable);
}

}  // namespace
}  // namespace postrider::mgmt::test
