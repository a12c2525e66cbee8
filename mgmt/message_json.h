// Messages, attempts and events as JSON: the one shape that API, command line and console show (DESIGN section 7). Times are
// RFC 3339 in UTC, absent values are null, enhanced codes are strings. Pure.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <vector>

#include "core/message.h"
#include "storage/store.h"

namespace postrider::mgmt {

// Without attempts and events: a row of a list, the answer to steering.
boost::json::object to_json(const MessageRecord& message);
// With `attempts` and `events`, ascending; `history` as Store::history gives it.
boost::json::object to_json(const MessageRecord& message, const std::vector<Event>& history);
boost::json::object to_json(const Attempt& attempt, const MessageRecord& message);
boost::json::object to_json(const storage::SpoolStats& stats);
boost::json::array tags_json(const Envelope& envelope);
// An event outside its message: with the message's id and sender, and the attempt it is about; or of an upstream, which it names.
// `message` null: it is gone, or there is none.
boost::json::object feed_json(const Event& event, const MessageRecord* message);

// {"messages": [...], "next": cursor or null}
boost::json::object list_json(const storage::ListPage& page);

}  // namespace postrider::mgmt
