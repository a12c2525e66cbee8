// One HTTP exchange of the mgmt thread with a server that is not ours: a vendor's API, a certificate, a confirmation. Waits on the
// HTTP thread without holding up the mgmt thread; bounded by the exchange's own deadlines.
#pragma once

#include <boost/asio/awaitable.hpp>

#include "core/done.h"
#include "core/result.h"
#include "net/http_sender.h"

namespace postrider::mgmt {

// Any status is an answer; without one unavailable, with what happened in words for people.
boost::asio::awaitable<result<net::HttpResponse>> ask_outside(Mailbox& home, net::HttpSender& http,
                                                              net::HttpExchange exchange);

}  // namespace postrider::mgmt
