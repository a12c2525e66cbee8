// Why a message would go where it would: the answers of Routes, the dispatcher's own, as JSON and in one sentence. Nothing is taken
// or changed. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "core/message.h"
#include "relay/outbound/routes.h"

namespace postrider::mgmt {

// What is asked. `waited`: how long the message has been due.
struct RouteQuestion {
  Envelope envelope;
  Recipient recipient;
  Duration waited{};
};

// The recipient's place under a guard, as submission would put it: redirected, captured only, or refused.
enum class Guarded : std::uint8_t { no, redirected, captured, refused };
Guarded apply_guard(const RecipientGuard& guard, RouteQuestion& question);

// Members: from, to, redirected_from, lane, tags, credential, refused, chosen, next, summary, preference, upstreams.
boost::json::object explain_json(const relay::Routes& routes, const RouteQuestion& question, Guarded guarded, Time now);

}  // namespace postrider::mgmt
