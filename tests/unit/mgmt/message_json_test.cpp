// The JSON shape of messages, attempts and reasons.
#include "mgmt/message_json.h"

#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "mgmt/reason_text.h"

namespace postrider::mgmt {
namespace {

namespace json = boost::json;

Reason refused() {
  return {Cause::recipient, Stage::rcpt, 550, "5.1.1", "no such user"};
}

MessageRecord bounced_message() {
  MessageRecord message;
  message.id = MessageId::first_at(from_ms(1'700'000'000'000));
  message.envelope.created_at = from_ms(1'700'000'000'000);
  message.envelope.sender = parse_address("app@example.com").value();
  Recipient recipient;
  recipient.address = parse_address("user@example.net").value();
  recipient.state = RecipientState::bounced;
  recipient.tries = 1;
  recipient.due = from_ms(1'700'000'000'000);
  recipient.reason = refused();
  recipient.upstream = "primary";
  message.recipients.push_back(recipient);
  message.body = BodyState::removed;
  return message;
}

std::vector<Event> bounced_history(const MessageRecord& message) {
  auto attempt = std::make_shared<Attempt>();
  attempt->upstream = "primary";
  attempt->peer = "mx[192.0.2.1]:25";
  attempt->started_at = from_ms(1'700'000'000'500);
  attempt->duration_ms = 12;
  attempt->stage = Stage::rcpt;
  attempt->outcome = OutcomeKind::bounced;
  attempt->reason = refused();
  attempt->recipients.push_back({0, OutcomeKind::bounced, refused()});
  Event accepted, attempted, bounced;
  accepted.seq = 1;
  accepted.message = attempted.message = bounced.message = message.id;
  attempted.seq = 2;
  attempted.type = EventType::attempted;
  attempted.attempt = attempt;
  bounced.seq = 3;
  bounced.type = EventType::bounced;
  bounced.recipient = 0;
  bounced.reason = refused();
  return {accepted, attempted, bounced};
}

TEST(MessageJson, ShowsAMessageWithAttemptsAndEvents) {
  const MessageRecord message = bounced_message();
  const json::object shown = to_json(message, bounced_history(message));
  EXPECT_EQ(shown.at("state").as_string(), "bounced");
  EXPECT_EQ(shown.at("created_at").as_string(), "2023-11-14T22:13:20.000Z");
  EXPECT_TRUE(shown.at("next_try_at").is_null());
  EXPECT_EQ(shown.at("body").as_string(), "removed");
  EXPECT_EQ(
      json::serialize(shown.at("recipients")),
      R"([{"address":"user@example.net","redirected_from":null,"state":"bounced","tries":1,)"
      R"("next_try_at":null,"changed_at":null,)"
      R"("reason":"recipient refused at RCPT TO: 550 5.1.1 no such user",)"
      R"("reason_detail":{"cause":"recipient","stage":"rcpt","code":550,"enhanced_code":"5.1.1","text":"no such user"},)"
      R"("upstream":"primary","remote_id":null,"provider_id":null,"cancel_requested":false,"hold_requested":false}])");
  EXPECT_EQ(json::serialize(shown.at("attempts")),
            R"([{"upstream":"primary","why":null,"peer":"mx[192.0.2.1]:25","tls":null,)"
            R"("started_at":"2023-11-14T22:13:20.500Z",)"
            R"("duration_ms":12,"stage":"rcpt","outcome":"bounced","cause":"recipient","code":550,)"
            R"("enhanced_code":"5.1.1","text":"no such user","remote_id":null,"provider_id":null,)"
            R"("counted":true,"lossy":false,)"
            R"("recipients":[{"address":"user@example.net","outcome":"bounced","code":550,"enhanced_code":"5.1.1",)"
            R"("text":"no such user"}]}])");
  const json::array& events = shown.at("events").as_array();
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0].at("type").as_string(), "accepted");
  EXPECT_TRUE(events[0].at("recipient").is_null());
  EXPECT_EQ(events[2].at("recipient").as_string(), "user@example.net");
}

TEST(MessageJson, ShowsWhatTheSubmitterAskedForAndWhyAnUpstreamWasAsked) {
  MessageRecord message = bounced_message();
  json::object plain = to_json(message);
  EXPECT_TRUE(plain.at("tags").as_array().empty());
  EXPECT_TRUE(plain.at("expires_at").is_null());
  EXPECT_TRUE(plain.at("retry").is_null());
  EXPECT_TRUE(plain.at("recipients").at(0).at("redirected_from").is_null());
  message.envelope.lane = Lane::low;
  message.envelope.tags = {"receipt", "shop"};
  message.envelope.expires_at = from_ms(1'700'000'900'000);
  message.envelope.retry.interval = std::chrono::minutes(1);
  message.recipients[0].redirected_from = "world@example.org";
  message.recipients[0].remote_id = "abc";
  message.recipients[0].provider_id = true;
  std::vector<Event> history = bounced_history(message);
  history[1].attempt->why = "first in order";
  history[1].attempt->lossy = true;
  history[1].attempt->remote_id = "250 ok";
  const json::object shown = to_json(message, history);
  EXPECT_EQ(shown.at("lane"), "low");
  EXPECT_EQ(shown.at("tags"), (json::value{"receipt", "shop"}));
  EXPECT_EQ(shown.at("expires_at"), "2023-11-14T22:28:20.000Z");
  EXPECT_EQ(shown.at("retry"), (json::value{{"retries", nullptr}, {"interval", "1m"}}));
  EXPECT_EQ(shown.at("recipients").at(0).at("redirected_from"), "world@example.org");
  EXPECT_EQ(shown.at("recipients").at(0).at("provider_id"), "abc");
  EXPECT_EQ(shown.at("attempts").at(0).at("why"), "first in order");
  EXPECT_TRUE(shown.at("attempts").at(0).at("lossy").as_bool());
  EXPECT_TRUE(shown.at("attempts").at(0).at("provider_id").is_null());  // a reply's text is no id
}

TEST(MessageJson, AWaitingRecipientHasItsNextTry) {
  MessageRecord message = bounced_message();
  message.recipients[0].state = RecipientState::deferred;
  const json::object shown = to_json(message);
  EXPECT_EQ(shown.at("next_try_at").as_string(), "2023-11-14T22:13:20.000Z");
  EXPECT_EQ(shown.at("recipients").as_array()[0].at("next_try_at").as_string(), "2023-11-14T22:13:20.000Z");
  EXPECT_FALSE(shown.contains("events"));
}

TEST(MessageJson, AnEventForARecipientThatIsNotThereHasNone) {
  const MessageRecord message = bounced_message();
  Event event;
  event.recipient = 7;
  EXPECT_TRUE(to_json(message, {event}).at("events").as_array()[0].at("recipient").is_null());
}

TEST(MessageJson, AListHasItsCursor) {
  storage::ListPage page;
  page.messages.push_back(bounced_message());
  EXPECT_TRUE(list_json(page).at("next").is_null());
  page.next = page.messages[0].id;
  EXPECT_EQ(list_json(page).at("next").as_string(), page.messages[0].id.str());
}

TEST(ReasonText, SaysWhoWhereAndWhat) {
  EXPECT_EQ(reason_sentence({}), "");
  EXPECT_EQ(reason_sentence(refused()), "recipient refused at RCPT TO: 550 5.1.1 no such user");
  EXPECT_EQ(reason_sentence({Cause::route, Stage::connect, 0, "", "connection refused"}),
            "upstream trouble at connect: connection refused");
  EXPECT_EQ(reason_sentence({Cause::retries, Stage::none, 0, "", ""}), "retries used up");
  EXPECT_EQ(reason_sentence({Cause::retries, Stage::connect, 0, "", "gave up after 1 try"}),
            "gave up after 1 try at connect");
  EXPECT_EQ(reason_sentence({Cause::recipient, Stage::none, 550, "5.1.1", "550 5.1.1 no such user"}),
            "recipient refused: 550 5.1.1 no such user");
  EXPECT_EQ(reason_sentence({Cause::none, Stage::none, 550, "5.1.1", "id 5501 of 5.1.12"}),
            "550 5.1.1 id 5501 of 5.1.12");
  EXPECT_EQ(reason_sentence({Cause::none, Stage::final_dot, 250, "2.0.0", "Ok"}), "250 2.0.0 Ok");
  EXPECT_EQ(reason_sentence({Cause::operator_, Stage::none, 0, "", "looks odd"}), "by request: looks odd");
}

}  // namespace
}  // namespace postrider::mgmt
