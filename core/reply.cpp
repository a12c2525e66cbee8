#include "core/reply.h"

#include <algorithm>

namespace postrider {

void Reply::append_wire(std::string& out) const {
  const std::string number = std::to_string(code);
  std::size_t size = out.size();
  for (const std::string& line : lines) size += number.size() + enhanced.size() + line.size() + 4;
  if (size > out.capacity()) out.reserve(std::max(size, 2 * out.capacity()));
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
}

std::string Reply::wire() const {
  std::string out;
  append_wire(out);
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
