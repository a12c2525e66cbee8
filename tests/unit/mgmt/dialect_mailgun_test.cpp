// Mailgun's POST /v3/{domain}/messages and /messages.mime: what becomes of each field, and what is refused in its shape.
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "tests/unit/mgmt/vendor_fixture.h"

namespace postrider::mgmt::test {
namespace {

namespace json = boost::json;

constexpr const char* kPath = "/v3/mg.shop.example/messages";
constexpr const char* kMime = "/v3/mg.shop.example/messages.mime";
constexpr const char* kMultipart = "multipart/form-data; boundary=XX";

struct Field {
  std::string name, value, filename = {}, type = {};
};
using Fields = std::vector<Field>;

std::string form(const Fields& fields) {
  std::string body;
  for (const Field& field : fields) {
    body += "--XX\r\nContent-Disposition: form-data; name=\"" + field.name + "\"";
    if (!field.filename.empty()) body += "; filename=\"" + field.filename + "\"\r\nContent-Type: " + field.type;
    body += "\r\n\r\n" + field.value + "\r\n";
  }
  return body + "--XX--\r\n";
}

Fields letter(const Fields& more = {}) {
  Fields fields{
      {"from", "Shop <app@shop.example>"}, {"to", "Ada <a@example.net>"}, {"subject", "Grüße"}, {"text", "plain"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

Answer send(VendorServer& server, const Fields& fields, const char* path = kPath) {
  return server.post(path, kMultipart, form(fields));
}

std::string message_of(const Answer& answer) {
  return text_at(answer.json(), "message");
}

TEST(Mailgun, SendsALetterWithAllThatPostriderKnows) {
  VendorServer server(&add_mailgun);
  const Answer answer = send(server, letter({{"to", "b@example.net, \"C, D\" <c@example.net>"},
                                             {"cc", "d@example.net"},
                                             {"bcc", "e@example.net"},
                                             {"html", "<img src=\"cid:logo.png\">"},
                                             {"amp-html", "<!doctype html>"},
                                             {"o:tag", "one"},
                                             {"o:tag", "two"},
                                             {"o:tracking", "no"},
                                             {"o:tracking-clicks", "False"},
                                             {"o:dkim", "no"},
                                             {"o:require-tls", "no"},
                                             {"o:deliverytime", "Thu, 13 Oct 2011 18:02:00 +0000"},
                                             {"h:X-Order", "5"},
                                             {"h:Reply-To", "reply@shop.example"},
                                             {"h:X-Mailgun-Variables", R"({"order":"4","cart":{"items":2}})"},
                                             {"v:order", "5"},
                                             {"inline", "PNG", "logo.png", "image/png"},
                                             {"attachment", "HI", "Größe.txt", "text/plain"}}));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(message_of(answer), "Queued. Thank you.");
  const json::object message = server.only_message();
  const std::string id = text_at(answer.json(), "id");
  EXPECT_EQ(message.at("message_id").as_string(), id);
  EXPECT_TRUE(id.front() == '<' && id.ends_with("@mg.shop.example>")) << id;
  EXPECT_EQ(recipients_of(message), "a@example.net,b@example.net,c@example.net,d@example.net,e@example.net");
  EXPECT_EQ(texts_of(message.at("tags")), "one,two");
  EXPECT_EQ(json::serialize(message.at("metadata")), R"({"order":"5","cart":"{\"items\":2}"})");
  EXPECT_FALSE(message.at("capture_only").as_bool());
  const std::string octets = server.octets_of(message);
  for (const std::string& line :
       {std::string("From: Shop <app@shop.example>\r\n"), std::string("Cc: d@example.net\r\n"),
        std::string("Reply-To: reply@shop.example\r\n"), std::string("X-Order: 5\r\n"),
        std::string("Content-Id: <logo.png>\r\n"), "Message-ID: " + id + "\r\n"})
    EXPECT_TRUE(has(octets, line)) << line << octets;
  EXPECT_TRUE(has(octets, "text/x-amp-html")) << octets;
  EXPECT_FALSE(has(octets, "e@example.net"));
  EXPECT_FALSE(has(octets, "X-Mailgun"));
}

TEST(Mailgun, TakesUrlencodedFormsAndTestMode) {
  VendorServer server(&add_mailgun);
  const Answer answer = server.post(kPath, "application/x-www-form-urlencoded",
                                    "from=app%40shop.example&to=a%2Bb%40example.net&subject=Hi+there&text=x&cc=&"
                                    "o%3Atestmode=yes&h:Message-Id=%3Cmine%40shop.example%3E");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(text_at(answer.json(), "id"), "<mine@shop.example>");
  const json::object message = server.only_message();
  EXPECT_EQ(recipients_of(message), "a+b@example.net");
  EXPECT_EQ(message.at("subject").as_string(), "Hi there");
  EXPECT_TRUE(message.at("capture_only").as_bool());
}

TEST(Mailgun, RecipientVariablesMakeOneMessageForEachRecipient) {
  VendorServer server(&add_mailgun);
  const Answer answer =
      send(server, {{"from", "app@shop.example"},
                    {"to", "Ada <a@example.net>"},
                    {"to", "B@example.net, c@example.net"},
                    {"cc", "copy@example.net"},
                    {"subject", "For %recipient.name%"},
                    {"text", "Dear %recipient.name%, number %recipient.id%"},
                    {"h:List-Unsubscribe", "<https://shop.example/u/%recipient.id%>"},
                    {"v:id", "%recipient.id%"},
                    {"attachment", "HI", "a.txt", "text/plain"},
                    {"recipient-variables",
                     R"({"a@example.net":{"name":"Ada","id":1},"b@example.net":{"name":"%recipient.id%"}})"}});
  EXPECT_EQ(answer.status, 200) << answer.body;
  const json::array messages = server.messages();
  ASSERT_EQ(messages.size(), 3u);
  for (const json::value& message : messages) {
    EXPECT_EQ(message.at("message_id").as_string(), text_at(answer.json(), "id"));
    EXPECT_EQ(message.at("batch"), messages[0].at("batch"));
    const std::string octets = server.octets_of(message), recipients = recipients_of(message);
    EXPECT_TRUE(has(octets, "a.txt"));
    if (recipients == "a@example.net,copy@example.net") {
      EXPECT_TRUE(has(octets, "To: Ada <a@example.net>\r\n"));
      EXPECT_TRUE(has(octets, "Dear Ada, number 1")) << octets;
      EXPECT_TRUE(has(octets, "List-Unsubscribe: <https://shop.example/u/1>\r\n")) << octets;
      EXPECT_EQ(message.at("subject").as_string(), "For Ada");
      EXPECT_EQ(message.at("metadata").at("id").as_string(), "1");
    } else if (recipients == "B@example.net,copy@example.net") {
      EXPECT_EQ(message.at("subject").as_string(), "For %recipient.id%") << "what is put in is not looked at again";
    } else {
      EXPECT_EQ(recipients, "c@example.net,copy@example.net");
      EXPECT_EQ(message.at("subject").as_string(), "For %recipient.name%") << "no variables of its own";
    }
  }
}

TEST(Mailgun, SendsMimeAsItIs) {
  VendorServer server(&add_mailgun);
  const std::string mime =
      "From: Shop <app@shop.example>\r\nTo: list@example.net\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
      "X-Mailgun-Tag: one\r\nX-Mailgun-Variables: {\"order\":\r\n \"5\"}\r\nX-Mailgun-Drop-Message: yes\r\n"
      "Message-ID: <mine@shop.example>\r\n\r\nA body.\r\n";
  const Answer answer = send(server,
                             {{"from", "bounce@shop.example"},
                              {"to", "a@example.net,b@example.net"},
                              {"subject", "Grüße"},
                              {"o:tag", "two"},
                              {"message", mime, "MimeMessage", "application/octet-stream"}},
                             kMime);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(text_at(answer.json(), "id"), "<mine@shop.example>");
  const json::object message = server.only_message();
  EXPECT_EQ(recipients_of(message), "a@example.net,b@example.net");
  EXPECT_EQ(message.at("sender").as_string(), "bounce@shop.example");
  EXPECT_EQ(texts_of(message.at("tags")), "two,one");
  EXPECT_EQ(message.at("metadata").at("order").as_string(), "5");
  EXPECT_TRUE(message.at("capture_only").as_bool());
  EXPECT_TRUE(server.octets_of(message).ends_with("\r\n\r\nA body.\r\n"));
}

TEST(Mailgun, MimeMayBeAFieldWithBareLinesAndWithoutFrom) {
  VendorServer server(&add_mailgun);
  const Answer answer =
      send(server, {{"to", "a@example.net"}, {"message", "From: app@shop.example\nSubject: s\n\nbody\n"}}, kMime);
  EXPECT_EQ(answer.status, 200) << answer.body;
  const json::object message = server.only_message();
  EXPECT_EQ(message.at("sender").as_string(), "app@shop.example");
  EXPECT_EQ(message.at("message_id").as_string(), text_at(answer.json(), "id"));
  EXPECT_TRUE(server.octets_of(message).ends_with("\r\n\r\nbody\r\n"));
}

struct Case {
  Field field;
  const char* message;  // a part of it
};

TEST(Mailgun, RefusesEachThingThatItCannotDo) {
  VendorServer server(&add_mailgun);
  const std::vector<Case> cases{
      {{"template", "welcome"}, "'template' parameter: Postrider keeps no templates"},
      {{"t:variables", "{}"}, "'t:variables' parameter: Postrider keeps no templates"},
      {{"o:tracking", "yes"}, "'o:tracking' parameter: opens and clicks are not tracked"},
      {{"o:tracking-clicks", "htmlonly"}, "'o:tracking-clicks' parameter: "},
      {{"o:tracking-opens", "true"}, "'o:tracking-opens' parameter: "},
      {{"o:dkim", "yes"}, "'o:dkim' parameter: "},
      {{"o:dkim", "perhaps"}, "'o:dkim' parameter: must be yes or no"},
      {{"o:require-tls", "yes"}, "'o:require-tls' parameter: "},
      {{"o:skip-verification", "yes"}, "'o:skip-verification' parameter: "},
      {{"o:deliverytime", "tomorrow"}, "'o:deliverytime' parameter: "},
      {{"o:deliverytime", "253402300799"}, "'o:deliverytime' parameter: "},
      {{"o:deliverytime-optimize-period", "24h"}, "'o:deliverytime-optimize-period' parameter: "},
      {{"o:time-zone-localize", "09:00"}, "'o:time-zone-localize' parameter: "},
      {{"o:testmode", "7"}, "'o:testmode' parameter: must be yes or no"},
      {{"o:sending-ip", "192.0.2.1"}, "'o:sending-ip' parameter: "},
      {{"o:color", "red"}, "'o:color' parameter: there is no such option"},
      {{"o:tag", ""}, "'o:tag' parameter: "},
      {{"o:tag", "a\nb"}, "'o:tag"},
      {{"h:X-Bad", "a\r\nBcc: x@example.net"}, "'h:X-Bad' parameter: "},
      {{"h:X Bad", "a"}, "'h:X Bad' parameter: "},
      {{"h:To", "x@example.net"}, "'h:To' parameter: "},
      {{"h:X-Mailgun-Track", "yes"}, "'h:X-Mailgun-Track' parameter: opens and clicks are not tracked"},
      {{"h:X-Mailgun-Else", "yes"}, "'h:X-Mailgun-Else' parameter: "},
      {{"h:X-Mailgun-Variables", "[]"}, "'h:X-Mailgun-Variables' parameter: must be a JSON object"},
      {{"h:Reply-To", "nobody"}, "'h:Reply-To' parameter: "},
      {{"to", "nobody"}, "'to' parameter: "},
      {{"to", "a@example.net\r\nBcc: x@example.net"}, "'to' parameter: "},
      {{"cc", "<<"}, "'cc' parameter: "},
      {{"from", "b@shop.example"}, "'from' parameter: is given more than once"},
      {{"subject", "again"}, "'subject' parameter: is given more than once"},
      {{"html", "\xff"}, "'html' parameter: "},
      {{"html", "<a href='%unsubscribe_url%'>"}, "'html' parameter: %unsubscribe_url% is not filled in here"},
      {{"attachment", "text"}, "'attachment' parameter: must be a file"},
      {{"message", "From: a@b"}, "'message' parameter: there is no such parameter"},
      {{"recipient-variables", "[]"}, "'recipient-variables' parameter: must be a JSON object"},
      {{"recipient-variables", R"({"a@example.net":7})"}, "'recipient-variables/a@example.net' parameter: "},
      {{"nonsense", "1"}, "'nonsense' parameter: there is no such parameter"}};
  for (const Case& c : cases) {
    const Answer answer = send(server, letter({c.field}));
    EXPECT_EQ(answer.status, 400) << c.field.name << "=" << c.field.value;
    EXPECT_TRUE(has(message_of(answer), c.message)) << c.field.value << ": " << answer.body;
  }
  EXPECT_TRUE(server.messages().empty());
}

TEST(Mailgun, SaysWhatIsMissing) {
  VendorServer server(&add_mailgun);
  const std::string message = message_of(send(server, {{"subject", "s"}}));
  EXPECT_EQ(message,
            "'from' parameter: parameter is missing; 'to' parameter: parameter is missing; "
            "'text' parameter: there is nothing to send: give text, html or an attachment");
  const Answer nothing = send(server, {{"from", "a@shop.example"}, {"to", "a@example.net"}});
  EXPECT_TRUE(has(message_of(nothing), "there is nothing to send")) << nothing.body;
}

TEST(Mailgun, WhatIsReadAndWhatIsCheckedIsToldAtOnce) {
  VendorServer server(&add_mailgun);
  const Fields wrong = letter({{"o:tracking", "yes"}, {"h:Received", "x"}, {"recipient-variables", "["}});
  const Answer answer = send(server, wrong);
  EXPECT_EQ(answer.status, 400);
  for (const char* field :
       {"'o:tracking' parameter: ", "'h:Received' parameter: ", "'recipient-variables' parameter: "})
    EXPECT_TRUE(has(message_of(answer), field)) << answer.body;
  const Answer mime = send(server, {{"to", "nobody@"}, {"o:nothing", "x"}}, kMime);
  EXPECT_EQ(message_of(mime).find("'text' parameter"), std::string::npos) << mime.body;
  for (const char* field : {"'to' parameter: ", "'o:nothing' parameter: ", "'message' parameter: "})
    EXPECT_TRUE(has(message_of(mime), field)) << mime.body;
  EXPECT_TRUE(server.messages().empty());
}

TEST(Mailgun, ItsOneSentenceIsBounded) {
  VendorServer server(&add_mailgun);
  Fields many = letter();
  for (int i = 0; i < 90; ++i) many.push_back({"o:ü" + std::to_string(i) + std::string(90, 'x'), "yes"});
  const std::string message = message_of(send(server, many));
  EXPECT_LE(message.size(), 4096u);
  EXPECT_GT(message.size(), 4000u);
  EXPECT_TRUE(message.ends_with("..."));
}

TEST(Mailgun, RefusesWhatDoesNotGoWithMime) {
  VendorServer server(&add_mailgun);
  const std::string mime = "From: app@shop.example\r\nSubject: one\r\n\r\nbody\r\n";
  const std::vector<Case> cases{{{"subject", "another"}, "'subject' parameter: "},
                                {{"cc", "c@example.net"}, "'cc' parameter: "},
                                {{"text", "t"}, "'text' parameter: "},
                                {{"h:X-A", "b"}, "'h:X-A' parameter: "},
                                {{"recipient-variables", "{}"}, "'recipient-variables' parameter: "}};
  for (const Case& c : cases) {
    const Answer answer = send(server, {{"to", "a@example.net"}, {"message", mime}, c.field}, kMime);
    EXPECT_EQ(answer.status, 400) << c.field.name;
    EXPECT_TRUE(has(message_of(answer), c.message)) << answer.body;
  }
  const std::string tracked = "X-Mailgun-Track: yes\r\n" + mime;
  EXPECT_TRUE(has(message_of(send(server, {{"to", "a@example.net"}, {"message", tracked}}, kMime)), "X-Mailgun-Track"));
  EXPECT_TRUE(has(message_of(send(server, {{"to", "a@example.net"}}, kMime)), "'message' parameter: "));
  EXPECT_TRUE(has(message_of(send(server, {{"to", "a@example.net"}, {"message", "no header\r\n\r\n"}}, kMime)),
                  "'message' parameter: "));
  EXPECT_TRUE(server.messages().empty());
}

TEST(Mailgun, TheDomainOfThePathMustBeOne) {
  VendorServer server(&add_mailgun);
  for (const char* domain : {"a%2Fb", "a..b", "-", "a%20b", "%5B127.0.0.1%5D"}) {
    const Answer answer = send(server, letter(), ("/v3/" + std::string(domain) + "/messages").c_str());
    EXPECT_EQ(answer.status, 404) << domain;
    EXPECT_TRUE(has(message_of(answer), "Domain not found: ")) << answer.body;
  }
  EXPECT_EQ(send(server, letter(), "/v3/b%C3%BCcher.example/messages").status, 200);
  EXPECT_TRUE(text_at(server.only_message(), "message_id").ends_with("@xn--bcher-kva.example>"));
}

TEST(Mailgun, BoundsWhatOneCallBlowsItselfUpTo) {
  VendorServer server(&add_mailgun);
  Fields fields{{"from", "app@shop.example"},
                {"subject", "s"},
                {"text", std::string(700'000, 'a')},
                {"recipient-variables", "{}"}};
  for (int i = 0; i < 100; ++i) fields.push_back({"to", "user" + std::to_string(i) + "@example.net"});
  const Answer answer = send(server, fields);
  EXPECT_EQ(answer.status, 413) << answer.body;
  EXPECT_TRUE(has(message_of(answer), "64 MiB"));
  EXPECT_TRUE(server.messages().empty());
}

// A field that is long by itself is told by itself; many that are not are too much together, and so are the other recipients of each copy.
TEST(Mailgun, BoundsTheHeaderOfEachCopyToo) {
  VendorServer server(&add_mailgun);
  Fields fields{{"from", "app@shop.example"}, {"subject", "s"}, {"text", "t"}, {"recipient-variables", "{}"}};
  for (int i = 0; i < 1000; ++i) fields.push_back({"to", "user" + std::to_string(i) + "@example.net"});
  Fields one = fields, many = fields, copied = fields;
  one.push_back({"h:X-A", std::string(10'000'000, 'a')});
  const Answer long_field = send(server, one);
  EXPECT_EQ(long_field.status, 400) << long_field.body;
  EXPECT_TRUE(has(message_of(long_field), "'h:X-A' parameter: may have at most")) << long_field.body;
  for (int i = 0; i < 90; ++i) many.push_back({"h:X-" + std::to_string(i), std::string(900, 'a')});
  EXPECT_EQ(send(server, many).status, 413);
  for (int i = 0; i < 800; ++i) copied.push_back({"cc", "copy" + std::to_string(i) + "@example.net"});
  EXPECT_EQ(send(server, copied).status, 413);
  EXPECT_TRUE(server.messages().empty());
}

// SDKs make a new boundary for each request, also when they send the same message again.
TEST(Mailgun, AnIdempotencyKeyLooksAtTheFormAndNotAtItsBoundary) {
  VendorServer server(&add_mailgun);
  const std::string key = "Idempotency-Key: one\r\n", body = form(letter());
  std::string other_boundary = body;
  for (std::size_t at = 0; (at = other_boundary.find("--XX", at)) != std::string::npos;)
    other_boundary.replace(at, 4, "--YY");
  const Answer first = server.post(kPath, kMultipart, body, key);
  const Answer again = server.post(kPath, "multipart/form-data; boundary=YY", other_boundary, key);
  EXPECT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(text_at(again.json(), "id"), text_at(first.json(), "id"));
  EXPECT_EQ(server.messages().size(), 1u);
  const Answer different = server.post(kPath, kMultipart, form(letter({{"v:a", "b"}})), key);
  EXPECT_EQ(different.status, 400) << different.body;
  EXPECT_EQ(server.messages().size(), 1u);
}

TEST(Mailgun, TheGateSpeaksItsLanguageToo) {
  VendorServer server(&add_mailgun);
  const std::string type = std::string("Content-Type: ") + kMultipart + "\r\n";
  // "api:wrong"
  const Answer stranger =
      server.api.call_raw("POST", kPath, "Authorization: Basic YXBpOndyb25n\r\n" + type, form(letter()));
  EXPECT_EQ(stranger.status, 401);
  EXPECT_FALSE(message_of(stranger).empty());
  const Answer json_body = server.post(kPath, "application/json", "{}");
  EXPECT_EQ(json_body.status, 415);
  EXPECT_FALSE(message_of(json_body).empty());
  const Answer torn = server.post(kPath, kMultipart, "--XX\r\n");
  EXPECT_EQ(torn.status, 400);
  EXPECT_TRUE(has(message_of(torn), "cut off")) << torn.body;
}

}  // namespace
}  // namespace postrider::mgmt::test
