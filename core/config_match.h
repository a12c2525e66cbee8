// The value of a `match`: a table whose values are lists, kept as pairs that name a key once for each of its values, as an
// environment variable writes it. Pure; internal to core's configuration.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/upstream_config.h"

namespace postrider {

using MatchPairs = std::vector<std::pair<std::string, std::string>>;

// The clause that says what is wrong with one value, or nothing. Writes the normalised form back.
std::optional<std::string> check_match(std::string_view key, std::string& value);

UpstreamMatch upstream_match(const MatchPairs& pairs);
// Each key with the list of its values, keys in the order of their first values.
std::vector<std::pair<std::string, std::vector<std::string>>> match_lists(const MatchPairs& pairs);

// "user@example.com", "@example.com", "*@example.com": the same for one of `allow_recipients`.
std::optional<std::string> check_recipient_pattern(std::string& pattern);

}  // namespace postrider
