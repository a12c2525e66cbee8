// Mailjet's older Send API, POST /v3/send, which its SDKs use unless they are told of v3.1. mgmt thread. docs/dialects/mailjet.md.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "mgmt/dialects/dialect.h"

namespace postrider::mgmt {

boost::asio::awaitable<Response> mailjet_v3_send(const DialectParts& parts, const Request& request);

}  // namespace postrider::mgmt
