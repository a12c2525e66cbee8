// The examples of AWS's Signature Version 4 test suite (docs.aws.amazon.com, "Signature Version 4 Test Suite"): requests as they are
// on the wire, names of the signed headers, signatures. Key AKIDEXAMPLE, service "service", region us-east-1, 30 August 2015 12:36.
#pragma once

#include <string_view>

namespace postrider::providers {

struct SigV4Vector {
  const char* name;
  std::string_view request;
  std::string_view signed_headers;
  std::string_view signature;
};

inline constexpr SigV4Vector kSigV4Vectors[] = {
    {"get-vanilla",
     "GET / HTTP/1.1\n"
     "Host:example.amazonaws.com\n"
     "X-Amz-Date:20150830T123600Z",
     "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-header-key-duplicate",
     "GET / HTTP/1.1\n"
     "Host:example.amazonaws.com\n"
     "My-Header1:value2\n"
     "My-Header1:value2\n"
     "My-Header1:value1\n"
     "X-Amz-Date:20150830T123600Z",
     "host;my-header1;x-amz-date", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {"get-header-value-order",
     "GET / HTTP/1.1\n"
     "Host:example.amazonaws.com\n"
     "My-Header1:value4\n"
     "My-Header1:value1\n"
     "My-Header1:value3\n"
     "My-Header1:value2\n"
     "X-Amz-Date:20150830T123600Z",
     "host;my-header1;x-amz-date", "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
    {"get-header-value-trim",
     "GET / HTTP/1.1\n"
     "Host:example.amazonaws.com\n"
     "My-Header1: value1\n"
     "My-Header2: \"a   b   c\"\n"
     "X-Amz-Date:20150830T123600Z",
     "host;my-header1;my-header2;x-amz-date", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"get-unreserved",
     "GET /-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz HTTP/1.1\n"
     "Host:example.amazonaws.com\n"
     "X-Amz-Date:20150830T123600Z",
     "host;x-amz-date", "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-vanilla-empty-query-key",
     "GET /?Param1=value1 HTTP/1.1\n"
     "Host:example.amazonaws.com\n"
     "X-Amz-Date:20150830T123600Z",
     "host;x-amz-date", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
    {"get-vanilla-query",
     "GET / HTTP/1.1\n"
     "Host:example.amazonaws.com\n"
     "X-Amz-Date:20150830T123600Z",
     "host;x-amz-date", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla-query-order-key",
     "GET /?Param1=value2&Param1=Value1 HTTP/1.1\n"
     "Host:example.amazonaws.com\n"
     "X-Amz-Date:20150830T123600Z",
     "host;x-amz-date", "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"},
    {"get-vanilla-query-order-key-case",
     "GET /?Param2=value2&Param1=value1 HTTP/1.1\n"
     "Host:example.amazonaws.com\n"
     "X-Amz-Date:20150830T123600Z",
     "host;x-amz-date", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-vanilla-query-order-value",
     "GET /?Param1=value2&Param1=value1 HTTP/1.1\n"
     "Host:example.amazonaws.com\n"
     "X-Amz-Date:20150830T123600Z",
     "host;x-amz-date", "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
    {"get-vanilla-query-unreserved",
     "GET /?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVW"
     "XYZabcdefghijklmnopqrstuvwxyz HTTP/1.1\n"
     "Host:example.amazonaws.com\n"
     "X-Amz-Date:20150830T123600Z",
     "host;x-amz-date", "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
    {"get-vanilla-utf8-query",
     "GET /?ሴ=bar HTTP/1.1\n"
     "Host:example.amazonaws.com\n"
     "X-Amz-Date:20150830T123600Z",
     "host;x-amz-date", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
    {"post-header-key-case",
     "POST / HTTP/1.1\n"
     "Host:example.amazonaws.com\n"
     "X-Amz-Date:20150830T123600Z",
     "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-header-key-sort",
     "POST / HTTP/1.1\n"
     "Host:example.amazonaws.com\n"
     "My-Header1:value1\n"
     "X-Amz-Date:20150830T123600Z",
     "host;my-header1;x-amz-date", "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
    {"post-header-value-case",
     "POST / HTTP/1.1\n"
     "Host:example.amazonaws.com\n"
     "My-Header1:VALUE1\n"
     "X-Amz-Date:20150830T123600Z",
     "host;my-header1;x-amz-date", "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
    {"post-vanilla",
     "POST / HTTP/1.1\n"
     "Host:example.amazonaws.com\n"
     "X-Amz-Date:20150830T123600Z",
     "host;x-amz-date", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-vanilla-empty-query-value",
     "POST /?Param1=value1 HTTP/1.1\n"
     "Host:example.amazonaws.com\n"
     "X-Amz-Date:20150830T123600Z",
     "host;x-amz-date", "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
    {"post-vanilla-query",
     "POST /?Param1=value1 HTTP/1.1\n"
     "Host:example.amazonaws.com\n"
     "X-Amz-Date:20150830T123600Z",
     "host;x-amz-date", "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
    {"post-x-www-form-urlencoded",
     "POST / HTTP/1.1\n"
     "Content-Type:application/x-www-form-urlencoded\n"
     "Host:example.amazonaws.com\n"
     "X-Amz-Date:20150830T123600Z\n"
     "Content-Length:13\n"
     "\n"
     "Param1=value1",
     "content-type;host;x-amz-date", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
    {"post-sts-header-before",
     "POST / HTTP/1.1\n"
     "Host:example.amazonaws.com\n"
     "X-Amz-Date:20150830T123600Z\n"
     "X-Amz-Security-Token:AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxf"
     "pSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75"
     "YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rv"
     "x3iSIlTJabIQwj2ICCR/oLxBA==",
     "host;x-amz-date;x-amz-security-token", "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
};

}  // namespace postrider::providers
