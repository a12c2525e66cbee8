#include "cmd/read_file.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace postrider::cmd {

namespace {

constexpr std::size_t kMaxFileSize = 1 << 20;  // a configuration or a secret is nowhere near this

}  // namespace

result<std::string> read_small_file(const std::string& path) {
  const auto cannot = [](int error) { return invalid(std::string("cannot be read: ") + std::strerror(error)); };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), std::fclose);
  if (!file) return cannot(errno);
  std::string content(kMaxFileSize + 1, '\0');
  content.resize(std::fread(content.data(), 1, content.size(), file.get()));
  if (std::ferror(file.get())) return cannot(errno);
  if (content.size() > kMaxFileSize) return invalid("is larger than 1 MiB");
  return content;
}

}  // namespace postrider::cmd
