// How absent things look in our JSON: an empty text, a time that is none and the code 0 are null. Pure.
#pragma once

#include <boost/json/value.hpp>
#include <string_view>

#include "core/time.h"

namespace postrider::mgmt {

boost::json::value text_or_null(std::string_view text);
boost::json::value time_or_null(Time time);  // zero and kNever: null
boost::json::value code_or_null(int code);

}  // namespace postrider::mgmt
