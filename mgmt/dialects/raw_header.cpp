#include "mgmt/dialects/raw_header.h"

#include <boost/beast/core/string.hpp>
#include <optional>

#include "mgmt/header_text.h"

namespace postrider::mgmt {

namespace {

struct Extent {
  std::size_t begin = 0, colon = 0, end = 0;  // `end` is past the last line break
};

std::size_t next_line(std::string_view message, std::size_t at) {
  const auto line_feed = message.find('\n', at);
  return line_feed == message.npos ? message.size() : line_feed + 1;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

// The field that begins at `at` with its continuation lines (RFC 5322 2.2.3); nothing when none does, or so far down that no such
// message is taken.
std::optional<Extent> field_at(std::string_view message, std::size_t at) {
  if (at >= kMaxRawHeader) return std::nullopt;
  Extent field{at, message.find(':', at), next_line(message, at)};
  if (field.colon == message.npos || field.colon >= field.end || field.colon == at || is_blank(message[at]))
    return std::nullopt;
  while (field.end < message.size() && is_blank(message[field.end])) field.end = next_line(message, field.end);
  return field;
}

std::string_view name_of(std::string_view message, const Extent& field) {
  std::string_view name = message.substr(field.begin, field.colon - field.begin);
  while (!name.empty() && is_blank(name.back())) name.remove_suffix(1);
  return name;
}

std::string value_of(std::string_view message, const Extent& field) {
  std::string value;
  for (const char c : message.substr(field.colon + 1, field.end - field.colon - 1))
    if (c != '\r' && c != '\n') value += c == '\t' ? ' ' : c;
  const auto begin = value.find_first_not_of(' ');
  return begin == value.npos ? std::string() : value.substr(begin, value.find_last_not_of(' ') - begin + 1);
}

}  // namespace

std::vector<RawField> raw_fields(std::string_view message) {
  std::vector<RawField> fields;
  for (auto field = field_at(message, 0); field; field = field_at(message, field->end))
    fields.push_back({std::string(name_of(message, *field)), value_of(message, *field)});
  return fields;
}

void replace_raw_field(std::string& message, std::string_view name, std::string_view field) {
  std::vector<Extent> found;
  for (auto extent = field_at(message, 0); extent; extent = field_at(message, extent->end))
    if (boost::beast::iequals(name_of(message, *extent), name)) found.push_back(*extent);
  std::string edited;
  edited.reserve(message.size() + field.size());
  std::size_t at = found.empty() ? 0 : found.front().begin;
  edited.append(message, 0, at).append(field);
  for (const Extent& extent : found) {
    edited.append(message, at, extent.begin - at);
    at = extent.end;
  }
  edited.append(message, at);
  message = std::move(edited);
}

}  // namespace postrider::mgmt
