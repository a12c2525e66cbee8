#include "mgmt/json_values.h"

namespace postrider::mgmt {

namespace json = boost::json;

json::value text_or_null(std::string_view text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::value time_or_null(Time time) {
  return time == Time{} || time == kNever ? json::value(nullptr) : json::value(format_rfc3339(time));
}

json::value code_or_null(int code) {
  return code == 0 ? json::value(nullptr) : json::value(code);
}

}  // namespace postrider::mgmt
