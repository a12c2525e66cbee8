// Babygun's POST /emails: {Subject, Body, Sender, Recipient} in, {"id"} out. The path is shared with Resend (emails.cpp), and so is the shape
// of refusals; its tokens are those of the API itself (POST and GET /tokens). mgmt thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string_view>

#include "mgmt/dialects/dialect.h"
#include "mgmt/json_fields.h"
#include "mgmt/letter.h"

namespace postrider::mgmt {

// The letter of a POST /emails, and what is wrong with it.
struct BabygunEmail {
  Letter letter;
  Faults faults;
};
// Nothing unless the body is Babygun's: it has one of the four members that start with a capital letter.
std::optional<BabygunEmail> read_babygun_email(std::string_view body);

boost::asio::awaitable<Response> babygun_send(const DialectParts& parts, const Request& request, BabygunEmail email);

}  // namespace postrider::mgmt
