// How a line of the log looks: logfmt for people, JSON for machines. Nothing a stranger sent can break a line or steer
// a terminal.
#include "cmd/logging.h"
#include "core/utf8.h"

namespace postrider::cmd {
namespace {

constexpr char kHex[] = "0123456789abcdef";

std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::trace:
      return "trace";
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warn:
      return "warn";
    case LogLevel::error:
      return "error";
  }
  return "info";
}

bool is_plain(std::string_view value) {
  if (value.empty()) return false;
  for (const char c : value) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet <= 0x20 || octet >= 0x7f || c == '"' || c == '=' || c == '\\') return false;
  }
  return true;
}

// Inside quotes, the same for both formats: JSON's escapes, and the replacement character for what is not UTF-8.
void append_escaped(std::string& out, std::string_view value) {
  while (!value.empty()) {
    const auto octet = static_cast<unsigned char>(value.front());
    const std::size_t length = utf8_sequence_length(value);
    const bool c1_control = length == 2 && octet == 0xc2 && static_cast<unsigned char>(value[1]) < 0xa0;
    if (length == 0) {
      out += "\xef\xbf\xbd";
    } else if (value.front() == '"' || value.front() == '\\') {
      out += '\\';
      out += value.front();
    } else if (octet < 0x20 || octet == 0x7f || c1_control) {
      const auto code = c1_control ? static_cast<unsigned char>(value[1]) : octet;
      out += "\\u00";
      out += kHex[code >> 4];
      out += kHex[code & 15];
    } else {
      out += value.substr(0, length);
    }
    value.remove_prefix(length == 0 ? 1 : length);
  }
}

void append_quoted(std::string& out, std::string_view value) {
  out += '"';
  append_escaped(out, value);
  out += '"';
}

void append_text_field(std::string& out, std::string_view name, std::string_view value) {
  out += ' ';
  out += name;
  out += '=';
  if (is_plain(value))
    out += value;
  else
    append_quoted(out, value);
}

void append_json_field(std::string& out, std::string_view name, std::string_view value) {
  out += out.empty() ? '{' : ',';
  append_quoted(out, name);
  out += ':';
  append_quoted(out, value);
}

}  // namespace

std::string format_log_line(LogFormat format, Time at, LogLevel level, std::string_view event, const MessageId* message,
                            std::initializer_list<LogField> fields) {
  std::string out;
  out.reserve(160);
  if (format == LogFormat::text) {
    out += format_rfc3339(at);
    out += ' ';
    out += level_name(level);
    out += ' ';
    out += event;
    if (message) append_text_field(out, "id", message->str());
    for (const LogField& field : fields) append_text_field(out, field.name, field.value);
    return out;
  }
  append_json_field(out, "time", format_rfc3339(at));
  append_json_field(out, "level", level_name(level));
  append_json_field(out, "event", event);
  if (message) append_json_field(out, "id", message->str());
  for (const LogField& field : fields) append_json_field(out, field.name, field.value);
  return out + '}';
}

}  // namespace postrider::cmd
