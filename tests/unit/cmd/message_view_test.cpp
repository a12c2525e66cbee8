// The sentence that says where a message is and why, for every state.
#include "cmd/message_view.h"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>

namespace postrider::cmd {
namespace {

namespace json = boost::json;

const Time kNow = from_ms(1'700'000'000'000);

json::object recipient(const std::string& state) {
  return {{"address", "user@example.net"},
          {"state", state},
          {"tries", 1},
          {"next_try_at", nullptr},
          {"changed_at", format_rfc3339(kNow - std::chrono::minutes(3))},
          {"reason", nullptr},
          {"upstream", "primary"},
          {"remote_id", nullptr}};
}

json::object message(const std::string& state, json::object about) {
  return {{"id", "0123456789abcdefghjkmnpqrs"},
          {"state", state},
          {"sender", ""},
          {"created_at", format_rfc3339(kNow - std::chrono::hours(1))},
          {"size", 2048},
          {"door", "smtp"},
          {"recipients", json::array{std::move(about)}}};
}

std::string sentence(const std::string& state, json::object about) {
  return where_and_why(message(state, std::move(about)), kNow);
}

TEST(MessageView, Waiting) {
  json::object queued = recipient("queued");
  queued["next_try_at"] = format_rfc3339(kNow - std::chrono::seconds(1));
  EXPECT_EQ(sentence("queued", queued), "Queued: due now, waits for its turn.");
  json::object deferred = recipient("deferred");
  deferred["next_try_at"] = format_rfc3339(kNow + std::chrono::minutes(9));
  deferred["reason"] = "upstream trouble at connect: connection refused";
  EXPECT_EQ(
      sentence("deferred", deferred),
      "Deferred: next try in 9m (2023-11-14T22:22:20Z), because upstream trouble at connect: connection refused.");
}

TEST(MessageView, Sending) {
  EXPECT_EQ(sentence("sending", recipient("sending")), "Being handed to primary now.");
}

TEST(MessageView, HeldAndFailedSayHowToGoOn) {
  json::object held = recipient("held");
  held["reason"] = "by request: looks odd";
  EXPECT_EQ(sentence("held", held),
            "Held: by request: looks odd (to let it go: postrider queue release 0123456789abcdefghjkmnpqrs).");
  json::object failed = recipient("failed");
  failed["reason"] = "retries used up";
  EXPECT_EQ(sentence("failed", failed),
            "Failed and kept by primary 3m ago (2023-11-14T22:10:20Z), because retries used up (to try again: "
            "postrider queue retry 0123456789abcdefghjkmnpqrs).");
}

TEST(MessageView, Finished) {
  json::object sent = recipient("sent");
  sent["remote_id"] = "250 2.0.0 Ok: queued as 4F";
  EXPECT_EQ(sentence("sent", sent), "Sent by primary 3m ago (2023-11-14T22:10:20Z): 250 2.0.0 Ok: queued as 4F.");
  json::object bounced = recipient("bounced");
  bounced["reason"] = "recipient refused at RCPT TO: 550 no";
  EXPECT_EQ(sentence("bounced", bounced),
            "Bounced by primary 3m ago (2023-11-14T22:10:20Z), because recipient refused at RCPT TO: 550 no.");
  EXPECT_EQ(sentence("cancelled", recipient("cancelled")), "Cancelled 3m ago (2023-11-14T22:10:20Z).");
}

TEST(MessageView, SeveralRecipientsAreCounted) {
  json::object both = message("queued", recipient("queued"));
  both["recipients"].as_array().push_back(recipient("sent"));
  EXPECT_EQ(where_and_why(both, kNow), "Queued: due now, waits for its turn [1 of 2 recipients].");
}

TEST(MessageView, WhatIsMissingIsNotInvented) {
  EXPECT_EQ(where_and_why({}, kNow), "Unknown: this message has no recipient in its state.");
}

TEST(MessageView, ListShowsTheNullSenderAndTheCursor) {
  const json::object page{{"messages", json::array{message("sent", recipient("sent"))}}, {"next", "abc"}};
  const std::string text = render_list(page, kNow, false);
  EXPECT_NE(text.find("<>"), std::string::npos);
  EXPECT_NE(text.find("1h ago (2023-11-14T21:13:20Z)"), std::string::npos) << text;
  EXPECT_NE(text.find("more: --cursor abc\n"), std::string::npos);
  EXPECT_EQ(render_list({{"messages", json::array{}}, {"next", nullptr}}, kNow, false), "no messages\n");
}

TEST(MessageView, ShowBeginsWithTheSentenceAndHasEveryAttempt) {
  json::object shown = message("sent", recipient("sent"));
  shown["attempts"] = json::array{json::object{{"upstream", "primary"},
                                               {"peer", "mx[192.0.2.1]:25"},
                                               {"started_at", format_rfc3339(kNow)},
                                               {"duration_ms", 12},
                                               {"stage", "final_dot"},
                                               {"outcome", "sent"},
                                               {"code", 250},
                                               {"enhanced_code", "2.0.0"},
                                               {"text", "Ok"}}};
  shown["events"] = json::array{json::object{{"type", "accepted"}, {"at", format_rfc3339(kNow)}}};
  const std::string text = render_message(shown, kNow, false);
  EXPECT_TRUE(text.starts_with("Sent by primary 3m ago")) << text;
  EXPECT_NE(text.find("250 2.0.0 Ok"), std::string::npos);
  EXPECT_NE(text.find("mx[192.0.2.1]:25"), std::string::npos);
  EXPECT_NE(text.find("accepted"), std::string::npos);
}

}  // namespace
}  // namespace postrider::cmd
