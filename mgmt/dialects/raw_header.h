// The header of a message that was submitted whole, for APIs that change single fields of it (SES). Lines may end in CRLF or LF; the
// header ends at an empty line, or at the first that is no field. Every other octet stays as it is. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postrider::mgmt {

struct RawField {
  std::string name;   // as written
  std::string value;  // unfolded, without blanks around
};
std::vector<RawField> raw_fields(std::string_view message);

// Takes every field of that name (any case) out and puts `field`, a whole one with its CRLF, where the first stood; on top if there was
// none. An empty `field` only takes out.
void replace_raw_field(std::string& message, std::string_view name, std::string_view field);

}  // namespace postrider::mgmt
