#include "mgmt/media_type.h"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <optional>

#include "core/ascii.h"

namespace postrider::mgmt {

namespace {

using boost::beast::iequals;

constexpr unsigned kMostWanted = 1000;  // q=1

// Takes the part before `separator` off the front of `rest`.
std::string_view take(std::string_view& rest, char separator) {
  const auto end = std::min(rest.find(separator), rest.size());
  const std::string_view part = trimmed(rest.substr(0, end));
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

// Of "q=0.8" 800; nothing for another parameter (RFC 9110 12.4.2: at most three digits after the point).
std::optional<unsigned> weight_of(std::string_view parameter) {
  if (parameter.size() < 3 || !iequals(parameter.substr(0, 2), "q=")) return std::nullopt;
  parameter.remove_prefix(2);
  if (parameter.front() == '1') return kMostWanted;
  if (parameter.front() != '0') return std::nullopt;
  unsigned weight = 0, place = kMostWanted;
  for (const char digit : parameter.substr(std::min<std::size_t>(2, parameter.size()))) {
    place /= 10;
    if (digit < '0' || digit > '9' || place == 0) break;
    weight += static_cast<unsigned>(digit - '0') * place;
  }
  return weight;
}

// Of the parameters of one range; 1 when none says.
unsigned range_weight(std::string_view parameters) {
  unsigned weight = kMostWanted;
  while (!parameters.empty())
    if (const auto given = weight_of(take(parameters, ';'))) weight = *given;
  return weight;
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

unsigned wanted(std::string_view accept, std::string_view media_type) {
  if (trimmed(accept).empty()) return kMostWanted;
  Fit best = Fit::none;  // the most specific range decides
  unsigned weight = 0;
  while (!accept.empty()) {
    std::string_view range = take(accept, ',');
    const Fit how = fit(take(range, ';'), media_type);
    if (how <= best) continue;
    best = how;
    weight = range_weight(range);
  }
  return weight;
}

bool accepts(std::string_view accept, std::string_view media_type) {
  return wanted(accept, media_type) > 0;
}

bool prefers(std::string_view accept, std::string_view media_type, std::string_view other) {
  return wanted(accept, media_type) > wanted(accept, other);
}

bool accepts_gzip(std::string_view accept_encoding) {
  std::optional<unsigned> gzip, any;
  while (!accept_encoding.empty()) {
    std::string_view coding = take(accept_encoding, ',');
    const std::string_view name = take(coding, ';');
    if (iequals(name, "gzip") || iequals(name, "x-gzip")) gzip = range_weight(coding);
    if (name == "*") any = range_weight(coding);
  }
  return gzip.value_or(any.value_or(0)) > 0;
}

}  // namespace postrider::mgmt
