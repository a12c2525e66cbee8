#include "mgmt/aws_auth.h"

#include <algorithm>
#include <boost/beast/core/string.hpp>

#include "core/ascii.h"
#include "mgmt/secret.h"
#include "providers/hmac.h"

namespace postrider::mgmt {

using storage::ApiKeyRecord;

namespace {

constexpr std::string_view kScheme = "AWS4-HMAC-SHA256 ";
constexpr std::string_view kTerminator = "aws4_request";
constexpr std::string_view kService = "ses";  // the signing name of both of SES's APIs
constexpr std::string_view kIdPrefix = "PR";
// Separates what is derived here from whatever else the key of the relay may once be used for.
constexpr std::string_view kPurpose = "postrider aws secret access key\n";
constexpr std::size_t kMaxSignedNames = 64;

Fault incomplete(const std::string& what) {
  return invalid("IncompleteSignature: " + what);
}

Fault mismatch(const std::string& what) {
  return invalid("SignatureDoesNotMatch: " + what);
}

std::string_view cut(std::string_view& text, char until) {
  const std::string_view part = text.substr(0, text.find(until));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

std::vector<std::string_view> split(std::string_view text, char by) {
  std::vector<std::string_view> out;
  while (!text.empty()) out.push_back(cut(text, by));
  return out;
}

bool contains(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// "20150830T123600Z", in the one way to write it.
std::optional<Time> parse_amz_date(const std::string& text) {
  if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
  const auto part = [&text](std::size_t at, std::size_t size) { return text.substr(at, size); };
  return parse_rfc3339(part(0, 4) + "-" + part(4, 2) + "-" + part(6, 5) + ":" + part(11, 2) + ":" + part(13, 3));
}

result<Time> check_date(const Request& request, const AwsAuthorization& given, Time now) {
  if (request.header_count("x-amz-date") != 1) return incomplete("an X-Amz-Date header is needed");
  const std::string date(request.header("x-amz-date"));
  const auto at = parse_amz_date(date);
  if (!at) return incomplete("X-Amz-Date must be as 20260131T081500Z");
  if (given.scope.date != date.substr(0, 8)) return mismatch("the date of the credential is not that of X-Amz-Date");
  if (*at > now + kMaxAwsSkew || *at < now - kMaxAwsSkew)
    return invalid("RequestExpired: the request is of " + date + ", and it is " + providers::amz_date(now) + " here");
  return *at;
}

// What stands for the body in the signature; empty when that cannot be told without it. What X-Amz-Content-Sha256 says must be the
// hash: a body nobody signed is not taken.
result<std::string> payload_hash(const Request& request, RequestStage stage) {
  if (const auto coding = request.header("content-encoding"); !coding.empty() && coding != "identity")
    return mismatch("a signed body cannot be compressed here");
  std::string said(request.header("x-amz-content-sha256"));
  if (stage == RequestStage::head) return said;
  std::string hash = providers::sha256_hex(request.body);
  if (request.header_count("x-amz-content-sha256") > 0 && said != hash)
    return mismatch("X-Amz-Content-Sha256 is not the hash of the body; UNSIGNED-PAYLOAD is not taken");
  return hash;
}

// What is read here, and steers, must be among what was signed.
result<void> check_names(const Request& request, const std::vector<std::string_view>& names) {
  if (names.size() > kMaxSignedNames || !std::is_sorted(names.begin(), names.end()) ||
      std::adjacent_find(names.begin(), names.end()) != names.end())
    return incomplete("SignedHeaders must be sorted names, each once");
  for (const std::string_view needed : {"host", "x-amz-date", "x-amz-content-sha256", "amz-sdk-invocation-id"})
    if (request.header_count(needed) > 0 && !contains(names, needed))
      return mismatch("the header '" + std::string(needed) + "' must be signed");
  if (!contains(names, "host")) return mismatch("the header 'host' must be signed");
  for (const std::string_view name : names)
    if (request.header_count(name) == 0)
      return mismatch("the header '" + std::string(name) + "' is signed and not there");
  return {};
}

}  // namespace

AwsKeyPair aws_key_pair(const ApiKeyRecord& key, std::string_view relay_key) {
  AwsKeyPair pair;
  pair.access_key_id = aws_access_key_id(key);
  pair.secret_access_key = base64url(providers::hmac_sha256(relay_key, std::string(kPurpose) + key.id));
  return pair;
}

std::string aws_access_key_id(const ApiKeyRecord& key) {
  std::string id(kIdPrefix);
  for (const char c : key.id) id += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return id;
}

bool is_aws_authorization(std::string_view authorization) {
  return boost::beast::iequals(authorization.substr(0, kScheme.size()), kScheme);
}

result<AwsAuthorization> read_aws_authorization(std::string_view authorization) {
  if (!is_aws_authorization(authorization)) return incomplete("the scheme must be AWS4-HMAC-SHA256");
  authorization.remove_prefix(kScheme.size());
  AwsAuthorization given;
  std::string_view credential;
  for (const std::string_view part : split(authorization, ',')) {
    std::string_view value = trimmed(part);
    const std::string_view name = cut(value, '=');
    if (name == "Credential") credential = value;
    if (name == "SignedHeaders") given.signed_names = value;
    if (name == "Signature") given.signature = value;
  }
  if (credential.empty() || given.signed_names.empty() || given.signature.empty())
    return incomplete("Authorization must have Credential, SignedHeaders and Signature");
  const auto parts = split(credential, '/');
  if (parts.size() != 5 || parts[4] != kTerminator)
    return incomplete("Credential must be KEY/DATE/REGION/SERVICE/aws4_request");
  given.access_key_id = parts[0];
  given.scope = {std::string(parts[1]), std::string(parts[2]), std::string(parts[3])};
  return given;
}

result<void> verify_aws_signature(const Request& request, const AwsAuthorization& given, std::string_view secret,
                                  Time now, RequestStage stage) {
  const auto names = split(given.signed_names, ';');
  if (const auto checked = check_names(request, names); !checked) return checked.error();
  if (const auto date = check_date(request, given, now); !date) return date.error();
  auto hash = payload_hash(request, stage);
  if (!hash) return hash.error();
  if (hash->empty()) return {};

  providers::AwsRequest covered;
  const std::string method(http::to_string(request.method));
  covered.method = method;
  std::string_view target = request.target;
  covered.path = cut(target, '?');
  covered.query = target;
  for (const auto& [name, value] : request.fields)
    if (contains(names, name)) covered.headers.emplace_back(name, value);
  covered.payload_hash = std::move(*hash);
  const std::string right = providers::aws_signature(covered, secret, request.header("x-amz-date"), given.scope);
  if (!providers::same_secret(right, given.signature))
    return mismatch("the signature is not that of this request with this secret access key");
  return {};
}

result<const ApiKeyRecord*> check_aws_signature(const Request& request, const KeyRing& keys, std::string_view relay_key,
                                                Time now, RequestStage stage) {
  const auto given = read_aws_authorization(request.header("authorization"));
  if (!given) return given.error();
  if (given->scope.service != kService) return mismatch("the credential must be scoped to the service 'ses'");
  if (request.header_count("x-amz-security-token") > 0)
    return invalid("InvalidClientTokenId: no temporary credentials are issued here, so no session token is known");
  std::string id = given->access_key_id.substr(std::min(kIdPrefix.size(), given->access_key_id.size()));
  for (char& c : id)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const ApiKeyRecord* key = keys.find_by_id(id);
  if (!key || aws_access_key_id(*key) != given->access_key_id)
    return invalid("InvalidClientTokenId: this access key is not known");
  const AwsKeyPair pair = aws_key_pair(*key, relay_key);
  if (const auto checked = verify_aws_signature(request, *given, pair.secret_access_key, now, stage); !checked)
    return checked.error();
  return key;
}

}  // namespace postrider::mgmt
