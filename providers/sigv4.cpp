// The steps are those of "Create a signed AWS API request" in the AWS reference, for every service but S3 (which encodes paths once).
#include "providers/sigv4.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <stdexcept>

#include "providers/hmac.h"
#include "providers/provider.h"

namespace postrider::providers {

namespace {

constexpr std::string_view kAlgorithm = "AWS4-HMAC-SHA256";
constexpr std::size_t kDigest = 32;

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool coded =
        text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0;
    out += coded ? static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])) : text[i];
    if (coded) i += 2;
  }
  return out;
}

std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  while (!query.empty()) {
    const std::string_view one = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(one.size() + 1, query.size()));
    if (one.empty()) continue;
    const std::size_t equals = std::min(one.find('='), one.size());
    const std::string_view value = one.substr(std::min(equals + 1, one.size()));
    parameters.emplace_back(percent_encoded(decode(one.substr(0, equals))), percent_encoded(decode(value)));
  }
  std::sort(parameters.begin(), parameters.end());
  std::string out;
  for (const auto& [name, value] : parameters) {
    if (!out.empty()) out += '&';
    out.append(name).append("=").append(value);
  }
  return out;
}

// Blanks around it removed, blanks within it made one.
std::string canonical_value(std::string_view value) {
  std::string out;
  for (const char c : value) {
    const bool blank = c == ' ' || c == '\t';
    if (blank && (out.empty() || out.back() == ' ')) continue;
    out += blank ? ' ' : c;
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

// In the order of their lower-case names; values of one name joined in the order in which they came.
SignedHeaders canonical_headers(const SignedHeaders& headers) {
  SignedHeaders out;
  for (const auto& [name, value] : headers) {
    std::string lower_name = name;
    for (char& c : lower_name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const auto same = std::find_if(out.begin(), out.end(), [&](const auto& one) { return one.first == lower_name; });
    if (same == out.end())
      out.emplace_back(std::move(lower_name), canonical_value(value));
    else
      same->second.append(",").append(canonical_value(value));
  }
  std::sort(out.begin(), out.end());
  return out;
}

std::string joined_names(const SignedHeaders& canonical) {
  std::string names;
  for (const auto& [name, value] : canonical) names.append(names.empty() ? "" : ";").append(name);
  return names;
}

struct UrlParts {
  std::string_view host;  // without a port that is the scheme's own: so libcurl writes Host
  std::string_view path;
  std::string_view query;
};

UrlParts split_url(std::string_view url) {
  const bool secure = url.starts_with("https://");
  const std::size_t scheme_end = url.find("://");
  if (scheme_end != std::string_view::npos) url.remove_prefix(scheme_end + 3);
  UrlParts parts;
  parts.host = url.substr(0, url.find_first_of("/?"));
  url.remove_prefix(parts.host.size());
  const std::string_view own_port = secure ? ":443" : ":80";
  if (parts.host.ends_with(own_port)) parts.host.remove_suffix(own_port.size());
  parts.path = url.substr(0, url.find('?'));
  url.remove_prefix(parts.path.size());
  parts.query = url.empty() ? url : url.substr(1);
  if (parts.path.empty()) parts.path = "/";
  return parts;
}

}  // namespace

std::string AwsScope::str() const {
  return date + "/" + region + "/" + service + "/aws4_request";
}

std::string hex(std::string_view octets) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(octets.size() * 2);
  for (const char c : octets) {
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

std::string sha256_hex(std::string_view octets) {
  std::string digest(kDigest, '\0');
  if (EVP_Digest(octets.data(), octets.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr, EVP_sha256(),
                 nullptr) != 1)
    throw std::runtime_error("SHA-256 failed");
  return hex(digest);
}

std::string amz_date(Time at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(at - day));
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%04d%02u%02uT%02d%02d%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                static_cast<int>(time.seconds().count()));
  return text.data();
}

std::string signed_names(const AwsRequest& request) {
  return joined_names(canonical_headers(request.headers));
}

std::string canonical_request(const AwsRequest& request) {
  const SignedHeaders headers = canonical_headers(request.headers);
  std::string out(request.method);
  // The path is encoded once more than it is on the wire, segment by segment.
  out.append("\n")
      .append(percent_encoded(request.path, "/"))
      .append("\n")
      .append(canonical_query(request.query))
      .append("\n");
  for (const auto& [name, value] : headers) out.append(name).append(":").append(value).append("\n");
  out.append("\n").append(joined_names(headers)).append("\n").append(request.payload_hash);
  return out;
}

std::string string_to_sign(std::string_view date, const AwsScope& scope, std::string_view canonical) {
  std::string out(kAlgorithm);
  return out.append("\n").append(date).append("\n").append(scope.str()).append("\n").append(sha256_hex(canonical));
}

std::string signing_key(std::string_view secret_key, const AwsScope& scope) {
  const std::string of_date = hmac_sha256("AWS4" + std::string(secret_key), scope.date);
  return hmac_sha256(hmac_sha256(hmac_sha256(of_date, scope.region), scope.service), "aws4_request");
}

std::string aws_signature(const AwsRequest& request, std::string_view secret_key, std::string_view date,
                          const AwsScope& scope) {
  return hex(hmac_sha256(signing_key(secret_key, scope), string_to_sign(date, scope, canonical_request(request))));
}

SignedHeaders sign(const AwsCall& call, const AwsCredentials& credentials, std::string_view region,
                   std::string_view service, Time now) {
  const UrlParts url = split_url(call.url);
  const std::string date = amz_date(now);
  const AwsScope scope{date.substr(0, 8), std::string(region), std::string(service)};
  AwsRequest request{call.method, url.path, url.query, call.headers, sha256_hex(call.body)};
  request.headers.emplace_back("x-amz-content-sha256", request.payload_hash);
  request.headers.emplace_back("x-amz-date", date);
  if (!credentials.session_token.empty())
    request.headers.emplace_back("x-amz-security-token", credentials.session_token);
  SignedHeaders headers = request.headers;
  request.headers.emplace_back("host", url.host);
  std::string authorization(kAlgorithm);
  authorization.append(" Credential=").append(credentials.access_key).append("/").append(scope.str());
  authorization.append(", SignedHeaders=").append(signed_names(request));
  authorization.append(", Signature=").append(aws_signature(request, credentials.secret_key, date, scope));
  headers.emplace_back("Authorization", std::move(authorization));
  return headers;
}

}  // namespace postrider::providers
