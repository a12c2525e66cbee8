#include "mgmt/dialects/resend.h"

#include <boost/json/array.hpp>
#include <utility>

#include "mgmt/answers.h"
#include "mgmt/dialects/resend_mail.h"
#include "mgmt/dialects/vendor.h"
#include "mgmt/media_type.h"
#include "mgmt/message_access.h"
#include "net/await.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::size_t kMaxBatch = 100;

struct Named {
  http::status status;
  std::string_view name;
};

// Resend's names, as its SDK lists them; the status of the first ones is documented.
Named named(ProblemType type) {
  switch (type) {
    case ProblemType::validation:
    case ProblemType::invalid_body:
      return {http::status::unprocessable_entity, "validation_error"};
    case ProblemType::bad_request:
    case ProblemType::unknown_parameter:
    case ProblemType::invalid_parameter:
      return {http::status::bad_request, "validation_error"};
    case ProblemType::unauthorized:
      return {http::status::unauthorized, "invalid_api_key"};
    case ProblemType::forbidden:
    case ProblemType::forbidden_origin:
      return {http::status::unauthorized, "restricted_api_key"};
    case ProblemType::sender_not_allowed:
    case ProblemType::recipient_not_allowed:
      return {http::status::forbidden, "validation_error"};
    case ProblemType::not_found:
    case ProblemType::gone:
      return {http::status::not_found, "not_found"};
    case ProblemType::method_not_allowed:
      return {http::status::method_not_allowed, "method_not_allowed"};
    case ProblemType::key_reused:
      return {http::status::conflict, "invalid_idempotent_request"};
    case ProblemType::key_in_flight:
      return {http::status::conflict, "concurrent_idempotent_requests"};
    case ProblemType::too_many_requests:
      return {http::status::too_many_requests, "rate_limit_exceeded"};
    case ProblemType::conflict:
    case ProblemType::not_acceptable:
    case ProblemType::payload_too_large:
    case ProblemType::unsupported_media_type:
    case ProblemType::headers_too_large:
      return {status_of(type), "validation_error"};
    case ProblemType::internal:
    case ProblemType::spool_full:
    case ProblemType::unavailable:
    case ProblemType::damaged_record:
      return {status_of(type), "internal_server_error"};
  }
  return {http::status::internal_server_error, "internal_server_error"};
}

bool all_missing(const std::vector<FieldFault>& faults) {
  for (const FieldFault& fault : faults)
    if (fault.detail != kMissingField) return false;
  return !faults.empty();
}

json::object error_json(http::status status, std::string_view name, std::string_view message) {
  return {{"statusCode", static_cast<unsigned>(status)}, {"name", name}, {"message", message}};
}

Response invalid_key(const Fault& fault) {
  const http::status status = http::status::bad_request;
  return json_response(error_json(status, "invalid_idempotency_key", fault.text), status);
}

// ---- POST /emails/batch -------------------------------------------------------------------------------------------

enum class Validation : std::uint8_t { strict, permissive };

std::optional<Validation> validation_of(const Request& request) {
  const std::string_view asked = request.header("x-batch-validation");
  if (asked.empty() || asked == "strict") return Validation::strict;
  if (asked == "permissive") return Validation::permissive;
  return std::nullopt;
}

Letter read_email(const Placed& email) {
  Faults faults;
  Letter letter = read_resend_email(email, faults);
  letter.faults = std::move(faults);
  return letter;
}

// The document ends here: it takes several times the room of the letters that are made of it.
std::variant<std::vector<Letter>, Refusal> read_batch(std::string_view body) {
  Faults faults;
  const auto document = parse_document(body, faults);
  if (!document || !faults.empty()) return invalid_fields(std::move(faults));
  const auto* emails = document->if_array();
  if (emails == nullptr || emails->empty() || emails->size() > kMaxBatch)
    return invalid_fields({{"", "a batch must be an array of 1 to " + std::to_string(kMaxBatch) + " emails"}});
  std::vector<Letter> letters;
  for (std::size_t i = 0; i < emails->size(); ++i) letters.push_back(read_email({&(*emails)[i], element_of("", i)}));
  return letters;
}

Response accepted(const SendOutcome& outcome, Validation validation) {
  json::array data, errors;
  for (std::size_t i = 0; i < outcome.letters.size(); ++i) {
    const Sent& sent = outcome.letters[i];
    if (sent.id)
      data.emplace_back(json::object{{"id", sent.id->uuid()}});
    else
      errors.emplace_back(json::object{{"index", i}, {"message", refusal_sentence(sent.refusal)}});
  }
  json::object answer{{"data", std::move(data)}};
  if (validation == Validation::permissive) answer["errors"] = std::move(errors);
  return json_response(answer);
}

// Trouble of ours, or a limit of the key, that left nothing of the batch: to be tried again, and no error of the emails.
std::optional<Refusal> all_failed(const SendOutcome& outcome) {
  if (outcome.refusal) return outcome.refusal;
  for (const Sent& sent : outcome.letters) {
    const bool ours = static_cast<unsigned>(status_of(sent.refusal.type)) >= 429;
    if (sent.id || !ours) return std::nullopt;
  }
  return first_refusal(outcome);
}

asio::awaitable<Response> send_batch(const DialectParts& parts, const Request& request) {
  const auto validation = validation_of(request);
  if (!validation)
    co_return resend_refusal(invalid_fields({{"", "the header x-batch-validation must be strict or permissive"}}));
  auto key = SendDoor::idempotency_key(request);
  if (!key) co_return invalid_key(key.error());
  auto read = read_batch(request.body);
  if (const auto* refusal = std::get_if<Refusal>(&read)) co_return resend_refusal(*refusal);
  SendTerms terms;
  terms.all_or_nothing = *validation == Validation::strict;
  terms.idempotency_key = std::move(*key);
  terms.batch = true;
  std::vector<Letter> letters = std::get<std::vector<Letter>>(std::move(read));
  const SendOutcome outcome = co_await parts.door.send(request, std::move(letters), std::move(terms));
  if (const auto refusal = all_failed(outcome)) co_return resend_refusal(*refusal);
  co_return accepted(outcome, *validation);
}

// ---- one email ----------------------------------------------------------------------------------------------------

std::variant<Letter, Refusal> read_one(std::string_view body) {
  Faults faults;
  const auto document = parse_document(body, faults);
  if (!document || !faults.empty()) return invalid_fields(std::move(faults));
  return read_email({&*document, ""});
}

Response email_answer(const MessageId& id) {
  return json_response({{"object", "email"}, {"id", id.uuid()}});
}

asio::awaitable<Response> cancel(const DialectParts& parts, const Request& request) {
  const auto message = co_await find_message(parts.loop, parts.store, request.captures[0], request.principal);
  if (!message) co_return resend_refusal(refusal_of(message.error()));
  storage::SteerRequest steering;
  steering.id = message->id;
  steering.verb = storage::SteerVerb::cancel;
  steering.actor = request.principal.actor;
  steering.tenant = confined_to(request.principal).value_or("");
  steering.reason.cause = Cause::operator_;
  steering.now = parts.clock.now();
  using Answer = std::vector<result<storage::Steered>>;
  auto start = [&](Done<Answer> done) {
    std::vector<storage::SteerRequest> one;
    one.push_back(std::move(steering));
    parts.store.steer(std::move(one), std::move(done));
  };
  const auto answer = co_await net::await_done<Answer>(parts.loop, start);
  if (!answer) co_return resend_refusal(refusal_of(answer.error()));
  const auto& steered = answer->at(0);
  if (!steered) co_return resend_refusal(refusal_of(steered.error()));
  co_return email_answer(message->id);
}

asio::awaitable<Response> reschedule(const DialectParts& parts, const Request& request) {
  Faults faults;
  const auto document = parse_document(request.body, faults);
  if (!document) co_return resend_refusal(invalid_fields(std::move(faults)));
  JsonFields fields(*document, "", faults);
  if (!fields.has("scheduled_at")) fields.fault("scheduled_at", std::string(kMissingField));
  const auto at = read_scheduled_at(fields);
  const Time now = parts.clock.now();
  if (at && *at - now > parts.door.max_hold())
    fields.fault("scheduled_at", "is too late: an email is held for at most " + format_duration(parts.door.max_hold()));
  fields.finish();
  if (!faults.empty()) co_return resend_refusal(invalid_fields(std::move(faults)));
  const auto message = co_await find_message(parts.loop, parts.store, request.captures[0], request.principal);
  if (!message) co_return resend_refusal(refusal_of(message.error()));
  storage::AmendRequest amend;
  amend.id = message->id;
  amend.actor = request.principal.actor;
  amend.tenant = confined_to(request.principal).value_or("");
  amend.send_at = at;
  amend.now = now;
  auto start = [&](Done<std::shared_ptr<MessageRecord>> done) { parts.store.amend(std::move(amend), std::move(done)); };
  const auto amended = co_await net::await_done<std::shared_ptr<MessageRecord>>(parts.loop, start);
  if (!amended) co_return resend_refusal(refusal_of(amended.error()));
  co_return email_answer(message->id);
}

}  // namespace

Response resend_refusal(const Refusal& refusal) {
  auto [status, name] = named(refusal.type);
  if (all_missing(refusal.faults)) name = "missing_required_field";
  return vendor_refusal(refusal, status, error_json(status, name, refusal_sentence(refusal)));
}

asio::awaitable<Response> resend_send(const DialectParts& parts, const Request& request) {
  auto key = SendDoor::idempotency_key(request);
  if (!key) co_return invalid_key(key.error());
  auto read = read_one(request.body);
  if (const auto* refusal = std::get_if<Refusal>(&read)) co_return resend_refusal(*refusal);
  std::vector<Letter> letters;
  letters.push_back(std::move(std::get<Letter>(read)));
  SendTerms terms;
  terms.idempotency_key = std::move(*key);
  const SendOutcome outcome = co_await parts.door.send(request, std::move(letters), std::move(terms));
  if (const auto refusal = first_refusal(outcome)) co_return resend_refusal(*refusal);
  co_return json_response({{"id", outcome.letters.front().id->uuid()}});
}

void add_resend(Router& router, const DialectParts& parts) {
  router.add(sending_route("/emails/batch", &resend_refusal,
                           [&parts](const Request& request) { return send_batch(parts, request); }));
  Route stop{http::verb::post, "/emails/{id}/cancel", Access::steer, kJson, {}, nullptr};
  stop.handler = [&parts](const Request& request) { return cancel(parts, request); };
  Route patch{http::verb::patch, "/emails/{id}", Access::steer, kJson, {}, nullptr};
  patch.handler = [&parts](const Request& request) { return reschedule(parts, request); };
  for (Route* route : {&stop, &patch}) {
    route->render = &resend_refusal;
    router.add(std::move(*route));
  }
}

}  // namespace postrider::mgmt
