#include "mgmt/problem.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace postrider::mgmt {

namespace {

struct ProblemRow {
  http::status status;
  std::string_view path;  // a stable name, relative to this server (RFC 9457 3.1.1)
  std::string_view title;
};

ProblemRow problem_row(ProblemType type) {
  switch (type) {
    case ProblemType::bad_request:
      return {http::status::bad_request, "/problems/bad-request", "Bad request"};
    case ProblemType::invalid_parameter:
      return {http::status::bad_request, "/problems/invalid-parameter", "Invalid parameter"};
    case ProblemType::unknown_parameter:
      return {http::status::bad_request, "/problems/unknown-parameter", "Unknown parameter"};
    case ProblemType::invalid_body:
      return {http::status::bad_request, "/problems/invalid-body", "Invalid body"};
    case ProblemType::unauthorized:
      return {http::status::unauthorized, "/problems/unauthorized", "Unauthorized"};
    case ProblemType::forbidden_origin:
      return {http::status::forbidden, "/problems/forbidden-origin", "A key is needed here"};
    case ProblemType::forbidden:
      return {http::status::forbidden, "/problems/forbidden", "Not allowed"};
    case ProblemType::not_found:
      return {http::status::not_found, "/problems/not-found", "Not found"};
    case ProblemType::gone:
      return {http::status::gone, "/problems/gone", "Removed"};
    case ProblemType::method_not_allowed:
      return {http::status::method_not_allowed, "/problems/method-not-allowed", "Method not allowed"};
    case ProblemType::not_acceptable:
      return {http::status::not_acceptable, "/problems/not-acceptable", "Not acceptable"};
    case ProblemType::conflict:
      return {http::status::conflict, "/problems/conflict", "Conflict"};
    case ProblemType::validation:
      return {http::status::unprocessable_entity, "/problems/validation", "Some fields are wrong"};
    case ProblemType::key_reused:
      return {http::status::unprocessable_entity, "/problems/idempotency-key-reused", "Idempotency-Key used before"};
    case ProblemType::key_in_flight:
      return {http::status::conflict, "/problems/idempotency-key-in-flight", "Idempotency-Key in use"};
    case ProblemType::sender_not_allowed:
      return {http::status::forbidden, "/problems/sender-not-allowed", "Sender not allowed"};
    case ProblemType::recipient_not_allowed:
      return {http::status::forbidden, "/problems/recipient-not-allowed", "Recipient not allowed"};
    case ProblemType::too_many_requests:
      return {http::status::too_many_requests, "/problems/too-many-requests", "Too many requests"};
    case ProblemType::payload_too_large:
      return {http::status::payload_too_large, "/problems/payload-too-large", "Body too large"};
    case ProblemType::unsupported_media_type:
      return {http::status::unsupported_media_type, "/problems/unsupported-media-type", "Unsupported media type"};
    case ProblemType::headers_too_large:
      return {http::status::request_header_fields_too_large, "/problems/headers-too-large", "Header too large"};
    case ProblemType::internal:
      return {http::status::internal_server_error, "/problems/internal", "Internal error"};
    case ProblemType::spool_full:
      return {http::status::service_unavailable, "/problems/spool-full", "Spool full"};
    case ProblemType::unavailable:
      return {http::status::service_unavailable, "/problems/unavailable", "Not available now"};
    case ProblemType::damaged_record:
      return {http::status::internal_server_error, "/problems/damaged-record", "Damaged record"};
  }
  return {http::status::internal_server_error, "/problems/internal", "Internal error"};
}

ProblemType type_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::invalid:
      return ProblemType::bad_request;
    case FaultKind::not_found:
      return ProblemType::not_found;
    case FaultKind::conflict:
      return ProblemType::conflict;
    case FaultKind::full:
      return ProblemType::spool_full;
    case FaultKind::unavailable:
      return ProblemType::unavailable;
    case FaultKind::damaged:
      return ProblemType::damaged_record;
  }
  return ProblemType::internal;
}

// What a 503 says when nobody knows better.
constexpr Duration kRetryAfter = std::chrono::seconds(30);

// Whole seconds (RFC 9110 10.2.3), rounded up: who comes at that time is not too early.
std::string seconds_of(Duration wait) {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(wait).count());
}

boost::json::array errors_json(const std::vector<FieldFault>& faults) {
  boost::json::array errors;
  for (const FieldFault& fault : faults)
    errors.push_back(boost::json::object{{"pointer", fault.pointer}, {"detail", fault.detail}});
  return errors;
}

}  // namespace

http::status status_of(ProblemType type) {
  return problem_row(type).status;
}

std::string_view title_of(ProblemType type) {
  return problem_row(type).title;
}

Refusal refusal(ProblemType type, std::string detail) {
  Refusal out;
  out.type = type;
  out.detail = std::move(detail);
  return out;
}

Refusal refusal_of(const Fault& fault) {
  Refusal refusal;
  refusal.type = type_of(fault.kind);
  refusal.detail = fault.text;
  return refusal;
}

Refusal invalid_fields(std::vector<FieldFault> faults) {
  Refusal refusal;
  refusal.type = ProblemType::validation;
  refusal.detail = faults.size() == 1 ? "one field is wrong" : std::to_string(faults.size()) + " fields are wrong";
  refusal.faults = std::move(faults);
  return refusal;
}

boost::json::object problem_json(const Refusal& refusal) {
  const ProblemRow r = problem_row(refusal.type);
  boost::json::object body{
      {"type", r.path}, {"title", r.title}, {"status", static_cast<unsigned>(r.status)}, {"detail", refusal.detail}};
  if (!refusal.faults.empty()) body["errors"] = errors_json(refusal.faults);
  return body;
}

Response problem(const Refusal& refusal) {
  Response response;
  response.status = status_of(refusal.type);
  response.content_type = "application/problem+json";
  response.body = boost::json::serialize(problem_json(refusal));
  response.headers = refusal_headers(refusal);
  return response;
}

std::vector<std::pair<std::string, std::string>> refusal_headers(const Refusal& refusal) {
  auto headers = refusal.headers;
  const http::status status = status_of(refusal.type);
  if (status == http::status::unauthorized) headers.emplace_back("WWW-Authenticate", "Bearer realm=\"postrider\"");
  if (refusal.retry_after > Duration::zero())
    headers.emplace_back("Retry-After", seconds_of(refusal.retry_after));
  else if (status == http::status::service_unavailable)
    headers.emplace_back("Retry-After", seconds_of(kRetryAfter));
  return headers;
}

Response problem(ProblemType type, std::string detail) {
  return problem(refusal(type, std::move(detail)));
}

Response problem(const Fault& fault) {
  return problem(refusal_of(fault));
}

}  // namespace postrider::mgmt
