// Babygun's POST /emails: {Subject, Body, Sender, Recipient} in, {"id"} out. The path is shared with Resend (emails.cpp), and so is the shape
// of refusals; its tokens
// are those of the API itself (POST and GET /tokens). mgmt thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string_view>

#include "mgmt/dialects/dialect.h"

namespace postrider::mgmt {

// The body of a POST /emails when it is Babygun's: it has one of the four members that start with a capital letter.
std::optional<boost::json::value> babygun_document(std::string_view body);

boost::asio::awaitable<Response> babygun_send(const DialectParts& parts, const Request& request,
                                              const boost::json::value& document);

}  // namespace postrider::mgmt
