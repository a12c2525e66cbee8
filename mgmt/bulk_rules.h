// What a bulk request asks for, which messages it can change, and how the answer counts them. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mgmt/http.h"
#include "storage/store.h"

namespace postrider::mgmt {

struct BulkOrder {
  storage::SteerVerb verb = storage::SteerVerb::retry;
  bool dry_run = false;
  storage::ListQuery query;   // `before` moves along
  std::string actor, tenant;  // tenant empty: of everybody
  Reason reason;
};

// The fault names the parameter or member; a request that names neither a filter nor all=true is one.
result<BulkOrder> read_bulk_order(const Request& request, storage::SteerVerb verb);

struct BulkTotals {
  std::uint64_t matched = 0;     // messages that fit the filter
  std::uint64_t applicable = 0;  // of those, with a recipient in a state that allows the verb
  std::uint64_t changed = 0;     // of those, with a recipient that was changed
  std::uint64_t skipped = 0;     // matched, and neither changed nor (in a dry run) applicable
  std::map<std::string, std::uint64_t> by_state, skipped_because;
  std::optional<MessageId> next;

  void skip(const std::string& why);
};

// The steering of one message, or why there is none. With a filter by recipient only the recipients that fit it are steered:
// nobody who cancels mail to one address means the others on the same message.
struct BulkTarget {
  bool whole = false;                     // the message as one
  std::vector<std::uint32_t> recipients;  // else these
  std::string skipped_because;            // else: a state, or "body removed"
};
BulkTarget bulk_target(const BulkOrder& order, const MessageRecord& message);

std::string_view to_string(storage::SteerVerb verb);
boost::json::object to_json(const BulkOrder& order, const BulkTotals& totals);

}  // namespace postrider::mgmt
