#include <charconv>

#include "mgmt/messages_api.h"
#include "mgmt/parameters.h"

namespace postrider::mgmt {

namespace {

Fault bad(std::string_view name, std::string_view what) {
  return invalid("parameter '" + std::string(name) + "' must be " + std::string(what));
}

std::string known_states() {
  std::string out;
  for (int i = 0; i < kRecipientStates; ++i) out.append(i == 0 ? "" : ", ").append(to_string(RecipientState(i)));
  return out;
}

std::optional<std::size_t> parse_limit(std::string_view text) {
  std::size_t limit = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), limit);
  if (error != std::errc() || end != text.data() + text.size() || limit < 1 || limit > kMaxPage) return std::nullopt;
  return limit;
}

// The fault, or nothing when `value` was taken.
std::optional<Fault> take(storage::ListQuery& query, std::string_view name, const std::string& value) {
  if (name == "state") {
    query.state = parse_recipient_state(value);
    if (!query.state) return bad(name, "one of " + known_states());
  } else if (name == "sender" || name == "recipient") {
    if (value.empty()) return bad(name, "an address or @domain");
    (name == "sender" ? query.sender : query.recipient) = value;
  } else if (name == "tag") {
    if (value.empty()) return bad(name, "a tag");
    query.tag = value;
  } else if (name == "batch") {
    query.batch = MessageId::parse(value);
    if (!query.batch) return bad(name, "the id of a batch");
  } else if (name == "since" || name == "until") {
    const auto time = parse_rfc3339(value);
    if (!time) return bad(name, "a time such as 2026-01-31T08:15:00Z");
    (name == "since" ? query.since : query.until) = time;
  } else if (name == "limit") {
    const auto limit = parse_limit(value);
    if (!limit) return bad(name, "a number from 1 to " + std::to_string(kMaxPage));
    query.limit = *limit;
  } else if (name == "cursor") {
    query.before = MessageId::parse(value);
    if (!query.before) return bad(name, "the `next` of an earlier page");
  } else {
    return invalid("there is no parameter '" + std::string(name) + "' here");
  }
  return std::nullopt;
}

}  // namespace

result<storage::ListQuery> parse_list_query(const std::vector<std::pair<std::string, std::string>>& parameters) {
  storage::ListQuery query;
  for (const auto& [name, value] : parameters)
    if (auto fault = take(query, name, value)) return std::move(*fault);
  return query;
}

}  // namespace postrider::mgmt
