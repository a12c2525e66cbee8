// SigV4 as the one who checks it: AWS's own examples, what our signer makes, and everything that must not pass.
#include "mgmt/aws_auth.h"

#include <algorithm>

#include "tests/unit/mgmt/credentials_fixture.h"
#include "tests/unit/providers/sigv4_vectors.h"

namespace postrider::mgmt::test {
namespace {

using namespace std::chrono_literals;

std::string_view cut(std::string_view& text, std::string_view until) {
  const std::string_view part = text.substr(0, text.find(until));
  text.remove_prefix(std::min(part.size() + until.size(), text.size()));
  return part;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

// A request as it comes off the wire.
Request parse(std::string_view octets) {
  std::string_view head = cut(octets, "\n\n");
  Request request;
  request.body = octets;
  std::string_view line = cut(head, "\n");
  request.method = http::string_to_verb(cut(line, " "));
  request.target = line.substr(0, line.rfind(' '));
  while (!head.empty()) {
    std::string_view field = cut(head, "\n");
    const std::string name = lower(cut(field, ":"));
    request.fields.emplace_back(name, field);
  }
  return request;
}

class AwsSuite : public testing::TestWithParam<providers::SigV4Vector> {};

TEST_P(AwsSuite, ItsSignaturesPassAndNoOthersDo) {
  const std::string_view secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
  const Time then = parse_rfc3339("2015-08-30T12:36:00Z").value();
  const Request request = parse(GetParam().request);
  auto given = read_aws_authorization(
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
      "SignedHeaders=" +
      std::string(GetParam().signed_headers) + ", Signature=" + std::string(GetParam().signature));
  ASSERT_TRUE(given) << given.error().text;
  EXPECT_EQ(given->access_key_id, "AKIDEXAMPLE");
  const auto verified = verify_aws_signature(request, *given, secret, then);
  EXPECT_TRUE(verified) << verified.error().text;
  EXPECT_FALSE(verify_aws_signature(request, *given, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEZ", then));
  given->scope.region = "us-east-2";
  EXPECT_FALSE(verify_aws_signature(request, *given, secret, then));
}

INSTANTIATE_TEST_SUITE_P(Aws, AwsSuite, testing::ValuesIn(providers::kSigV4Vectors), [](const auto& one) {
  std::string name = one.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

class AwsAuth : public CredentialsTest {
 protected:
  AwsAuth() {
    add(key("app"));
    pair_ = aws_key_pair(*ring_.find_by_name("app"), relay_key_);
  }
  // As our own signer signs it, with these headers too.
  Request signed_request(const providers::SignedHeaders& headers = {}, const std::string& service = "ses") {
    Request request;
    request.method = http::verb::post;
    request.target = "/v2/email/outbound-emails?a=b";
    request.body = R"({"FromEmailAddress":"a@example.com"})";
    request.fields = {{"host", "relay.example.com:8025"}};
    const std::string url = "http://relay.example.com:8025" + request.target;
    for (const auto& [name, value] :
         providers::sign({"POST", url, request.body, headers}, {pair_.access_key_id, pair_.secret_access_key, ""},
                         "eu-central-1", service, clock_.now()))
      request.fields.emplace_back(lower(name), value);
    return request;
  }
  static std::string& field(Request& request, std::string_view name) {
    const auto found =
        std::find_if(request.fields.begin(), request.fields.end(), [&](const auto& one) { return one.first == name; });
    if (found == request.fields.end()) throw std::logic_error("no such field");
    return found->second;
  }
  // What AWS calls it; empty: it passed.
  std::string fault(const Request& request) {
    const auto checked = check_aws_signature(request, ring_, relay_key_, clock_.now());
    if (!checked) return checked.error().text.substr(0, checked.error().text.find(':'));
    EXPECT_EQ((*checked)->name, "app");
    return {};
  }

  const std::string relay_key_ = std::string(32, 'a');
  AwsKeyPair pair_;
};

TEST_F(AwsAuth, APairIsAlwaysTheSameOfAKeyAndOfNoOther) {
  add(key("other"));
  const AwsKeyPair other = aws_key_pair(*ring_.find_by_name("other"), relay_key_);
  EXPECT_EQ(pair_.access_key_id.size(), 18u);
  EXPECT_EQ(pair_.access_key_id.substr(0, 2), "PR");
  EXPECT_EQ(pair_.secret_access_key.size(), 43u);
  EXPECT_EQ(aws_key_pair(*ring_.find_by_name("app"), relay_key_).secret_access_key, pair_.secret_access_key);
  EXPECT_NE(other.secret_access_key, pair_.secret_access_key);
  EXPECT_NE(aws_key_pair(*ring_.find_by_name("app"), std::string(32, 'b')).secret_access_key, pair_.secret_access_key);
}

TEST_F(AwsAuth, WhatOurSignerSignsPasses) {
  EXPECT_EQ(fault(signed_request()), "");
  EXPECT_EQ(fault(signed_request({{"Content-Type", "application/json"}, {"amz-sdk-invocation-id", "1"}})), "");
}

TEST_F(AwsAuth, WhatIsNotSignedAndSteersNothingMayBeAdded) {
  Request request = signed_request();
  request.fields.emplace_back("user-agent", "aws-sdk-js/3");
  EXPECT_EQ(fault(request), "");
}

TEST_F(AwsAuth, AnythingSignedThatChangesIsAMismatch) {
  const auto changed = [this](auto change) {
    Request request = signed_request({{"Content-Type", "application/json"}});
    change(request);
    return fault(request);
  };
  const std::string mismatch = "SignatureDoesNotMatch";
  EXPECT_EQ(changed([](Request& r) { r.body += ' '; }), mismatch);
  EXPECT_EQ(changed([](Request& r) { r.body.clear(); }), mismatch);
  EXPECT_EQ(changed([](Request& r) { r.method = http::verb::put; }), mismatch);
  EXPECT_EQ(changed([](Request& r) { r.target = "/v2/email/outbound-emails"; }), mismatch);
  EXPECT_EQ(changed([](Request& r) { field(r, "host") = "other.example.com"; }), mismatch);
  EXPECT_EQ(changed([](Request& r) { field(r, "content-type") = "text/plain"; }), mismatch);
  EXPECT_EQ(changed([](Request& r) { r.fields.emplace_back("content-type", "text/plain"); }), mismatch);
  EXPECT_EQ(changed([](Request& r) { r.fields.emplace_back("host", "other.example.com"); }), mismatch);
  EXPECT_EQ(changed([](Request& r) { field(r, "authorization").back() = 'x'; }), mismatch);
  EXPECT_EQ(changed([](Request& r) { field(r, "authorization").pop_back(); }), mismatch);
}

TEST_F(AwsAuth, ABodyNobodySignedIsNotTaken) {
  for (const char* payload : {"UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", ""}) {
    Request request = signed_request();
    field(request, "x-amz-content-sha256") = payload;
    EXPECT_EQ(fault(request), "SignatureDoesNotMatch") << payload;
  }
  Request request = signed_request();
  request.fields.emplace_back("content-encoding", "gzip");
  EXPECT_EQ(fault(request), "SignatureDoesNotMatch");
}

TEST_F(AwsAuth, BeforeTheBodyAllElseIsChecked) {
  const auto at_head = [this](const Request& request) {
    const auto checked = check_aws_signature(request, ring_, relay_key_, clock_.now(), RequestStage::head);
    return checked ? "" : checked.error().text.substr(0, checked.error().text.find(':'));
  };
  Request request = signed_request();
  request.body.clear();
  EXPECT_EQ(at_head(request), "");
  request.target = "/v2/email/identities";
  EXPECT_EQ(at_head(request), "SignatureDoesNotMatch") << "what stands for the body is enough for the signature";
  // As SDKs do it that give no hash: with the body only, but for what needs no secret.
  std::erase_if(request.fields, [](const auto& one) { return one.first == "x-amz-content-sha256"; });
  std::string& authorization = field(request, "authorization");
  authorization.replace(authorization.find("x-amz-content-sha256;"), 21, "");
  EXPECT_EQ(at_head(request), "");
  EXPECT_EQ(fault(request), "SignatureDoesNotMatch");
  clock_.at = 1h;
  EXPECT_EQ(at_head(request), "RequestExpired");
}

TEST_F(AwsAuth, WhatIsReadHereMustBeSigned) {
  Request added = signed_request();
  added.fields.emplace_back("amz-sdk-invocation-id", "on the way");
  EXPECT_EQ(fault(added), "SignatureDoesNotMatch");
  Request request = signed_request();
  std::string& authorization = field(request, "authorization");
  authorization.replace(authorization.find("host;"), 5, "");
  EXPECT_EQ(fault(request), "SignatureDoesNotMatch");
}

TEST_F(AwsAuth, HoldsForAQuarterOfAnHour) {
  const Request request = signed_request();
  clock_.at = kMaxAwsSkew;
  EXPECT_EQ(fault(request), "");
  clock_.at = kMaxAwsSkew + 1s;
  EXPECT_EQ(fault(request), "RequestExpired");
  clock_.at = -kMaxAwsSkew;
  EXPECT_EQ(fault(request), "");
  clock_.at = -kMaxAwsSkew - 1s;
  EXPECT_EQ(fault(request), "RequestExpired");
}

TEST_F(AwsAuth, TheDateOfTheScopeIsThatOfTheRequest) {
  Request request = signed_request();
  std::string& authorization = field(request, "authorization");
  authorization.replace(authorization.find("20260131"), 8, "20260130");
  EXPECT_EQ(fault(request), "SignatureDoesNotMatch");
}

TEST_F(AwsAuth, UnknownKeysAreNamedSo) {
  Request request = signed_request();
  std::string& authorization = field(request, "authorization");
  const std::string unknown = pair_.access_key_id.substr(0, 17) + (pair_.access_key_id.back() == 'A' ? "B" : "A");
  authorization.replace(authorization.find(pair_.access_key_id), 18, unknown);
  EXPECT_EQ(fault(request), "InvalidClientTokenId");
  Request with_session = signed_request({{"x-amz-security-token", "token"}});
  EXPECT_EQ(fault(with_session), "InvalidClientTokenId");
  ASSERT_TRUE(run(ring_.remove("app")));
  EXPECT_EQ(fault(signed_request()), "InvalidClientTokenId");
}

TEST_F(AwsAuth, OfAnotherServiceItIsNotForUs) {
  EXPECT_EQ(fault(signed_request({}, "s3")), "SignatureDoesNotMatch");
}

TEST_F(AwsAuth, HalfAnAuthorizationIsIncomplete) {
  Request request = signed_request();
  const std::string whole = field(request, "authorization");
  const std::vector<std::string> halves{
      "AWS4-HMAC-SHA256 ",
      "AWS4-HMAC-SHA256 Credential=",
      whole.substr(0, whole.find(", Signature")),
      whole.substr(0, whole.find("SignedHeaders")),
      "AWS4-HMAC-SHA256 Credential=a/b/c, SignedHeaders=host, Signature=x",
      "AWS4-HMAC-SHA256 Credential=a/20260131/r/ses/aws4, SignedHeaders=host, Signature=x",
      "AWS4-HMAC-SHA256 " + std::string(8000, ',')};
  for (const std::string& half : halves) {
    field(request, "authorization") = half;
    EXPECT_EQ(fault(request), "IncompleteSignature") << half;
  }
}

TEST_F(AwsAuth, ADateThatIsNoneIsIncomplete) {
  for (const char* date : {"", "20260131", "20260131T081500", "2026-01-31T08:15:00Z", "20261331T081500Z",
                           "+0260131T081500Z", "20260131t081500Z", "20260131T081500z", "20260131T0815000"}) {
    Request request = signed_request();
    field(request, "x-amz-date") = date;
    EXPECT_EQ(fault(request), "IncompleteSignature") << date;
  }
  Request twice = signed_request();
  twice.fields.emplace_back("x-amz-date", field(twice, "x-amz-date"));
  EXPECT_EQ(fault(twice), "IncompleteSignature");
}

TEST_F(AwsAuth, NamesOutOfOrderOrTwiceAreIncomplete) {
  for (const char* names : {"x-amz-date;host", "host;host;x-amz-date", "host;x-amz-date;"}) {
    Request request = signed_request();
    std::string& authorization = field(request, "authorization");
    const std::size_t from = authorization.find("SignedHeaders=") + 14;
    authorization.replace(from, authorization.find(',', from) - from, names);
    EXPECT_NE(fault(request), "") << names;
  }
}

}  // namespace
}  // namespace postrider::mgmt::test
