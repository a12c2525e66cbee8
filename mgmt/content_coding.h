// Content-Encoding both ways: how a request's body is packed, and which answers go out packed. Pure.
#pragma once

#include <optional>

#include "mgmt/http.h"
#include "mgmt/request_body.h"

namespace postrider::mgmt {

// Nothing for one that is not known here.
std::optional<Coding> coding_of(const Request& request);

// Packs an answer of text that is worth it, for a client that takes it. Mail bodies stay as they are: they are streamed, and long
// base64 gains little.
void pack(const Request& request, Response& response);
inline constexpr std::size_t kWorthPacking = 1024;

}  // namespace postrider::mgmt
