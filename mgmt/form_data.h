// The two forms in which HTML forms and some vendors' SDKs send fields and files: multipart/form-data (RFC 7578) and
// application/x-www-form-urlencoded. Read whole, from a body that is in memory; bounded in parts and their headers. Pure, any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

namespace postrider::mgmt {

inline constexpr std::string_view kMultipartForm = "multipart/form-data";
inline constexpr std::string_view kUrlencodedForm = "application/x-www-form-urlencoded";

struct FormPart {
  std::string name;
  std::string value;         // the octets
  bool is_file = false;      // it has a filename, if only an empty one
  std::string filename;      // without the directories that some browsers put before it
  std::string content_type;  // as given, with parameters; empty: none
};

struct FormLimits {
  std::size_t max_parts = 3000;
  std::size_t max_part_header = 8 * 1024;  // octets
};

// The parts in their order; the same name may come several times. Faults: another content type, a boundary that is missing or wrong,
// a body that ends early, a part without a name, more than `limits` allow.
result<std::vector<FormPart>> parse_form(std::string_view content_type, std::string_view body, FormLimits limits = {});

// "a=1&b=x+y": names and values decoded, '+' as a blank. A '%' without two digits stays as it is, as browsers have it.
std::vector<std::pair<std::string, std::string>> parse_urlencoded(std::string_view text, std::size_t max_fields);

}  // namespace postrider::mgmt
