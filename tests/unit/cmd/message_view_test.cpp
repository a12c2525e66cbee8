// The sentence that says where a message is and why, for every state.
#include "cmd/message_view.h"

#include <gtest/gtest.h>

#include <algorithm>
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
          {"reason_detail", nullptr},
          {"upstream", "primary"},
          {"remote_id", nullptr}};
}

void refuse(json::object& recipient, int code) {
  recipient["reason"] = "recipient refused at RCPT TO: " + std::to_string(code) + " 4.7.1 later";
  recipient["reason_detail"] = {{"code", code}, {"enhanced_code", "4.7.1"}, {"text", "later"}};
}

json::object attempt(int code) {
  return {{"upstream", "primary"},    {"peer", "mx.example.net[192.0.2.1]:25"},
          {"tls", "TLSv1.3"},         {"started_at", format_rfc3339(kNow)},
          {"duration_ms", 12},        {"stage", "rcpt"},
          {"outcome", "deferred"},    {"code", code},
          {"enhanced_code", "4.7.1"}, {"text", "later"}};
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

TEST(MessageSentence, WaitingNamesTheTryTheTimeAndWhoSaidWhat) {
  json::object deferred = recipient("deferred");
  deferred["next_try_at"] = format_rfc3339(kNow + std::chrono::minutes(6));
  refuse(deferred, 451);
  json::object shown = message("deferred", deferred);
  EXPECT_EQ(where_and_why(shown, kNow),
            "Waiting for its 2nd try at 22:19 UTC (in 6 minutes): primary said 451 4.7.1 later.");
  shown["attempts"] = json::array{attempt(451)};
  EXPECT_EQ(where_and_why(shown, kNow),
            "Waiting for its 2nd try at 22:19 UTC (in 6 minutes): mx.example.net said 451 4.7.1 later.");
}

TEST(MessageSentence, WaitingWithoutAnAnswerGivesOurOwnReason) {
  json::object deferred = recipient("deferred");
  deferred["tries"] = 12;
  deferred["next_try_at"] = format_rfc3339(kNow + std::chrono::hours(3));
  deferred["reason"] = "upstream trouble at connect: connection refused";
  EXPECT_EQ(sentence("deferred", deferred),
            "Waiting for its 13th try at 2023-11-15 01:13 UTC (in 3 hours): upstream trouble at connect: connection "
            "refused.");
  json::object queued = recipient("queued");
  queued["tries"] = 0;
  queued["next_try_at"] = format_rfc3339(kNow - std::chrono::seconds(1));
  EXPECT_EQ(sentence("queued", queued), "Due now, waiting for its turn for its 1st try.");
}

TEST(MessageSentence, ScheduledAndExpiring) {
  json::object queued = recipient("queued");
  queued["tries"] = 0;
  queued["next_try_at"] = format_rfc3339(kNow + std::chrono::hours(1));
  json::object shown = message("queued", queued);
  shown["expires_at"] = format_rfc3339(kNow + std::chrono::hours(2));
  EXPECT_EQ(where_and_why(shown, kNow),
            "Scheduled at 23:13 UTC (in 1 hour); expires at 2023-11-15 00:13 UTC (in 2 hours).");
  json::object expired = recipient("expired");
  expired["reason"] = "by policy: its time to live ended at 22:10";
  expired["reason_detail"] = {{"cause", "policy"}, {"text", "its time to live ended at 22:10"}};
  EXPECT_EQ(sentence("expired", expired), "Expired at 22:10 UTC (3 minutes ago): its time to live ended at 22:10.");
}

TEST(MessageSentence, ADueMessageSaysItsLaneAndWhatItsRouteWaitsFor) {
  json::object queued = recipient("queued");
  queued["tries"] = 0;
  queued["next_try_at"] = format_rfc3339(kNow);
  json::object shown = message("queued", queued);
  shown["lane"] = "low";
  const json::object route{
      {"recipients",
       json::array{json::object{{"address", "user@example.net"},
                                {"route", json::object{{"summary", "primary has no room now, until 22:20."}}}}}}};
  EXPECT_EQ(where_and_why(shown, route, kNow),
            "Due now in the low lane, waiting for its turn for its 1st try; primary has no room now, until 22:20.");
}

TEST(MessageView, ShowsTagsGuardAndWhyAnUpstreamWasAsked) {
  json::object about = recipient("sent");
  about["redirected_from"] = "world@example.org";
  json::object shown = message("sent", about);
  shown["tags"] = json::array{"receipt", "shop"};
  shown["metadata"] = {{"order", "4711"}, {"note", "\x1b[2J"}};
  shown["batch"] = "0123456789abcdefghjkmnpqrt";
  shown["retry"] = json::object{{"retries", 5}, {"interval", "1m"}};
  shown["capture_only"] = true;
  json::object asked = attempt(250);
  asked["why"] = "first in order";
  asked["provider_id"] = "<1@mg>";
  shown["attempts"] = json::array{asked};
  shown["events"] = json::array{json::object{{"type", "attempted"}, {"at", format_rfc3339(kNow)}}};
  const std::string text = render_message(shown, kNow, false);
  for (const char* part :
       {"tags        receipt, shop\n", "metadata    order=4711, note=", "batch       0123456789abcdefghjkmnpqrt\n",
        "retries     5, every 1m\n", "captured only", "user@example.net (for world@example.org)",
        "known there as <1@mg>", "asked because: first in order"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << "what a client gave steers no terminal";
}

TEST(MessageSentence, Sending) {
  json::object sending = recipient("sending");
  EXPECT_EQ(sentence("sending", sending), "Being handed to primary, begun 3 minutes ago.");
  sending["cancel_requested"] = true;
  EXPECT_EQ(sentence("sending", sending),
            "Being handed to primary, begun 3 minutes ago; will be cancelled unless it is taken.");
}

TEST(MessageSentence, HeldFailedAndSuppressedSayHowToGoOn) {
  json::object held = recipient("held");
  held["reason"] = "by request: looks odd";
  EXPECT_EQ(sentence("held", held),
            "Held at 22:10 UTC (3 minutes ago): by request: looks odd (to let it go: postrider queue release "
            "0123456789abcdefghjkmnpqrs).");
  json::object failed = recipient("failed");
  failed["tries"] = 4;
  failed["reason"] = "retries used up: tried 4 times: later";
  json::object shown = message("failed", failed);
  EXPECT_EQ(where_and_why(shown, kNow),
            "Failed at 22:10 UTC (3 minutes ago) after 4 tries: retries used up: tried 4 times: later (to try again: "
            "postrider queue retry 0123456789abcdefghjkmnpqrs).");
  shown["attempts"] = json::array{attempt(451)};
  shown["body"] = "removed";
  EXPECT_EQ(
      where_and_why(shown, kNow),
      "Failed at 22:10 UTC (3 minutes ago) after 4 tries; the last: mx.example.net said 451 4.7.1 later; its body "
      "was removed, it cannot be sent again.");
  EXPECT_EQ(sentence("suppressed", recipient("suppressed")),
            "Suppressed at 22:10 UTC (3 minutes ago) (once it is off the list: postrider queue release "
            "0123456789abcdefghjkmnpqrs).");
}

TEST(MessageSentence, Finished) {
  json::object sent = recipient("sent");
  sent["remote_id"] = "250 2.0.0 Ok: queued as 4F";
  EXPECT_EQ(sentence("sent", sent), "Sent by primary at 22:10 UTC (3 minutes ago): 250 2.0.0 Ok: queued as 4F.");
  json::object bounced = recipient("bounced");
  refuse(bounced, 550);
  EXPECT_EQ(sentence("bounced", bounced), "Bounced at 22:10 UTC (3 minutes ago): primary said 550 4.7.1 later.");
  for (const auto& [state, word] :
       {std::pair("cancelled", "Cancelled"), std::pair("expired", "Expired"), std::pair("delivered", "Delivered")})
    EXPECT_EQ(sentence(state, recipient(state)), std::string(word) + " at 22:10 UTC (3 minutes ago).");
}

TEST(MessageSentence, SeveralRecipientsAreSummarised) {
  json::object three = message("queued", recipient("queued"));
  three["recipients"].as_array().push_back(recipient("sent"));
  three["recipients"].as_array().push_back(recipient("sent"));
  EXPECT_EQ(where_and_why(three, kNow),
            "Due now, waiting for its turn for its 2nd try. Of 3 recipients: 1 queued, 2 sent.");
}

TEST(MessageSentence, WhatIsMissingIsNotInvented) {
  EXPECT_EQ(where_and_why({}, kNow), "Unknown: this message has no recipient in its state.");
}

TEST(MessageView, ListShowsTheNullSenderAndTheCursor) {
  const json::object page{{"messages", json::array{message("sent", recipient("sent"))}}, {"next", "abc"}};
  const std::string text = render_list(page, kNow, false);
  EXPECT_NE(text.find("<>"), std::string::npos);
  EXPECT_NE(text.find("1h ago  "), std::string::npos) << text;
  const std::string absolute = render_list(page, Look{kNow, false, true, 0});
  EXPECT_NE(absolute.find("2023-11-14T21:13:20Z  "), std::string::npos) << absolute;
  EXPECT_NE(text.find("more: --cursor abc\n"), std::string::npos);
  EXPECT_EQ(render_list({{"messages", json::array{}}, {"next", nullptr}}, kNow, false), "no messages\n");
}

TEST(MessageView, ShowTellsTheStoryInOrder) {
  json::object shown = message("sent", recipient("sent"));
  shown["attempts"] = json::array{attempt(451), attempt(250)};
  const auto event = [](const char* type) { return json::object{{"type", type}, {"at", format_rfc3339(kNow)}}; };
  shown["events"] =
      json::array{event("accepted"), event("attempted"), event("deferred"), event("attempted"), event("sent")};
  const std::string text = render_message(shown, kNow, false);
  EXPECT_TRUE(text.starts_with("Sent by primary at 22:10 UTC")) << text;
  const char* const order[] = {
      "accepted", "primary (mx.example.net[192.0.2.1]:25, TLSv1.3): deferred at rcpt after 12 ms, 451 4.7.1 later",
      "deferred  ", "250 4.7.1 later", "sent "};
  std::size_t at = text.find("Story");
  ASSERT_NE(at, std::string::npos);
  for (const char* part : order) {
    at = text.find(part, at);
    ASSERT_NE(at, std::string::npos) << part << "\n" << text;
  }
}

TEST(MessageView, NothingIsWiderThanTheTerminal) {
  json::object about = recipient("deferred");
  about["reason"] = std::string(300, 'x') + " " + std::string(20, 'y');
  about["address"] = std::string(100, 'a') + "@example.net";
  json::object shown = message("deferred", about);
  shown["events"] =
      json::array{json::object{{"type", "deferred"}, {"at", format_rfc3339(kNow)}, {"reason", about["reason"]}}};
  const Look look{kNow, false, false, 100};
  for (std::string text : {render_list({{"messages", json::array{shown}}}, look), render_message(shown, look)}) {
    std::size_t lines = 0;
    for (std::size_t end; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1), ++lines) {
      const std::string line = text.substr(0, end);
      const auto characters = std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xc0) != 0x80; });
      EXPECT_LE(characters, 100) << line;
    }
    EXPECT_GT(lines, 1u);
  }
}

}  // namespace
}  // namespace postrider::cmd
