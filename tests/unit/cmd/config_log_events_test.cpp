// docs/log-events.md is the whole vocabulary of the log: what the sources write is in it, and what it lists is written.
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

namespace postrider::cmd {
namespace {

namespace fs = std::filesystem;

fs::path checkout() {
  fs::path directory = fs::canonical("/proc/self/exe").parent_path();
  while (!fs::exists(directory / "CMakePresets.json")) {
    if (directory == directory.root_path()) throw std::runtime_error("not built below the checkout");
    directory = directory.parent_path();
  }
  return directory;
}

std::string read(const fs::path& file) {
  std::ifstream in(file);
  std::stringstream content;
  content << in.rdbuf();
  return content.str();
}

std::set<std::string> matches(const std::string& text, const std::regex& pattern) {
  std::set<std::string> found;
  for (std::sregex_iterator each(text.begin(), text.end(), pattern), end; each != end; ++each) found.insert((*each)[1]);
  return found;
}

std::string sources() {
  std::string all;
  for (const char* folder : {"net", "storage", "relay", "mgmt", "cmd"})
    for (const auto& entry : fs::recursive_directory_iterator(checkout() / folder))
      if (entry.path().extension() == ".cpp") all += read(entry.path());
  return all;
}

TEST(LogEvents, DocumentAndSourcesHaveTheSameWords) {
  const std::string code = sources();
  const std::set<std::string> documented =
      matches(read(checkout() / "docs/log-events.md"), std::regex("\\n\\| `([a-z._]+)`"));
  ASSERT_FALSE(documented.empty());
  for (const std::string& event : documented)
    EXPECT_NE(code.find('"' + event + '"'), std::string::npos) << event << " is documented and never written";

  // What a log call names directly; events chosen by a condition are found by the search above.
  std::set<std::string> written = matches(code, std::regex("(?:info|warn|error)\\(\\s*\"([a-z_]+\\.[a-z_]+)\""));
  written.merge(matches(code, std::regex("write\\(\\s*(?:LogLevel::)?\\w+,\\s*\"([a-z_]+\\.[a-z_]+)\"")));
  ASSERT_FALSE(written.empty());
  for (const std::string& event : written) EXPECT_TRUE(documented.contains(event)) << event << " is not documented";
}

}  // namespace
}  // namespace postrider::cmd
