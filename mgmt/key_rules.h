// How an API key is asked for, what it may look like, and how it is shown: the same for API and command line. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "mgmt/json_fields.h"
#include "mgmt/key_ring.h"
#include "storage/store.h"

namespace postrider::mgmt {

inline constexpr std::size_t kMaxNetworks = 100;
inline constexpr std::uint32_t kMaxKeyLimit = 1'000'000'000;  // recipients a minute, or a day

// The key that a body of POST /v1/keys asks for at `now`, without id and digest. What is wrong with it goes into `faults`.
storage::ApiKeyRecord read_key(std::string_view body, Time now, Faults& faults);
// Without anything of its secret.
boost::json::object to_json(const storage::ApiKeyRecord& key, const storage::ApiKeyUsage& usage, Time now);
// Each key with the usage of that name, if there is one.
boost::json::object keys_json(const std::vector<storage::ApiKeyRecord>& keys,
                              const std::vector<storage::ApiKeyUsage>& usage, Time now);
// The one answer that has the secrets: of a key that was made just now.
boost::json::object new_key_json(const NewKey& made, std::string_view relay_aws_key, Time now);

}  // namespace postrider::mgmt
