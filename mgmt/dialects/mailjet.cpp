// Mailjet's Send API: POST /v3.1/send here, POST /v3/send in mailjet_v3.cpp. docs/dialects/mailjet.md.
#include <boost/json/array.hpp>
#include <utility>

#include "mgmt/answers.h"
#include "mgmt/dialects/dialect.h"
#include "mgmt/dialects/mailjet_answers.h"
#include "mgmt/dialects/mailjet_message.h"
#include "mgmt/dialects/mailjet_v3.h"
#include "mgmt/dialects/vendor.h"
#include "mgmt/media_type.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::size_t kMaxMessages = 50;  // of one call, as Mailjet has it

// What the answer says of one of the Messages.
struct Item {
  std::string custom_id;
  std::vector<std::string> to, cc, bcc;
};

struct Call {
  std::vector<Item> items;
  std::vector<Letter> letters;  // one for each
  Faults faults;                // of the call, not of one of its messages
  bool sandbox = false;
};

std::vector<std::string> emails_of(const std::vector<Party>& parties) {
  std::vector<std::string> emails;
  emails.reserve(parties.size());
  for (const Party& party : parties) emails.push_back(party.email);
  return emails;
}

// The message, and what the Globals say where it says nothing itself.
json::value with_globals(const json::value& message, const json::value& globals) {
  json::value whole = message;
  if (!whole.is_object()) return whole;
  for (const auto& [name, value] : globals.get_object())
    if (!whole.get_object().contains(name)) whole.get_object().emplace(name, value);
  return whole;
}

void read_item(const json::value& message, std::string at, Call& call) {
  Faults faults;
  const Placed placed{&message, std::move(at)};
  auto [letter, custom_id] = read_mailjet_message(placed, faults);
  letter.faults = std::move(faults);
  call.items.push_back({std::move(custom_id), emails_of(letter.to), emails_of(letter.cc), emails_of(letter.bcc)});
  call.letters.push_back(std::move(letter));
}

std::variant<Call, Refusal> read_call(std::string_view body) {
  Call call;
  const auto document = parse_document(body, call.faults);
  if (!document) return call;
  JsonFields fields(*document, "", call.faults);
  call.sandbox = fields.flag("SandboxMode").value_or(false);
  fields.flag("AdvanceErrorHandling");  // every error is told, with or without
  const auto messages = fields.array("Messages", kMaxMessages);
  if (messages.empty() && call.faults.empty()) fields.fault("Messages", "must be an array of 1 to 50 messages");
  const auto globals = fields.object("Globals");
  fields.finish();
  CallBudget budget;
  for (const Placed& message : messages) {
    if (globals)
      read_item(with_globals(*message.value, *globals->value), message.at, call);
    else
      read_item(*message.value, message.at, call);
    if (!budget.take(size_of(call.letters.back()))) return CallBudget::refusal();
  }
  return call;
}

std::string href(const Request& request, const MessageId& id) {
  return (request.tls ? "https://" : "http://") + std::string(request.header("host")) + "/v1/messages/" + id.str();
}

json::object recipient_json(const Request& request, const std::string& email, const MessageId& id, std::size_t index) {
  return {{"Email", email},
          {"MessageUUID", id.uuid()},
          {"MessageID", mailjet_number(id, index)},
          {"MessageHref", href(request, id)}};
}

// A dry run has no message, and so no ids.
json::object recipient_json(const std::string& email) {
  return {{"Email", email}, {"MessageUUID", ""}, {"MessageID", 0}, {"MessageHref", ""}};
}

json::object success_json(const Request& request, const Item& item, const Sent& sent) {
  json::object out{{"Status", "success"}, {"CustomID", item.custom_id}};
  std::size_t index = 0;
  const std::pair<std::string_view, const std::vector<std::string>*> lists[] = {
      {"To", &item.to}, {"Cc", &item.cc}, {"Bcc", &item.bcc}};
  for (const auto& [name, emails] : lists) {
    json::array recipients;
    for (const std::string& email : *emails)
      recipients.emplace_back(sent.id ? recipient_json(request, email, *sent.id, index++) : recipient_json(email));
    out[name] = std::move(recipients);
  }
  return out;
}

json::object failure_json(const Request& request, const Item& item, const std::vector<MailjetError>& all) {
  json::array errors;
  for (const MailjetError& error : all) errors.emplace_back(error_json(error, request.id));
  return {{"Status", "error"}, {"CustomID", item.custom_id}, {"Errors", std::move(errors)}};
}

// A dry run has neither an id nor a refusal.
bool was_refused(const Sent& sent) {
  return !sent.id && !(sent.refusal.detail.empty() && sent.refusal.faults.empty());
}

// 200 when all went well, else the status of the first error; each message is told for itself.
Response answer(const Request& request, const std::vector<Item>& items, const SendOutcome& outcome) {
  json::array messages;
  std::optional<http::status> failed;
  std::vector<std::pair<std::string, std::string>> headers;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Sent& sent = outcome.letters[i];
    if (!was_refused(sent)) {
      messages.emplace_back(success_json(request, items[i], sent));
      continue;
    }
    const std::vector<MailjetError> errors = mailjet_errors(sent.refusal, element_of("/Messages", i));
    if (!failed) headers = refusal_headers(sent.refusal);
    if (!failed) failed = errors.front().status;
    messages.emplace_back(failure_json(request, items[i], errors));
  }
  Response response = json_response({{"Messages", std::move(messages)}}, failed.value_or(http::status::ok));
  response.headers = std::move(headers);
  return response;
}

asio::awaitable<Response> send(const DialectParts& parts, const Request& request) {
  auto read = read_call(request.body);
  if (const auto* refusal = std::get_if<Refusal>(&read)) co_return mailjet_refusal(*refusal);
  auto& call = std::get<Call>(read);
  auto key = SendDoor::idempotency_key(request);
  if (!key) co_return mailjet_refusal(refusal_of(key.error()));
  SendTerms terms;
  terms.all_or_nothing = false;
  terms.idempotency_key = std::move(*key);
  terms.batch = call.letters.size() > 1;
  terms.dry_run = call.sandbox;
  terms.faults = std::move(call.faults);
  const SendOutcome outcome = co_await parts.door.send(request, std::move(call.letters), std::move(terms));
  if (outcome.refusal) co_return mailjet_refusal(*outcome.refusal);
  co_return answer(request, call.items, outcome);
}

}  // namespace

void add_mailjet(Router& router, const DialectParts& parts) {
  auto now = [&parts](const Request& request) { return send(parts, request); };
  auto before = [&parts](const Request& request) { return mailjet_v3_send(parts, request); };
  router.add(sending_route("/v3.1/send", &mailjet_refusal, now));
  router.add(sending_route("/v3/send", &mailjet_refusal, before));
}

}  // namespace postrider::mgmt
