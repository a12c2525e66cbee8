#include "cmd/config_command.h"

#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>

namespace postrider::cmd {
namespace {

constexpr std::size_t kMaxFileSize = 1 << 20;  // a configuration or a secret is nowhere near this

result<std::string> read_file(const std::string& path) {
  const auto cannot = [](int error) { return invalid(std::string("cannot be read: ") + std::strerror(error)); };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), std::fclose);
  if (!file) return cannot(errno);
  std::string content(kMaxFileSize + 1, '\0');
  content.resize(std::fread(content.data(), 1, content.size(), file.get()));
  if (std::ferror(file.get())) return cannot(errno);
  if (content.size() > kMaxFileSize) return invalid("is larger than 1 MiB");
  return content;
}

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> variables;
  for (char** each = environ; each && *each; ++each) {
    const std::string_view entry = *each;
    const std::size_t equals = entry.find('=');
    if (equals == std::string_view::npos) continue;
    variables.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return variables;
}

void print(const LoadedConfig& loaded, const char* word, const ConfigFinding& finding) {
  const std::string at = loaded.file.empty() || !finding.origin.empty() ? "" : loaded.file + ": ";
  std::fprintf(stderr, "%s: %s%s\n", word, at.c_str(), finding.str().c_str());
}

std::string name_of(const LoadedConfig& loaded) {
  return loaded.file.empty() ? "the built-in configuration" : loaded.file;
}

}  // namespace

LoadedConfig load_config(const std::optional<std::string>& file) {
  LoadedConfig loaded;
  std::error_code ignored;
  if (file) {
    loaded.file = *file;
  } else if (std::filesystem::exists(kDefaultConfigFile, ignored)) {
    loaded.file = kDefaultConfigFile;
  }
  ConfigSources sources;
  sources.environment = environment();
  sources.read_file = read_file;
  if (!loaded.file.empty()) {
    result<std::string> text = read_file(loaded.file);
    if (text.has_error()) {
      loaded.result.faults.push_back({0, {}, text.error().text});
      return loaded;
    }
    sources.file_text = std::move(*text);
  }
  loaded.result = parse_config(sources);
  return loaded;
}

void print_findings(const LoadedConfig& loaded) {
  for (const ConfigFinding& finding : loaded.result.faults) print(loaded, "error", finding);
  for (const ConfigFinding& finding : loaded.result.warnings) print(loaded, "warning", finding);
}

int run_config_check(const std::optional<std::string>& file) {
  const LoadedConfig loaded = load_config(file);
  print_findings(loaded);
  const std::size_t faults = loaded.result.faults.size();
  if (faults > 0) {
    std::fprintf(stderr, "%s has %zu %s\n", name_of(loaded).c_str(), faults, faults == 1 ? "fault" : "faults");
    return EX_CONFIG;
  }
  std::printf("%s is valid\n", name_of(loaded).c_str());
  return EX_OK;
}

int run_config_show(const std::optional<std::string>& file) {
  const LoadedConfig loaded = load_config(file);
  print_findings(loaded);
  if (!loaded.ok()) return EX_CONFIG;
  std::fputs(render_effective_config(loaded.result).c_str(), stdout);
  return EX_OK;
}

int run_config_reference(ReferenceFormat format) {
  const std::string text = format == ReferenceFormat::toml ? render_config_example() : render_config_reference();
  std::fputs(text.c_str(), stdout);
  return EX_OK;
}

}  // namespace postrider::cmd
