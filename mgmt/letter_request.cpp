#include "mgmt/letter_request.h"

#include <boost/json/serialize.hpp>

#include "mgmt/field_rules.h"
#include "mgmt/letter_json.h"
#include "mgmt/mailboxes.h"
#include "mgmt/media_type.h"

namespace postrider::mgmt {

namespace {

namespace json = boost::json;

BatchItem read_item(const json::value& value, const std::string& at, Letter letter) {
  Faults faults;
  JsonFields fields(value, at, faults);
  if (!value.is_object()) return invalid_fields(std::move(faults));
  read_letter(fields, letter, faults);
  fields.finish();
  letter.faults = std::move(faults);
  return letter;
}

Refusal bad_parameter(const std::string& detail) {
  Refusal refusal;
  refusal.type = ProblemType::invalid_parameter;
  refusal.detail = detail;
  return refusal;
}

// The mailboxes of a query parameter.
std::variant<std::vector<Party>, Refusal> read_parameter(const Request& request, std::string_view name) {
  const auto text = request.parameter(name);
  if (!text) return std::vector<Party>();
  Faults faults;
  std::vector<Party> parties = read_mailboxes(*text, "", faults);
  for (const Party& party : parties)
    if (auto wrong = wrong_address(party.email)) add_fault(faults, "", std::move(*wrong));
  if (!faults.empty()) return bad_parameter("parameter '" + std::string(name) + "' " + faults.front().detail);
  return parties;
}

std::variant<Letter, Refusal> read_raw(const Request& request) {
  Letter letter;
  auto from = read_parameter(request, "from");
  if (auto* refusal = std::get_if<Refusal>(&from)) return std::move(*refusal);
  auto to = read_parameter(request, "to");
  if (auto* refusal = std::get_if<Refusal>(&to)) return std::move(*refusal);
  auto& senders = std::get<std::vector<Party>>(from);
  if (senders.size() > 1) return bad_parameter("parameter 'from' must be one address");
  if (!senders.empty()) letter.from = std::move(senders.front());
  letter.to = std::move(std::get<std::vector<Party>>(to));
  letter.raw = request.body;
  letter.places.from = letter.places.to = letter.places.raw = "";  // all of the body
  if (letter.raw.empty()) return invalid_fields({{"", "the body is empty, a message is expected"}});
  return letter;
}

Letter read_defaults(const Placed& placed, Faults& faults) {
  Letter letter;
  if (json::serialize(*placed.value).size() > kMaxBatchDefaults) {
    add_fault(faults, placed.at, "may have at most " + std::to_string(kMaxBatchDefaults) + " octets");
    return letter;
  }
  JsonFields fields(*placed.value, placed.at, faults);
  for (const std::string_view own : {"raw", "attachments"})
    if (fields.has(own)) fields.fault(own, "is each message's own");
  read_letter(fields, letter, faults);
  fields.finish();
  return letter;
}

}  // namespace

std::variant<Letter, Refusal> read_letter_request(const Request& request) {
  if (is_media_type(request.header("content-type"), kRfc822)) return read_raw(request);
  if (request.parameter("from") || request.parameter("to"))
    return bad_parameter("parameters 'from' and 'to' go with a body of type message/rfc822");
  Faults faults;
  const auto document = parse_document(request.body, faults);
  if (!document) return invalid_fields(std::move(faults));
  return read_item(*document, "", {});
}

std::variant<std::vector<BatchItem>, Refusal> read_batch_request(const Request& request) {
  Faults faults;
  const auto document = parse_document(request.body, faults);
  if (!document) return invalid_fields(std::move(faults));
  JsonFields fields(*document, "", faults);
  Letter defaults;
  if (const auto given = fields.object("defaults")) defaults = read_defaults(*given, faults);
  const std::vector<Placed> messages = fields.array("messages", kMaxBatch);
  if (messages.empty() && faults.empty()) fields.fault("messages", "at least one message is needed");
  fields.finish();
  if (!faults.empty()) return invalid_fields(std::move(faults));
  std::vector<BatchItem> items;
  items.reserve(messages.size());
  for (const Placed& message : messages) items.push_back(read_item(*message.value, message.at, defaults));
  return items;
}

}  // namespace postrider::mgmt
