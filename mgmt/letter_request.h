// The requests of POST /v1/messages, /v1/messages/batch and /v1/validate as letters, each with what could not be read of it. Pure.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "mgmt/http.h"
#include "mgmt/letter.h"
#include "mgmt/problem.h"

namespace postrider::mgmt {

inline constexpr std::string_view kRfc822 = "message/rfc822";
inline constexpr std::size_t kMaxBatch = 1000;
inline constexpr std::size_t kMaxBatchDefaults = 16 * 1024;  // octets as JSON: every message of the batch gets a copy

// One letter, as JSON or as message/rfc822 with `from` and `to` as query parameters. The refusal: it is none at all.
std::variant<Letter, Refusal> read_letter_request(const Request& request);

// {"messages": [...], "defaults": {...}}: each a letter or why it is none. The refusal is of what stands around them.
using BatchItem = std::variant<Letter, Refusal>;
std::variant<std::vector<BatchItem>, Refusal> read_batch_request(const Request& request);

}  // namespace postrider::mgmt
