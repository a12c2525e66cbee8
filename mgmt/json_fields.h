// A JSON object of a request, read member by member: each reader takes what it knows and notes what is wrong with it, with the
// pointer of its place, so that the client is told everything at once; finish() names what nobody asked for. Pure.
//
//   Faults faults;
//   const auto document = parse_document(request.body, faults);      // bounded, valid UTF-8, each member once
//   if (!document) return refuse(invalid_fields(std::move(faults)));
//   JsonFields fields(*document, "", faults);
//   letter.subject = fields.text("subject", 998).value_or("");
//   fields.finish();
//   if (!faults.empty()) return refuse(invalid_fields(std::move(faults)));
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/time.h"
#include "mgmt/problem.h"

namespace postrider::mgmt {

using Faults = std::vector<FieldFault>;
inline constexpr std::size_t kMaxFaults = 100;  // of one request; what comes after is not told

// Unless it is there already: the letters of one call share fields.
void add_fault(Faults& faults, std::string pointer, std::string detail);

inline std::string_view view_of(const boost::json::string& text) {
  return {text.data(), text.size()};
}

// One value and where it stands.
struct Placed {
  const boost::json::value* value = nullptr;
  std::string at;  // RFC 6901
};

// The pointer of a member or element; '~' and '/' escaped.
std::string member_of(std::string_view at, std::string_view name);
std::string element_of(std::string_view at, std::size_t index);
// Whether a pointer is that one, or of something in it.
bool lies_within(std::string_view pointer, std::string_view outer);

// Nothing, with one fault, when it is no JSON (at ""), when a member is there twice (at its place), or when there are too many values:
// mgmt/json_duplicates.h.
std::optional<boost::json::value> parse_document(std::string_view text, Faults& faults);

class JsonFields {
 public:
  // `value` that is no object is a fault, and then nothing is found in it. Both arguments by reference outlive this.
  JsonFields(const boost::json::value& value, std::string at, Faults& faults);

  const std::string& at() const { return at_; }
  std::string at(std::string_view member) const { return member_of(at_, member); }
  bool has(std::string_view name);  // there and not null; counts as known

  // Absent and null: nothing. Of another type, too long, out of bounds: nothing, and a fault. Names are exact.
  std::optional<std::string> text(std::string_view name, std::size_t max_octets = 1024);
  std::optional<std::string> text_or_number(std::string_view name, std::size_t max_octets = 1024);
  std::optional<bool> flag(std::string_view name);
  std::optional<std::int64_t> number(std::string_view name, std::int64_t least, std::int64_t most);
  std::optional<Time> time(std::string_view name);          // RFC 3339
  std::optional<Duration> duration(std::string_view name);  // "90s", "10m", or seconds as a number
  std::vector<Placed> array(std::string_view name, std::size_t max_count);
  std::vector<Placed> one_or_many(std::string_view name, std::size_t max_count);  // a value, or an array of them
  std::optional<Placed> object(std::string_view name);
  std::optional<Placed> any(std::string_view name);
  // Members of an object of texts; numbers and flags count as the texts they would be, anything else is a fault.
  std::vector<std::pair<std::string, std::string>> texts_by_name(std::string_view name, std::size_t max_count,
                                                                 std::size_t max_octets);

  void fault(std::string_view member, std::string detail);  // at that member
  void ignore(std::string_view name) { known_.insert(std::string(name)); }
  // A fault for each member that nothing above asked for, with the nearest known name. `what`: "field", or the service's word.
  void finish();

 private:
  const boost::json::value* find(std::string_view name);

  const boost::json::object* object_ = nullptr;
  std::string at_;
  Faults& faults_;
  std::set<std::string, std::less<>> known_;
};

// A text that stands by itself (an element of an array); nothing and a fault otherwise.
std::optional<std::string> text_of(const Placed& placed, std::size_t max_octets, Faults& faults);

}  // namespace postrider::mgmt
