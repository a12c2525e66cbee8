// Where a message is and why, in one sentence for people, for every state. Input is the JSON of mgmt/message_json.h; with
// attempts it can name the server that spoke. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "core/time.h"

namespace postrider::cmd {

// "Waiting for its 2nd try at 14:10 UTC (in 6 minutes): mx.example said 451 4.7.1 try again later." and, with several
// recipients, how many of them are where.
std::string where_and_why(const boost::json::object& message, Time now);
// With the answer of GET /v1/messages/{id}/route: says also which upstream a due message waits for, and for what.
std::string where_and_why(const boost::json::object& message, const boost::json::object& route, Time now);
// "451 4.7.1 try again later": what the other side said in an attempt, or our own word for it.
std::string said(const boost::json::object& attempt);
// The recipient whose state is the message's own: the one the sentence is about. Null when there is none.
const boost::json::object* leading_recipient(const boost::json::object& message);

}  // namespace postrider::cmd
