// Postmark's POST /email and /email/batch: what becomes of each field, and what is refused with its numbers.
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "tests/unit/mgmt/vendor_fixture.h"

namespace postrider::mgmt::test {
namespace {

namespace json = boost::json;

json::object mail() {
  return json::parse(R"({"From":"\"Shop, the\" <app@shop.example>","To":"A <a@example.net>, b@example.net",
      "Subject":"Grüße","TextBody":"plain","HtmlBody":"<img src=cid:logo>"})")
      .as_object();
}

Answer send(VendorServer& server, const json::object& mail) {
  return server.post("/email", json::serialize(mail));
}

int code_of(const json::value& result) {
  return result.at("ErrorCode").to_number<int>();
}

std::string message_of(const json::value& result) {
  return std::string(result.at("Message").as_string());
}

TEST(Postmark, SendsAMailWithAllThatPostriderKnows) {
  VendorServer server(&add_postmark);
  json::object all = mail();
  all["Cc"] = "c@example.net";
  all["Bcc"] = "d@example.net";
  all["ReplyTo"] = "r@shop.example, s@shop.example";
  all["Tag"] = "welcome";
  all["Metadata"] = json::parse(R"({"order":"5","count":7})");
  all["Headers"] = json::parse(R"([{"Name":"X-Order","Value":"5"},{"Name":"X-Order","Value":"6"}])");
  all["Attachments"] = json::parse(
      R"([{"Name":"logo.png","Content":"UE5H","ContentType":"image/png","ContentID":"cid:logo","ContentLength":3},
          {"Name":"a.txt","Content":"SEk=","ContentType":"text/plain","ContentID":null}])");
  all["MessageStream"] = "outbound";
  all["TrackOpens"] = false;
  all["TrackLinks"] = "None";
  const Answer answer = send(server, all);
  EXPECT_EQ(answer.status, 200) << answer.body;
  const json::object message = server.only_message();
  const json::object result = answer.json();
  EXPECT_EQ(code_of(result), 0);
  EXPECT_EQ(message_of(result), "OK");
  EXPECT_EQ(result.at("To").as_string(), "A <a@example.net>, b@example.net");
  const std::string uuid(result.at("MessageID").as_string());
  EXPECT_EQ(MessageId::parse(uuid), MessageId::parse(message.at("id").as_string()));
  EXPECT_EQ(uuid.size(), 36u);
  EXPECT_EQ(server.api.call("GET", "/v1/messages/" + uuid).status, 200) << "found by that name as well";
  EXPECT_EQ(recipients_of(message), "a@example.net,b@example.net,c@example.net,d@example.net");
  EXPECT_EQ(texts_of(message.at("tags")), "welcome");
  EXPECT_EQ(json::serialize(message.at("metadata")), R"({"order":"5","count":"7"})");
  const std::string octets = server.octets_of(message);
  for (const char* line : {"From: \"Shop, the\" <app@shop.example>\r\n", "Cc: c@example.net\r\n", "X-Order: 5\r\n",
                           "X-Order: 6\r\n", "Content-Id: <logo>\r\n", "Reply-To: r@shop.example, s@shop.example\r\n"})
    EXPECT_TRUE(has(octets, line)) << line << octets;
  EXPECT_FALSE(has(octets, "d@example.net"));
}

struct Case {
  const char* member;
  const char* value;
  int code;
  const char* message;  // a part of it
};

TEST(Postmark, RefusesWithItsNumbers) {
  VendorServer server(&add_postmark);
  const Case cases[] = {
      {"From", "null", 300, "From: "},
      {"From", R"("nobody")", 300, "From: "},
      {"From", R"("a@shop.example, b@shop.example")", 300, "From: "},
      {"To", R"("")", 300, "To: "},
      {"To", R"("a@example.net, nobody")", 300, "To: "},
      {"To", R"("a@example.net\r\nBcc: x@example.net")", 300, "To: "},
      {"Cc", R"("<<")", 300, "Cc: "},
      {"ReplyTo", R"("nobody")", 300, "ReplyTo: "},
      {"Subject", R"("a\r\nBcc: x@example.net")", 300, "Subject: "},
      {"TrackOpens", "true", 300, "TrackOpens: opens are not tracked"},
      {"TrackLinks", R"("HtmlAndText")", 300, "TrackLinks: links are not tracked"},
      {"MessageStream", R"("broadcast")", 1235, "'broadcast'"},
      {"Tag", "7", 300, "Tag: "},
      {"Metadata", R"({"a":[]})", 300, "Metadata.a: "},
      {"Headers", R"([{"Name":"X A","Value":"b"}])", 300, "Headers.X A: "},
      {"Headers", R"([{"Name":"X-A","Value":"b\nBcc: x@example.net"}])", 300, "Headers.X-A: "},
      {"Headers", R"([{"Nam":"X-A","Value":"b"}])", 300, "Headers.0.Nam: "},
      {"Attachments", R"([{"Name":"a","Content":"*"}])", 300, "Attachments.0.Content: "},
      {"Attachments", R"([{"Content":"UE5H"}])", 300, "Attachments.0.Name: "},
      {"Attachments", R"([{"Name":"a","Content":"UE5H","Disposition":"inline"}])", 300, "Attachments.0.Disposition: "},
      {"TemplateId", "7", 300, "TemplateId: there is no such field"},
      {"InlineCss", "true", 300, "InlineCss: "}};
  for (const Case& c : cases) {
    json::object wrong = mail();
    wrong[c.member] = json::parse(c.value);
    const Answer answer = send(server, wrong);
    EXPECT_EQ(answer.status, 422) << c.member << " " << c.value;
    EXPECT_EQ(code_of(answer.json()), c.code) << answer.body;
    EXPECT_TRUE(has(message_of(answer.json()), c.message)) << c.value << " " << answer.body;
  }
  json::object empty = mail();
  empty.erase("TextBody");
  empty.erase("HtmlBody");
  EXPECT_TRUE(has(message_of(send(server, empty).json()), "Provide either email TextBody or HtmlBody or both."));
  const Answer no_json = server.post("/email", "{");
  EXPECT_EQ(no_json.status, 422);
  EXPECT_EQ(code_of(no_json.json()), 402);
  for (const char* path : {"/email/withTemplate", "/email/batchWithTemplates", "/email/bulk"}) {
    const Answer templates = server.post(path, "{}");
    EXPECT_EQ(templates.status, 422);
    EXPECT_EQ(code_of(templates.json()), 1101);
  }
  EXPECT_TRUE(server.messages().empty());
}

TEST(Postmark, WhatIsReadAndWhatIsCheckedIsToldAtOnce) {
  VendorServer server(&add_postmark);
  json::object wrong = mail();
  wrong["MessageStream"] = "broadcast";
  wrong["TrackOpens"] = true;
  wrong["Subject"] = "a\r\nb";
  const Answer answer = send(server, wrong);
  EXPECT_EQ(code_of(answer.json()), 300) << "the stream's own number is for the stream alone";
  for (const char* place : {"MessageStream: ", "TrackOpens: ", "Subject: "})
    EXPECT_TRUE(has(message_of(answer.json()), place)) << answer.body;
  EXPECT_TRUE(server.messages().empty());
}

TEST(Postmark, EachMessageOfABatchHasItsResult) {
  VendorServer server(&add_postmark);
  json::object bad = mail(), stream = mail(), good = mail();
  bad["To"] = "nobody";
  stream["MessageStream"] = "broadcast";
  good["To"] = "z@example.net";
  const Answer answer = server.post("/email/batch", json::serialize(json::array{mail(), bad, stream, 7, good}));
  EXPECT_EQ(answer.status, 200) << answer.body;
  const json::array results = json::parse(answer.body).as_array();
  ASSERT_EQ(results.size(), 5u);
  const int codes[] = {0, 300, 1235, 300, 0};
  for (std::size_t i = 0; i < results.size(); ++i) EXPECT_EQ(code_of(results[i]), codes[i]) << i;
  EXPECT_EQ(results[4].at("To").as_string(), "z@example.net");
  const json::array messages = server.messages();
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].at("batch"), messages[1].at("batch"));
}

TEST(Postmark, ABatchIsAnArrayOfAtMost500) {
  VendorServer server(&add_postmark);
  EXPECT_EQ(code_of(server.post("/email/batch", "{}").json()), 300);
  const Answer many = server.post("/email/batch", json::serialize(json::array(501, json::value(mail()))));
  EXPECT_EQ(many.status, 422);
  EXPECT_EQ(code_of(many.json()), 410);
  EXPECT_EQ(server.post("/email/batch", "[]").body, "[]");
  EXPECT_TRUE(server.messages().empty());
}

TEST(Postmark, AMemberThatIsThereTwiceIsAFault) {
  VendorServer server(&add_postmark);
  const std::string twice = R"({"From":"a@shop.example","To":"b@example.net","To":"c@example.net","TextBody":"t"})";
  for (const Answer& answer : {server.post("/email", twice), server.post("/email/batch", "[" + twice + "]")}) {
    EXPECT_EQ(answer.status, 422);
    EXPECT_TRUE(has(message_of(answer.json()), "twice")) << answer.body;
  }
  EXPECT_TRUE(server.messages().empty());
}

Answer send_with_token(VendorServer& server, const std::string& token) {
  const std::string headers = "X-Postmark-Server-Token: " + token + "\r\nContent-Type: application/json\r\n";
  return server.api.call_raw("POST", "/email", headers, json::serialize(mail()));
}

TEST(Postmark, ItsTokenIsAKeyAndItsTestTokenIsNone) {
  VendorServer server(&add_postmark);
  EXPECT_EQ(send_with_token(server, kToken).status, 200);
  for (const char* token : {"wrong", "POSTMARK_API_TEST"}) {
    const Answer answer = send_with_token(server, token);
    EXPECT_EQ(answer.status, 401);
    EXPECT_TRUE(has(answer.body, "\"ErrorCode\":10,")) << answer.body;
  }
  EXPECT_EQ(server.messages().size(), 1u);
}

TEST(Postmark, TheGateSpeaksItsLanguageToo) {
  VendorServer server(&add_postmark);
  const Answer nobody = server.api.call_raw("POST", "/email", "Content-Type: application/json\r\n", "{}");
  EXPECT_EQ(nobody.status, 401);
  EXPECT_EQ(code_of(nobody.json()), 10);
  EXPECT_EQ(message_of(nobody.json()), "a key is needed: X-Postmark-Server-Token: <key>");
  const Answer text = server.post("/email", "text/plain", "{}");
  EXPECT_EQ(text.status, 422);
  EXPECT_EQ(code_of(text.json()), 409);
}

}  // namespace
}  // namespace postrider::mgmt::test
