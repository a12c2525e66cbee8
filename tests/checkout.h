// Where the checkout is that a test was built in, for files that are made by the program and committed.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace postrider {

// Build directories lie below the checkout.
inline std::filesystem::path checkout() {
  auto directory = std::filesystem::canonical("/proc/self/exe").parent_path();
  while (!std::filesystem::exists(directory / "CMakePresets.json")) {
    if (directory == directory.root_path()) throw std::runtime_error("not built below the checkout");
    directory = directory.parent_path();
  }
  return directory;
}

// The text of a file of it, by its path there.
inline std::string committed(const std::string& name) {
  std::ifstream file(checkout() / name, std::ios::binary);
  if (!file) throw std::runtime_error("no file " + name + " in the checkout");
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

}  // namespace postrider
