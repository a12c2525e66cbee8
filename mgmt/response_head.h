// Status line and header fields of a response, as they go to the wire. Pure.
#pragma once

#include <string>

#include "mgmt/http.h"

namespace postrider::mgmt {

std::string render_head(const Request& request, const Response& response, bool keep_alive, Time now);
// False for those that end with their header, whatever was asked (RFC 9110 15.3.5).
bool has_content(http::status status);

}  // namespace postrider::mgmt
