// What went wrong with a request, as data, and how the API says it: problem+json (RFC 9457). One table of types, so that a client
// can rely on `type`. Routes that speak for another service say the same in that service's words.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "core/result.h"
#include "mgmt/http.h"

namespace postrider::mgmt {

enum class ProblemType : std::uint8_t {
  bad_request,
  invalid_parameter,
  unknown_parameter,
  invalid_body,
  unauthorized,
  forbidden_origin,
  forbidden,
  not_found,
  gone,
  method_not_allowed,
  not_acceptable,
  conflict,
  validation,             // 422: the fields are named in Refusal::faults
  key_reused,             // 422: the same Idempotency-Key with another payload
  key_in_flight,          // 409: the first request with this Idempotency-Key is not answered yet
  sender_not_allowed,     // 403
  recipient_not_allowed,  // 403: the guard of the credential
  too_many_requests,      // 429, with retry_after
  payload_too_large,
  unsupported_media_type,
  headers_too_large,
  internal,
  spool_full,
  unavailable,
  damaged_record,
};

// One field of a request that is wrong.
struct FieldFault {
  std::string pointer;  // RFC 6901: "/to/0/email"; empty: the whole
  std::string detail;   // a sentence that says what it must be
};

struct Refusal {
  ProblemType type = ProblemType::bad_request;
  std::string detail;              // one sentence about this occurrence, without anything internal
  std::vector<FieldFault> faults;  // all of them at once
  Duration retry_after{};          // zero: not said
  std::vector<std::pair<std::string, std::string>> headers = {};  // Allow and the like
};

// How a route says no.
using Render = Response (*)(const Refusal&);

http::status status_of(ProblemType type);
std::string_view title_of(ProblemType type);
Refusal refusal(ProblemType type, std::string detail);
Refusal refusal_of(const Fault& fault);
Refusal invalid_fields(std::vector<FieldFault> faults);  // ProblemType::validation
// What belongs into the header of every refusal, whatever words its body has: Retry-After, WWW-Authenticate, and its own.
std::vector<std::pair<std::string, std::string>> refusal_headers(const Refusal& refusal);
Response problem(const Refusal& refusal);
boost::json::object problem_json(const Refusal& refusal);  // the body of that

// `detail`: one sentence about this occurrence, without anything internal.
Response problem(ProblemType type, std::string detail);
// A fault of store or parser; `not_found`, `conflict` and the like map to their status.
Response problem(const Fault& fault);

}  // namespace postrider::mgmt
