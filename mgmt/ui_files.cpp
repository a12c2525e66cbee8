#include "mgmt/ui_files.h"

namespace postrider::mgmt {

const UiFile* find_ui_file(std::string_view name) {
  for (const UiFile& file : ui_files())
    if (file.name == name) return &file;
  return nullptr;
}

}  // namespace postrider::mgmt
