#include "relay/inbound/maildrop_file.h"

namespace postrider::relay {
namespace {

using Status = MaildropReader::Status;

MaildropEnvelope full_envelope() {
  MaildropEnvelope envelope;
  envelope.sender = {"app", "example.com"};
  envelope.ret = DsnReturn::headers;
  envelope.envid = "order+2B17";
  envelope.smtputf8 = true;
  envelope.key = "order-17";
  envelope.size = 4211;
  Notify never, some;
  never.never = true;
  some.success = some.delay = true;
  envelope.recipients = {{{"grüße", "example.net"}, "rfc822;alias", some}, {{"root", ""}, "", never}};
  return envelope;
}

// The layout on disk: a change here is a change of the format and needs another version number.
constexpr char kGolden[] =
    "postrider-maildrop 1\n"
    "MAIL FROM:<app@example.com> SIZE=4211 SMTPUTF8 RET=HDRS ENVID=order+2B17\n"
    "KEY order-17\n"
    "RCPT TO:<gr\xc3\xbc\xc3\x9f"
    "e@example.net> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;alias\n"
    "RCPT TO:<root> NOTIFY=NEVER\n"
    "\n";

TEST(MaildropFile, HasTheGoldenOctets) {
  EXPECT_EQ(encode_maildrop(full_envelope()), kGolden);
}

TEST(MaildropFile, IsReadBackHoweverItIsCut) {
  const std::string file = std::string(kGolden) + "Subject: x\r\n\r\n";
  for (std::size_t cut = 0; cut <= sizeof kGolden - 1; ++cut) {
    MaildropReader reader;
    std::size_t consumed = reader.feed(std::string_view(file).substr(0, cut)).consumed;
    if (cut < sizeof kGolden - 1) {
      const auto rest = reader.feed(std::string_view(file).substr(cut));
      ASSERT_EQ(rest.status, Status::complete) << cut;
      consumed += rest.consumed;
    }
    EXPECT_EQ(consumed, sizeof kGolden - 1) << cut;
    EXPECT_EQ(reader.envelope(), full_envelope()) << cut;
  }
}

TEST(MaildropFile, TheNullSenderIsASender) {
  MaildropEnvelope envelope;
  envelope.recipients = {{{"a", "b"}, "", {}}};
  MaildropReader reader;
  ASSERT_EQ(reader.feed(encode_maildrop(envelope)).status, Status::complete);
  EXPECT_TRUE(reader.envelope().sender.is_null());
}

TEST(MaildropFile, WhatIsNotOneIsRefusedWithItsLine) {
  const std::string magic = "postrider-maildrop 1\n", mail = magic + "MAIL FROM:<a@b> SIZE=3\n",
                    rcpt = mail + "RCPT TO:<c@d>\n";
  const std::pair<std::string, std::string> files[] = {
      {"hello\n", "line 1 is not that of a drop file"},
      {"postrider-maildrop 2\n", "line 1 is not that of a drop file"},
      {std::string(5000, 'x'), "line 1 is longer than 4096 octets"},
      {magic + "\n", "line 2 is not MAIL"},
      {magic + "MAIL FROM:<a@b>\n", "line 2 does not say SIZE"},
      {magic + "MAIL FROM:<a b> SIZE=1\n", "line 2 is refused: "},
      {magic + std::string("MAIL FROM:<a@b> SIZE=1\0\n", 24), "line 2 is refused: "},
      {mail + "\n", "line 3 names no recipient"},
      {mail + "RCPT TO:<>\n", "line 3 is refused: "},
      {mail + "KEY a b\n", "line 3 is no idempotency key"},
      {rcpt + "KEY late\n", "line 4 is no idempotency key"},
      {rcpt + "DATA\n", "line 4 is not RCPT"},
      {rcpt + std::string(5000, 'x'), "line 4 is longer than 4096 octets"},
  };
  for (const auto& [file, fault] : files) {
    MaildropReader reader;
    EXPECT_EQ(reader.feed(file).status, Status::bad) << file.substr(0, 80);
    EXPECT_TRUE(reader.fault().starts_with(fault)) << reader.fault();
  }
}

TEST(MaildropFile, ItsRecipientsAreBounded) {
  std::string file = "postrider-maildrop 1\nMAIL FROM:<a@b> SIZE=3\n";
  for (std::size_t i = 0; i < kMaxMaildropRecipients; ++i) file += "RCPT TO:<c@d>\n";
  MaildropReader fits, too_many;
  EXPECT_EQ(fits.feed(file + "\n").status, Status::complete);
  EXPECT_EQ(too_many.feed(file + "RCPT TO:<c@d>\n\n").status, Status::bad);
}

}  // namespace
}  // namespace postrider::relay
