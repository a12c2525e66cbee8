#include "mgmt/json_fields.h"

#include <algorithm>
#include <array>
#include <boost/json/parse.hpp>
#include <charconv>

#include "core/nearest.h"
#include "mgmt/json_duplicates.h"

namespace postrider::mgmt {

namespace json = boost::json;

namespace {

constexpr std::size_t kMaxDepth = 32;        // of arrays and objects in each other
constexpr std::size_t kMaxQuotedName = 128;  // of an unknown member, in a fault

std::string octets(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " octet" : " octets");
}

// The start of a name, whole characters: all that a fault needs of it.
std::string_view shortened(std::string_view name) {
  if (name.size() <= kMaxQuotedName) return name;
  std::size_t end = kMaxQuotedName;
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) --end;
  return name.substr(0, end);
}

// The text that a number or a flag would be; nothing for anything else. Numbers as short as they can be written.
std::optional<std::string> scalar_text(const json::value& value) {
  if (value.is_int64()) return std::to_string(value.get_int64());
  if (value.is_uint64()) return std::to_string(value.get_uint64());
  if (value.is_bool()) return std::string(value.get_bool() ? "true" : "false");
  if (!value.is_double()) return std::nullopt;
  std::array<char, 32> digits{};
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), value.get_double());
  return std::string(digits.data(), written.ptr);
}

std::optional<std::string> taken_text(std::string_view text, std::string at, std::size_t max_octets, Faults& faults) {
  if (text.size() <= max_octets) return std::string(text);
  add_fault(faults, std::move(at), "may have at most " + octets(max_octets));
  return std::nullopt;
}

}  // namespace

void add_fault(Faults& faults, std::string pointer, std::string detail) {
  if (faults.size() >= kMaxFaults) return;
  const auto told = [&](const FieldFault& fault) { return fault.pointer == pointer && fault.detail == detail; };
  if (std::none_of(faults.begin(), faults.end(), told)) faults.push_back({std::move(pointer), std::move(detail)});
}

std::string member_of(std::string_view at, std::string_view name) {  // RFC 6901 3.
  std::string out(at);
  out += '/';
  for (const char c : name) {
    if (c == '~')
      out += "~0";
    else if (c == '/')
      out += "~1";
    else
      out += c;
  }
  return out;
}

std::string element_of(std::string_view at, std::size_t index) {
  return std::string(at) + "/" + std::to_string(index);
}

bool lies_within(std::string_view pointer, std::string_view outer) {
  return pointer.starts_with(outer) && (pointer.size() == outer.size() || pointer[outer.size()] == '/');
}

std::optional<json::value> parse_document(std::string_view text, Faults& faults) {
  if (auto fault = find_json_fault(text, kMaxDepth)) {
    add_fault(faults, std::move(fault->pointer), std::move(fault->detail));
    return std::nullopt;
  }
  json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::system::error_code error;
  json::value value = json::parse(text, error, {}, options);
  if (error) {
    add_fault(faults, "", text.empty() ? "the body is empty, JSON is expected" : "is no JSON: " + error.message());
    return std::nullopt;
  }
  return value;
}

JsonFields::JsonFields(const json::value& value, std::string at, Faults& faults)
    : object_(value.if_object()), at_(std::move(at)), faults_(faults) {
  if (object_ == nullptr) add_fault(faults_, at_, "must be an object");
}

bool JsonFields::has(std::string_view name) {
  return find(name) != nullptr;
}

std::optional<std::string> JsonFields::text(std::string_view name, std::size_t max_octets) {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  return text_of({value, at(name)}, max_octets, faults_);
}

std::optional<std::string> JsonFields::text_or_number(std::string_view name, std::size_t max_octets) {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_number()) return scalar_text(*value);
  if (value->is_string()) return taken_text(view_of(value->get_string()), at(name), max_octets, faults_);
  fault(name, "must be a string or a number");
  return std::nullopt;
}

std::optional<bool> JsonFields::flag(std::string_view name) {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_bool()) return value->get_bool();
  fault(name, "must be true or false");
  return std::nullopt;
}

std::optional<std::int64_t> JsonFields::number(std::string_view name, std::int64_t least, std::int64_t most) {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  const std::int64_t* number = value->if_int64();
  if (number != nullptr && *number >= least && *number <= most) return *number;
  fault(name, "must be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return std::nullopt;
}

std::optional<Time> JsonFields::time(std::string_view name) {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto time = value->is_string() ? parse_rfc3339(view_of(value->get_string())) : std::nullopt;
  if (!time) fault(name, "must be a time such as 2026-01-31T08:15:00Z");
  return time;
}

std::optional<Duration> JsonFields::duration(std::string_view name) {
  constexpr std::int64_t kMostSeconds = 100ll * 366 * 24 * 3600;  // beyond it, milliseconds from now could overflow
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  std::optional<Duration> span;
  if (value->is_string()) span = parse_duration(view_of(value->get_string()));
  if (value->is_int64() && value->get_int64() >= 0 && value->get_int64() <= kMostSeconds)
    span = std::chrono::seconds(value->get_int64());
  if (!span || *span > std::chrono::seconds(kMostSeconds)) {
    fault(name, "must be a time span such as 90s, 10m or 2h, or a number of seconds");
    return std::nullopt;
  }
  return span;
}

std::vector<Placed> JsonFields::array(std::string_view name, std::size_t max_count) {
  std::vector<Placed> out;
  const json::value* value = find(name);
  if (value == nullptr) return out;
  const json::array* elements = value->if_array();
  if (elements == nullptr || elements->size() > max_count) {
    fault(name,
          elements == nullptr ? "must be an array" : "may have at most " + std::to_string(max_count) + " elements");
    return out;
  }
  const std::string here = at(name);
  for (std::size_t i = 0; i < elements->size(); ++i) out.push_back({&(*elements)[i], element_of(here, i)});
  return out;
}

std::vector<Placed> JsonFields::one_or_many(std::string_view name, std::size_t max_count) {
  const json::value* value = find(name);
  if (value == nullptr) return {};
  if (value->is_array()) return array(name, max_count);
  return {{value, at(name)}};
}

std::optional<Placed> JsonFields::object(std::string_view name) {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_object()) return Placed{value, at(name)};
  fault(name, "must be an object");
  return std::nullopt;
}

std::optional<Placed> JsonFields::any(std::string_view name) {
  const json::value* value = find(name);
  if (value == nullptr) return std::nullopt;
  return Placed{value, at(name)};
}

std::vector<std::pair<std::string, std::string>> JsonFields::texts_by_name(std::string_view name, std::size_t max_count,
                                                                           std::size_t max_octets) {
  std::vector<std::pair<std::string, std::string>> out;
  const std::optional<Placed> placed = object(name);
  if (!placed) return out;
  const json::object& members = placed->value->get_object();
  if (members.size() > max_count) {
    fault(name, "may have at most " + std::to_string(max_count) + " members");
    return out;
  }
  for (const auto& member : members) {
    const std::string key(member.key());
    std::string here = member_of(placed->at, key);
    std::optional<std::string> text = scalar_text(member.value());
    if (member.value().is_string())
      text = taken_text(view_of(member.value().get_string()), std::move(here), max_octets, faults_);
    else if (!text)
      add_fault(faults_, std::move(here), "must be a string");
    if (text) out.emplace_back(key, std::move(*text));
  }
  return out;
}

void JsonFields::fault(std::string_view member, std::string detail) {
  add_fault(faults_, at(member), std::move(detail));
}

void JsonFields::finish() {
  if (object_ == nullptr) return;
  const std::vector<std::string_view> candidates(known_.begin(), known_.end());
  for (const auto& member : *object_) {
    const std::string_view name(member.key().data(), member.key().size());
    if (faults_.size() >= kMaxFaults) return;  // no more are told, and to look for the nearest name takes time
    if (known_.contains(name)) continue;
    const std::string_view meant = nearest(shortened(name), candidates);
    fault(shortened(name),
          "there is no such field" + (meant.empty() ? "" : "; did you mean '" + std::string(meant) + "'?"));
  }
}

const json::value* JsonFields::find(std::string_view name) {
  known_.emplace(name);
  const json::value* value = object_ == nullptr ? nullptr : object_->if_contains(name);
  return value != nullptr && !value->is_null() ? value : nullptr;
}

std::optional<std::string> text_of(const Placed& placed, std::size_t max_octets, Faults& faults) {
  if (placed.value->is_string()) return taken_text(view_of(placed.value->get_string()), placed.at, max_octets, faults);
  add_fault(faults, placed.at, "must be a string");
  return std::nullopt;
}

}  // namespace postrider::mgmt
