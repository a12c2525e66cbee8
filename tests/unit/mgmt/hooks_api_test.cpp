// What providers report, from the request to the history: who is believed, what the answer makes of the vendor's next step, and that
// nothing is recorded twice or lost because our own record was late.
#include "mgmt/hooks_api.h"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "mgmt/request_body.h"
#include "providers/hmac.h"
#include "providers/sigv4.h"
#include "tests/unit/mgmt/hooks_fixture.h"

namespace postrider::mgmt::test {
namespace {

namespace json = boost::json;

std::string delivered(const std::string& provider_id, const std::string& recipient = "user@example.net") {
  return json::serialize(json::object{{"RecordType", "Delivery"},
                                      {"MessageID", provider_id},
                                      {"Recipient", recipient},
                                      {"DeliveredAt", "2026-01-31T08:15:00Z"},
                                      {"Details", "250 2.0.0 Ok"}});
}

std::string bounced(const std::string& provider_id) {
  return json::serialize(json::object{{"RecordType", "Bounce"},
                                      {"Type", "HardBounce"},
                                      {"ID", 42},
                                      {"MessageID", provider_id},
                                      {"Email", "user@example.net"},
                                      {"BouncedAt", "2026-01-31T08:16:00Z"},
                                      {"Details", "550 5.1.1 no such user"}});
}

json::object mailjet(const std::string& event, const std::string& message_id) {
  return {{"event", event}, {"time", 1'769'847'300}, {"MessageID", message_id}, {"email", "user@example.net"}};
}

std::string sns(const std::string& host = "sns.eu-central-1.amazonaws.com", const std::string& file = "key.pem") {
  return json::serialize(json::object{{"Type", "Notification"},
                                      {"MessageId", "1"},
                                      {"TopicArn", "arn:aws:sns:eu-central-1:123456789012:mail"},
                                      {"Message", "{}"},
                                      {"Timestamp", "2026-01-31T08:15:00.000Z"},
                                      {"SignatureVersion", "1"},
                                      {"Signature", "AAAA"},
                                      {"SigningCertURL", "https://" + host + "/" + file}});
}

// Mailgun's signature is over `timestamp` and `token` alone.
std::string mailgun(const std::string& timestamp, const std::string& event) {
  const std::string signature = providers::hex(providers::hmac_sha256("signs-for-gun", timestamp + "token"));
  return json::serialize(
      json::object{{"signature", {{"timestamp", timestamp}, {"token", "token"}, {"signature", signature}}},
                   {"event-data",
                    {{"id", "e1"},
                     {"event", event},
                     {"severity", "permanent"},
                     {"timestamp", 1'769'847'300.25},
                     {"recipient", "user@example.net"},
                     {"message", {{"headers", {{"message-id", "mg-1@mg.example.com"}}}}}}}});
}

const std::string kPostmark = "hooks:of-post";

TEST(HooksApi, TakesAReportIntoTheHistoryOnce) {
  HooksServer hooks;
  const MessageId id = hooks.sent("post", "pm-1");
  const Answer answer = hooks.report("/hooks/post", delivered("pm-1", "User@Example.net"), kPostmark);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.json(), (json::object{{"recorded", 1}}));
  EXPECT_EQ(hooks.state(id), "delivered");
  const auto events = hooks.events(id, "delivered");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].at("upstream"), "post");
  EXPECT_EQ(events[0].at("at"), "2026-01-31T08:15:00.000Z");
  EXPECT_EQ(events[0].at("recipient"), "user@example.net");

  const Answer again = hooks.report("/hooks/post", delivered("pm-1", "User@Example.net"), kPostmark);
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.json(), (json::object{{"recorded", 0}}));
  EXPECT_EQ(hooks.events(id, "delivered").size(), 1u);
  EXPECT_TRUE(hooks.metrics_say("postrider_hook_events_total{upstream=\"post\",type=\"delivered\"} 1"));
  EXPECT_TRUE(hooks.metrics_say("postrider_hook_unused_total{upstream=\"post\",reason=\"duplicate\"} 1"));
}

TEST(HooksApi, ALateBounceEndsTheRecipient) {
  HooksServer hooks;
  const MessageId id = hooks.sent("post", "pm-1");
  hooks.report("/hooks/post", delivered("pm-1"), kPostmark);
  ASSERT_EQ(hooks.report("/hooks/post", bounced("pm-1"), kPostmark).status, 200);
  EXPECT_EQ(hooks.state(id), "bounced");
  const auto events = hooks.events(id, "bounced");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].at("reason_detail").at("enhanced_code"), "5.1.1");
}

TEST(HooksApi, WhatIsNotKnownHereIsCountedAndNotAskedForAgain) {
  HooksServer hooks;
  hooks.sent("jet", "pm-1");  // another upstream's message is nobody else's to report of
  const Answer answer = hooks.report("/hooks/post", delivered("pm-1"), kPostmark);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json(), (json::object{{"recorded", 0}}));
  const Answer other = hooks.report("/hooks/post", R"({"RecordType":"Inbound"})", kPostmark);
  EXPECT_EQ(other.status, 200);
  EXPECT_TRUE(hooks.metrics_say("postrider_hook_unused_total{upstream=\"post\",reason=\"unknown_message\"} 1"));
  EXPECT_TRUE(hooks.metrics_say("postrider_hook_unused_total{upstream=\"post\",reason=\"other_kind\"} 1"));
}

TEST(HooksApi, AForgedReportChangesNothing) {
  HooksServer hooks;
  const MessageId id = hooks.sent("post", "pm-1");
  const Answer wrong = hooks.report("/hooks/post", delivered("pm-1"), "hooks:guessed");
  EXPECT_EQ(wrong.status, 401);
  EXPECT_EQ(wrong.header("www-authenticate").rfind("Basic ", 0), 0u) << wrong.header("www-authenticate");
  EXPECT_EQ(wrong.body.find("of-post"), std::string::npos);
  EXPECT_EQ(hooks.report("/hooks/post", delivered("pm-1")).status, 401);
  // Mailgun repeats what is not 200 or 406.
  EXPECT_EQ(hooks.report("/hooks/gun", R"({"signature":{},"event-data":{}})").status, 406);
  EXPECT_EQ(hooks.state(id), "sent");
  EXPECT_TRUE(hooks.metrics_say("postrider_hook_rejected_total{upstream=\"post\",reason=\"forged\"} 2"));
}

TEST(HooksApi, AnOverheardSignatureMakesNoOtherEventGenuine) {
  HooksServer hooks;
  const MessageId id = hooks.sent("gun", "mg-1@mg.example.com");
  const std::string now = std::to_string(to_ms(hooks.server.loop().clock().now()) / 1000);
  ASSERT_EQ(hooks.report("/hooks/gun", mailgun(now, "opened")).json(), (json::object{{"recorded", 1}}));
  EXPECT_EQ(hooks.report("/hooks/gun", mailgun(now, "failed")).status, 406);
  EXPECT_EQ(hooks.state(id), "sent");
  const Answer again = hooks.report("/hooks/gun", mailgun(now, "opened"));
  EXPECT_EQ(again.status, 200) << "Mailgun repeats";
  EXPECT_EQ(again.json(), (json::object{{"recorded", 0}}));
  EXPECT_TRUE(hooks.metrics_say("postrider_hook_rejected_total{upstream=\"gun\",reason=\"forged\"} 1"));
}

TEST(HooksApi, WithoutAKeyNobodyIsBelievedAndNothingIsFetched) {
  UpstreamConfig post = reporting("post", UpstreamType::postmark), amazon = reporting("amazon", UpstreamType::ses);
  UpstreamConfig gun = reporting("gun", UpstreamType::mailgun);
  post.webhook_password.clear();
  gun.webhook_key.clear();
  amazon.topic_arns.clear();
  HooksServer hooks({}, {post, amazon, gun});
  EXPECT_EQ(hooks.report("/hooks/post", delivered("pm-1"), "hooks:").status,
            503);  // comes again, and there may be a key by then
  EXPECT_EQ(hooks.report("/hooks/amazon", sns()).status, 503);
  EXPECT_EQ(hooks.report("/hooks/gun", "{}").status, 503);
  EXPECT_TRUE(hooks.http.asked().empty());
  EXPECT_TRUE(hooks.metrics_say("postrider_hook_rejected_total{upstream=\"post\",reason=\"unconfigured\"} 1"));
}

TEST(HooksApi, OnlyUpstreamsWithAProviderHaveAReceiver) {
  HooksServer hooks;
  EXPECT_EQ(hooks.report("/hooks/plain", "{}").status, 404);
  EXPECT_EQ(hooks.report("/hooks/nobody", "{}").status, 404);
  EXPECT_EQ(hooks.server.call("GET", "/hooks/post").status, 405);
}

TEST(HooksApi, WhatCannotBeReadIsRefused) {
  HooksServer hooks;
  EXPECT_EQ(hooks.report("/hooks/post", "no json", kPostmark).status, 400);
  EXPECT_EQ(hooks.report("/hooks/post", "", kPostmark).status, 400);
  EXPECT_EQ(hooks.report("/hooks/post", std::string(2000, '['), kPostmark).status, 400);
  EXPECT_TRUE(hooks.metrics_say("postrider_hook_rejected_total{upstream=\"post\",reason=\"unreadable\"} 3"));
}

// The provider may be faster than the settlement that says that it has the message.
TEST(HooksApi, WaitsForTheSettlement) {
  HooksServer hooks;
  const MessageId id = hooks.begin("post", {"user@example.net"});
  const std::string body = json::serialize(json::object{{"RecordType", "Delivery"},
                                                        {"MessageID", "pm-1"},
                                                        {"Recipient", "user@example.net"},
                                                        {"DeliveredAt", "2026-01-31T08:15:00Z"},
                                                        {"Metadata", {{"postrider_id", id.str()}}}});
  RawClient client(hooks.server.endpoint());
  client.send("POST /hooks/post HTTP/1.1\r\nHost: test\r\n" + HooksServer::fields(kPostmark) +
              "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  hooks.settle(id, "post", "pm-1");
  const Answer answer = client.read_answer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json(), (json::object{{"recorded", 1}}));
  EXPECT_EQ(hooks.state(id), "delivered");
}

// The same of a report that has the provider's id alone, which nobody knows before the settlement.
TEST(HooksApi, WaitsForTheProvidersIdOfWhatIsRecent) {
  HookLimits limits;
  limits.waits.assign(3, std::chrono::seconds(1));
  HooksServer hooks(limits);
  const MessageId id = hooks.begin("post", {"user@example.net"});
  json::object recent = json::parse(delivered("pm-1")).as_object();
  recent["DeliveredAt"] = format_rfc3339(hooks.server.loop().clock().now());
  const std::string body = json::serialize(recent);
  RawClient client(hooks.server.endpoint());
  client.send("POST /hooks/post HTTP/1.1\r\nHost: test\r\n" + HooksServer::fields(kPostmark) +
              "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  hooks.settle(id, "post", "pm-1");
  const Answer answer = client.read_answer();
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json(), (json::object{{"recorded", 1}}));
}

TEST(HooksApi, WhatStaysUnknownIsWaitedForAFewTimesOnly) {
  HookLimits limits;
  limits.waits.assign(2, Duration(1));
  HooksServer hooks(limits);
  json::object recent = json::parse(delivered("pm-1")).as_object();
  recent["DeliveredAt"] = format_rfc3339(hooks.server.loop().clock().now());
  const Answer answer = hooks.report("/hooks/post", json::serialize(recent), kPostmark);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json(), (json::object{{"recorded", 0}}));
  EXPECT_TRUE(hooks.metrics_say("postrider_hook_unused_total{upstream=\"post\",reason=\"unknown_message\"} 1"));
}

TEST(HooksApi, AsksTheVendorToComeAgainWhenTheSettlementDoesNotCome) {
  HookLimits limits;
  limits.waits.clear();
  HooksServer hooks(limits);
  const MessageId id = hooks.begin("post", {"user@example.net"});
  json::object body = json::parse(delivered("pm-1")).as_object();
  body["Metadata"] = {{"postrider_id", id.str()}};
  const Answer answer = hooks.report("/hooks/post", json::serialize(body), kPostmark);
  EXPECT_EQ(answer.status, 503);
  EXPECT_FALSE(answer.header("retry-after").empty());
  EXPECT_TRUE(hooks.events(id, "delivered").empty());
}

TEST(HooksApi, TakesManyInSlices) {
  HookLimits limits;
  limits.slice = 7;
  HooksServer hooks(limits);
  const MessageId id = hooks.sent("jet", "70650219165027410");
  json::array events;
  for (int i = 0; i < 1000; ++i) events.push_back(mailjet("open", "never-seen-" + std::to_string(i)));
  events.push_back(mailjet("sent", "70650219165027410"));
  events.push_back(mailjet("open", "70650219165027410"));
  const std::string body = json::serialize(events);
  ASSERT_GT(body.size(), RequestBody::kFree);  // more than is taken from strangers elsewhere
  const Answer answer = hooks.report("/hooks/jet", body, "hooks:of-jet");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.json(), (json::object{{"recorded", 2}}));
  EXPECT_EQ(hooks.state(id), "delivered");
  EXPECT_EQ(hooks.events(id, "opened").size(), 1u);
  EXPECT_TRUE(hooks.metrics_say("postrider_hook_unused_total{upstream=\"jet\",reason=\"unknown_message\"} 1000"));
}

// However often a mail is opened: what its history does not take will not be taken later either.
TEST(HooksApi, AFullHistoryIsNotAskedForAgain) {
  HooksServer hooks;
  hooks.sent("jet", "70650219165027410");
  json::array events;
  for (std::size_t i = 0; i < storage::kMaxHistoryToReport; ++i) {
    events.push_back(mailjet("open", "70650219165027410"));
    events.back().as_object()["time"] = 1'769'847'300 - static_cast<std::int64_t>(i);
  }
  const Answer answer = hooks.report("/hooks/jet", json::serialize(events), "hooks:of-jet");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const std::int64_t recorded = answer.json().at("recorded").to_number<std::int64_t>();
  const std::int64_t left = static_cast<std::int64_t>(storage::kMaxHistoryToReport) - recorded;
  EXPECT_GT(left, 0);
  EXPECT_TRUE(hooks.metrics_say("postrider_hook_unused_total{upstream=\"jet\",reason=\"history_full\"} " +
                                std::to_string(left)));
}

TEST(HooksApi, TheMailerServicesAddressFindsTheUpstreamByItsLogin) {
  HooksServer hooks;
  const MessageId id = hooks.sent("jet2", "70650219165027411");
  const std::string body = json::serialize(mailjet("click", "70650219165027411"));
  EXPECT_EQ(hooks.report("/events", body, "hooks:of-nobody").status, 401);
  const Answer answer = hooks.report("/events", body, "hooks:of-jet2");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(hooks.events(id, "clicked").size(), 1u);
}

TEST(HooksApi, OfUpstreamsThatShareALoginTheOneThatHadTheMessageIsMeant) {
  std::vector<UpstreamConfig> upstreams = {reporting("jet", UpstreamType::mailjet),
                                           reporting("jet2", UpstreamType::mailjet)};
  upstreams[1].webhook_password = upstreams[0].webhook_password;
  HooksServer hooks({}, std::move(upstreams));
  const MessageId first = hooks.sent("jet", "70650219165027411"), second = hooks.sent("jet2", "70650219165027412"),
                  third = hooks.sent("jet2", "70650219165027413");
  json::object by_our_id = mailjet("open", "70650219165027499");  // an id that we were never given
  by_our_id["CustomID"] = third.str();
  const json::array events{mailjet("sent", "70650219165027411"), mailjet("sent", "70650219165027412"), by_our_id};
  const Answer answer = hooks.report("/events", json::serialize(events), "hooks:of-jet");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.json().at("recorded"), 3);
  EXPECT_EQ(hooks.state(first), "delivered");
  EXPECT_EQ(hooks.state(second), "delivered");
  EXPECT_EQ(hooks.events(second, "delivered").at(0).at("upstream"), "jet2");
  EXPECT_EQ(hooks.events(third, "opened").at(0).at("upstream"), "jet2");
  EXPECT_TRUE(hooks.metrics_say("postrider_hook_events_total{upstream=\"jet2\",type=\"delivered\"} 1"));
}

TEST(HooksApi, WithoutMailjetTheMailerServiceHasNoReceiver) {
  HooksServer hooks({}, {reporting("post", UpstreamType::postmark)});
  EXPECT_EQ(hooks.report("/events", "[]", kPostmark).status, 404);
}

TEST(HooksApi, TakesNoMoreAtATimeThanItsLimit) {
  HookLimits limits;
  limits.at_once = 0;
  HooksServer hooks(limits);
  EXPECT_EQ(hooks.report("/hooks/post", delivered("pm-1"), kPostmark).status, 503);
}

TEST(HooksApi, FetchesACertificateOfAmazonsOnceAndNoOther) {
  HooksServer hooks;
  hooks.http.answer_by([](const net::HttpExchange&) { return answered(200, "-----BEGIN CERTIFICATE-----\n"); });
  EXPECT_EQ(hooks.report("/hooks/amazon", sns("sns.eu-central-1.amazonaws.com.evil.example")).status, 403);
  EXPECT_TRUE(hooks.http.asked().empty());
  EXPECT_EQ(hooks.report("/hooks/amazon", sns()).status, 403);  // its signature fits no certificate
  EXPECT_EQ(hooks.report("/hooks/amazon", sns()).status, 403);
  const auto asked = hooks.http.asked();
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].method, "GET");
  EXPECT_EQ(asked[0].url, "https://sns.eu-central-1.amazonaws.com/key.pem");
}

TEST(HooksApi, ACertificateThatCannotBeHadIsNoVerdict) {
  HooksServer hooks;
  EXPECT_EQ(hooks.report("/hooks/amazon", sns()).status, 503);
  EXPECT_EQ(hooks.report("/hooks/amazon", sns()).status, 503);
  EXPECT_EQ(hooks.http.asked().size(), 1u);  // not asked for again at once
}

TEST(HooksApi, StrangersCannotMakeItFetchWithoutEnd) {
  HookLimits limits;
  limits.certificates.fetching = 2;
  HooksServer hooks(limits);
  hooks.http.keep_back();
  std::vector<std::unique_ptr<RawClient>> clients;
  for (const std::string file : {"a.pem", "b.pem"}) {
    const std::string body = sns("sns.eu-central-1.amazonaws.com", file);
    clients.push_back(std::make_unique<RawClient>(hooks.server.endpoint()));
    clients.back()->send("POST /hooks/amazon HTTP/1.1\r\nHost: test\r\n" + HooksServer::fields("") +
                         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  while (hooks.http.under_way() < 2) std::this_thread::yield();
  EXPECT_EQ(hooks.report("/hooks/amazon", sns("sns.eu-central-1.amazonaws.com", "c.pem")).status, 503);
  hooks.http.release();
  for (const auto& client : clients) EXPECT_EQ(client->read_answer().status, 503);
  EXPECT_EQ(hooks.http.asked().size(), 2u);
}

}  // namespace
}  // namespace postrider::mgmt::test
