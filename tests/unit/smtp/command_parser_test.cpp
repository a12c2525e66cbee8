#include "relay/smtp/command_parser.h"

#include <gtest/gtest.h>

namespace postrider::smtp {
namespace {

TEST(ParseCommand, FindsVerbAndArgument) {
  const Command c = parse_command("mail  FROM:<a@b> SIZE=1  ");
  EXPECT_EQ(c.verb, Verb::mail);
  EXPECT_EQ(c.word, "mail");
  EXPECT_EQ(c.argument, "FROM:<a@b> SIZE=1");
}

TEST(ParseCommand, KnowsEveryVerbInAnyCase) {
  for (const char* word : {"EHLO", "helo", "Mail", "RCPT", "data", "BDAT", "RSET", "noop", "VRFY", "EXPN", "HELP",
                           "QUIT", "StartTLS", "AUTH"}) {
    EXPECT_NE(parse_command(word).verb, Verb::unknown) << word;
  }
  EXPECT_EQ(parse_command("").verb, Verb::unknown);
  EXPECT_EQ(parse_command("MAILFROM:<a@b>").verb, Verb::unknown);
}

TEST(ParseCommand, SpotsHttp) {
  for (const char* line : {"GET / HTTP/1.1", "POST /x HTTP/1.1", "CONNECT a:25 HTTP/1.0", "PATCH / HTTP/1.1"}) {
    EXPECT_EQ(parse_command(line).verb, Verb::http) << line;
  }
  EXPECT_EQ(parse_command("get / HTTP/1.1").verb, Verb::unknown);
}

struct PathCase {
  const char* argument;
  const char* address;  // null: refused
};

class MailPath : public testing::TestWithParam<PathCase> {};
TEST_P(MailPath, IsReadOrRefused) {
  const auto mail = parse_mail(GetParam().argument, {});
  ASSERT_EQ(mail.has_value(), GetParam().address != nullptr) << GetParam().argument;
  if (mail) {
    EXPECT_EQ(mail->sender.str(), GetParam().address);
  } else {
    EXPECT_EQ(mail.error().code, 501);
  }
}
INSTANTIATE_TEST_SUITE_P(
    Forms, MailPath,
    testing::Values(PathCase{"FROM:<a@example.com>", "a@example.com"}, PathCase{"from:<>", ""},
                    PathCase{"FROM: <a@example.com>", "a@example.com"}, PathCase{"FROM :<a@b.org>", "a@b.org"},
                    PathCase{"FROM:a@example.com", "a@example.com"}, PathCase{"FROM:<root>", "root"},
                    PathCase{"FROM:<@one,@two:a@b.org>", "a@b.org"}, PathCase{"FROM:<@[IPv6:::1]:a@b.org>", "a@b.org"},
                    PathCase{"FROM:<\"a b>c\"@b.org>", "\"a b>c\"@b.org"},
                    PathCase{"FROM:<a@[192.0.2.1]>", "a@[192.0.2.1]"}, PathCase{"FROM:", nullptr},
                    PathCase{"FROM:<a@b.org", nullptr}, PathCase{"FROM:<a@b.org>x", nullptr},
                    PathCase{"TO:<a@b.org>", nullptr}, PathCase{"FROM <a@b.org>", nullptr},
                    PathCase{"FROM:<a@b@c>", nullptr}, PathCase{"FROM:<@one>", nullptr},
                    PathCase{"FROM:<a b@c.org>", nullptr}, PathCase{"FROM:<a\x01@c.org>", nullptr}));

TEST(ParseMail, LimitsLengths) {
  EXPECT_TRUE(parse_mail("FROM:<" + std::string(64, 'a') + "@b.org>", {}));
  EXPECT_FALSE(parse_mail("FROM:<" + std::string(65, 'a') + "@b.org>", {}));
  EXPECT_FALSE(parse_mail("FROM:<a@" + std::string(256, 'b') + ">", {}));
}

TEST(ParseMail, ReadsEveryParameter) {
  const auto mail = parse_mail("FROM:<a@b.org> SIZE=12345 body=8bitmime SMTPUTF8 RET=HDRS ENVID=QQ+2B1 AUTH=c+40d.org",
                               ParameterRules{});
  ASSERT_TRUE(mail);
  EXPECT_EQ(mail->size, 12345u);
  EXPECT_TRUE(mail->eight_bit);
  EXPECT_TRUE(mail->smtputf8);
  EXPECT_EQ(mail->ret, DsnReturn::headers);
  EXPECT_EQ(mail->envid, "QQ+2B1");
  EXPECT_EQ(mail->auth, "c@d.org");
}

TEST(ParseMail, SaturatesAHugeSize) {
  const auto mail = parse_mail("FROM:<a@b.org> SIZE=99999999999999999999", {});
  ASSERT_TRUE(mail);
  EXPECT_EQ(mail->size, ~0ull);
}

ParameterRules every_parameter() {
  ParameterRules rules;
  rules.priority = rules.future_release = true;
  return rules;
}

TEST(ParseMail, ReadsAPriorityOfEverySize) {
  for (int priority = -9; priority <= 9; ++priority) {
    const auto mail = parse_mail("FROM:<a@b.org> MT-PRIORITY=" + std::to_string(priority), every_parameter());
    ASSERT_TRUE(mail) << priority;
    EXPECT_EQ(mail->priority, priority);
  }
  EXPECT_FALSE(parse_mail("FROM:<a@b.org>", every_parameter())->priority);
}

TEST(ParseMail, ReadsWhenAMessageIsReleased) {
  const auto span = parse_mail("FROM:<a@b.org> holdfor=999999999", every_parameter());
  ASSERT_TRUE(span);
  EXPECT_EQ(span->hold_for, std::chrono::seconds(999'999'999));
  const auto time = parse_mail("FROM:<a@b.org> HOLDUNTIL=2026-01-31T09:15:00+01:00", every_parameter());
  ASSERT_TRUE(time);
  ASSERT_TRUE(time->hold_until);
  EXPECT_EQ(format_rfc3339(*time->hold_until), "2026-01-31T08:15:00.000Z");
  EXPECT_FALSE(time->hold_for);
}

TEST(ParseMail, WhatIsNotOnOfferIsUnsupported) {
  for (const char* parameter : {"MT-PRIORITY=1", "HOLDFOR=1", "HOLDUNTIL=2026-01-31T08:15:00Z"}) {
    const auto mail = parse_mail(std::string("FROM:<a@b.org> ") + parameter, {});
    ASSERT_FALSE(mail) << parameter;
    EXPECT_EQ(mail.error().code, 555);
  }
}

TEST(ParseMail, RefusesBadPrioritiesAndTimes) {
  for (const char* parameter :
       {"MT-PRIORITY", "MT-PRIORITY=-0", "MT-PRIORITY=10", "MT-PRIORITY=1x", "HOLDFOR=0", "HOLDFOR=0000000001",
        "HOLDFOR=1000000000", "HOLDUNTIL=2026-01-31", "HOLDFOR=1 HOLDUNTIL=2026-01-31T08:15:00Z"}) {
    const auto mail = parse_mail(std::string("FROM:<a@b.org> ") + parameter, every_parameter());
    ASSERT_FALSE(mail) << parameter;
    EXPECT_EQ(mail.error().code, 501) << parameter;
    EXPECT_EQ(mail.error().enhanced, "5.5.4") << parameter;
  }
}

struct FaultCase {
  const char* argument;
  int code;
  const char* enhanced;
};

class MailFault : public testing::TestWithParam<FaultCase> {};
TEST_P(MailFault, SaysWhatIsWrong) {
  const auto mail = parse_mail(GetParam().argument, {});
  ASSERT_FALSE(mail) << GetParam().argument;
  EXPECT_EQ(mail.error().code, GetParam().code);
  EXPECT_EQ(mail.error().enhanced, GetParam().enhanced);
}
INSTANTIATE_TEST_SUITE_P(
    Parameters, MailFault,
    testing::Values(
        FaultCase{"FROM:<a@b.org> FOO=1", 555, "5.5.4"}, FaultCase{"FROM:<a@b.org> SIZE=", 501, "5.5.4"},
        FaultCase{"FROM:<a@b.org> SIZE=1 SIZE=2", 501, "5.5.4"}, FaultCase{"FROM:<a@b.org> SIZE=x", 501, "5.5.4"},
        FaultCase{"FROM:<a@b.org> SIZE", 501, "5.5.4"}, FaultCase{"FROM:<a@b.org> SIZE=-1", 501, "5.5.4"},
        FaultCase{"FROM:<a@b.org> BODY=BINARYMIME", 555, "5.5.4"}, FaultCase{"FROM:<a@b.org> BODY=9BIT", 501, "5.5.4"},
        FaultCase{"FROM:<a@b.org> RET=ALL", 501, "5.5.4"}, FaultCase{"FROM:<a@b.org> ENVID=a+2", 501, "5.5.4"},
        FaultCase{"FROM:<a@b.org> SMTPUTF8=1", 501, "5.5.4"}, FaultCase{"FROM:<a@b.org> ?=1", 501, "5.5.4"},
        FaultCase{"FROM:<\xc3\xbc@b.org>", 553, "5.6.7"}));

TEST(ParseMail, TakesUtf8OnlyWhenAsked) {
  EXPECT_TRUE(parse_mail("FROM:<\xc3\xbc@b.org> SMTPUTF8", {}));
  ParameterRules without;
  without.smtputf8 = false;
  EXPECT_FALSE(parse_mail("FROM:<\xc3\xbc@b.org> SMTPUTF8", without));
  EXPECT_FALSE(parse_mail("FROM:<\xc3@b.org> SMTPUTF8", {})) << "not UTF-8";
}

TEST(ParseMail, TakesNoParameterAfterHelo) {
  ParameterRules helo;
  helo.extended = false;
  EXPECT_TRUE(parse_mail("FROM:<a@b.org>", helo));
  const auto mail = parse_mail("FROM:<a@b.org> SIZE=1", helo);
  ASSERT_FALSE(mail);
  EXPECT_EQ(mail.error().code, 555);
}

TEST(ParseRcpt, ReadsDsnParameters) {
  const auto rcpt = parse_rcpt("TO:<u@b.org> NOTIFY=SUCCESS,delay ORCPT=rfc822;u+2B1@b.org", {});
  ASSERT_TRUE(rcpt);
  EXPECT_EQ(rcpt->recipient.str(), "u@b.org");
  EXPECT_TRUE(rcpt->notify.success && rcpt->notify.delay && !rcpt->notify.failure && !rcpt->notify.never);
  EXPECT_EQ(rcpt->orcpt, "rfc822;u+2B1@b.org");
}

TEST(ParseRcpt, TakesPostmasterWithoutDomain) {
  for (const char* argument : {"TO:<postmaster>", "TO:<Postmaster>", "TO: postmaster"}) {
    const auto rcpt = parse_rcpt(argument, {});
    ASSERT_TRUE(rcpt) << argument;
    EXPECT_EQ(rcpt->recipient.domain, "");
  }
}

class RcptFault : public testing::TestWithParam<FaultCase> {};
TEST_P(RcptFault, SaysWhatIsWrong) {
  ParameterRules ascii;
  ascii.smtputf8 = false;
  const auto rcpt = parse_rcpt(GetParam().argument, ascii);
  ASSERT_FALSE(rcpt) << GetParam().argument;
  EXPECT_EQ(rcpt.error().code, GetParam().code);
  EXPECT_EQ(rcpt.error().enhanced, GetParam().enhanced);
}
INSTANTIATE_TEST_SUITE_P(
    All, RcptFault,
    testing::Values(FaultCase{"TO:<>", 501, "5.1.3"}, FaultCase{"TO:<a@@b>", 501, "5.1.3"},
                    FaultCase{"TO:", 501, "5.5.4"}, FaultCase{"TO:<a@b.org> NOTIFY=NEVER,DELAY", 501, "5.5.4"},
                    FaultCase{"TO:<a@b.org> NOTIFY=", 501, "5.5.4"}, FaultCase{"TO:<a@b.org> NOTIFY=,", 501, "5.5.4"},
                    FaultCase{"TO:<a@b.org> ORCPT=a@b.org", 501, "5.5.4"},
                    FaultCase{"TO:<a@b.org> ORCPT=rfc822;", 501, "5.5.4"},
                    FaultCase{"TO:<a@b.org> ORCPT=rfc822;a=b", 501, "5.5.4"},
                    FaultCase{"TO:<a@b.org> SIZE=1", 555, "5.5.4"}, FaultCase{"TO:<\xc3\xbc@b.org>", 553, "5.6.7"}));

TEST(ParseHello, MakesNamesSafeForReceived) {
  EXPECT_EQ(*parse_hello("[192.168.0.1]"), "[192.168.0.1]");
  EXPECT_EQ(*parse_hello("my_pc more"), "my_pc");
  EXPECT_EQ(*parse_hello("b\xfcro(x)"), "b?ro?x?");
  EXPECT_FALSE(parse_hello(""));
  EXPECT_FALSE(parse_hello(std::string(256, 'a')));
}

TEST(ParseAuth, SplitsMechanismAndInitialResponse) {
  EXPECT_EQ(parse_auth("PLAIN")->mechanism, "PLAIN");
  EXPECT_FALSE(parse_auth("PLAIN")->initial);
  EXPECT_EQ(parse_auth("login  dQ==")->initial, "dQ==");
  EXPECT_EQ(parse_auth("PLAIN =")->initial, "=");
  EXPECT_FALSE(parse_auth(""));
  EXPECT_FALSE(parse_auth("PLAIN a b"));
}

TEST(ParseBdat, WantsANumberAndMaybeLast) {
  EXPECT_EQ(parse_bdat("86")->size, 86u);
  EXPECT_FALSE(parse_bdat("86")->last);
  EXPECT_TRUE(parse_bdat("0 last")->last);
  for (const char* bad : {"", "x", "-1", "+1", "1 LAS", "1 LAST x", "99999999999999999999999", "0x10"}) {
    EXPECT_FALSE(parse_bdat(bad)) << bad;
  }
}

}  // namespace
}  // namespace postrider::smtp
