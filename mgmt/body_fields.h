// A JSON request body as an object whose members are known: parsed under bounds, every unknown or ill-typed member named
// in the fault. Pure.
#pragma once

#include <boost/json/object.hpp>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace postrider::mgmt {

class BodyFields {
 public:
  // An empty text is an object without members.
  static result<BodyFields> parse(std::string_view text, std::initializer_list<std::string_view> known);

  bool has(std::string_view name) const { return find(name) != nullptr; }  // there and not null
  // Nothing when the member is absent or null; a fault when it is of another type, or longer than max_length octets.
  result<std::optional<std::string>> text(std::string_view name, std::size_t max_length = 1024) const;
  // The same, and a whole number is taken as the text it would be: for values that have both forms.
  result<std::optional<std::string>> text_or_number(std::string_view name, std::size_t max_length = 1024) const;
  result<bool> flag(std::string_view name, bool otherwise) const;

 private:
  explicit BodyFields(boost::json::object object) : object_(std::move(object)) {}
  const boost::json::value* find(std::string_view name) const;

  boost::json::object object_;
};

}  // namespace postrider::mgmt
