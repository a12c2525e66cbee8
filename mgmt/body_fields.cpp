#include "mgmt/body_fields.h"

#include <algorithm>
#include <boost/json/parse.hpp>

namespace postrider::mgmt {

namespace json = boost::json;

namespace {

constexpr std::size_t kMaxFieldDepth = 8;

Fault must_be(std::string_view name, std::string_view what) {
  return invalid("'" + std::string(name) + "' must be " + std::string(what));
}

std::string text_of(const json::value& value) {
  const auto& s = value.get_string();
  return {s.data(), s.size()};
}

}  // namespace

result<BodyFields> BodyFields::parse(std::string_view text, std::initializer_list<std::string_view> known) {
  if (text.empty()) return BodyFields({});
  json::parse_options options;
  options.max_depth = kMaxFieldDepth;
  boost::system::error_code error;
  json::value value = json::parse(text, error, {}, options);
  if (error) return invalid("the body is not JSON: " + error.message());
  if (!value.is_object()) return invalid("the body must be a JSON object");
  for (const auto& member : value.get_object()) {
    const std::string_view name(member.key().data(), member.key().size());
    if (std::find(known.begin(), known.end(), name) == known.end())
      return invalid("there is no member '" + std::string(name) + "' here");
  }
  return BodyFields(std::move(value.get_object()));
}

result<std::optional<std::string>> BodyFields::text(std::string_view name, std::size_t max_length) const {
  const json::value* value = find(name);
  if (!value) return std::optional<std::string>();
  if (!value->is_string()) return must_be(name, "a string");
  if (value->get_string().size() > max_length)
    return must_be(name, "at most " + std::to_string(max_length) + " octets long");
  return std::optional<std::string>(text_of(*value));
}

result<std::optional<std::string>> BodyFields::text_or_number(std::string_view name, std::size_t max_length) const {
  const json::value* value = find(name);
  if (value && value->is_int64()) return std::optional<std::string>(std::to_string(value->get_int64()));
  if (value && !value->is_string()) return must_be(name, "a string or a whole number");
  return text(name, max_length);
}

result<bool> BodyFields::flag(std::string_view name, bool otherwise) const {
  const json::value* value = find(name);
  if (!value) return otherwise;
  if (!value->is_bool()) return must_be(name, "true or false");
  return value->get_bool();
}

const json::value* BodyFields::find(std::string_view name) const {
  const json::value* value = object_.if_contains(name);
  return value && !value->is_null() ? value : nullptr;
}

}  // namespace postrider::mgmt
