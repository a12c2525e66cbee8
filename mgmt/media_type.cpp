#include "mgmt/media_type.h"

#include <algorithm>
#include <boost/beast/core/string.hpp>

namespace postrider::mgmt {

namespace {

using boost::beast::iequals;

std::string_view trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

// Takes the part before `separator` off the front of `rest`.
std::string_view take(std::string_view& rest, char separator) {
  const auto end = std::min(rest.find(separator), rest.size());
  const std::string_view part = trim(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

// "q=0", "q=0.000": the client does not want it (RFC 9110 12.4.2).
bool is_zero_weight(std::string_view parameter) {
  if (parameter.size() < 3 || !iequals(parameter.substr(0, 2), "q=")) return false;
  return parameter.substr(2).find_first_not_of("0.") == std::string_view::npos;
}

enum class Fit : unsigned char { none, any, type, exact };

Fit fit(std::string_view range, std::string_view media_type) {
  if (range == "*/*") return Fit::any;
  if (iequals(range, media_type)) return Fit::exact;
  const std::string_view type = media_type.substr(0, media_type.find('/') + 1);
  if (range.size() == type.size() + 1 && range.back() == '*' && iequals(range.substr(0, type.size()), type))
    return Fit::type;
  return Fit::none;
}

}  // namespace

bool is_media_type(std::string_view content_type, std::string_view media_type) {
  return iequals(take(content_type, ';'), media_type);
}

bool is_json(std::string_view content_type) {
  return is_media_type(content_type, kJson);
}

bool accepts(std::string_view accept, std::string_view media_type) {
  if (trim(accept).empty()) return true;
  Fit best = Fit::none;  // the most specific range decides
  bool wanted = false;
  while (!accept.empty()) {
    std::string_view range = take(accept, ',');
    const Fit how = fit(take(range, ';'), media_type);
    bool zero = false;
    while (!range.empty()) zero = is_zero_weight(take(range, ';')) || zero;
    if (how > best) {
      best = how;
      wanted = !zero;
    }
  }
  return wanted;
}

}  // namespace postrider::mgmt
