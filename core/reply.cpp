#include "core/reply.h"

namespace postrider {

std::string Reply::wire() const {
  const std::string number = std::to_string(code);
  std::string out;
  std::size_t size = 0;
  for (const std::string& line : lines) size += number.size() + enhanced.size() + line.size() + 4;
  out.reserve(size);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    out += number;
    out += i + 1 < lines.size() ? '-' : ' ';
    if (!enhanced.empty()) {
      out += enhanced;
      out += ' ';
    }
    out += lines[i];
    out += "\r\n";
  }
  return out;
}

std::string Reply::text() const {
  std::string out;
  for (const std::string& line : lines) {
    if (!out.empty()) out += ' ';
    out += line;
  }
  return out;
}

}  // namespace postrider
