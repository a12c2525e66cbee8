// Whether an upstream's `match` takes a recipient of a message. Pure; asked for every route, so it makes nothing on the heap unless a
// domain is written in other letters than ASCII. RecipientGuard::allows() stands in the same file: it compares domains the same way.
#pragma once

#include <string_view>

#include "core/message.h"
#include "core/upstream_config.h"

namespace postrider {

bool matches(const UpstreamMatch& match, const Envelope& envelope, const Recipient& recipient);

// "example.com": that domain; ".example.com": that domain and all below it. `pattern` is lower case ASCII, the domain as submitted.
bool domain_matches(std::string_view pattern, std::string_view domain);

}  // namespace postrider
