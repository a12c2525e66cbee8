// The files of mgmt/ui and docs/openapi.json as they were when the program was built (cmake/embed.cmake): what browsers get. Constant
// data; any thread.
#pragma once

#include <span>
#include <string_view>

namespace postrider::mgmt {

struct UiFile {
  std::string_view name;    // "console.js"
  std::string_view octets;  // not empty
};

std::span<const UiFile> ui_files();
const UiFile* find_ui_file(std::string_view name);  // null: there is none

}  // namespace postrider::mgmt
