// SendGrid's POST /v3/mail/send: what becomes of each field, and what is refused in its shape.
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "tests/unit/mgmt/vendor_fixture.h"

namespace postrider::mgmt::test {
namespace {

namespace json = boost::json;

constexpr const char* kPath = "/v3/mail/send";

json::object mail() {
  return json::parse(R"({"from":{"email":"app@shop.example","name":"Shop, the"},"subject":"Grüße",
      "personalizations":[{"to":[{"email":"a@example.net","name":"A"}]}],
      "content":[{"type":"text/plain","value":"plain"},{"type":"text/html","value":"<p>html</p>"}]})")
      .as_object();
}

Answer send(VendorServer& server, const json::object& mail) {
  return server.post(kPath, json::serialize(mail));
}

// "field: message" of each error, one a line.
std::string errors_of(const Answer& answer) {
  std::string out;
  const json::object body = answer.json();
  for (const json::value& error : body.at("errors").as_array()) {
    EXPECT_TRUE(error.at("help").is_null());
    out += (error.at("field").is_null() ? "null" : std::string(error.at("field").as_string())) + ": " +
           std::string(error.at("message").as_string()) + "\n";
  }
  return out;
}

TEST(Sendgrid, SendsAMailWithAllThatPostriderKnows) {
  VendorServer server(&add_sendgrid);
  json::object all = mail();
  all["personalizations"] = json::parse(
      R"([{"to":[{"email":"a@example.net","name":"A"},{"email":"b@example.net"}],"cc":[{"email":"c@example.net"}],
           "bcc":[{"email":"d@example.net"}]}])");
  all["reply_to"] = json::object{{"email", "reply@shop.example"}};
  all["headers"] = json::object{{"X-Order", "5"}};
  all["custom_args"] = json::object{{"order", "5"}};
  all["categories"] = json::array{"one", "two", "one"};
  all["send_at"] = 1;  // long ago: at once
  all["attachments"] = json::parse(
      R"([{"content":"UE5H","filename":"logo.png","type":"image/png","disposition":"inline","content_id":"logo"},
          {"content":"SEk=","filename":"Größe.txt"}])");
  all["tracking_settings"] = json::parse(R"({"click_tracking":{"enable":false,"enable_text":true}})");
  all["mail_settings"] = json::parse(R"({"footer":{"enable":false},"sandbox_mode":{"enable":false}})");
  const Answer answer = send(server, all);
  EXPECT_EQ(answer.status, 202) << answer.body;
  EXPECT_EQ(answer.body, "");
  const json::object message = server.only_message();
  EXPECT_EQ(answer.header("x-message-id"), message.at("id").as_string());
  EXPECT_EQ(recipients_of(message), "a@example.net,b@example.net,c@example.net,d@example.net");
  EXPECT_EQ(texts_of(message.at("tags")), "one,two");
  EXPECT_EQ(message.at("metadata").at("order").as_string(), "5");
  EXPECT_EQ(message.at("subject").as_string(), "Grüße");
  const std::string octets = server.octets_of(message);
  for (const char* line : {"From: \"Shop, the\" <app@shop.example>\r\n", "Cc: c@example.net\r\n",
                           "Reply-To: reply@shop.example\r\n", "X-Order: 5\r\n", "Content-Id: <logo>\r\n"})
    EXPECT_TRUE(has(octets, line)) << line << octets;
  EXPECT_FALSE(has(octets, "d@example.net"));
  EXPECT_TRUE(has(octets, "multipart/related")) << octets;
}

TEST(Sendgrid, EachPersonalizationIsAMessageOfItsOwn) {
  VendorServer server(&add_sendgrid);
  json::object two = mail();
  two["custom_args"] = json::parse(R"({"all":"1","who":"all"})");
  two["headers"] = json::parse(R"({"X-Who":"all","X-All":"1"})");
  two["content"] = json::parse(R"([{"type":"text/plain","value":"Dear {{name}}"}])");
  two["personalizations"] = json::parse(
      R"([{"to":[{"email":"a@example.net"}],"subject":"For {{name}}","substitutions":{"{{name}}":"Ada"},
           "custom_args":{"who":"a"},"headers":{"x-who":"a"},"from":{"email":"other@shop.example"}},
          {"to":[{"email":"b@example.net"}],"substitutions":{"{{name}}":"Bob"},"send_at":4000000}])");
  const Answer answer = send(server, two);
  EXPECT_EQ(answer.status, 202) << answer.body;
  const json::array messages = server.messages();
  ASSERT_EQ(messages.size(), 2u);
  const bool newest_is_a = recipients_of(messages[0]) == "a@example.net";
  const json::value &a = messages[newest_is_a ? 0 : 1], &b = messages[newest_is_a ? 1 : 0];
  EXPECT_EQ(recipients_of(b), "b@example.net");
  EXPECT_EQ(a.at("sender").as_string(), "other@shop.example");
  EXPECT_EQ(a.at("subject").as_string(), "For Ada");
  EXPECT_EQ(b.at("subject").as_string(), "Grüße");
  EXPECT_EQ(json::serialize(a.at("metadata")), R"({"all":"1","who":"a"})");
  EXPECT_EQ(json::serialize(b.at("metadata")), R"({"all":"1","who":"all"})");
  EXPECT_TRUE(has(server.octets_of(a), "Dear Ada"));
  EXPECT_TRUE(has(server.octets_of(b), "Dear Bob"));
  EXPECT_TRUE(has(server.octets_of(a), "x-who: a\r\n"));
  EXPECT_FALSE(has(server.octets_of(a), "X-Who: all"));
  EXPECT_EQ(answer.header("x-message-id"), a.at("batch").as_string());
}

TEST(Sendgrid, ASandboxChecksAndSendsNothing) {
  VendorServer server(&add_sendgrid);
  json::object sandbox = mail();
  sandbox["mail_settings"] = json::parse(R"({"sandbox_mode":{"enable":true}})");
  const Answer fine = send(server, sandbox);
  EXPECT_EQ(fine.status, 200) << fine.body;
  sandbox["from"] = json::object{{"email", "nobody"}};
  const Answer wrong = send(server, sandbox);
  EXPECT_EQ(wrong.status, 400);
  EXPECT_TRUE(has(errors_of(wrong), "from.email: ")) << wrong.body;
  EXPECT_TRUE(server.messages().empty());
}

struct Case {
  const char* member;
  const char* value;
  const char* error;  // how one of the errors begins
};

TEST(Sendgrid, RefusesEachThingThatItCannotDo) {
  VendorServer server(&add_sendgrid);
  const Case cases[] = {
      {"template_id", "\"d-1\"", "template_id: Postrider keeps no templates"},
      {"sections", R"({"a":"b"})", "sections: "},
      {"asm", R"({"group_id":1})", "asm: "},
      {"ip_pool_name", "\"pool\"", "ip_pool_name: "},
      {"batch_id", "\"b\"", "batch_id: "},
      {"tracking_settings", R"({"click_tracking":{"enable":true}})", "tracking_settings.click_tracking.enable: "},
      {"tracking_settings", R"({"open_tracking":{"enable":true}})", "tracking_settings.open_tracking.enable: "},
      {"tracking_settings", R"({"ganalytics":{"enable":true}})", "tracking_settings.ganalytics.enable: "},
      {"tracking_settings", R"({"clik_tracking":{"enable":true}})", "tracking_settings.clik_tracking: "},
      {"mail_settings", R"({"bypass_list_management":{"enable":true}})",
       "mail_settings.bypass_list_management.enable: "},
      {"mail_settings", R"({"footer":{"enable":true}})", "mail_settings.footer.enable: "},
      {"mail_settings", R"({"sandbox_mode":{"enable":"yes"}})", "mail_settings.sandbox_mode.enable: "},
      {"personalizations", "[]", "personalizations: You must have at least one personalization."},
      {"personalizations", R"([{"to":[]}])", "personalizations.0.to: "},
      {"personalizations", R"([{"to":[{"email":"a@example.net"},{"email":"nobody"}]}])",
       "personalizations.0.to.1.email: "},
      {"personalizations", R"([{"to":[{"email":"a@example.net"}],"cc":[{"email":"A@example.net"}]}])",
       "personalizations.0.to: Each unique email address"},
      {"personalizations", R"([{"to":[{"email":"a@example.net"}],"dynamic_template_data":{"a":1}}])",
       "personalizations.0.dynamic_template_data: "},
      {"personalizations", R"([{"to":[{"email":"a@example.net"}],"headers":{"X-A":"b\r\nBcc: x@example.net"}}])",
       "personalizations.0.headers.X-A: "},
      {"from", R"({"email":"a@b@c"})", "from.email: "},
      {"from", R"({"name":"A"})", "from.email: "},
      {"from", R"({"email":"app@shop.example","name":"A\nBcc: x@example.net"})", "from.email: "},
      {"subject", "\"\"", "subject: The subject is required"},
      {"subject", R"("a\r\nBcc: x@example.net")", "subject: "},
      {"content", "[]", "content: "},
      {"content", R"([{"type":"text/plain","value":""}])", "content.0.value: "},
      {"content", R"([{"type":"text/plain","value":"a"},{"type":"text/plain","value":"b"}])", "content.1.type: "},
      {"reply_to_list", R"([{"email":"nobody"}])", "reply_to_list.0.email: "},
      {"headers", R"({"Received":"x"})", "headers.Received: "},
      {"headers", R"(["X-A"])", "headers: "},
      {"categories", R"(["a",7])", "categories.1: "},
      {"send_at", "\"tomorrow\"", "send_at: "},
      {"send_at", "253402300799", "send_at: "},
      {"attachments", R"([{"filename":"a","content":"???"}])", "attachments.0.content: "},
      {"attachments", R"([{"content":"UE5H"}])", "attachments.0.filename: "},
      {"attachments", R"([{"filename":"a","content":"UE5H","disposition":"side"}])", "attachments.0.disposition: "},
      {"attachments", R"([{"filename":"a\r\nb","content":"UE5H"}])", "attachments.0: "},
      {"custom_args", R"({"a":{"b":1}})", "custom_args.a: "},
      {"subjekt", "1", "subjekt: there is no such field; did you mean 'subject'?"}};
  for (const Case& c : cases) {
    json::object wrong = mail();
    wrong[c.member] = json::parse(c.value);
    const Answer answer = send(server, wrong);
    EXPECT_EQ(answer.status, 400) << c.member << " " << c.value;
    EXPECT_TRUE(has("\n" + errors_of(answer), std::string("\n") + c.error)) << c.value << "\n" << errors_of(answer);
  }
  EXPECT_TRUE(server.messages().empty());
}

TEST(Sendgrid, SaysEverythingAtOnceAndWhatIsSharedOnce) {
  VendorServer server(&add_sendgrid);
  json::object wrong = mail();
  wrong["from"] = json::object{{"email", "nobody"}};
  wrong["personalizations"] =
      json::parse(R"([{"to":[{"email":"a@example.net"}]},{"to":[{"email":"bad"}]},{"to":[{"email":"worse"}]}])");
  const std::string errors = errors_of(send(server, wrong));
  EXPECT_TRUE(has(errors, "personalizations.1.to.0.email: "));
  EXPECT_TRUE(has(errors, "personalizations.2.to.0.email: "));
  EXPECT_EQ(errors.find("from.email"), errors.rfind("from.email")) << errors;
  const Answer no_json = server.post(kPath, "{");
  EXPECT_EQ(no_json.status, 400);
  EXPECT_TRUE(has(errors_of(no_json), "null: is no JSON")) << no_json.body;
}

TEST(Sendgrid, WhatIsReadAndWhatIsCheckedIsToldAtOnce) {
  VendorServer server(&add_sendgrid);
  json::object wrong = mail();
  wrong["template_id"] = "d-1";
  wrong["subject"] = "a\r\nb";
  wrong["content"] = json::parse(R"([{"type":"text/plain"}])");
  wrong["personalizations"] = json::parse(R"([{"to":[{"email":"nobody"}]},{"to":[{"email":"nobody"}],"send_at":"x"}])");
  const Answer answer = send(server, wrong);
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.json().at("errors").as_array().size(), 6u) << errors_of(answer);
  for (const char* field : {"template_id: ", "subject: ", "content.0.value: ", "personalizations.0.to.0.email: ",
                            "personalizations.1.to.0.email: ", "personalizations.1.send_at: "})
    EXPECT_TRUE(has("\n" + errors_of(answer), "\n" + std::string(field))) << field << "\n" << errors_of(answer);
  wrong["personalizations"] = json::array();
  const std::string errors = errors_of(send(server, wrong));
  EXPECT_TRUE(has(errors, "personalizations: You must")) << errors;
  EXPECT_TRUE(has(errors, "subject: ")) << errors;
  EXPECT_TRUE(server.messages().empty());
}

// What is the same in each of them must not take the place of what is not.
TEST(Sendgrid, AThousandEqualFaultsHideNone) {
  VendorServer server(&add_sendgrid);
  json::object wrong = mail();
  wrong.erase("subject");
  wrong["from"] = json::object{{"email", "nobody"}};
  json::array people;
  for (int i = 0; i < 300; ++i)
    people.push_back(
        json::object{{"to", json::array{json::object{{"email", "user" + std::to_string(i) + "@example.net"}}}}});
  people.push_back(json::parse(R"({"to":[{"email":"bad"}],"headers":{"X":{}}})"));
  wrong["personalizations"] = people;
  const std::string errors = errors_of(send(server, wrong));
  for (const char* field : {"from.email: ", "personalizations.300.to.0.email: ", "personalizations.300.headers.X: "})
    EXPECT_TRUE(has(errors, field)) << errors;
}

TEST(Sendgrid, BoundsWhatOneCallBlowsItselfUpTo) {
  VendorServer server(&add_sendgrid);
  json::object large = mail();
  large["content"] = json::array{json::object{{"type", "text/plain"}, {"value", std::string(700'000, 'a')}}};
  json::array people;
  for (int i = 0; i < 100; ++i)
    people.push_back(
        json::object{{"to", json::array{json::object{{"email", "user" + std::to_string(i) + "@example.net"}}}}});
  large["personalizations"] = people;
  const Answer copies = send(server, large);
  EXPECT_EQ(copies.status, 413) << copies.body;
  EXPECT_TRUE(has(errors_of(copies), "64 MiB"));
  large["personalizations"] = json::parse(R"([{"to":[{"email":"a@example.net"}],"substitutions":{"a":""}}])");
  large.at("personalizations").as_array()[0].as_object().at("substitutions").as_object()["a"] = std::string(1000, 'b');
  EXPECT_EQ(send(server, large).status, 413) << "one letter, but a thousand times longer than it came";
  EXPECT_TRUE(server.messages().empty());
}

TEST(Sendgrid, BoundsTheHeaderOfEachPersonalizationToo) {
  VendorServer server(&add_sendgrid);
  json::object large = mail();
  json::object headers;
  for (int i = 0; i < 100; ++i) headers["X-" + std::to_string(i)] = std::string(10'000, 'a');
  large["headers"] = headers;
  json::array people;
  for (int i = 0; i < 1000; ++i)
    people.push_back(
        json::object{{"to", json::array{json::object{{"email", "user" + std::to_string(i) + "@example.net"}}}}});
  large["personalizations"] = people;
  const Answer answer = send(server, large);
  EXPECT_EQ(answer.status, 413) << answer.body;
  EXPECT_TRUE(has(errors_of(answer), "64 MiB"));
  EXPECT_TRUE(server.messages().empty());
}

TEST(Sendgrid, AHeaderOfAPersonalizationTakesThePlaceOfTheCommonOneInAnyCase) {
  VendorServer server(&add_sendgrid);
  json::object letter = mail();
  letter["headers"] = json::object{{"X-Order", "1"}, {"X-Shop", "a"}};
  letter.at("personalizations").as_array()[0].as_object()["headers"] = json::object{{"x-order", "2"}};
  ASSERT_EQ(send(server, letter).status, 202);
  const std::string octets = server.octets_of(server.only_message());
  EXPECT_TRUE(has(octets, "x-order: 2\r\n")) << octets;
  EXPECT_TRUE(has(octets, "X-Shop: a\r\n"));
  EXPECT_FALSE(has(octets, "X-Order: 1"));
}

TEST(Sendgrid, AnIdempotencyKeyGivesTheSameMessage) {
  VendorServer server(&add_sendgrid);
  const std::string body = json::serialize(mail());
  const Answer first = server.post(kPath, "application/json", body, "Idempotency-Key: one\r\n");
  const Answer again = server.post(kPath, "application/json", body, "Idempotency-Key: one\r\n");
  EXPECT_EQ(again.status, 202);
  EXPECT_EQ(again.header("x-message-id"), first.header("x-message-id"));
  EXPECT_EQ(server.messages().size(), 1u);
}

TEST(Sendgrid, TheGateSpeaksItsLanguageToo) {
  VendorServer server(&add_sendgrid);
  const Answer stranger =
      server.api.call_raw("POST", kPath, "Authorization: Bearer SG.wrong\r\nContent-Type: application/json\r\n", "{}");
  EXPECT_EQ(stranger.status, 401);
  EXPECT_TRUE(has(errors_of(stranger), "null: ")) << stranger.body;
  const Answer text = server.post(kPath, "text/plain", "{}");
  EXPECT_EQ(text.status, 415);
  EXPECT_TRUE(has(errors_of(text), "null: ")) << text.body;
}

}  // namespace
}  // namespace postrider::mgmt::test
