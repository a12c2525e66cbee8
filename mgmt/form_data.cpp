#include "mgmt/form_data.h"

#include <algorithm>
#include <boost/beast/core/string.hpp>
#include <optional>

#include "core/ascii.h"

namespace postrider::mgmt {

namespace {

using boost::beast::iequals;

constexpr std::size_t kMaxBoundary = 70;    // RFC 2046 5.1.1
constexpr std::size_t kMaxParameters = 20;  // of one header field
constexpr std::string_view kLineEnd = "\r\n";

using Parameters = std::vector<std::pair<std::string, std::string>>;

// A header field's value: "form-data; name=a; filename=b".
struct FieldValue {
  std::string type;
  Parameters parameters;

  const std::string* find(std::string_view name) const {
    for (const auto& [key, value] : parameters)
      if (iequals(key, name)) return &value;
    return nullptr;
  }
};

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string percent_decode(std::string_view text, bool plus_is_blank) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '%' && i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus_is_blank && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

// Takes a quoted string off the front of `rest`, which begins behind its first quote. Only quote and backslash are ever escaped with
// a backslash by those who send forms; before anything else it is part of a path. Nothing: it has no end.
std::optional<std::string> take_quoted(std::string_view& rest) {
  std::string out;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return out;
    }
    const bool escape = rest[i] == '\\' && i + 1 < rest.size() && (rest[i + 1] == '"' || rest[i + 1] == '\\');
    out += rest[escape ? ++i : i];
  }
  return std::nullopt;
}

// One parameter off the front of `rest`, which begins behind its semicolon.
std::optional<std::pair<std::string, std::string>> take_parameter(std::string_view& rest) {
  const auto equals = rest.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  std::string name(trimmed(rest.substr(0, equals)));
  rest = trimmed(rest.substr(equals + 1));
  if (name.empty() || name.find_first_of("; \t\"") != std::string::npos) return std::nullopt;
  if (rest.empty() || rest.front() != '"') {
    const auto end = std::min(rest.find(';'), rest.size());
    std::string value(trimmed(rest.substr(0, end)));
    rest.remove_prefix(end);
    return std::make_pair(std::move(name), std::move(value));
  }
  rest.remove_prefix(1);
  auto value = take_quoted(rest);
  if (!value) return std::nullopt;
  rest = trimmed(rest);
  return std::make_pair(std::move(name), std::move(*value));
}

// Nothing when it is malformed or has a parameter twice.
std::optional<FieldValue> parse_field(std::string_view text) {
  FieldValue value;
  const auto end = std::min(text.find(';'), text.size());
  value.type = trimmed(text.substr(0, end));
  text.remove_prefix(end);
  while (!text.empty()) {
    if (text.front() != ';' || value.parameters.size() == kMaxParameters) return std::nullopt;
    text = trimmed(text.substr(1));
    if (text.empty()) break;  // a last semicolon
    auto parameter = take_parameter(text);
    if (!parameter || value.find(parameter->first)) return std::nullopt;
    value.parameters.push_back(std::move(*parameter));
  }
  return value;
}

// RFC 8187 3.2.1: charset'language'percent-encoded. RFC 7578 4.2 says not to send it; it is clear what it means when it comes.
std::optional<std::string> decode_extended(std::string_view text) {
  const auto charset_end = text.find('\'');
  const auto language_end = charset_end == std::string_view::npos ? charset_end : text.find('\'', charset_end + 1);
  if (language_end == std::string_view::npos || !iequals(text.substr(0, charset_end), "UTF-8")) return std::nullopt;
  return percent_decode(text.substr(language_end + 1), false);
}

std::string without_directories(const std::string& name) {
  const auto slash = name.find_last_of("/\\");
  return slash == std::string::npos ? name : name.substr(slash + 1);
}

// Browsers write a quote in a name as %22 and leave every other percent sign alone.
std::string without_escaped_quotes(std::string name) {
  for (std::size_t at = 0; (at = name.find("%22", at)) != std::string::npos; ++at) name.replace(at, 3, "\"");
  return name;
}

// The fault, or nothing when `disposition` names the part.
std::optional<Fault> take_disposition(std::string_view disposition, FormPart& part) {
  const auto field = parse_field(disposition);
  if (!field || !iequals(field->type, "form-data"))
    return invalid("a part of the form has no good Content-Disposition");
  const std::string* name = field->find("name");
  if (!name || name->empty()) return invalid("a part of the form has no name");
  part.name = without_escaped_quotes(*name);
  if (const std::string* filename = field->find("filename")) {
    part.is_file = true;
    part.filename = without_directories(without_escaped_quotes(*filename));
  }
  if (const std::string* extended = field->find("filename*")) {
    const auto filename = decode_extended(*extended);
    if (!filename) return invalid("the filename* of a part of the form is not in UTF-8''...");
    part.is_file = true;
    part.filename = without_directories(*filename);
  }
  return std::nullopt;
}

bool is_identity(std::string_view encoding) {
  return iequals(encoding, "binary") || iequals(encoding, "8bit") || iequals(encoding, "7bit");
}

// `lines`: the header fields of one part, each with its line end.
result<FormPart> read_part_header(std::string_view lines) {
  FormPart part;
  while (!lines.empty()) {
    const auto end = std::min(lines.find(kLineEnd), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + kLineEnd.size(), lines.size()));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0 || line.front() == ' ' || line.front() == '\t')
      return invalid("a part of the form has a malformed header field");
    const std::string_view name = line.substr(0, colon), value = trimmed(line.substr(colon + 1));
    if (iequals(name, "Content-Disposition")) {
      if (auto fault = take_disposition(value, part)) return std::move(*fault);
    } else if (iequals(name, "Content-Type")) {
      part.content_type = value;
    } else if (iequals(name, "Content-Transfer-Encoding") && !is_identity(value)) {  // RFC 7578 4.7
      return invalid("parts of a form come as they are; Content-Transfer-Encoding '" + std::string(value) +
                     "' is not understood");
    }
  }
  if (part.name.empty()) return invalid("a part of the form has no Content-Disposition");
  return part;
}

// Walks over the delimiters of a multipart body (RFC 2046 5.1.1).
class Multipart {
 public:
  Multipart(std::string_view body, std::string_view boundary)
      : body_(body), delimiter_(std::string(kLineEnd) + "--" + std::string(boundary)) {}

  // To behind the first delimiter; what stands before it means nothing. False: there is none.
  bool begin() {
    const std::string_view first = std::string_view(delimiter_).substr(kLineEnd.size());
    if (body_.substr(0, first.size()) == first && take_line_end(first.size())) return true;
    return next_part().has_value();
  }
  bool at_end() const { return at_end_; }
  // What stands up to the next delimiter, which is passed. Nothing: there is none any more.
  std::optional<std::string_view> next_part() {
    for (std::size_t look = at_; (look = body_.find(delimiter_, look)) != std::string_view::npos; ++look) {
      const std::string_view part = body_.substr(at_, look - at_);
      if (take_line_end(look + delimiter_.size())) return part;
    }
    return std::nullopt;
  }

 private:
  // Whether a delimiter ends here: with "--" the last one, else with blanks and a line end. The boundary may also be the beginning
  // of a longer text.
  bool take_line_end(std::size_t at) {
    if (body_.substr(at, 2) == "--") {
      at_end_ = true;
      return true;
    }
    while (at < body_.size() && (body_[at] == ' ' || body_[at] == '\t')) ++at;
    if (body_.substr(at, kLineEnd.size()) != kLineEnd) return false;
    at_ = at + kLineEnd.size();
    return true;
  }

  std::string_view body_;
  std::string delimiter_;
  std::size_t at_ = 0;
  bool at_end_ = false;
};

result<FormPart> read_part(std::string_view text, const FormLimits& limits) {
  constexpr std::string_view kEmptyLine = "\r\n\r\n";
  const auto end = text.substr(0, limits.max_part_header + kEmptyLine.size()).find(kEmptyLine);
  if (end == std::string_view::npos)
    return invalid("a part of the form has no header, or one of more than " + std::to_string(limits.max_part_header) +
                   " octets");
  auto part = read_part_header(text.substr(0, end + kLineEnd.size()));
  if (part) part->value = text.substr(end + kEmptyLine.size());
  return part;
}

Fault too_many(std::size_t most) {
  return invalid("a form has at most " + std::to_string(most) + " fields");
}

result<std::vector<FormPart>> parse_multipart(const FieldValue& type, std::string_view body, const FormLimits& limits) {
  const std::string* boundary = type.find("boundary");
  if (!boundary || boundary->empty() || boundary->size() > kMaxBoundary)
    return invalid("Content-Type must have a boundary of 1 to 70 characters");
  Multipart multipart(body, *boundary);
  if (!multipart.begin()) return invalid("the body does not have the boundary that Content-Type names");
  std::vector<FormPart> parts;
  while (!multipart.at_end()) {
    const auto text = multipart.next_part();
    if (!text) return invalid("the form is cut off: it does not end with its boundary");
    if (parts.size() == limits.max_parts) return too_many(limits.max_parts);
    auto part = read_part(*text, limits);
    if (!part) return part.error();
    parts.push_back(std::move(*part));
  }
  return parts;
}

}  // namespace

result<std::vector<FormPart>> parse_form(std::string_view content_type, std::string_view body, FormLimits limits) {
  const auto type = parse_field(content_type);
  if (type && iequals(type->type, kMultipartForm)) return parse_multipart(*type, body, limits);
  if (!type || !iequals(type->type, kUrlencodedForm)) return invalid("the body is no form");
  std::vector<FormPart> parts;
  for (auto& [name, value] : parse_urlencoded(body, limits.max_parts + 1)) {
    if (parts.size() == limits.max_parts) return too_many(limits.max_parts);
    parts.push_back({std::move(name), std::move(value), false, {}, {}});
  }
  return parts;
}

std::vector<std::pair<std::string, std::string>> parse_urlencoded(std::string_view text, std::size_t max_fields) {
  std::vector<std::pair<std::string, std::string>> fields;
  while (!text.empty() && fields.size() < max_fields) {
    const auto end = std::min(text.find('&'), text.size());
    const std::string_view field = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (field.empty()) continue;
    const auto equals = std::min(field.find('='), field.size());
    fields.emplace_back(percent_decode(field.substr(0, equals), true),
                        percent_decode(field.substr(std::min(equals + 1, field.size())), true));
  }
  return fields;
}

}  // namespace postrider::mgmt
