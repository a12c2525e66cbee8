#include "mgmt/bulk_rules.h"

#include <algorithm>

#include "mgmt/body_fields.h"
#include "mgmt/message_access.h"
#include "mgmt/messages_api.h"
#include "mgmt/parameters.h"

namespace postrider::mgmt {

namespace {

namespace json = boost::json;
using storage::SteerVerb;

bool applies(SteerVerb verb, RecipientState state) {
  const bool marked = state == RecipientState::sending && !starts_anew(verb);  // takes effect when the attempt ends
  return marked || transition(state, trigger_of(verb)).has_value();
}

// As the listing matches: a whole address or "@domain", in any case.
bool fits(const std::string& filter, const Address& address) {
  const std::string key = address_search_key(address);
  std::string wanted = filter;
  std::transform(wanted.begin(), wanted.end(), wanted.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
  });
  return wanted.starts_with('@') ? key.ends_with(wanted) : key == wanted;
}

bool selects(std::string_view name) {
  return name == "state" || name == "sender" || name == "recipient" || name == "tag" || name == "batch" ||
         name == "since" || name == "until";
}

json::object counts(const std::map<std::string, std::uint64_t>& map) {
  json::object out;
  for (const auto& [name, count] : map) out[name] = count;
  return out;
}

}  // namespace

result<BulkOrder> read_bulk_order(const Request& request, SteerVerb verb) {
  BulkOrder order;
  order.verb = verb;
  const auto dry_run = flag_parameter(request, "dry_run"), all = flag_parameter(request, "all");
  if (!dry_run) return dry_run.error();
  if (!all) return all.error();
  order.dry_run = *dry_run;
  std::vector<std::pair<std::string, std::string>> listing;
  for (const auto& parameter : request.query)
    if (parameter.first != "dry_run" && parameter.first != "all") listing.push_back(parameter);
  auto query = parse_list_query(listing);
  if (!query) return query.error();
  const bool filtered = std::any_of(listing.begin(), listing.end(), [](const auto& p) { return selects(p.first); });
  if (!filtered && !*all)
    return invalid(
        "say which messages: state, sender, recipient, tag, batch, since or until; or all=true for every one");
  order.query = std::move(*query);
  const auto fields = BodyFields::parse(request.body, {"reason"});
  if (!fields) return fields.error();
  const auto reason = fields->text("reason", kMaxReasonText);
  if (!reason) return reason.error();
  order.reason.cause = Cause::operator_;
  order.reason.text = sanitize_reason_text(reason->value_or(""));
  order.actor = request.principal.actor;
  order.query.tenant = confined_to(request.principal);
  order.tenant = order.query.tenant.value_or("");
  return order;
}

void BulkTotals::skip(const std::string& why) {
  ++skipped;
  ++skipped_because[why];
}

BulkTarget bulk_target(const BulkOrder& order, const MessageRecord& message) {
  BulkTarget target;
  const auto& filter = order.query.recipient;
  RecipientState state = message.state();
  for (std::uint32_t i = 0; i < message.recipients.size(); ++i) {
    const Recipient& recipient = message.recipients[i];
    if (filter && !fits(*filter, recipient.address)) continue;
    if (filter) state = recipient.state;
    if (applies(order.verb, recipient.state)) target.recipients.push_back(i);
  }
  if (target.recipients.empty()) {
    target.skipped_because = postrider::to_string(state);
  } else if (starts_anew(order.verb) && message.body == BodyState::removed) {
    target.recipients.clear();
    target.skipped_because = "body removed";
  } else if (!filter) {
    target.whole = true;
    target.recipients.clear();
  }
  return target;
}

std::string_view to_string(SteerVerb verb) {
  return postrider::to_string(trigger_of(verb));
}

json::object to_json(const BulkOrder& order, const BulkTotals& totals) {
  return {{"verb", to_string(order.verb)},
          {"dry_run", order.dry_run},
          {"matched", totals.matched},
          {"by_state", counts(totals.by_state)},
          {"applicable", totals.applicable},
          {"changed", totals.changed},
          {"skipped", totals.skipped},
          {"skipped_because", counts(totals.skipped_because)},
          {"next", totals.next ? json::value(totals.next->str()) : json::value(nullptr)}};
}

}  // namespace postrider::mgmt
