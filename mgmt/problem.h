// Errors as the API gives them: problem+json (RFC 9457). One table of types, so that a client can rely on `type`.
#pragma once

#include <string>

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
  payload_too_large,
  unsupported_media_type,
  headers_too_large,
  internal,
  spool_full,
  unavailable,
  damaged_record,
};

// `detail`: one sentence about this occurrence, without anything internal.
Response problem(ProblemType type, std::string detail);
// A fault of store or parser; `not_found`, `conflict` and the like map to their status.
Response problem(const Fault& fault);

}  // namespace postrider::mgmt
