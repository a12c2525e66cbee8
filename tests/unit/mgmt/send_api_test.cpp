// POST /v1/messages: what an application sends, and what is stored of it.
#include <gtest/gtest.h>

#include "tests/unit/mgmt/send_server.h"

namespace postrider::mgmt::test {
namespace {

using Pointers = std::vector<std::string>;

constexpr const char* kPlain = R"({"from":"shop@shop.example","to":"user@example.net","subject":"Hello","text":"Hi"})";

TEST(SendApi, AMessageIsStoredAndItsIdComesBack) {
  SendServer server;
  const Answer answer = server.post("/v1/messages", kPlain);
  ASSERT_EQ(answer.status, 202) << answer.body;
  const boost::json::object accepted = answer.json();
  const std::string id = text_at(accepted, "id");
  EXPECT_EQ(answer.header("location"), "/v1/messages/" + id);
  EXPECT_EQ(accepted.at("state"), "queued");
  EXPECT_EQ(text_at(accepted, "message_id"), "<" + id + "@relay.test>");
  const boost::json::object message = server.message(id);
  EXPECT_EQ(message.at("sender"), "shop@shop.example");
  EXPECT_EQ(message.at("door"), "http");
  EXPECT_EQ(message.at("client"), "127.0.0.1");
  EXPECT_EQ(message.at("subject"), "Hello");
  EXPECT_EQ(message.at("message_id"), accepted.at("message_id"));
  EXPECT_TRUE(message.at("batch").is_null());
  EXPECT_TRUE(message.at("tenant").is_null());
  const std::string octets = server.octets(id);
  EXPECT_TRUE(octets.starts_with("Received: from [127.0.0.1] ([127.0.0.1])\r\n\tby relay.test with HTTP id " + id))
      << octets;
  EXPECT_TRUE(octets.ends_with("\r\n\r\nHi\r\n")) << octets;
}

TEST(SendApi, EveryFieldArrivesWhereItBelongs) {
  SendServer server;
  const Answer answer = server.api.call_as_tenant("POST", "/v1/messages", R"({
    "from": {"email": "shop@shop.example", "name": "Der Lädt"},
    "to": ["Ann <ann@example.net>", {"email": "bob@example.net"}],
    "cc": "carl@example.net", "bcc": ["dora@example.net", "ann@EXAMPLE.net"],
    "reply_to": "help@shop.example", "subject": "Größe",
    "text": "Hi", "html": "<img src='cid:logo'>",
    "attachments": [{"filename": "a.txt", "content": "SGFs\nbG8=", "content_type": "text/plain"},
                    {"content": "AA==", "content_type": "image/png", "cid": "logo"}],
    "headers": {"X-Order": 4711}, "tags": ["invoice", "monthly"], "metadata": {"order": "4711", "paid": true},
    "lane": "high", "send_at": "2100-01-01T00:00:00Z", "expires_in": "2h", "retries": {"count": 7, "interval": "1m"},
    "notify": ["failure", "delay"]})");
  EXPECT_EQ(pointers_of(answer), Pointers{"/send_at"}) << "a week is the limit";
  const std::string soon = format_rfc3339(net::SystemClock().now() + std::chrono::hours(2));
  std::string body = R"({"from":{"email":"shop@shop.example","name":"Der Lädt"},
    "to":["Ann <ann@example.net>",{"email":"bob@example.net"}],"cc":"carl@example.net",
    "bcc":["dora@example.net","ann@EXAMPLE.net"],"reply_to":"help@shop.example","subject":"Größe","text":"Hi",
    "html":"<img src='cid:logo'>","attachments":[{"filename":"a.txt","content":"SGFs\nbG8=","content_type":"text/plain"},
    {"content":"AA==","content_type":"image/png","cid":"logo"}],"headers":{"X-Order":4711},"tags":["invoice","monthly"],
    "metadata":{"order":"4711","paid":true},"lane":"high","send_at":")" +
                     soon + R"(","expires_in":"2h",
    "retries":{"count":7,"interval":"1m"},"notify":["failure","delay"]})";
  const Answer sent = server.api.call_as_tenant("POST", "/v1/messages", body);
  ASSERT_EQ(sent.status, 202) << sent.body;
  const boost::json::object message = server.message(text_at(sent.json(), "id"));
  ASSERT_EQ(message.at("recipients").as_array().size(), 4u) << "who is named twice gets it once";
  EXPECT_EQ(message.at("tenant"), "shop");
  EXPECT_EQ(message.at("lane"), "high");
  EXPECT_EQ(text_at(message, "next_try_at"), soon);
  EXPECT_EQ(text_at(message, "expires_at"), format_rfc3339(*parse_rfc3339(soon) + std::chrono::hours(2)));
  EXPECT_EQ(boost::json::serialize(message.at("retry")), R"({"retries":7,"interval":"1m"})");
  EXPECT_EQ(boost::json::serialize(message.at("tags")), R"(["invoice","monthly"])");
  EXPECT_EQ(boost::json::serialize(message.at("metadata")), R"({"order":"4711","paid":"true"})");
  const std::string octets = server.octets(text_at(message, "id"));
  EXPECT_EQ(octets.find("dora"), std::string::npos);
  EXPECT_NE(octets.find("To: Ann <ann@example.net>, bob@example.net\r\n"), std::string::npos) << octets;
  EXPECT_NE(octets.find("Reply-To: help@shop.example\r\n"), std::string::npos);
  EXPECT_NE(octets.find("X-Order: 4711\r\n"), std::string::npos);
  EXPECT_NE(octets.find("multipart/related"), std::string::npos);
}

TEST(SendApi, EveryFaultIsNamedAtOnce) {
  SendServer server;
  const Answer answer = server.post("/v1/messages", R"({
    "to": ["nobody", {"name": "x"}, 7], "subject": "a\nb", "txt": "x",
    "attachments": [{"filename": "a", "content": "%%%", "size": 3}], "lane": "fast", "send_at": "tomorrow",
    "expires_in": "0", "retries": {"count": -1}, "notify": ["always"], "tags": "x", "metadata": [], "headers": {"Bcc": "x"}})");
  EXPECT_EQ(answer.status, 422);
  EXPECT_EQ(answer.header("content-type"), "application/problem+json");
  EXPECT_EQ(answer.json().at("type"), "/problems/validation");
  const Pointers expected{
      "/to/0", "/to/1/email", "/to/2",       "/attachments/0/content", "/attachments/0/size", "/metadata", "/tags",
      "/lane", "/send_at",    "/expires_in", "/retries/count",         "/notify/0",           "/notify",   "/txt",
      "/from", "/subject",    "/headers/Bcc"};
  EXPECT_EQ(pointers_of(answer), expected) << answer.body;
  EXPECT_EQ(server.count(), 0u);
}

TEST(SendApi, WhatTheServerDoesNotAllowIsNamedWithTheRest) {
  SendServer server;
  const std::string good = R"("from":"a@shop.example","to":"b@example.net","subject":"s","text":"t")";
  const auto pointers = [&](const std::string& more) {
    return pointers_of(server.post("/v1/messages", "{" + good + "," + more + "}"));
  };
  EXPECT_EQ(pointers(R"("retries":{"count":100000,"interval":"0s"},"tags":[""])"),
            (Pointers{"/tags/0", "/retries/count", "/retries/interval"}));
  EXPECT_EQ(pointers(R"("retries":100000)"), Pointers{"/retries"});
  EXPECT_EQ(pointers(R"("send_at":"2100-01-01T00:00:00Z","lane":"zz")"), (Pointers{"/lane", "/send_at"}));
  EXPECT_EQ(pointers(R"("attachments":[{"filename":"a\nb","content":"eA==","content_type":"x","cid":"a b"}])"),
            (Pointers{"/attachments/0/filename", "/attachments/0/content_type", "/attachments/0/cid"}));
  EXPECT_EQ(pointers(R"("raw":7)"), Pointers{"/raw"});
}

TEST(SendApi, WhatIsNoJsonOrNoObjectIsRefused) {
  SendServer server;
  for (const std::string& body :
       std::vector<std::string>{"", "{", "[]", "7", "{\"from\":\"\xff\"}", std::string(5000, '[')}) {
    const Answer answer = server.post("/v1/messages", body);
    EXPECT_TRUE(answer.status == 422 || answer.status == 400) << body << answer.body;
    EXPECT_EQ(pointers_of(answer), Pointers{""}) << body;
  }
  EXPECT_EQ(server.api
                .call_raw("POST", "/v1/messages",
                          std::string("Authorization: Bearer ") + kToken + "\r\nContent-Type: text/plain\r\n", "x")
                .status,
            415);
}

TEST(SendApi, RawMessagesGoAsTheyAre) {
  SendServer server;
  const std::string raw =
      "From: Shop <shop@shop.example>\nTo: ann@example.net, \"Bob @home\" <bob@example.net> (his @work)\nBcc: "
      "secret@example.net\n"
      "Subject: raw\nX-Postrider-Tag: from-the-header\n\n.dot\nline\n";
  const Answer answer = server.post_raw("/v1/messages", raw);
  ASSERT_EQ(answer.status, 202) << answer.body;
  const boost::json::object message = server.message(text_at(answer.json(), "id"));
  EXPECT_EQ(message.at("sender"), "shop@shop.example");
  EXPECT_EQ(message.at("recipients").as_array().size(), 3u);
  EXPECT_EQ(boost::json::serialize(message.at("tags")), R"(["from-the-header"])");
  const std::string octets = server.octets(text_at(message, "id"));
  EXPECT_TRUE(octets.ends_with("\r\n\r\n.dot\r\nline\r\n")) << octets;
  EXPECT_EQ(octets.find("secret"), std::string::npos);
  EXPECT_NE(octets.find("Message-ID: " + text_at(answer.json(), "message_id")), std::string::npos);

  const Answer enveloped =
      server.post_raw("/v1/messages?from=bounces@shop.example&to=one@example.net,two@example.net", raw);
  ASSERT_EQ(enveloped.status, 202) << enveloped.body;
  const boost::json::object other = server.message(text_at(enveloped.json(), "id"));
  EXPECT_EQ(other.at("sender"), "bounces@shop.example");
  EXPECT_EQ(other.at("recipients").as_array().size(), 2u);

  const Answer json = server.post(
      "/v1/messages", R"({"raw":"From: a@shop.example\r\nMessage-ID: <own@x>\r\n\r\nx","to":"b@example.net"})");
  ASSERT_EQ(json.status, 202) << json.body;
  EXPECT_EQ(json.json().at("message_id"), "<own@x>");
}

TEST(SendApi, RawMessagesThatCannotBeSentAreRefused) {
  SendServer server;
  for (const std::string raw : {"To: a@example.net\r\n\r\nno sender", "From: a@shop.example\r\n\r\nno recipient",
                                "no header", "From: a@shop.example\r\nTo: a@example.net, b@@c\r\n\r\nx",
                                "From: a@shop.example\r\nTo: a@example.net; b@example.net\r\n\r\nx",
                                "From: a@shop.example\r\nTo: root\r\n\r\nx", "\r\nx", ""}) {
    const Answer answer = server.post_raw("/v1/messages", raw);
    EXPECT_EQ(answer.status, 422) << raw << answer.body;
  }
  std::string with_nul = "From: a@shop.example\r\nTo: b@example.net\r\n\r\n";
  with_nul += '\0';
  EXPECT_EQ(server.post_raw("/v1/messages", with_nul).status, 422);
  EXPECT_EQ(server.post_raw("/v1/messages?to=nobody", "From: a@shop.example\r\n\r\n").json().at("type"),
            "/problems/invalid-parameter");
  EXPECT_EQ(server.post("/v1/messages?to=a@example.net", kPlain).status, 400);
  EXPECT_EQ(
      server.post_raw("/v1/messages", "From: a@shop.example\r\nTo: b@example.net\r\nX-Postrider-Lane: fast\r\n\r\nx")
          .status,
      422);
  EXPECT_EQ(server.count(), 0u);
}

TEST(SendApi, NobodyInTheHeaderOfARawMessageIsLeftOut) {
  SendServer server;
  const std::string from = "From: a@shop.example\r\n";
  for (const std::string field :
       {"To: b@example.net, bad address", "To: b@example.net, John Smith", "To: bad address\r\nCc: b@example.net",
        "To: b@example.net, \"c, d\"", "Bcc: all: b@example.net, nobody;", "To: b@example.net, bad"}) {
    const Answer answer = server.post_raw("/v1/messages", from + field + "\r\nSubject: r\r\n\r\nx");
    EXPECT_EQ(pointers_of(answer), Pointers{""}) << field << answer.body;
    EXPECT_NE(answer.body.find("cannot be read"), std::string::npos) << answer.body;
  }
  EXPECT_EQ(server.count(), 0u);
  const Answer placed = server.post("/v1/messages", R"({"raw":"From: a@x.example\nTo: b@y.example, b@@c\n\nx"})");
  EXPECT_EQ(pointers_of(placed), Pointers{"/raw"}) << "nothing follows from a header that cannot be read";
  for (const std::string field :
       {"To: b@example.net,, c@example.net,", "To: team: b@example.net, c@example.net;\r\nCc: undisclosed-recipients:;",
        "To: \"Smith, B\" <b@example.net>, c@example.net (sales, north)", "To: b@example.net,\r\n c@example.net",
        "To: B <b@example.net>\r\nCc: =?utf-8?Q?C=C3=A9?= <c@example.net>"}) {
    const Answer answer = server.post_raw("/v1/messages", from + field + "\r\n\r\nx");
    EXPECT_EQ(answer.status, 202) << field << answer.body;
    const std::string path = "/v1/messages/" + text_at(answer.json(), "id");
    EXPECT_EQ(server.api.call("GET", path).json().at("recipients").as_array().size(), 2u) << field;
  }
  EXPECT_EQ(server.post_raw("/v1/messages?to=b@example.net", from + "To: our friends\r\n\r\nx").status, 202)
      << "the envelope names them";
}

TEST(SendApi, RecipientsOutsideARawMessageMakeItsOwnNoMatter) {
  SendServer server;
  const std::string from = "From: a@shop.example\r\n";
  for (const std::string fields : {"To: Friends", "To: root", "To: b@@c", "Cc: bad address <",
                                   "To: a: b: c@example.net;;", "Bcc: x@example.net, y"}) {
    EXPECT_EQ(server.post_raw("/v1/messages?to=b@example.net", from + fields + "\r\n\r\nx").status, 202) << fields;
    const std::string json =
        R"({"to":"b@example.net","raw":")" + std::string("From: a@shop.example\\n") + fields + R"(\n\nx"})";
    EXPECT_EQ(server.post("/v1/messages", json).status, 202) << json;
    EXPECT_EQ(server.post_raw("/v1/messages", from + fields + "\r\n\r\nx").status, 422) << fields;
  }
  EXPECT_EQ(server.post_raw("/v1/messages?to=b@example.net", "From: a@@b\r\n\r\nx").status, 422)
      << "who it is from decides whether it may be sent";
}

TEST(SendApi, GroupsInGroupsAreRefusedBeforeTheyAreFollowed) {
  SendServer server;
  const std::string from = "From: a@shop.example\r\n";
  EXPECT_EQ(server.post_raw("/v1/messages", from + "To: all: b@example.net, c@example.net;\r\n\r\nx").status, 202);
  std::string groups;
  while (groups.size() < 500'000) groups += "a:";
  for (const std::string field : {"To: a: b: c@example.net;;", "Resent-From: a: b: c@example.net;;"})
    EXPECT_EQ(server.post_raw("/v1/messages", from + "Cc: d@example.net\r\n" + field + "\r\n\r\nx").status, 422)
        << field;
  for (const std::string name : {"To: ", "Sender: ", "Reply-To: ", "Resent-Sender: "}) {
    const Answer answer = server.post_raw("/v1/messages?to=b@example.net", from + name + groups + "\r\n\r\nx");
    EXPECT_EQ(answer.status, 422) << name;
    EXPECT_NE(answer.body.find("too many groups"), std::string::npos) << answer.body;
  }
}

// Whether it is only asked for or done: what the header of a raw message asks for is checked.
TEST(SendApi, ARawMessageAsksForEachThingOnce) {
  SendServer server;
  const auto ask = [&](const std::string& target, const std::string& fields, const std::string& members) {
    return server.post(
        target, R"({"raw":"From: a@shop.example\r\n)" + fields + R"(\r\n\r\nx","to":"b@example.net")" + members + "}");
  };
  const std::vector<std::pair<std::string, std::string>> twice = {
      {"x-postrider-lane: high", R"("lane":"normal")"},
      {"X-Postrider-Send-At: 2020-01-31T08:15:00Z", R"("send_at":"2020-01-31T08:15:00Z")"},
      {"X-Postrider-Expires-In: 1h", R"("expires_in":"2h")"},
      {"X-Postrider-Retries: 3", R"("retries":4)"},
      {"X-Postrider-Retry-Interval: 10m", R"("retries":{"interval":"20m"})"}};
  for (const auto& [field, member] : twice) {
    const Answer refused = ask("/v1/messages", field, "," + member);
    EXPECT_EQ(refused.status, 422) << field;
    EXPECT_EQ(pointers_of(refused).at(0), "/raw");
    EXPECT_NE(refused.body.find("say it once"), std::string::npos) << refused.body;
    EXPECT_EQ(ask("/v1/validate", field, "," + member).json().at("valid"), false) << field;
  }
  for (const std::string target : {"/v1/messages", "/v1/validate"}) {
    const Answer wrong = ask(target, "X-Postrider-Lane: urgent", "");
    EXPECT_NE(wrong.body.find("X-Postrider-Lane"), std::string::npos) << wrong.body;
    EXPECT_NE(wrong.body.find("/raw"), std::string::npos) << wrong.body;
  }
  EXPECT_EQ(ask("/v1/validate", "X-Postrider-Lane: high", R"(,"retries":3)").json().at("valid"), true);
  EXPECT_EQ(server.count(), 0u);
  const Answer sent = ask("/v1/messages", "X-Postrider-Lane: high\\r\\nX-Postrider-Tag: one", R"(,"tags":["two"])");
  ASSERT_EQ(sent.status, 202) << sent.body;
  const boost::json::object message = server.message(text_at(sent.json(), "id"));
  EXPECT_EQ(message.at("lane"), "high");
  EXPECT_EQ(message.at("tags").as_array().size(), 2u);
}

TEST(SendApi, SendersAndGuardsOfTheCredentialHold) {
  ServerSetup setup;
  storage::ApiKeyRecord bound = shop_key("bound");
  bound.senders = {"*@shop.example"};
  setup.keys.emplace_back(bound, "pr_bound");
  storage::ApiKeyRecord guarded = shop_key("guarded");
  guarded.guard.allow_recipients = {"@example.net"};
  setup.keys.emplace_back(guarded, "pr_guarded");
  storage::ApiKeyRecord staging = shop_key("staging");
  staging.guard.redirect_to = "qa@shop.example";
  setup.keys.emplace_back(staging, "pr_staging");
  storage::ApiKeyRecord reader = shop_key("reader");
  reader.scopes = {Scope::read};
  setup.keys.emplace_back(reader, "pr_reader");
  SendServer server(std::move(setup));
  const auto send = [&](const std::string& token, const std::string& from, const std::string& to) {
    return server.api.call_with(token, "POST", "/v1/messages",
                                R"({"from":")" + from + R"(","to":)" + to + R"(,"text":"x"})");
  };
  EXPECT_EQ(send("pr_bound", "a@shop.example", R"("b@example.net")").status, 202);
  const Answer other = send("pr_bound", "a@bank.example", R"("b@example.net")");
  EXPECT_EQ(other.status, 403);
  EXPECT_EQ(other.json().at("type"), "/problems/sender-not-allowed");
  EXPECT_EQ(pointers_of(other), Pointers{"/from"});
  const Answer raw =
      server.api.call_with("pr_bound", "POST", "/v1/messages",
                           R"({"from":"a@shop.example","to":"b@example.net","raw":"From: ceo@bank.example\r\n\r\nx"})");
  EXPECT_EQ(raw.status, 403) << "nor in the header of a raw message";
  for (const std::string field : {"Sender", "Resent-From", "Resent-Sender"}) {
    const auto shown = [&](const std::string& address) {
      return server.api.call_with(
          "pr_bound", "POST", "/v1/messages",
          R"({"to":"b@example.net","raw":"From: a@shop.example\r\n)" + field + ": <" + address + R"(>\r\n\r\nx"})");
    };
    EXPECT_EQ(shown("ceo@bank.example").status, 403) << field;
    EXPECT_EQ(shown("b@shop.example").status, 202) << field;
  }

  const Answer refused = send("pr_guarded", "a@shop.example", R"(["b@example.net","c@other.example"])");
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(refused.json().at("type"), "/problems/recipient-not-allowed");
  EXPECT_EQ(pointers_of(refused), Pointers{"/to/1"});

  const Answer redirected = send("pr_staging", "a@shop.example", R"(["b@example.net","c@example.net"])");
  ASSERT_EQ(redirected.status, 202) << redirected.body;
  const boost::json::object message = server.message(text_at(redirected.json(), "id"));
  ASSERT_EQ(message.at("recipients").as_array().size(), 1u);
  EXPECT_EQ(message.at("recipients").as_array()[0].at("address"), "qa@shop.example");
  EXPECT_EQ(message.at("recipients").as_array()[0].at("redirected_from"), "b@example.net, c@example.net");
  EXPECT_EQ(send("pr_reader", "a@shop.example", R"("b@example.net")").status, 403);
}

TEST(SendApi, TheLimitsOfAKeyAreToldAndKept) {
  ServerSetup setup;
  storage::ApiKeyRecord slow = shop_key("slow");
  slow.per_minute = 3;
  setup.keys.emplace_back(slow, "pr_slow");
  SendServer server(std::move(setup));
  const auto send = [&](const std::string& to) {
    return server.api.call_with("pr_slow", "POST", "/v1/messages",
                                R"({"from":"a@shop.example","to":)" + to + R"(,"text":"x"})");
  };
  const Answer two = send(R"(["a@example.net","b@example.net"])");
  ASSERT_EQ(two.status, 202) << two.body;
  EXPECT_EQ(two.header("ratelimit-limit"), "3");
  EXPECT_EQ(two.header("ratelimit-remaining"), "1");
  const Answer more = send(R"(["a@example.net","b@example.net"])");
  EXPECT_EQ(more.status, 429);
  EXPECT_FALSE(more.header("retry-after").empty());
  EXPECT_EQ(send(R"("a@example.net")").status, 202) << "what was refused took no room";
}

TEST(SendApi, WhatIsTooLargeIsRefusedWithTheLimit) {
  relay::SubmissionOptions options = submission_options();
  options.max_message_size = 10'000;
  SendServer server({}, options);
  const Answer answer = server.post(
      "/v1/messages", R"({"from":"a@shop.example","to":"b@example.net","text":")" + std::string(11'000, 'x') + "\"}");
  EXPECT_EQ(answer.status, 413);
  EXPECT_NE(text_at(answer.json(), "detail").find("10000"), std::string::npos);
  const Answer nearly = server.post(
      "/v1/messages", R"({"from":"a@shop.example","to":"b@example.net","text":")" + std::string(9'950, 'x') + "\"}");
  EXPECT_EQ(nearly.status, 413) << "with its header it is too large after all";
  EXPECT_EQ(server.count(), 0u);
}

TEST(SendApi, TroubleOfOursIsNeverPermanent) {
  SendServer server;
  server.api.store().fail_writes(true);
  const Answer answer = server.post("/v1/messages", kPlain);
  EXPECT_EQ(answer.status, 503) << answer.body;
  EXPECT_FALSE(answer.header("retry-after").empty());
  server.api.store().fail_writes(false);
  EXPECT_EQ(server.count(), 0u);
  ServerSetup full;
  full.store.high_water_bytes = 1;
  SendServer other(std::move(full));
  other.post("/v1/messages", kPlain);  // the one that fills it
  const Answer no_room = other.post("/v1/messages", kPlain);
  EXPECT_EQ(no_room.status, 503);
  EXPECT_EQ(no_room.json().at("type"), "/problems/spool-full");
}

TEST(SendApi, TheSameKeyAnswersTheSame) {
  SendServer server;
  const Answer first = server.post_with("/v1/messages", "Idempotency-Key: \"order-1\"\r\n", kPlain);
  ASSERT_EQ(first.status, 202) << first.body;
  EXPECT_EQ(first.header("idempotency-replayed"), "");
  const Answer again = server.post_with("/v1/messages", "Idempotency-Key: order-1\r\n", kPlain);
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(again.header("idempotency-replayed"), "true");
  const Answer other = server.post_with("/v1/messages", "Idempotency-Key: order-1\r\n",
                                        R"({"from":"shop@shop.example","to":"user@example.net","text":"other"})");
  EXPECT_EQ(other.status, 422);
  EXPECT_EQ(other.json().at("type"), "/problems/idempotency-key-reused");
  EXPECT_EQ(server.count(), 1u);
  // Another credential's key of the same name is another key.
  const std::string headers = std::string("Authorization: Bearer ") + kTenantToken +
                              "\r\nContent-Type: application/json\r\nIdempotency-Key: order-1\r\n";
  EXPECT_NE(server.api.call_raw("POST", "/v1/messages", headers, kPlain).body, first.body);
  EXPECT_EQ(server.count(), 2u);
  for (const std::string& key : std::vector<std::string>{"\"", "\"a\" x", "\"\\x\"", std::string(257, 'k'), "ü"})
    EXPECT_EQ(server.post_with("/v1/messages", "Idempotency-Key: " + key + "\r\n", kPlain).status, 400) << key;
}

TEST(SendApi, ARequestThatWasRefusedDoesNotUseItsKeyUp) {
  SendServer server;
  const std::string key = "Idempotency-Key: k\r\n";
  EXPECT_EQ(server.post_with("/v1/messages", key, R"({"from":"a@shop.example"})").status, 422);
  EXPECT_EQ(server.post_with("/v1/messages", key, kPlain).status, 202);
}

TEST(SendApi, DeleteCancels) {
  SendServer server;
  const std::string id = text_at(server.post("/v1/messages", kPlain).json(), "id");
  const Answer answer = server.api.call("DELETE", "/v1/messages/" + id);
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json().at("state"), "cancelled");
  const Answer again = server.api.call("DELETE", "/v1/messages/" + id);
  EXPECT_EQ(again.status, 409);
  EXPECT_NE(text_at(again.json(), "detail").find("cancelled"), std::string::npos);
}

TEST(SendApi, MessagesAreFoundByTagAndBatch) {
  SendServer server;
  server.post("/v1/messages", R"({"from":"a@shop.example","to":"b@example.net","text":"x","tags":["invoice"]})");
  server.post("/v1/messages", kPlain);
  EXPECT_EQ(server.api.call("GET", "/v1/messages?tag=invoice").json().at("messages").as_array().size(), 1u);
  EXPECT_EQ(server.api.call("GET", "/v1/messages?tag=none").json().at("messages").as_array().size(), 0u);
  EXPECT_EQ(server.api.call("GET", "/v1/messages?batch=x").status, 400);
  EXPECT_EQ(server.post("/v1/messages/cancel?tag=invoice", "").json().at("changed"), 1);
}

}  // namespace
}  // namespace postrider::mgmt::test
