#include "cmd/import_command.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "cmd/exit_codes.h"
#include "cmd/read_file.h"

namespace postrider::cmd {

namespace {

namespace fs = std::filesystem;

ImportFile read(const std::string& path) {
  const result<std::string> text = read_small_file(path);
  if (!text) throw CommandError(EX_NOINPUT, path + " " + text.error().text);
  return {fs::path(path).filename().string(), *text};
}

std::optional<ImportFile> read_if_given(const std::string& path) {
  return path.empty() ? std::nullopt : std::optional(read(path));
}

// master.cf says which ports are served; it lies beside main.cf, and without it the port is 25.
std::optional<ImportFile> read_master(const ImportCommand& command) {
  if (!command.master.empty()) return read(command.master);
  const fs::path beside = fs::path(command.file).parent_path() / "master.cf";
  std::error_code ignored;
  return fs::exists(beside, ignored) ? std::optional(read(beside.string())) : std::nullopt;
}

NullmailerFiles read_nullmailer(const std::string& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) return {read(path), {}};
  NullmailerFiles files{read((fs::path(path) / "remotes").string()), {}};
  for (const std::string& name : nullmailer_controls()) {
    const fs::path control = fs::path(path) / name;
    if (fs::exists(control, ignored)) files.controls[name] = read(control.string()).text;
  }
  return files;
}

ImportResult convert(const ImportCommand& command) {
  if (command.program == "msmtp") return import_msmtp(read(command.file), command.options);
  if (command.program == "ssmtp") return import_ssmtp(read(command.file), command.options);
  if (command.program == "nullmailer") return import_nullmailer(read_nullmailer(command.file), command.options);
  const PostfixFiles files{read(command.file), read_master(command), read_if_given(command.sasl_passwd),
                           read_if_given(command.aliases), read_if_given(command.generic)};
  return import_postfix(files, command.options);
}

[[noreturn]] void cannot_write(const std::string& path, int error) {
  throw CommandError(EX_CANTCREAT, path + " cannot be written: " + std::strerror(error));
}

// For its owner only: it may hold passwords. Not through a temporary name: O_EXCL is what keeps an older file safe.
void write_new(const std::string& path, const std::string& text, bool force) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL), 0600);
  if (fd < 0 && errno == EEXIST) throw CommandError(EX_CANTCREAT, path + " is there already; --force replaces it");
  if (fd < 0 || ::fchmod(fd, 0600) != 0) cannot_write(path, errno);
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t written = ::write(fd, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      const int error = errno;
      ::close(fd);
      cannot_write(path, error);
    }
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::close(fd) != 0) cannot_write(path, errno);
}

void say_what_is_left(const ImportCommand& command, const ImportResult& result) {
  if (!result.notes.empty())
    std::cerr << result.notes.size() << (result.notes.size() == 1 ? " note" : " notes")
              << " on what has no equivalent or needs a look: at the end of the result.\n";
  if (!result.secrets.empty()) {
    std::cerr
        << "Passwords are not written into it. Make their files, readable for the daemon only; each line waits for the "
           "secret and Ctrl-D:\n";
    for (const SecretToMake& secret : result.secrets)
      std::cerr << "  install -m 600 /dev/stdin '" << secret.path << "'    # " << secret.what << '\n';
    std::cerr << "and give them to the daemon's user (chown). Or import again with --with-secrets.\n";
  }
  const std::string file = command.output.empty() ? "FILE" : command.output;
  std::cerr << "Then: postrider config check --config " << file << '\n';
}

}  // namespace

int run_import(const ImportCommand& command) {
  const ImportResult result = convert(command);
  if (command.output.empty())
    std::cout << result.toml;
  else
    write_new(command.output, result.toml, command.force);
  say_what_is_left(command, result);
  return EX_OK;
}

}  // namespace postrider::cmd
