#include "core/header_fields.h"

#include "core/message.h"

namespace postrider {

std::string_view header_fields(std::string_view text) {
  if (text.substr(0, 2) == "\r\n") return {};
  const std::size_t blank = text.find("\r\n\r\n");
  if (blank != std::string_view::npos) text = text.substr(0, blank + 2);
  if (text.size() <= kMaxKeptHeaders) return text;
  const std::size_t line = text.rfind("\r\n", kMaxKeptHeaders - 2);
  return line == std::string_view::npos ? std::string_view() : text.substr(0, line + 2);
}

}  // namespace postrider
