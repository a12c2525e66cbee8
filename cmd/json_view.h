// Reading our own JSON where a member may be null or, from another version, missing: the absent is the empty value. Pure.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/time.h"

namespace postrider::cmd {

std::string text_of(const boost::json::object& object, std::string_view name);  // numbers too
std::int64_t number_of(const boost::json::object& object, std::string_view name);
std::uint64_t count_of(const boost::json::object& object, std::string_view name);  // 0 for what is below it
bool flag_of(const boost::json::object& object, std::string_view name);
std::optional<Time> time_of(const boost::json::object& object, std::string_view name);
const boost::json::object* object_in(const boost::json::object& object, std::string_view name);  // null: there is none
// The objects among the items of an array.
std::vector<const boost::json::object*> objects_of(const boost::json::object& object, std::string_view name);

// The strings among the items of an array.
std::string joined(const boost::json::object& object, std::string_view name, std::string_view separator);

}  // namespace postrider::cmd
