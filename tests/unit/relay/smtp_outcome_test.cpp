#include "relay/outbound/smtp_outcome.h"

#include <gtest/gtest.h>

namespace postrider::relay {
namespace {

struct Row {
  Stage stage;
  int code;
  const char* enhanced;
  const char* text;
  OutcomeKind kind;
  Cause cause;
};
void PrintTo(const Row& r, std::ostream* out) {
  *out << to_string(r.stage) << ' ' << r.code << ' ' << r.enhanced << ' ' << r.text;
}

class SmtpOutcome : public testing::TestWithParam<Row> {};
TEST_P(SmtpOutcome, IsAsTheTableSays) {
  const Row& row = GetParam();
  const Verdict verdict = judge_reply(row.stage, Reply(row.code, row.enhanced, row.text));
  EXPECT_EQ(to_string(verdict.kind), to_string(row.kind));
  EXPECT_EQ(to_string(verdict.reason.cause), to_string(row.cause));
  EXPECT_EQ(verdict.reason.stage, row.stage);
  EXPECT_EQ(verdict.reason.code, row.code);
  EXPECT_EQ(verdict.reason.enhanced, row.enhanced);
  EXPECT_EQ(verdict.reason.text, row.text);
}

// It has two meanings (RFC 5321 4.2.3, 4.5.3.1.10); to the first recipient it can only be the mailbox.
TEST(SmtpOutcomes, ABare552AfterOthersWereTakenIsAboutTheirNumber) {
  const Reply reply(552, "", "too many");
  EXPECT_EQ(judge_reply(Stage::rcpt, reply, 1).reason.cause, Cause::throttle);
  EXPECT_TRUE(is_too_many_recipients(reply, 1));
  EXPECT_FALSE(is_too_many_recipients(reply, 0));
}

TEST(SmtpOutcomes, ARecipientThatIsNotVerifiedIsNoFaultOfTheRoute) {
  const std::string text = "recipient address not verified";
  EXPECT_EQ(judge_reply(Stage::rcpt, Reply(550, "", text)).reason.cause, Cause::recipient);
  EXPECT_EQ(judge_reply(Stage::rcpt, Reply(550, "5.1.1", text)).kind, OutcomeKind::bounced);
  EXPECT_EQ(judge_reply(Stage::final_dot, Reply(550, "5.1.1", text)).kind, OutcomeKind::bounced);
}

constexpr auto kDeferred = OutcomeKind::deferred;
constexpr auto kBounced = OutcomeKind::bounced;
INSTANTIATE_TEST_SUITE_P(Throttles, SmtpOutcome,
                         testing::Values(Row{Stage::greeting, 421, "", "busy", kDeferred, Cause::throttle},
                                         Row{Stage::mail, 421, "4.7.0", "slow down", kDeferred, Cause::throttle},
                                         Row{Stage::rcpt, 421, "", "bye", kDeferred, Cause::throttle},
                                         Row{Stage::final_dot, 421, "4.3.0", "bye", kDeferred, Cause::throttle},
                                         Row{Stage::mail, 450, "4.7.1", "rate", kDeferred, Cause::throttle},
                                         Row{Stage::data, 451, "4.7.1", "rate", kDeferred, Cause::throttle},
                                         Row{Stage::rcpt, 421, "4.7.0", "slow down", kDeferred, Cause::throttle},
                                         Row{Stage::final_dot, 454, "", "Throttling failure", kDeferred,
                                             Cause::throttle},
                                         Row{Stage::rcpt, 452, "4.5.3", "too many", kDeferred, Cause::throttle},
                                         Row{Stage::auth, 454, "4.7.0", "try later", kDeferred, Cause::throttle}));
INSTANTIATE_TEST_SUITE_P(
    Quotas, SmtpOutcome,
    testing::Values(
        Row{Stage::mail, 550, "5.4.5", "Daily sending quota exceeded", kDeferred, Cause::throttle},
        Row{Stage::data, 550, "5.4.5", "Daily user sending quota exceeded. For more, see", kDeferred, Cause::throttle},
        Row{Stage::final_dot, 550, "5.4.5", "Daily user sending limit exceeded", kDeferred, Cause::throttle},
        Row{Stage::mail, 454, "", "Throttling failure: Daily message quota exceeded.", kDeferred, Cause::throttle},
        Row{Stage::final_dot, 452, "4.3.1", "hourly sending quota exceeded", kDeferred, Cause::throttle},
        Row{Stage::rcpt, 552, "5.2.2", "message quota exceeded", kBounced, Cause::recipient},
        Row{Stage::rcpt, 552, "", "Requested mail action aborted: exceeded storage allocation", kBounced,
            Cause::recipient},
        Row{Stage::final_dot, 550, "5.4.5", "congested", kBounced, Cause::content}));
INSTANTIATE_TEST_SUITE_P(
    Routes, SmtpOutcome,
    testing::Values(Row{Stage::greeting, 554, "", "no", kDeferred, Cause::route},
                    Row{Stage::greeting, 451, "", "later", kDeferred, Cause::route},
                    Row{Stage::hello, 550, "", "who", kDeferred, Cause::route},
                    Row{Stage::tls, 454, "4.7.0", "no TLS now", kDeferred, Cause::route},
                    Row{Stage::auth, 535, "5.7.8", "bad", kDeferred, Cause::route},
                    Row{Stage::mail, 530, "5.7.0", "log in", kDeferred, Cause::route},
                    Row{Stage::mail, 550, "5.7.1", "sender", kDeferred, Cause::route},
                    Row{Stage::mail, 553, "5.1.8", "sender", kDeferred, Cause::route},
                    Row{Stage::mail, 503, "5.5.1", "order", kDeferred, Cause::route},
                    Row{Stage::rcpt, 503, "5.5.1", "order", kDeferred, Cause::route},
                    Row{Stage::data, 503, "", "order", kDeferred, Cause::route},
                    Row{Stage::final_dot, 503, "", "order", kDeferred, Cause::route},
                    Row{Stage::rcpt, 454, "4.7.1", "Relay access denied", kDeferred, Cause::route},
                    Row{Stage::mail, 451, "4.3.0", "unwell", kDeferred, Cause::route},
                    Row{Stage::rcpt, 554, "5.7.1", "Relay access denied", kDeferred, Cause::route},
                    Row{Stage::rcpt, 530, "5.7.0", "log in", kDeferred, Cause::route},
                    Row{Stage::rcpt, 550, "", "relay not permitted, authentication required", kDeferred, Cause::route},
                    Row{Stage::rcpt, 553, "", "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
                        kDeferred, Cause::route},
                    Row{Stage::final_dot, 550, "", "Relaying denied", kDeferred, Cause::route},
                    Row{Stage::final_dot, 452, "4.3.1", "disk full", kDeferred, Cause::route},
                    Row{Stage::final_dot, 554, "", "Email address is not verified.", kDeferred, Cause::route},
                    Row{Stage::data, 250, "", "what?", kDeferred, Cause::route}));
INSTANTIATE_TEST_SUITE_P(Capabilities, SmtpOutcome,
                         testing::Values(Row{Stage::mail, 552, "5.3.4", "too big", kDeferred, Cause::capability},
                                         Row{Stage::mail, 552, "", "too big", kDeferred, Cause::capability},
                                         Row{Stage::mail, 550, "5.6.7", "no SMTPUTF8", kDeferred, Cause::capability},
                                         Row{Stage::rcpt, 553, "5.6.7", "no SMTPUTF8", kDeferred, Cause::capability},
                                         Row{Stage::final_dot, 552, "5.3.4", "too big", kDeferred, Cause::capability},
                                         Row{Stage::final_dot, 554, "5.6.3", "conversion", kDeferred,
                                             Cause::capability}));
INSTANTIATE_TEST_SUITE_P(Messages, SmtpOutcome,
                         testing::Values(Row{Stage::rcpt, 550, "5.1.1", "unknown", kBounced, Cause::recipient},
                                         Row{Stage::rcpt, 552, "5.2.2", "mailbox full", kBounced, Cause::recipient},
                                         Row{Stage::rcpt, 550, "5.7.1", "not you", kBounced, Cause::recipient},
                                         Row{Stage::rcpt, 550, "", "listed by relays.example", kBounced,
                                             Cause::recipient},
                                         Row{Stage::rcpt, 500, "5.3.0", "no", kBounced, Cause::recipient},
                                         Row{Stage::rcpt, 502, "", "no", kBounced, Cause::recipient},
                                         Row{Stage::rcpt, 504, "5.5.4", "no", kBounced, Cause::recipient},
                                         Row{Stage::rcpt, 450, "4.7.1", "greylisted", kDeferred, Cause::recipient},
                                         Row{Stage::rcpt, 451, "4.7.1", "greylisted", kDeferred, Cause::recipient},
                                         Row{Stage::rcpt, 450, "4.2.0", "later", kDeferred, Cause::recipient},
                                         Row{Stage::rcpt, 451, "", "later", kDeferred, Cause::recipient},
                                         Row{Stage::rcpt, 452, "4.2.2", "full", kDeferred, Cause::recipient},
                                         Row{Stage::mail, 501, "5.1.7", "syntax", kBounced, Cause::content},
                                         Row{Stage::mail, 550, "", "no", kBounced, Cause::content},
                                         Row{Stage::mail, 500, "5.3.0", "no", kBounced, Cause::content},
                                         Row{Stage::mail, 504, "", "no", kBounced, Cause::content},
                                         Row{Stage::data, 502, "5.3.0", "no", kBounced, Cause::content},
                                         Row{Stage::final_dot, 500, "5.3.0", "no", kBounced, Cause::content},
                                         Row{Stage::mail, 450, "4.1.8", "later", kDeferred, Cause::content},
                                         Row{Stage::data, 554, "5.5.1", "no", kBounced, Cause::content},
                                         Row{Stage::final_dot, 550, "5.7.1", "spam", kBounced, Cause::content},
                                         Row{Stage::final_dot, 554, "", "no", kBounced, Cause::content},
                                         Row{Stage::final_dot, 451, "", "later", kDeferred, Cause::content}));

TEST(SmtpOutcome, TellsAQuotaOfTheDayFromOthers) {
  EXPECT_TRUE(judge_reply(Stage::mail, Reply(550, "5.4.5", "Daily SMTP relay sending quota exceeded")).day_used_up);
  EXPECT_TRUE(judge_reply(Stage::data, Reply(454, "", "Throttling failure: Daily message quota exceeded")).day_used_up);
  EXPECT_FALSE(judge_reply(Stage::mail, Reply(550, "5.4.5", "Hourly sending quota exceeded")).day_used_up);
  EXPECT_FALSE(
      judge_reply(Stage::mail, Reply(454, "", "Throttling failure: Maximum sending rate exceeded")).day_used_up);
}

TEST(SmtpOutcome, ABreakBeforeTheDotIsTheRoutesFault) {
  for (Stage stage : {Stage::connect, Stage::greeting, Stage::mail, Stage::body}) {
    const Verdict verdict = judge_break(stage, Break::closed, "");
    EXPECT_EQ(verdict.kind, kDeferred);
    EXPECT_EQ(verdict.reason.cause, Cause::route);
  }
  EXPECT_EQ(judge_break(Stage::rcpt, Break::stopped, "").reason.cause, Cause::interrupted);
}

TEST(SmtpOutcome, ABreakAfterTheDotIsUncertainAndSaysSo) {
  for (Break how : {Break::closed, Break::timed_out, Break::garbage, Break::stopped}) {
    const Verdict verdict = judge_break(Stage::final_dot, how, "");
    EXPECT_EQ(verdict.kind, OutcomeKind::uncertain);
    EXPECT_EQ(verdict.reason.cause, Cause::uncertain);
    EXPECT_NE(verdict.reason.text.find("may be sent more than once"), std::string::npos);
  }
}

}  // namespace
}  // namespace postrider::relay
