// SendGrid's v3 API as @sendgrid/mail and the other SDKs call it: POST /v3/mail/send. docs/dialects/sendgrid.md.
#include <boost/json/array.hpp>

#include "mgmt/dialects/dialect.h"
#include "mgmt/dialects/sendgrid_mail.h"
#include "mgmt/dialects/vendor.h"
#include "mgmt/media_type.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

json::object error_json(std::string_view message, const json::value& field) {
  return {{"message", message}, {"field", field}, {"help", nullptr}};
}

Response refuse(const Refusal& refusal) {
  json::array errors;
  for (const FieldFault& fault : distinct(refusal.faults)) {
    const std::string field = dotted(fault.pointer);
    errors.emplace_back(error_json(fault.detail, field.empty() ? json::value(nullptr) : json::value(field)));
  }
  if (errors.empty()) errors.emplace_back(error_json(refusal.detail, nullptr));
  return vendor_refusal(refusal, vendor_status(refusal.type), {{"errors", std::move(errors)}});
}

// A call that made several messages is known by their batch.
Response accepted(const SendOutcome& outcome) {
  Response response;
  response.status = http::status::accepted;
  const std::string id = outcome.letters.size() == 1 ? outcome.letters.front().id->str() : outcome.batch.str();
  response.headers.emplace_back("X-Message-Id", id);
  return response;
}

asio::awaitable<Response> send(const DialectParts& parts, const Request& request) {
  auto read = read_sendgrid_mail(request.body);
  if (const auto* refusal = std::get_if<Refusal>(&read)) co_return refuse(*refusal);
  auto& [letters, faults, sandbox] = std::get<SendgridMail>(read);
  auto key = SendDoor::idempotency_key(request);
  if (!key) co_return refuse(refusal_of(key.error()));
  SendTerms terms;
  terms.idempotency_key = std::move(*key);
  terms.batch = letters.size() > 1;
  terms.dry_run = sandbox;
  terms.faults = std::move(faults);
  const SendOutcome outcome = co_await parts.door.send(request, std::move(letters), std::move(terms));
  if (const auto refusal = first_refusal(outcome)) co_return refuse(*refusal);
  if (sandbox) co_return Response{};
  co_return accepted(outcome);
}

}  // namespace

void add_sendgrid(Router& router, const DialectParts& parts) {
  Route route =
      sending_route("/v3/mail/send", &refuse, [&parts](const Request& request) { return send(parts, request); });
  route.produces = "";  // a mail that was taken is answered without a body
  router.add(std::move(route));
}

}  // namespace postrider::mgmt
