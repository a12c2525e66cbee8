#include "cmd/json_view.h"

#include <algorithm>

namespace postrider::cmd {

namespace json = boost::json;

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (!value) return {};
  if (value->is_string()) return std::string(value->get_string());
  boost::system::error_code error;
  const auto number = value->to_number<std::int64_t>(error);
  return error ? std::string() : std::to_string(number);
}

std::int64_t number_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  boost::system::error_code error;
  const auto number = value ? value->to_number<std::int64_t>(error) : 0;
  return error ? 0 : number;
}

std::uint64_t count_of(const json::object& object, std::string_view name) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, number_of(object, name)));
}

bool flag_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value && value->is_bool() && value->get_bool();
}

std::optional<Time> time_of(const json::object& object, std::string_view name) {
  return parse_rfc3339(text_of(object, name));
}

const json::object* object_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value ? value->if_object() : nullptr;
}

std::vector<const json::object*> objects_of(const json::object& object, std::string_view name) {
  std::vector<const json::object*> out;
  const json::value* value = object.if_contains(name);
  if (!value || !value->is_array()) return out;
  for (const json::value& item : value->get_array())
    if (item.is_object()) out.push_back(&item.get_object());
  return out;
}

std::string joined(const json::object& object, std::string_view name, std::string_view separator) {
  std::string out;
  const json::value* value = object.if_contains(name);
  if (!value || !value->is_array()) return out;
  for (const json::value& item : value->get_array())
    if (item.is_string()) out.append(out.empty() ? "" : separator).append(item.get_string());
  return out;
}

}  // namespace postrider::cmd
