// Messages as people read them: the table of a listing, and one message with a first sentence that says where it is and why
// (cmd/message_sentence.h), then its story. Input is the JSON of mgmt/message_json.h, whether it came over the API or from a
// spool on disk. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "cmd/message_sentence.h"
#include "cmd/output.h"

namespace postrider::cmd {

// The "messages" of a list page as a table; a hint at the next page when there is one.
std::string render_list(const boost::json::object& page, const Look& look);
// Sentence, envelope, recipients, and everything that happened, in order.
std::string render_message(const boost::json::object& message, const Look& look);
// The same with the answer of GET /v1/messages/{id}/route, for the sentence.
std::string render_message(const boost::json::object& message, const boost::json::object& route, const Look& look);

// The same without a limit to the width.
inline std::string render_list(const boost::json::object& page, Time now, bool colour) {
  return render_list(page, Look{now, colour, false, 0});
}
inline std::string render_message(const boost::json::object& message, Time now, bool colour) {
  return render_message(message, Look{now, colour, false, 0});
}

}  // namespace postrider::cmd
