// What both versions of Mailjet's Send API answer with: errors in Mailjet's codes, and its ids, derived from ours. Pure, any thread.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/id.h"
#include "mgmt/problem.h"

namespace postrider::mgmt {

struct MailjetError {
  std::string code;  // "mj-0013"; empty where Mailjet documents none
  http::status status = http::status::bad_request;
  std::string text;
  std::vector<std::string> related;  // "To[0].Email", from the message on
};

// One for each fault, or one for the whole. `at`: the pointer of the message the refusal is about.
std::vector<MailjetError> mailjet_errors(const Refusal& refusal, std::string_view at = {});
// `identifier` names the occurrence, as the log does: the request's id.
boost::json::object error_json(const MailjetError& error, std::string_view identifier);

// The error of a whole call, in the shape that both versions have for it: a Render.
Response mailjet_refusal(const Refusal& refusal);

// MessageID of one recipient: the same for the same message always, positive, of 63 bits as Mailjet's are of more than 53.
std::int64_t mailjet_number(const MessageId& id, std::size_t recipient);

}  // namespace postrider::mgmt
