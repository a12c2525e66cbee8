// The same state in the words of each service.
#include <gtest/gtest.h>

#include <map>

#include "mgmt/dialects/email_json.h"
#include "mgmt/dialects/status_text.h"

namespace postrider::mgmt::test {
namespace {

const Time kNow = from_ms(1'800'000'000'000);

Recipient recipient(RecipientState state) {
  Recipient out;
  out.address = parse_address("a@example.net").value();
  out.state = state;
  out.changed_at = kNow;
  out.due = kNow;
  return out;
}

MessageRecord message(std::vector<Recipient> recipients) {
  MessageRecord out;
  out.envelope.sender = parse_address("app@shop.example").value();
  out.envelope.created_at = kNow - std::chrono::minutes(1);
  out.recipients = std::move(recipients);
  return out;
}

MessageRecord message(RecipientState state) {
  return message(std::vector<Recipient>{recipient(state)});
}

Event event(EventType type) {
  Event out;
  out.type = type;
  out.at = kNow;
  return out;
}

Event attempt(Stage stage) {
  Event out = event(EventType::attempted);
  out.attempt = std::make_shared<Attempt>();
  out.attempt->stage = stage;
  return out;
}

TEST(StatusSentence, SaysWhereAMessageStandsAndWhy) {
  EXPECT_EQ(status_sentence(message(RecipientState::queued), kNow), "Waiting for its first try.");
  Recipient later = recipient(RecipientState::queued);
  later.due = kNow + std::chrono::hours(1);
  EXPECT_EQ(status_sentence(message({later}), kNow), "Scheduled for " + format_rfc3339(later.due) + ".");
  Recipient deferred = recipient(RecipientState::deferred);
  deferred.tries = 2;
  deferred.due = later.due;
  deferred.reason = {Cause::route, Stage::connect, 0, "", "connection refused"};
  EXPECT_EQ(status_sentence(message({deferred}), kNow),
            "Try 2 did not succeed: upstream trouble at connect: connection refused. The next try is at " +
                format_rfc3339(later.due) + ".");
  Recipient sent = recipient(RecipientState::sent);
  sent.upstream = "primary";
  sent.remote_id = "250 2.0.0 Ok";
  EXPECT_EQ(status_sentence(message({sent}), kNow), "Sent: primary took it (250 2.0.0 Ok).");
  Recipient failed = recipient(RecipientState::failed);
  failed.tries = 4;
  failed.reason = {Cause::retries, Stage::none, 0, "", ""};
  EXPECT_EQ(status_sentence(message({failed}), kNow), "Given up after 4 tries: retries used up.");
}

TEST(StatusSentence, SaysEachThingOnce) {
  struct {
    RecipientState state;
    Reason reason;
    const char* sentence;
  } const cases[] = {{RecipientState::failed,
                      {Cause::retries, Stage::connect, 0, "", "gave up after 4 tries: connection refused"},
                      "Gave up after 4 tries at connect: connection refused."},
                     {RecipientState::failed,
                      {Cause::age, Stage::rcpt, 450, "4.2.0", "gave up after 5d: mailbox busy"},
                      "Gave up after 5d at RCPT TO: 450 4.2.0 mailbox busy."},
                     {RecipientState::bounced,
                      {Cause::recipient, Stage::rcpt, 550, "5.1.1", "no such user"},
                      "Recipient refused for good at RCPT TO: 550 5.1.1 no such user."},
                     {RecipientState::bounced,
                      {Cause::recipient, Stage::none, 550, "5.1.1", "recipient: user unknown (550 5.1.1 no such user)"},
                      "Recipient refused for good: recipient: user unknown (550 5.1.1 no such user)."},
                     {RecipientState::suppressed,
                      {Cause::policy, Stage::none, 0, "", "on the suppression list: bounced before"},
                      "Not sent: the recipient is on the suppression list: bounced before."},
                     {RecipientState::held,
                      {Cause::policy, Stage::none, 0, "", "held: Postrider stopped 3 times; release it"},
                      "Held: Postrider stopped 3 times; release it."},
                     {RecipientState::deferred,
                      {Cause::interrupted, Stage::none, 0, "", "Postrider stopped while this was being handed over"},
                      "Waiting: Postrider stopped while this was being handed over."}};
  for (const auto& [state, reason, sentence] : cases) {
    Recipient one = recipient(state);
    one.tries = state == RecipientState::failed ? 4 : 0;
    one.due = kNever;
    one.reason = reason;
    EXPECT_EQ(status_sentence(message({one}), kNow), sentence);
  }
}

TEST(StatusSentence, HasSomethingToSayInEveryState) {
  for (int i = 0; i < kRecipientStates; ++i) {
    const auto state = static_cast<RecipientState>(i);
    const std::string sentence = status_sentence(message(state), kNow);
    EXPECT_GT(sentence.size(), 4u) << to_string(state);
    EXPECT_TRUE(sentence.ends_with('.')) << sentence;
  }
}

TEST(StatusSentence, CountsTheRecipientsItIsAbout) {
  const MessageRecord mixed =
      message({recipient(RecipientState::sent), recipient(RecipientState::bounced), recipient(RecipientState::sent)});
  EXPECT_EQ(status_sentence(mixed, kNow), "Refused for good. So for 1 of 3 recipients.");
}

TEST(LastEvent, UsesResendsWords) {
  const auto of = [](RecipientState state) { return last_event(message(state), {}, kNow); };
  EXPECT_EQ(of(RecipientState::queued), "queued");
  EXPECT_EQ(of(RecipientState::deferred), "delivery_delayed");
  EXPECT_EQ(of(RecipientState::sent), "sent");
  EXPECT_EQ(of(RecipientState::cancelled), "canceled");
  EXPECT_EQ(of(RecipientState::expired), "failed");
  MessageRecord scheduled = message(RecipientState::queued);
  scheduled.recipients[0].due = kNow + std::chrono::hours(1);
  EXPECT_EQ(last_event(scheduled, {}, kNow), "scheduled");
  const std::vector<Event> history{event(EventType::sent), event(EventType::opened), event(EventType::clicked)};
  EXPECT_EQ(last_event(message(RecipientState::delivered), history, kNow), "clicked");
  EXPECT_EQ(last_event(message(RecipientState::bounced), history, kNow), "bounced");
}

// Between our hand-over and the mailbox it is the provider's word that counts, and only its last.
TEST(LastEvent, TellsThatTheProviderTriesAgain) {
  std::vector<Event> history{event(EventType::deferred), event(EventType::sent), event(EventType::processed)};
  EXPECT_EQ(last_event(message(RecipientState::sent), history, kNow), "sent");  // what was put off here is over
  EXPECT_EQ(job_status(message(RecipientState::sent), history), "processed");
  history.push_back(event(EventType::deferred));
  EXPECT_EQ(last_event(message(RecipientState::sent), history, kNow), "delivery_delayed");
  EXPECT_EQ(job_status(message(RecipientState::sent), history), "sent");
  EXPECT_EQ(last_event(message(RecipientState::delivered), history, kNow), "delivered");
  EXPECT_EQ(job_status(message(RecipientState::delivered), history), "sent");
}

TEST(JobStatus, UsesTheMailerServicesWords) {
  const auto of = [](RecipientState state) { return job_status(message(state), {}); };
  EXPECT_EQ(of(RecipientState::queued), "queued");
  EXPECT_EQ(of(RecipientState::deferred), "queued");
  EXPECT_EQ(of(RecipientState::sent), "sent");
  EXPECT_EQ(of(RecipientState::delivered), "sent");
  EXPECT_EQ(of(RecipientState::failed), "failed");
  EXPECT_EQ(of(RecipientState::bounced), "failed");
  EXPECT_EQ(job_status(message(RecipientState::bounced), {event(EventType::sent)}), "bounced");
  EXPECT_EQ(job_status(message(RecipientState::delivered), {event(EventType::clicked)}), "clicked");
}

TEST(Retries, AreTheContactsAfterTheFirst) {
  EXPECT_EQ(retries_in({}), 0u);
  EXPECT_EQ(retries_in({attempt(Stage::final_dot)}), 0u);
  EXPECT_EQ(retries_in({attempt(Stage::connect), event(EventType::deferred), attempt(Stage::final_dot)}), 1u);
  EXPECT_EQ(retries_in({attempt(Stage::route), attempt(Stage::none), attempt(Stage::final_dot)}), 0u);
}

TEST(EmailJson, NamesThatDifferInCaseOnlyHaveEqualValues) {
  MessageRecord record = message(RecipientState::sent);
  const StoredMail mail =
      view_stored_mail("From: A <app@shop.example>\r\nTo: a@example.net\r\nSubject: s\r\n\r\nt\r\n");
  const boost::json::object email = email_json(record, {}, mail, {"id", kNow});
  const auto lower = [](std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
  };
  std::map<std::string, std::pair<std::string, boost::json::value>> seen;
  std::size_t twice = 0;
  for (const auto& member : email) {
    const std::string name(member.key());
    const auto [other, is_new] = seen.try_emplace(lower(name), name, member.value());
    if (is_new) continue;
    EXPECT_EQ(other->second.second, member.value()) << other->second.first << " and " << name;
    ++twice;
  }
  EXPECT_EQ(twice, 2u);  // subject and status
}

TEST(EmailJson, RecipientsThatTheHeaderDoesNotNameAreInBcc) {
  MessageRecord record = message({recipient(RecipientState::queued), recipient(RecipientState::queued)});
  record.recipients[1].address = parse_address("hidden@example.net").value();
  const StoredMail mail =
      view_stored_mail("From: app@shop.example\r\nTo: Ann <a@example.net>\r\nSubject: s\r\n\r\nt\r\n");
  const boost::json::object email = email_json(record, {}, mail, {"id", kNow});
  EXPECT_EQ(email.at("to").as_array(), boost::json::array{"Ann <a@example.net>"});
  EXPECT_EQ(email.at("bcc").as_array(), boost::json::array{"hidden@example.net"});
  EXPECT_EQ(email.at("Recipient").as_string(), "Ann <a@example.net>, hidden@example.net");
}

}  // namespace
}  // namespace postrider::mgmt::test
