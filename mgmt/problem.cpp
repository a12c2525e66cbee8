#include "mgmt/problem.h"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace postrider::mgmt {

namespace {

struct Row {
  http::status status;
  std::string_view path;  // a stable name, relative to this server (RFC 9457 3.1.1)
  std::string_view title;
};

Row row(ProblemType type) {
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

}  // namespace

Response problem(ProblemType type, std::string detail) {
  const Row r = row(type);
  boost::json::object body{
      {"type", r.path}, {"title", r.title}, {"status", static_cast<unsigned>(r.status)}, {"detail", detail}};
  Response response;
  response.status = r.status;
  response.content_type = "application/problem+json";
  response.body = boost::json::serialize(body);
  if (type == ProblemType::unauthorized)
    response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"postrider\"");
  if (r.status == http::status::service_unavailable) response.headers.emplace_back("Retry-After", "30");
  return response;
}

Response problem(const Fault& fault) {
  return problem(type_of(fault.kind), fault.text);
}

}  // namespace postrider::mgmt
