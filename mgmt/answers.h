// What most handlers end with. Pure.
#pragma once

#include <boost/json/object.hpp>

#include "mgmt/http.h"

namespace postrider::mgmt {

Response json_response(const boost::json::object& object, http::status status = http::status::ok);
Response no_content();

}  // namespace postrider::mgmt
