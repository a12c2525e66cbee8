// Resend's API as its SDKs call it. POST /emails is shared with another service (emails.h), which hands what has Resend's shape to
// resend_send(); the other routes are added by add_resend(). mgmt thread. docs/dialects/resend.md.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "mgmt/dialects/dialect.h"
#include "mgmt/problem.h"

namespace postrider::mgmt {

boost::asio::awaitable<Response> resend_send(const DialectParts& parts, const Request& request);
// {"statusCode", "name", "message"}: a Render.
Response resend_refusal(const Refusal& refusal);

}  // namespace postrider::mgmt
