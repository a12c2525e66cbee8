// The mailer service's POST /queue, which gives a job_id, and GET /status?job_id=, which says what became of it: one job is one message.
// What a provider reports of it arrives at POST /events (mgmt/hooks_api.h).
#include "mgmt/answers.h"
#include "mgmt/dialects/origin.h"
#include "mgmt/dialects/status_text.h"
#include "mgmt/field_rules.h"
#include "mgmt/message_access.h"
#include "net/await.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;

Letter read_letter(std::string_view body, Faults& faults) {
  Letter letter;
  letter.places.text = "/text_body";
  letter.places.html = "/html_body";
  const auto document = parse_document(body, faults);
  if (!document) return letter;
  JsonFields fields(*document, "", faults);
  letter.from = required_party(fields, "from", faults);
  letter.to = parties(fields, "to", faults);
  letter.cc = parties(fields, "cc", faults);
  letter.bcc = parties(fields, "bcc", faults);
  letter.reply_to = parties(fields, "reply_to", faults);
  letter.subject = required_text(fields, "subject", kMaxLineText);
  letter.text = fields.text("text_body", kMaxText).value_or("");
  letter.html = fields.text("html_body", kMaxText).value_or("");
  letter.headers = fields.texts_by_name("headers", kMaxLetterHeaders, kMaxText);
  fields.finish();
  if (faults.empty() && letter.text.empty() && letter.html.empty())
    add_fault(faults, "/text_body", "text_body, html_body or both must be given");
  return letter;
}

asio::awaitable<Response> queue(const DialectParts& parts, const Request& request) {
  Faults faults;
  Letter letter = read_letter(request.body, faults);
  const auto sent = co_await send_letter(parts, request, std::move(letter), std::move(faults));
  if (const auto* refusal = std::get_if<Refusal>(&sent)) co_return problem(*refusal);
  const boost::json::object answer{{"job_id", std::get<MessageId>(sent).str()}};
  co_return json_response(answer);
}

asio::awaitable<Response> status(const DialectParts& parts, const Request& request) {
  const auto job = request.parameter("job_id");
  if (!job) co_return problem(ProblemType::invalid_parameter, "'job_id' must be given");
  const std::string id(*job);
  const auto message = co_await find_message(parts.loop, parts.store, id, request.principal);
  if (!message) co_return problem(message.error());
  auto start = [&](Done<std::vector<Event>> done) { parts.store.history(message->id, std::move(done)); };
  const auto history = co_await net::await_done<std::vector<Event>>(parts.loop, start);
  if (!history) co_return problem(history.error());
  const boost::json::object answer{{"job_id", message->id.str()},
                                   {"status", job_status(*message, *history)},
                                   {"detail", status_sentence(*message, parts.clock.now())},
                                   {"updated_at", format_rfc3339(updated_at(*message, *history))}};
  co_return json_response(answer);
}

}  // namespace

void add_mailer(Router& router, const DialectParts& parts) {
  router.add(sending_route("/queue", &problem, [&parts](const Request& request) { return queue(parts, request); }));
  router.add({http::verb::get, "/status", Access::read, kJson, {"job_id"}, [&parts](const Request& request) {
                return status(parts, request);
              }});
}

}  // namespace postrider::mgmt
