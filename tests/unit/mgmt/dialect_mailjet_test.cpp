// Mailjet's Send API, v3.1 and v3: what its SDK sends, and what it must be told.
#include <gtest/gtest.h>

#include "mgmt/dialects/mailjet_answers.h"
#include "tests/unit/mgmt/dialect_server.h"

namespace postrider::mgmt::test {
namespace {

namespace json = boost::json;

class Mailjet : public testing::Test, public DialectServer {
 protected:
  Mailjet() : DialectServer({&add_mailjet}) {}

  static std::string mail(const std::string& more = "") {
    return R"({"From":{"Email":"app@example.test","Name":"App"},"To":[{"Email":"a@example.test"}],"Subject":"Hi","TextPart":"Text")" +
           more + "}";
  }
  Answer send(const std::string& messages, const std::string& more = "") {
    return post("/v3.1/send", R"({"Messages":[)" + messages + "]" + more + "}");
  }
  Answer send_v3(const std::string& more) {
    return post("/v3/send", R"({"FromEmail":"app@example.test","Subject":"Hi","Text-part":"Text")" + more + "}");
  }
  static json::object result(const Answer& answer, std::size_t index = 0) {
    return answer.json().at("Messages").as_array().at(index).as_object();
  }
  // "mj-0013 400 To[0].Email" of its first error
  static std::string error_of(const json::object& result) {
    const json::object& error = result.at("Errors").at(0).as_object();
    EXPECT_FALSE(text_at(error, "ErrorIdentifier").empty());
    return text_at(error, "ErrorCode") + " " + std::to_string(error.at("StatusCode").to_number<int>()) + " " +
           (error.contains("ErrorRelatedTo") ? std::string(error.at("ErrorRelatedTo").at(0).as_string()) : "");
  }
  static std::string whole_error_of(const Answer& answer) {
    const json::object error = answer.json();
    EXPECT_EQ(error.at("StatusCode").to_number<int>(), answer.status) << answer.body;
    EXPECT_FALSE(text_at(error, "ErrorMessage").empty());
    return std::to_string(answer.status) + " " + text_at(error, "ErrorCode");
  }
  static std::string uuid_of(const json::value& recipient) { return text_at(recipient.as_object(), "MessageUUID"); }
};

TEST_F(Mailjet, AMessageWithEverything) {
  const Answer answer = send(
      R"({"From":{"Email":"app@example.test","Name":"App"},"Sender":{"Email":"desk@example.test"},)"
      R"("To":[{"Email":"a@example.test","Name":"Zoë"},{"Email":"b@example.test"}],"Cc":[{"Email":"c@example.test"}],)"
      R"("Bcc":[{"Email":"d@example.test"}],"ReplyTo":{"Email":"r@example.test"},"Subject":"Grüße","TextPart":"plain",)"
      R"("HTMLPart":"<img src=cid:logo>","CustomID":"order-5","EventPayload":"{\"n\":5}","CustomCampaign":"bills","Priority":3,)"
      R"("TrackOpens":"account_default","TrackClicks":"disabled","TemplateLanguage":false,"Variables":{},"Headers":{"X-Order":"5"},)"
      R"("Attachments":[{"ContentType":"text/csv","Filename":"a.csv","Base64Content":"YSxi"}],)"
      R"("InlinedAttachments":[{"ContentType":"image/png","Filename":"logo.png","ContentID":"logo","Base64Content":"UE5H"}]})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json::object told = result(answer);
  EXPECT_EQ(text_at(told, "Status"), "success");
  EXPECT_EQ(text_at(told, "CustomID"), "order-5");
  EXPECT_EQ(told.at("To").as_array().size(), 2u);
  EXPECT_EQ(told.at("Cc").as_array().size(), 1u);
  EXPECT_EQ(told.at("Bcc").as_array().size(), 1u);
  const std::string id = uuid_of(told.at("To").at(0));
  const json::object seen = message(id);
  EXPECT_EQ(seen.at("recipients").as_array().size(), 4u);
  EXPECT_EQ(text_at(seen, "lane"), "high");
  EXPECT_EQ(seen.at("tags").at(0), "bills");
  EXPECT_EQ(text_at(seen.at("metadata").as_object(), "CustomID"), "order-5");
  EXPECT_EQ(text_at(seen.at("metadata").as_object(), "EventPayload"), R"({"n":5})");
  EXPECT_EQ(text_at(told.at("To").at(0).as_object(), "MessageHref"), "http://test/v1/messages/" + text_at(seen, "id"));
  const std::string octets = sent_octets(id);
  for (const char* part :
       {"From: App <app@example.test>", "Sender: desk@example.test", "b@example.test", "Cc: c@example.test",
        "Reply-To: r@example.test", "X-Order: 5", "Content-Id: <logo>", "UE5H", "YSxi"})
    EXPECT_NE(octets.find(part), std::string::npos) << part << "\n" << octets;
  EXPECT_EQ(octets.find("d@example.test"), std::string::npos);
}

// Clients read them as 64-bit integers; json-bigint does, a double would not do.
TEST_F(Mailjet, MessageIdsAreNumbersOfTheirOwn) {
  const MessageId id = *MessageId::parse("01h0000000000000000000000z");
  EXPECT_EQ(mailjet_number(id, 0), mailjet_number(id, 0));
  EXPECT_EQ(mailjet_number(id, 1), mailjet_number(id, 0) + 1);
  EXPECT_GT(mailjet_number(MessageId(), 0), std::int64_t{1} << 53);
  const Answer answer = send(mail());
  EXPECT_EQ(result(answer).at("To").at(0).at("MessageID"),
            mailjet_number(*MessageId::parse(uuid_of(result(answer).at("To").at(0))), 0));
}

TEST_F(Mailjet, EachMessageHasItsOwnFate) {
  const Answer answer = send(mail(R"(,"CustomID":"1")") + "," + mail(R"(,"TemplateID":5)") + "," +
                             mail(R"(,"Cc":[{"Email":"nobody"}],"CustomID":"3")"));
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(text_at(result(answer, 0), "Status"), "success");
  EXPECT_EQ(error_of(result(answer, 1)), "send-0010 400 TemplateID");
  EXPECT_EQ(error_of(result(answer, 2)), "mj-0013 400 Cc[0].Email");
  EXPECT_EQ(text_at(result(answer, 2), "CustomID"), "3");
  EXPECT_EQ(count(), 1u);
}

TEST_F(Mailjet, GlobalsFillWhatAMessageDoesNotSay) {
  const Answer answer = send(
      R"({"To":[{"Email":"a@example.test"}],"TextPart":"Text"},{"To":[{"Email":"b@example.test"}],"TextPart":"Text","Subject":"Own"})",
      R"(,"Globals":{"From":{"Email":"app@example.test"},"Subject":"Global","CustomID":"all"})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(text_at(message(uuid_of(result(answer, 0).at("To").at(0))), "subject"), "Global");
  EXPECT_EQ(text_at(message(uuid_of(result(answer, 1).at("To").at(0))), "subject"), "Own");
  EXPECT_EQ(text_at(result(answer, 1), "CustomID"), "all");
}

TEST_F(Mailjet, ASandboxChecksAndStoresNothing) {
  const Answer answer =
      send(mail() + "," + mail(R"(,"Cc":[{"Email":"nobody"}])"), R"(,"SandboxMode":true,"AdvanceErrorHandling":true)");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(text_at(result(answer, 0), "Status"), "success");
  EXPECT_EQ(result(answer, 0).at("To").at(0).at("MessageID"), 0);
  EXPECT_EQ(error_of(result(answer, 1)), "mj-0013 400 Cc[0].Email");
  EXPECT_EQ(count(), 0u);
}

TEST_F(Mailjet, WhatCannotBeHonouredIsRefused) {
  const std::pair<const char*, const char*> cases[] = {
      {R"(,"TemplateLanguage":true)", "send-0010 400 TemplateLanguage"},
      {R"(,"Variables":{"day":"Monday"})", "send-0010 400 Variables"},
      {R"(,"TemplateErrorReporting":{"Email":"x@example.test"})", "send-0010 400 TemplateErrorReporting"},
      {R"(,"TrackOpens":"enabled")", "mj-0005 400 TrackOpens"},
      {R"(,"TrackClicks":"perhaps")", "mj-0005 400 TrackClicks"},
      {R"(,"DeduplicateCampaign":true)", "mj-0005 400 DeduplicateCampaign"},
      {R"(,"URLTags":"a=b")", "mj-0005 400 URLTags"},
      {R"(,"MonitoringCategory":"x")", "mj-0005 400 MonitoringCategory"},
      {R"(,"Priority":4)", "mj-0005 400 Priority"},
      {R"(,"Unheard":1)", "mj-0005 400 Unheard"},
      {R"(,"Headers":{"X-MJ-CustomID":"x"})", "send-0011 400 Headers.X-MJ-CustomID"},
      {R"(,"Headers":{"Subject":"x"})", "send-0011 400 Headers.Subject"},
      {R"(,"Attachments":[{"ContentType":"text/csv","Filename":"a","Base64Content":"!"}])",
       "mj-0005 400 Attachments[0].Base64Content"},
      {R"(,"ReplyTo":{"Name":"x"})", "mj-0013 400 ReplyTo.Email"},
  };
  for (const auto& [more, error] : cases) EXPECT_EQ(error_of(result(send(mail(more)))), error) << more;
  EXPECT_EQ(count(), 0u);
}

TEST_F(Mailjet, WhatIsReadAndWhatIsCheckedIsToldAtOnce) {
  const Answer answer = send(mail(R"(,"TemplateID":5,"Cc":[{"Email":"nobody"}],"Headers":{"Subject":"x"})"));
  EXPECT_EQ(answer.status, 400);
  std::string related;
  const json::object told = result(answer);
  for (const json::value& error : told.at("Errors").as_array())
    related += std::string(error.at("ErrorRelatedTo").at(0).as_string()) + " ";
  EXPECT_EQ(related, "TemplateID Cc[0].Email Headers.Subject ");
  const Answer whole = send(mail(R"(,"Cc":[{"Email":"nobody"}])"), R"(,"Unheard":1)");
  EXPECT_EQ(whole_error_of(whole), "400 mj-0005");
  EXPECT_EQ(whole.json().at("ErrorRelatedTo"), (json::array{"Unheard", "Messages[0].Cc[0].Email"}));
  const Answer older = send_v3(R"(,"Mj-TemplateID":5,"Recipients":[{"Email":"a@example.test"},{"Email":"nobody"}])");
  EXPECT_EQ(whole_error_of(older), "400 send-0010");
  EXPECT_EQ(older.json().at("ErrorRelatedTo"), (json::array{"Mj-TemplateID", "Recipients[1].Email"}));
  EXPECT_EQ(send_v3(R"(,"To":"a@example.test;")").json().at("ErrorRelatedTo"), json::array{"To"});
  EXPECT_EQ(count(), 0u);
}

TEST_F(Mailjet, ErrorsOfTheWholeCall) {
  EXPECT_EQ(whole_error_of(post("/v3.1/send", "{")), "400 mj-0002");
  EXPECT_EQ(whole_error_of(send("")), "400 mj-0005");
  EXPECT_EQ(whole_error_of(send(mail(), R"(,"Unheard":1)")), "400 mj-0005");
  EXPECT_EQ(whole_error_of(api.call_with("pr_wrong", "POST", "/v3.1/send", "{}")), "401 mj-0015");
  std::string many = mail();
  for (int i = 0; i < 50; ++i) many += "," + mail();
  EXPECT_EQ(whole_error_of(send(many)), "400 mj-0005");
  EXPECT_EQ(count(), 0u);
}

// One attachment in Globals is an attachment of each message.
TEST_F(Mailjet, ACallCannotBlowItselfUp) {
  std::string many = mail();
  for (int i = 0; i < 49; ++i) many += "," + mail();
  const std::string file(2'000'000, 'A');
  const Answer answer =
      send(many, R"(,"Globals":{"Attachments":[{"ContentType":"text/csv","Filename":"a","Base64Content":")" + file +
                     R"("}]})");
  EXPECT_EQ(whole_error_of(answer), "413 mj-0011");
  EXPECT_EQ(count(), 0u);
}

// In v3 each of the Recipients has a message of its own, with all header fields.
TEST_F(Mailjet, RecipientsThatAreManyCopiesAreBounded) {
  std::string headers, people;
  for (int i = 0; i < 100; ++i)
    headers += (i == 0 ? "\"X-" : ",\"X-") + std::to_string(i) + "\":\"" + std::string(9'000, 'a') + "\"";
  for (int i = 0; i < 1000; ++i)
    people += (i == 0 ? "{\"Email\":\"user" : ",{\"Email\":\"user") + std::to_string(i) + "@example.test\"}";
  const Answer answer = post("/v3/send", R"({"FromEmail":"a@example.test","Subject":"s","Text-part":"t","Headers":{)" +
                                             headers + R"(},"Recipients":[)" + people + "]}");
  EXPECT_EQ(answer.status, 413) << answer.body;
  EXPECT_EQ(count(), 0u);
}

TEST_F(Mailjet, AReplyToAmongTheHeadersIsOne) {
  const Answer answer = send(mail(R"(,"Headers":{"Reply-To":"R <r@example.test>"})"));
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_NE(sent_octets(uuid_of(result(answer).at("To").at(0))).find("Reply-To: R <r@example.test>"),
            std::string::npos);
}

TEST_F(Mailjet, KeysAndTroubleOfOurs) {
  DialectServer narrow({&add_mailjet}, narrow_key());
  const auto ask = [&](const std::string& message) {
    return narrow.api.call_with(kNarrowToken, "POST", "/v3.1/send", R"({"Messages":[)" + message + "]}");
  };
  const Answer foreign = ask(R"({"From":{"Email":"app@other.test"},"To":[{"Email":"a@example.test"}],"TextPart":"x"})");
  EXPECT_EQ(foreign.status, 403);
  EXPECT_EQ(error_of(result(foreign)), "send-0008 403 From");
  EXPECT_EQ(ask(mail()).status, 200);
  const Answer limited = ask(mail());
  EXPECT_EQ(limited.status, 429) << limited.body;
  EXPECT_FALSE(limited.header("retry-after").empty());
  DialectServer full({&add_mailjet}, full_spool());
  for (const auto& [path, body] :
       {std::pair<std::string, std::string>{"/v3.1/send", R"({"Messages":[)" + mail() + "]}"},
        {"/v3/send", R"({"FromEmail":"app@example.test","Text-part":"x","To":"a@example.test"})"}}) {
    const Answer later = full.post(path, body);
    EXPECT_EQ(later.status, 503) << later.body;
    EXPECT_FALSE(later.header("retry-after").empty()) << path;
  }
}

// ---- v3

TEST_F(Mailjet, V3RecipientsEachGetTheirOwn) {
  const Answer answer =
      send_v3(R"(,"FromName":"App","Recipients":[{"Email":"a@example.test","Name":"A"},{"Email":"b@example.test"}])");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json::array sent = answer.json().at("Sent").as_array();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[1].at("Email"), "b@example.test");
  EXPECT_NE(sent[0].at("MessageID"), sent[1].at("MessageID"));
  EXPECT_EQ(count(), 2u);
  const std::string octets = sent_octets(uuid_of(sent[0]));
  EXPECT_NE(octets.find("To: A <a@example.test>"), std::string::npos) << octets;
  EXPECT_EQ(octets.find("b@example.test"), std::string::npos);
}

TEST_F(Mailjet, V3ToIsOneMessageForAll) {
  const Answer answer = send_v3(
      R"(,"To":"A <a@example.test>, \"B, b\" <b@example.test>","CC":"c@example.test","Bcc":"d@example.test","Html-part":"<img src=cid:logo.png>",)"
      R"("Mj-CustomID":"order-5","Mj-EventPayLoad":"5","Mj-campaign":"bills","Mj-Prio":0,"Mj-trackopen":1,"Mj-TemplateLanguage":false,)"
      R"("Headers":{"X-Order":"5","Reply-To":"r@example.test"},"Vars":{},)"
      R"("Attachments":[{"Content-type":"text/csv","Filename":"a.csv","content":"YSxi"}],)"
      R"("Inline_attachments":[{"Content-Type":"image/png","Filename":"logo.png","Content":"UE5H"}])");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const json::array sent = answer.json().at("Sent").as_array();
  ASSERT_EQ(sent.size(), 4u);
  EXPECT_EQ(count(), 1u);
  const json::object seen = message(uuid_of(sent[0]));
  EXPECT_EQ(text_at(seen, "lane"), "low");
  EXPECT_EQ(seen.at("metadata"), (json::object{{"CustomID", "order-5"}, {"EventPayload", "5"}}));
  const std::string octets = sent_octets(uuid_of(sent[0]));
  for (const char* part : {"\"B, b\" <b@example.test>", "Cc: c@example.test", "Reply-To: r@example.test", "X-Order: 5",
                           "Content-Id: <logo.png>", "YSxi"})
    EXPECT_NE(octets.find(part), std::string::npos) << part << "\n" << octets;
  EXPECT_EQ(octets.find("d@example.test"), std::string::npos);
}

TEST_F(Mailjet, V3Messages) {
  const std::string one =
      R"({"FromEmail":"app@example.test","Subject":"Hi","Text-part":"Text","Recipients":[{"Email":"a@example.test"}]})";
  const Answer answer = post("/v3/send", R"({"Messages":[)" + one + "," + one + "]}");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.json().at("Sent").as_array().size(), 2u);
  EXPECT_EQ(whole_error_of(post("/v3/send", R"({"Messages":[)" + one + R"(],"Subject":"x"})")), "400 mj-0005");
  EXPECT_EQ(count(), 2u);
}

TEST_F(Mailjet, V3OneFateForTheCall) {
  for (const char* more : {
           R"(,"Recipients":[{"Email":"a@example.test"},{"Email":"nobody"}])",
           R"(,"Recipients":[{"Email":"a@example.test","Vars":{"day":"Monday"}}])",
           R"(,"Recipients":[{"Email":"a@example.test"}],"Vars":{"day":"Monday"})",
           R"(,"Recipients":[{"Email":"a@example.test"}],"To":"b@example.test")",
           R"(,"Recipients":[{"Email":"a@example.test"}],"Mj-TemplateID":5)",
           R"(,"Recipients":[{"Email":"a@example.test"}],"MJ-TemplateLanguage":"true")",
           R"(,"Recipients":[{"Email":"a@example.test"}],"Mj-trackopen":2)",
           R"(,"Recipients":[{"Email":"a@example.test"}],"Mj-deduplicatecampaign":1)",
           R"(,"Recipients":[{"Email":"a@example.test"}],"Sender":true)",
           R"(,"Recipients":[{"Email":"a@example.test"}],"Unheard":1)",
           R"(,"To":"a@example.test","TO":"b@example.test")",
           R"(,"To":"a@example.test; b@example.test")",
           "",
       })
    EXPECT_EQ(send_v3(more).status, 400) << more;
  EXPECT_EQ(count(), 0u);
}

}  // namespace
}  // namespace postrider::mgmt::test
