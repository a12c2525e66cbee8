// Amazon SES's API v2: SendEmail as AWS's SDKs and nodemailer send it. Signatures: auth_test.cpp.
#include <gtest/gtest.h>

#include "mgmt/dialects/raw_header.h"
#include "providers/provider.h"
#include "tests/unit/mgmt/dialect_server.h"

namespace postrider::mgmt::test {
namespace {

namespace json = boost::json;

constexpr const char* kPath = "/v2/email/outbound-emails";

class Ses : public testing::Test, public DialectServer {
 protected:
  Ses() : DialectServer({&add_ses}) {}

  // What is different from a simple email of a sentence.
  static json::object simple() {
    return {{"FromEmailAddress", "App <app@example.test>"},
            {"Destination", {{"ToAddresses", {"a@example.test"}}}},
            {"Content", {{"Simple", {{"Subject", {{"Data", "Hi"}}}, {"Body", {{"Text", {{"Data", "Text"}}}}}}}}}};
  }
  static json::object with(std::string_view member, json::value value) {
    json::object email = simple();
    email[member] = std::move(value);
    return email;
  }
  static json::object with_simple(std::string_view member, json::value value) {
    json::object email = simple();
    email["Content"].as_object()["Simple"].as_object()[member] = std::move(value);
    return email;
  }
  static json::object raw(std::string_view octets) {
    return {{"Content", {{"Raw", {{"Data", providers::base64(octets)}}}}}};
  }
  Answer send(const json::object& email) { return post(kPath, json::serialize(email)); }
  std::string accepted(const json::object& email) {
    const Answer answer = send(email);
    EXPECT_EQ(answer.status, 200) << answer.body;
    EXPECT_FALSE(answer.header("x-amzn-requestid").empty());
    return answer.status == 200 ? text_at(answer.json(), "MessageId") : "";
  }
  static std::string error_of(const Answer& answer) {
    return std::to_string(answer.status) + " " + answer.header("x-amzn-errortype") + ": " +
           text_at(answer.json(), "message");
  }
  std::string octets_of(const json::object& email) { return sent_octets(accepted(email)); }
};

TEST_F(Ses, ASimpleEmailWithEverything) {
  json::object email = simple();
  email["Destination"] = {{"ToAddresses", {"A <a@example.test>"}},
                          {"CcAddresses", {"c@example.test"}},
                          {"BccAddresses", {"d@example.test"}}};
  email["ReplyToAddresses"] = {"r@example.test", "s@example.test"};
  email["EmailTags"] = {{{"Name", "order"}, {"Value", "5"}}};
  email["ConfigurationSetName"] = "events";
  email["Content"] = {
      {"Simple",
       {{"Subject", {{"Data", "=?utf-8?q?Gr=C3=BC=C3=9Fe?="}, {"Charset", "UTF-8"}}},
        {"Body", {{"Text", {{"Data", "plain"}}}, {"Html", {{"Data", "<img src=cid:logo>"}, {"Charset", "UTF-8"}}}}},
        {"Headers", {{{"Name", "X-Order"}, {"Value", "5"}}}},
        {"Attachments",
         {{{"FileName", "logo.png"},
           {"RawContent", "UE5H"},
           {"ContentType", "image/png"},
           {"ContentDisposition", "INLINE"},
           {"ContentId", "logo"},
           {"ContentTransferEncoding", "BASE64"}}}}}}};
  const std::string id = accepted(email);
  const json::object seen = message(id);
  EXPECT_EQ(text_at(seen, "subject"), "Grüße");
  EXPECT_EQ(text_at(seen, "sender"), "app@example.test");
  EXPECT_EQ(seen.at("recipients").as_array().size(), 3u);
  EXPECT_EQ(seen.at("metadata"), (json::object{{"ses:configuration-set", "events"}, {"order", "5"}}));
  const std::string octets = sent_octets(id);
  for (const char* part : {"From: App <app@example.test>", "To: A <a@example.test>", "Cc: c@example.test",
                           "Reply-To: r@example.test, s@example.test", "X-Order: 5", "Content-Id: <logo>", "UE5H"})
    EXPECT_NE(octets.find(part), std::string::npos) << part << "\n" << octets;
  EXPECT_EQ(octets.find("d@example.test"), std::string::npos);
}

TEST_F(Ses, BouncesGoWhereTheCallSays) {
  const json::object seen = message(accepted(with("FeedbackForwardingEmailAddress", "bounces@example.test")));
  EXPECT_EQ(text_at(seen, "sender"), "bounces@example.test");
}

// ---- Raw

constexpr std::string_view kRaw =
    "DKIM-Signature: v=1; b=\r\n abc\r\nFrom: \"App\"  <app@example.test>\r\nTo: shown@example.test\r\nSubject: raw\r\n"
    "Date: Sun, 22 Nov 2026 08:00:00 +0000\r\nMessage-ID: <1@example.test>\r\n\r\n.dot\r\ntext\r\n";

std::string without_trace(const std::string& octets) {
  const auto end = octets.find("DKIM-Signature:");
  return end == std::string::npos ? octets : octets.substr(end);
}

TEST_F(Ses, RawOctetsStayAsTheyAre) {
  json::object email = raw(kRaw);
  email["Destination"] = {{"ToAddresses", {"a@example.test"}}, {"BccAddresses", {"b@example.test"}}};
  const std::string id = accepted(email);
  EXPECT_EQ(without_trace(sent_octets(id)), kRaw);
  const json::object seen = message(id);
  EXPECT_EQ(text_at(seen, "sender"), "app@example.test");
  EXPECT_EQ(text_at(seen.at("recipients").at(0).as_object(), "address"), "a@example.test");
  EXPECT_EQ(seen.at("recipients").as_array().size(), 2u);
}

TEST_F(Ses, WithoutDestinationTheHeaderSaysWho) {
  const json::object seen = message(accepted(raw(kRaw)));
  ASSERT_EQ(seen.at("recipients").as_array().size(), 1u);
  EXPECT_EQ(text_at(seen.at("recipients").at(0).as_object(), "address"), "shown@example.test");
}

TEST_F(Ses, AFromThatSaysTheSameIsNotTouched) {
  json::object email = raw(kRaw);
  email["FromEmailAddress"] = "App <app@example.test>";
  EXPECT_EQ(without_trace(octets_of(email)), kRaw);
}

TEST_F(Ses, AnotherFromAndReplyToReplaceThoseOfTheHeader) {
  json::object email = raw(kRaw);
  email["FromEmailAddress"] = "Größe <other@example.test>";
  email["ReplyToAddresses"] = {"r@example.test"};
  const std::string id = accepted(email);
  const std::string octets = sent_octets(id);
  EXPECT_EQ(octets.find("app@example.test"), std::string::npos) << octets;
  EXPECT_NE(octets.find("<other@example.test>\r\nTo: shown@example.test\r\n"), std::string::npos) << octets;
  EXPECT_NE(octets.find("Reply-To: r@example.test\r\n"), std::string::npos) << octets;
  EXPECT_EQ(text_at(message(id), "sender"), "other@example.test");
}

TEST_F(Ses, FieldsForSesGoNoFurther) {
  const std::string tagged =
      "X-SES-CONFIGURATION-SET: events\r\nX-SES-MESSAGE-TAGS: order=5,\r\n kind=bill\r\n" + std::string(kRaw);
  const std::string id = accepted(raw(tagged));
  EXPECT_EQ(without_trace(sent_octets(id)), kRaw);
  EXPECT_EQ(sent_octets(id).find("X-SES"), std::string::npos);
  EXPECT_EQ(message(id).at("metadata"),
            (json::object{{"ses:configuration-set", "events"}, {"order", "5"}, {"kind", "bill"}}));
  json::object email = raw(tagged);
  email["EmailTags"] = {{{"Name", "own"}, {"Value", "1"}}};
  email["ConfigurationSetName"] = "other";
  EXPECT_EQ(message(accepted(email)).at("metadata"), (json::object{{"ses:configuration-set", "other"}, {"own", "1"}}));
  EXPECT_TRUE(error_of(send(raw("X-SES-SOURCE-ARN: arn:aws:x\r\n" + std::string(kRaw))))
                  .starts_with("400 BadRequestException: "));
}

// ---- refusals

TEST_F(Ses, WhatCannotBeHonouredIsRefused) {
  const std::pair<json::object, const char*> cases[] = {
      {with("Content", {{"Template", {{"TemplateName", "x"}, {"TemplateData", "{}"}}}}), "Content.Template"},
      {with("FromEmailAddressIdentityArn", "arn:aws:ses:x"), "FromEmailAddressIdentityArn"},
      {with("FeedbackForwardingEmailAddressIdentityArn", "arn:aws:ses:x"), "FeedbackForwardingEmailAddressIdentityArn"},
      {with("ListManagementOptions", {{"ContactListName", "x"}}), "ListManagementOptions"},
      {with("EndpointId", "x"), "EndpointId"},
      {with("TenantName", "x"), "TenantName"},
      {with("Unheard", 1), "Unheard"},
      {with("EmailTags", {{{"Name", "a b"}, {"Value", "5"}}}), "EmailTags.0"},
      {with("Destination", {{"ToAddresses", {"a@example.test, b@example.test"}}}), "Destination.ToAddresses.0"},
      {with("Destination", {{"ToAddresses", {"@b"}}}), "Destination.ToAddresses.0"},
      {with("Destination", json::object()), "Destination.ToAddresses"},
      {with("Content", {{"Raw", {{"Data", "not base64"}}}}), "Content.Raw.Data"},
      {with("Content", json::object()), "Content"},
      {with_simple("Attachments", {{{"FileName", "a"}, {"RawContent", "UE5H"}, {"ContentDescription", "x"}}}),
       "Content.Simple.Attachments.0.ContentDescription"},
      {with_simple("Attachments", {{{"FileName", "a"}, {"RawContent", "UE5H"}, {"ContentDisposition", "FORM"}}}),
       "Content.Simple.Attachments.0.ContentDisposition"},
      {with_simple("Headers", {{{"Name", "X-SES-Configuration-Set"}, {"Value", "x"}}}),
       "Content.Simple.Headers.0.Name"},
      {with_simple("Headers", {{{"Name", "Subject"}, {"Value", "x"}}}), "Content.Simple.Headers.Subject"},
      {with_simple("Headers", {{{"Name", "X-A"}, {"Value", "x\r\nBcc: y@example.test"}}}),
       "Content.Simple.Headers.X-A"},
  };
  for (const auto& [email, place] : cases) {
    const std::string error = error_of(send(email));
    EXPECT_TRUE(error.starts_with("400 BadRequestException: ")) << error;
    EXPECT_NE(error.find(std::string(place) + ": "), std::string::npos) << place << " in " << error;
  }
  EXPECT_EQ(count(), 0u);
}

TEST_F(Ses, BulkIsOfTemplatesOnly) {
  EXPECT_TRUE(error_of(post("/v2/email/outbound-bulk-emails", R"({"BulkEmailEntries":[]})"))
                  .starts_with("400 BadRequestException: every email of SendBulkEmail"));
}

TEST_F(Ses, GateAndJsonSpeakAsAwsDoes) {
  EXPECT_TRUE(error_of(post(kPath, "{")).starts_with("400 BadRequestException: "));
  EXPECT_TRUE(
      error_of(api.call_with("pr_wrong", "POST", kPath, "{}")).starts_with("403 UnrecognizedClientException: "));
  const Answer unsigned_ = api.call_raw(
      "POST", kPath,
      "Content-Type: application/json\r\nX-Amz-Date: 20260131T081500Z\r\nAuthorization: AWS4-HMAC-SHA256 x\r\n", "{}");
  EXPECT_TRUE(error_of(unsigned_).starts_with("400 IncompleteSignature: Authorization must have"))
      << error_of(unsigned_);
  const Answer unknown =
      api.call_raw("POST", kPath,
                   "Content-Type: application/json\r\nX-Amz-Date: 20260131T081500Z\r\nAuthorization: AWS4-HMAC-SHA256 "
                   "Credential=PRABCDEFGHIJKLMNOP/20260131/us-east-1/ses/aws4_request, SignedHeaders=host;x-amz-date, "
                   "Signature=00\r\n",
                   "{}");
  EXPECT_TRUE(error_of(unknown).starts_with("403 InvalidClientTokenId: this access key")) << error_of(unknown);
}

// nodemailer's verify() sends from this address and takes MessageRejected for proof that the credentials work.
TEST_F(Ses, NobodySendsFromInvalid) {
  json::object email = raw("From: <invalid@invalid>\r\nTo: <invalid@invalid>\r\n Subject: Invalid\r\n\r\nInvalid");
  email["FromEmailAddress"] = "invalid@invalid";
  email["Destination"] = {{"ToAddresses", {"invalid@invalid"}}};
  EXPECT_TRUE(error_of(send(email)).starts_with("400 MessageRejected: ")) << error_of(send(email));
  EXPECT_EQ(count(), 0u);
}

TEST_F(Ses, AttemptsAtOneCallAreOneMessage) {
  const std::string call = "amz-sdk-invocation-id: 8e03978e-40d5-43e8-bc93-6894a57f9324\r\n";
  const std::string body = json::serialize(simple());
  const Answer first = post_with(kPath, call + "amz-sdk-request: attempt=1; max=3\r\n", body);
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(post_with(kPath, call + "amz-sdk-request: attempt=2; max=3\r\n", body).body, first.body);
  EXPECT_EQ(error_of(post_with(kPath, call, json::serialize(with("ReplyToAddresses", {"r@example.test"}))))
                .find("400 BadRequestException: "),
            0u);
  EXPECT_EQ(count(), 1u);
  EXPECT_EQ(post_with(kPath, "amz-sdk-invocation-id: " + std::string(201, 'x') + "\r\n", body).status, 400);
}

TEST_F(Ses, KeysAndTroubleOfOursHaveAwsNames) {
  DialectServer narrow({&add_ses}, narrow_key());
  const std::string body = json::serialize(simple());
  const std::string foreign = json::serialize(with("FromEmailAddress", "app@other.test"));
  EXPECT_EQ(error_of(narrow.api.call_with(kNarrowToken, "POST", kPath, foreign)),
            "400 MessageRejected: FromEmailAddress: this credential may not send as 'app@other.test'");
  EXPECT_EQ(narrow.api.call_with(kNarrowToken, "POST", kPath, body).status, 200);
  const Answer limited = narrow.api.call_with(kNarrowToken, "POST", kPath, body);
  EXPECT_TRUE(error_of(limited).starts_with("429 TooManyRequestsException: ")) << limited.body;
  EXPECT_FALSE(limited.header("retry-after").empty());
  DialectServer full({&add_ses}, full_spool());
  const Answer later = full.post(kPath, body);
  EXPECT_TRUE(error_of(later).starts_with("503 ServiceUnavailable: ")) << later.body;
  EXPECT_FALSE(later.header("retry-after").empty());
}

// ---- the header of raw octets

TEST(RawHeader, FieldsUntilTheHeaderEnds) {
  const auto fields = raw_fields("A: 1\r\nB :\t2\n  and more\nnonsense\r\nC: 3\r\n");
  ASSERT_EQ(fields.size(), 2u);
  EXPECT_EQ(fields[1].name, "B");
  EXPECT_EQ(fields[1].value, "2  and more");
  EXPECT_TRUE(raw_fields("\r\nA: 1\r\n").empty());
  EXPECT_TRUE(raw_fields("").empty());
}

// What no message may have is not worth the memory.
TEST(RawHeader, LooksNoFurtherThanAHeaderMayBe) {
  std::string message;
  for (int i = 0; i < 1'000'000; ++i) message += "a:\n";
  EXPECT_LE(raw_fields(message).size(), (1u << 20) / 3 + 1);
  replace_raw_field(message, "a", "");
  EXPECT_GE(message.size(), 3'000'000u - (1u << 20) - 3);
}

TEST(RawHeader, OneFieldInThePlaceOfAll) {
  std::string message = "A: 1\r\nx: old\r\n folded\r\nB: 2\r\nX: again\r\n\r\nX: body\r\n";
  replace_raw_field(message, "X", "X: new\r\n");
  EXPECT_EQ(message, "A: 1\r\nX: new\r\nB: 2\r\n\r\nX: body\r\n");
  replace_raw_field(message, "x", "");
  EXPECT_EQ(message, "A: 1\r\nB: 2\r\n\r\nX: body\r\n");
  replace_raw_field(message, "Y", "Y: top\r\n");
  EXPECT_EQ(message, "Y: top\r\nA: 1\r\nB: 2\r\n\r\nX: body\r\n");
}

}  // namespace
}  // namespace postrider::mgmt::test
