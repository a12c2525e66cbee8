// Amazon SES's API v2 as AWS's SDKs and nodemailer's SES transport call it: POST /v2/email/outbound-emails. The signature (SigV4) is
// the gate's to check. docs/dialects/ses.md.
#include <algorithm>
#include <array>
#include <utility>

#include "mgmt/answers.h"
#include "mgmt/dialects/dialect.h"
#include "mgmt/dialects/ses_mail.h"
#include "mgmt/dialects/vendor.h"
#include "mgmt/media_type.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;

constexpr std::string_view kErrorField = "x-amzn-ErrorType";
constexpr std::string_view kInvocationField = "amz-sdk-invocation-id";
constexpr std::size_t kMaxInvocationId = 200;

struct Named {
  http::status status;
  std::string_view name;
};

// What a check of the signature begins its detail with, and the status AWS gives with it.
constexpr std::array<Named, 4> kSignatureErrors{{{http::status::forbidden, "SignatureDoesNotMatch"},
                                                 {http::status::forbidden, "InvalidClientTokenId"},
                                                 {http::status::bad_request, "RequestExpired"},
                                                 {http::status::bad_request, "IncompleteSignature"}}};

// Names that SendEmail documents, and AWS's common ones. The SDKs try again on TooManyRequestsException and on 5xx.
Named named(ProblemType type) {
  switch (type) {
    case ProblemType::bad_request:
    case ProblemType::invalid_parameter:
    case ProblemType::unknown_parameter:
    case ProblemType::invalid_body:
    case ProblemType::validation:
    case ProblemType::key_reused:
    case ProblemType::conflict:
      return {http::status::bad_request, "BadRequestException"};
    case ProblemType::sender_not_allowed:
    case ProblemType::recipient_not_allowed:
      return {http::status::bad_request, "MessageRejected"};
    case ProblemType::unauthorized:
      return {http::status::forbidden, "UnrecognizedClientException"};
    case ProblemType::forbidden:
    case ProblemType::forbidden_origin:
      return {http::status::forbidden, "AccessDeniedException"};
    case ProblemType::not_found:
    case ProblemType::gone:
      return {http::status::not_found, "NotFoundException"};
    case ProblemType::too_many_requests:
    case ProblemType::key_in_flight:  // the same call again, a moment later, gets the answer of the first
      return {http::status::too_many_requests, "TooManyRequestsException"};
    case ProblemType::method_not_allowed:
    case ProblemType::not_acceptable:
    case ProblemType::payload_too_large:
    case ProblemType::unsupported_media_type:
    case ProblemType::headers_too_large:
      return {status_of(type), "BadRequestException"};
    case ProblemType::spool_full:
    case ProblemType::unavailable:
      return {http::status::service_unavailable, "ServiceUnavailable"};
    case ProblemType::internal:
    case ProblemType::damaged_record:
      return {http::status::internal_server_error, "InternalServiceErrorException"};
  }
  return {http::status::internal_server_error, "InternalServiceErrorException"};
}

Response refuse(const Refusal& refusal) {
  Named error = named(refusal.type);
  std::string message = refusal_sentence(refusal);
  if (refusal.type == ProblemType::unauthorized) {
    const std::string front = message.substr(0, message.find(':'));
    const auto found = std::find_if(kSignatureErrors.begin(), kSignatureErrors.end(),
                                    [&](const Named& known) { return known.name == front; });
    if (found != kSignatureErrors.end()) {
      error = *found;
      message.erase(0, std::min(front.size() + 2, message.size()));
    }
  }
  Response response = vendor_refusal(refusal, error.status, {{"message", message}});
  response.headers.emplace_back(kErrorField, error.name);
  return response;
}

// The id that an SDK gives all attempts at one call; Idempotency-Key comes first where somebody sends that.
result<std::string> idempotency_key(const Request& request) {
  auto key = SendDoor::idempotency_key(request);
  if (!key || !key->empty()) return key;
  const std::string_view id = request.header(kInvocationField);
  if (id.empty()) return std::string();
  const bool plain = std::all_of(id.begin(), id.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  if (!plain || id.size() > kMaxInvocationId)
    return invalid(std::string(kInvocationField) + " must be at most 200 characters of printable ASCII");
  return std::string(kInvocationField) + ":" + std::string(id);
}

asio::awaitable<Response> send(const DialectParts& parts, const Request& request) {
  auto mail = read_ses_mail(request.body);
  if (const auto* refusal = std::get_if<Refusal>(&mail)) co_return refuse(*refusal);
  auto key = idempotency_key(request);
  if (!key) co_return refuse(refusal_of(key.error()));
  std::vector<Letter> letters;
  letters.push_back(std::get<Letter>(std::move(mail)));
  SendTerms terms;
  terms.idempotency_key = std::move(*key);
  const SendOutcome outcome = co_await parts.door.send(request, std::move(letters), std::move(terms));
  if (const auto refusal = first_refusal(outcome)) co_return refuse(*refusal);
  Response response = json_response({{"MessageId", outcome.letters.front().id->str()}});
  response.headers.emplace_back("x-amzn-RequestId", request.id);
  co_return response;
}

asio::awaitable<Response> send_bulk(const Request&) {
  Refusal refusal;
  refusal.detail =
      "every email of SendBulkEmail is made from a template, and Postrider keeps and renders none: use SendEmail";
  co_return refuse(refusal);
}

}  // namespace

void add_ses(Router& router, const DialectParts& parts) {
  auto send_one = [&parts](const Request& request) { return send(parts, request); };
  router.add(sending_route("/v2/email/outbound-emails", &refuse, send_one));
  router.add(sending_route("/v2/email/outbound-bulk-emails", &refuse, &send_bulk));
}

}  // namespace postrider::mgmt
