// Mailgun's v3 API as mailgun.js and the other SDKs call it: POST /v3/{domain}/messages and /messages.mime. docs/dialects/mailgun.md.
#include "mgmt/dialects/mailgun.h"

#include <memory>
#include <optional>
#include <utility>

#include "core/address.h"
#include "mgmt/answers.h"
#include "mgmt/dialects/mailgun_form.h"
#include "mgmt/dialects/vendor.h"
#include "mgmt/media_type.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;

// "'o:tag/0' parameter: ..." as Mailgun names its fields; "/h:/X-One" is its "h:X-One".
std::string parameter_of(std::string_view pointer) {
  std::string name(pointer.substr(std::min<std::size_t>(pointer.size(), 1)));
  if (const auto colon = name.find(":/"); colon != std::string::npos) name.erase(colon + 1, 1);
  return name;
}

// Mailgun's ids end in the domain that was sent through; applications take them apart there.
class Ids {
 public:
  std::string next(Time now, std::string_view domain) {
    return "<" + source_.next(now).str() + "@" + std::string(domain) + ">";
  }

 private:
  MessageIdSource source_;
};

Response accepted(const SendOutcome& outcome) {
  return json_response({{"id", outcome.letters.front().message_id}, {"message", "Queued. Thank you."}});
}

// A form has another boundary each time it is sent. What an idempotency key is compared by is what the form holds.
Request in_one_form(Request request, const std::vector<FormPart>& parts) {
  request.body.clear();
  for (const FormPart& part : parts)
    for (const std::string_view text : {part.name, part.filename, part.content_type, part.value})
      request.body.append(std::to_string(text.size())).append(":").append(text);
  return request;
}

asio::awaitable<Response> send(const DialectParts& parts, Ids& ids, const Request& request, MailgunForm form) {
  const auto domain = mailgun_domain(request);
  if (!domain) co_return mailgun_refusal(refusal_of(domain.error()));
  auto fields = parse_form(request.header("content-type"), request.body);
  if (!fields) co_return mailgun_refusal(refusal_of(fields.error()));
  auto key = SendDoor::idempotency_key(request);
  if (!key) co_return mailgun_refusal(refusal_of(key.error()));
  std::optional<Request> comparable;
  if (!key->empty()) comparable = in_one_form(request, *fields);
  auto read = read_mailgun_form(std::move(*fields), form, ids.next(parts.clock.now(), *domain));
  if (const auto* refusal = std::get_if<Refusal>(&read)) co_return mailgun_refusal(*refusal);
  auto& [letters, faults] = std::get<MailgunCall>(read);
  SendTerms terms;
  terms.idempotency_key = std::move(*key);
  terms.batch = letters.size() > 1;
  terms.faults = std::move(faults);
  const Request& compared = comparable ? *comparable : request;
  const SendOutcome outcome = co_await parts.door.send(compared, std::move(letters), std::move(terms));
  if (const auto refusal = first_refusal(outcome)) co_return mailgun_refusal(*refusal);
  co_return accepted(outcome);
}

void add(Router& router, std::string_view path, Handler handler) {
  Route route = sending_route(path, &mailgun_refusal, std::move(handler));
  route.consumes = {kMultipartForm, kUrlencodedForm};
  router.add(std::move(route));
}

}  // namespace

Response mailgun_refusal(const Refusal& refusal) {
  std::string message;
  for (const FieldFault& fault : distinct(refusal.faults)) {
    if (!message.empty()) message += "; ";
    if (!fault.pointer.empty()) message += "'" + parameter_of(fault.pointer) + "' parameter: ";
    message += fault.detail;
  }
  if (message.empty()) message = refusal.detail;
  return vendor_refusal(refusal, vendor_status(refusal.type), {{"message", bounded_sentence(std::move(message))}});
}

result<std::string> mailgun_domain(const Request& request) {
  const std::string& given = request.captures.front();
  auto ascii = domain_to_ascii(given);
  if (ascii && parse_address("postmaster@" + *ascii) && ascii->front() != '[') return ascii;
  return Fault{FaultKind::not_found, "Domain not found: " + given};
}

void add_mailgun(Router& router, const DialectParts& parts) {
  const auto ids = std::make_shared<Ids>();
  add(router, "/v3/{domain}/messages",
      [&parts, ids](const Request& request) { return send(parts, *ids, request, MailgunForm::fields); });
  add(router, "/v3/{domain}/messages.mime",
      [&parts, ids](const Request& request) { return send(parts, *ids, request, MailgunForm::mime); });
  add_mailgun_events(router, parts);
}

}  // namespace postrider::mgmt
