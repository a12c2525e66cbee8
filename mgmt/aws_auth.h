// SigV4 on our side: access keys made from API keys, and the check of a signature against one (facts: docs/providers.md). Nothing is
// stored for it: the secret access key is derived from the key's id with a key of this relay (data_dir/aws.key, mode 0600), so every
// API key can sign, and none can be found out from another. Pure but for that key; mgmt thread.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "core/time.h"
#include "mgmt/auth.h"
#include "mgmt/http.h"
#include "mgmt/key_ring.h"
#include "providers/sigv4.h"

namespace postrider::mgmt {

inline constexpr Duration kMaxAwsSkew = std::chrono::minutes(15);

struct AwsKeyPair {
  std::string access_key_id;      // "PR" and the key's id in upper case: 18 characters
  std::string secret_access_key;  // 43 characters of base64url
};
AwsKeyPair aws_key_pair(const storage::ApiKeyRecord& key, std::string_view relay_key);
std::string aws_access_key_id(const storage::ApiKeyRecord& key);

// The Authorization header of a signed request, taken apart.
struct AwsAuthorization {
  std::string access_key_id;
  providers::AwsScope scope;
  std::string signed_names;  // "content-type;host;x-amz-date"
  std::string signature;     // lower-case hex
};
bool is_aws_authorization(std::string_view authorization);
result<AwsAuthorization> read_aws_authorization(std::string_view authorization);

// Whether the request was signed with that secret, and just now. Faults as below. Of the head alone all is checked but the body: the
// signature, too, when X-Amz-Content-Sha256 stands for that.
result<void> verify_aws_signature(const Request& request, const AwsAuthorization& given, std::string_view secret,
                                  Time now, RequestStage stage = RequestStage::whole);

// The key that signed the request. Faults name what is wrong as AWS does: "SignatureDoesNotMatch: ...",
// "RequestExpired: ...", "InvalidClientTokenId: ...", "IncompleteSignature: ...".
result<const storage::ApiKeyRecord*> check_aws_signature(const Request& request, const KeyRing& keys,
                                                         std::string_view relay_key, Time now,
                                                         RequestStage stage = RequestStage::whole);

}  // namespace postrider::mgmt
