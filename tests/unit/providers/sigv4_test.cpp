#include "providers/sigv4.h"

#include <gtest/gtest.h>

#include "tests/unit/providers/sigv4_vectors.h"

namespace postrider::providers {

namespace {

constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
constexpr std::string_view kDate = "20150830T123600Z";

const AwsScope& scope() {
  static const AwsScope of_suite{"20150830", "us-east-1", "service"};
  return of_suite;
}

std::string_view cut(std::string_view& text, std::string_view until) {
  const std::string_view part = text.substr(0, text.find(until));
  text.remove_prefix(std::min(part.size() + until.size(), text.size()));
  return part;
}

bool is_signed(std::string_view name, std::string_view names) {
  std::string lower(name);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  while (!names.empty())
    if (cut(names, ";") == lower) return true;
  return false;
}

// The request of a vector, as a verifier takes it apart: only the signed headers count.
AwsRequest parse(const SigV4Vector& vector) {
  std::string_view rest = vector.request;
  std::string_view head = cut(rest, "\n\n");
  AwsRequest request;
  std::string_view line = cut(head, "\n");
  request.method = cut(line, " ");
  std::string_view target = line.substr(0, line.rfind(' '));
  request.path = cut(target, "?");
  request.query = target;
  while (!head.empty()) {
    std::string_view field = cut(head, "\n");
    const std::string_view name = cut(field, ":");
    if (is_signed(name, vector.signed_headers)) request.headers.emplace_back(name, field);
  }
  request.payload_hash = sha256_hex(rest);
  return request;
}

class Suite : public testing::TestWithParam<SigV4Vector> {};

TEST_P(Suite, GivesTheSignatureAwsGives) {
  const AwsRequest request = parse(GetParam());
  EXPECT_EQ(signed_names(request), GetParam().signed_headers);
  EXPECT_EQ(aws_signature(request, kSecret, kDate, scope()), GetParam().signature) << canonical_request(request);
}

INSTANTIATE_TEST_SUITE_P(Aws, Suite, testing::ValuesIn(kSigV4Vectors), [](const auto& one) {
  std::string name = one.param.name;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(SigV4, CanonicalRequestIsThatOfTheSuite) {
  const AwsRequest request{"GET",
                           "/",
                           "Param2=value2&Param1=value1",
                           {{"X-Amz-Date", "20150830T123600Z"}, {"Host", "example.amazonaws.com"}},
                           sha256_hex("")};
  EXPECT_EQ(canonical_request(request),
            "GET\n/\nParam1=value1&Param2=value2\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\n"
            "host;x-amz-date\ne3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(string_to_sign(kDate, scope(), canonical_request(request)),
            "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/service/aws4_request\n"
            "816cd5b414d056048ba4f7c5386d6e0533120fb1fcfa93762cf0fc39e2cf19e0");
}

// The worked example of the AWS reference, "Deriving the signing key".
TEST(SigV4, SigningKeyIsThatOfTheReference) {
  const std::string key = signing_key(kSecret, {"20120215", "us-east-1", "iam"});
  std::string hex;
  for (const char c : key) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned char>(c));
    hex += digits;
  }
  EXPECT_EQ(hex, "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
}

TEST(SigV4, EncodesThePathOnceMoreAndTheQueryAnew) {
  const AwsRequest request{"GET", "/a%20b/c", "k=a%2Fb&empty&k=a+c", {{"host", "h"}}, "UNSIGNED-PAYLOAD"};
  EXPECT_EQ(canonical_request(request), "GET\n/a%2520b/c\nempty=&k=a%2Bc&k=a%2Fb\nhost:h\n\nhost\nUNSIGNED-PAYLOAD");
}

TEST(SigV4, AmzDate) {
  EXPECT_EQ(amz_date(Time{}), "19700101T000000Z");
  EXPECT_EQ(amz_date(*parse_rfc3339("2026-02-28T23:59:59.999Z")), "20260228T235959Z");
}

class Signing : public testing::Test {
 protected:
  static std::string value(const SignedHeaders& headers, std::string_view name) {
    for (const auto& [n, v] : headers)
      if (n == name) return v;
    return {};
  }
  // What the other side computes from the headers it got and the Host it saw.
  static std::string verified(const SignedHeaders& sent, std::string_view method, std::string_view host,
                              std::string_view path, std::string_view query, std::string_view body) {
    AwsRequest request{method, path, query, {}, sha256_hex(body)};
    for (const auto& [name, text] : sent)
      if (name != "Authorization") request.headers.emplace_back(name, text);
    request.headers.emplace_back("Host", host);
    const std::string date = value(sent, "x-amz-date");
    return aws_signature(request, kSecret, date, {date.substr(0, 8), "eu-west-1", "ses"});
  }

  const Time now_ = *parse_rfc3339("2026-11-22T08:00:00Z");
  const AwsCredentials credentials_{"AKIDEXAMPLE", std::string(kSecret), ""};
};

TEST_F(Signing, SaysKeyScopeAndSignedHeaders) {
  const SignedHeaders sent = sign({"POST", "https://h.example/v2", "{}", {{"Content-Type", "application/json"}}},
                                  credentials_, "eu-west-1", "ses", now_);
  EXPECT_EQ(value(sent, "x-amz-date"), "20261122T080000Z");
  EXPECT_EQ(value(sent, "x-amz-content-sha256"), sha256_hex("{}"));
  EXPECT_EQ(value(sent, "x-amz-security-token"), "");
  EXPECT_EQ(value(sent, "Authorization"),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/eu-west-1/ses/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date, Signature=" +
                verified(sent, "POST", "h.example", "/v2", "", "{}"));
}

TEST_F(Signing, SignsTheSessionToken) {
  const SignedHeaders sent = sign({"GET", "https://h.example", "", {}},
                                  {"AKIDEXAMPLE", std::string(kSecret), "token=="}, "eu-west-1", "ses", now_);
  EXPECT_EQ(value(sent, "x-amz-security-token"), "token==");
  EXPECT_NE(value(sent, "Authorization")
                .find("x-amz-date;x-amz-security-token, Signature=" + verified(sent, "GET", "h.example", "/", "", "")),
            std::string::npos);
}

TEST_F(Signing, SignsTheHostAsLibcurlSendsIt) {
  const std::pair<const char*, const char*> hosts[] = {{"http://127.0.0.1:9999/p?a=1", "127.0.0.1:9999"},
                                                       {"https://h.example:443/p?a=1", "h.example"},
                                                       {"http://h.example:443/p?a=1", "h.example:443"},
                                                       {"http://h.example:80/p?a=1", "h.example"}};
  for (const auto& [url, host] : hosts) {
    const SignedHeaders sent = sign({"GET", url, "", {}}, credentials_, "eu-west-1", "ses", now_);
    EXPECT_TRUE(value(sent, "Authorization").ends_with(verified(sent, "GET", host, "/p", "a=1", ""))) << url;
  }
}

}  // namespace

}  // namespace postrider::providers
