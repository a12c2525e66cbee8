// limbo's POST /v1/mail: {from, to, cc?, bcc?, subject, message} in, {"Message":"submitted"} out, or {"Message":"not submitted"} with
// the problem. One message for all recipients; its id is in the header field X-Message-Id, because the answer has no place for it.
#include "mgmt/answers.h"
#include "mgmt/dialects/origin.h"
#include "mgmt/dialects/vendor.h"
#include "mgmt/field_rules.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;

Letter read_letter(std::string_view body, Faults& faults) {
  Letter letter;
  letter.places.text = "/message";
  const auto document = parse_document(body, faults);
  if (!document) return letter;
  JsonFields fields(*document, "", faults);
  letter.from = required_party(fields, "from", faults);
  letter.to = parties(fields, "to", faults);
  letter.cc = parties(fields, "cc", faults);
  letter.bcc = parties(fields, "bcc", faults);
  letter.subject = required_text(fields, "subject", kMaxLineText);
  letter.text = required_text(fields, "message", kMaxText, Empty::refused);
  fields.finish();
  return letter;
}

// limbo knows 400 only for what is wrong with a mail; what it had no word for (no key, too fast, no room) keeps its status.
Response not_submitted(const Refusal& refusal) {
  const bool of_the_mail = refusal.type == ProblemType::validation;
  const http::status status = of_the_mail ? http::status::bad_request : status_of(refusal.type);
  return vendor_refusal(refusal, status, {{"Message", "not submitted"}, {"Problem", refusal_sentence(refusal)}});
}

asio::awaitable<Response> submit(const DialectParts& parts, const Request& request) {
  Faults faults;
  Letter letter = read_letter(request.body, faults);
  const auto sent = co_await send_letter(parts, request, std::move(letter), std::move(faults));
  if (const auto* refusal = std::get_if<Refusal>(&sent)) co_return not_submitted(*refusal);
  const boost::json::object answer{{"Message", "submitted"}};
  Response response = json_response(answer);
  response.headers.emplace_back("X-Message-Id", std::get<MessageId>(sent).str());
  co_return response;
}

}  // namespace

void add_limbo(Router& router, const DialectParts& parts) {
  router.add(
      sending_route("/v1/mail", &not_submitted, [&parts](const Request& request) { return submit(parts, request); }));
}

}  // namespace postrider::mgmt
