// Messages as people read them: the table of a listing, and one message with a first sentence that says where it is and why.
// Input is the JSON of mgmt/message_json.h, whether it came over the API or from a spool on disk. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "core/time.h"

namespace postrider::cmd {

// The "messages" of a list page as a table; a hint at the next page when there is one.
std::string render_list(const boost::json::object& page, Time now, bool colour);
// Sentence, envelope, recipients, attempts, events.
std::string render_message(const boost::json::object& message, Time now, bool colour);
// "Deferred: next try in 9m (...), because upstream trouble at connect: connection refused."
std::string where_and_why(const boost::json::object& message, Time now);

}  // namespace postrider::cmd
