// AWS Signature Version 4, both halves: the pieces that signer and verifier share (canonical request, string to sign, key), and the
// signing of a request of ours. Pure; any thread; no clock but the time given. Why not libcurl's: docs/providers.md.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/time.h"

namespace postrider::providers {

using SignedHeaders = std::vector<std::pair<std::string, std::string>>;

struct AwsCredentials {
  std::string access_key, secret_key;
  std::string session_token;  // of temporary credentials; empty: none
};

// What a signature covers, as it is on the wire.
struct AwsRequest {
  std::string_view method;
  std::string_view path;   // as in the request line: "/v2/email/outbound-emails"; without dot segments
  std::string_view query;  // without '?'; parts may be percent-encoded or not
  SignedHeaders
      headers;  // those that are signed, `host` among them; names in any case, values in the order of the wire
  std::string payload_hash;  // sha256_hex of the body, or what x-amz-content-sha256 says in its place
};

// Where and when a key is good: "20150830/us-east-1/ses/aws4_request".
struct AwsScope {
  std::string date;  // yyyymmdd
  std::string region;
  std::string service;

  std::string str() const;
};

std::string hex(std::string_view octets);  // lower case
std::string sha256_hex(std::string_view octets);
std::string amz_date(Time at);                        // "20150830T123600Z"
std::string signed_names(const AwsRequest& request);  // "content-type;host;x-amz-date"
std::string canonical_request(const AwsRequest& request);
std::string string_to_sign(std::string_view date, const AwsScope& scope, std::string_view canonical);
std::string signing_key(std::string_view secret_key, const AwsScope& scope);  // 32 octets
std::string aws_signature(const AwsRequest& request, std::string_view secret_key, std::string_view date,
                          const AwsScope& scope);  // lower-case hex; a verifier compares it in constant time

// A request of ours, to be signed.
struct AwsCall {
  std::string_view method;
  std::string_view url;  // without user name and fragment
  std::string_view body;
  SignedHeaders headers;  // signed as they are
};

// The headers of the call and those that sign it: x-amz-date, x-amz-content-sha256, x-amz-security-token, Authorization. `host` is
// signed too, in the form in which libcurl sends it.
SignedHeaders sign(const AwsCall& call, const AwsCredentials& credentials, std::string_view region,
                   std::string_view service, Time now);

}  // namespace postrider::providers
