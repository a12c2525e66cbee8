#include "cmd/data_dir.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "cmd/exit_codes.h"
#include "mgmt/secret.h"

namespace postrider::cmd {

namespace {

constexpr std::size_t kMaxTokenFile = 512;

[[noreturn]] void fail(const std::string& what, int error) {
  throw CommandError(error == EACCES || error == EPERM ? EX_NOPERM : EX_CANTCREAT, what + ": " + std::strerror(error));
}

// A descriptor that closes itself.
class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

// The names in it on stable storage.
void sync_entries(const std::string& directory) {
  const File opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.fd() < 0 || ::fsync(opened.fd()) != 0) fail("cannot sync " + directory, errno);
}

// Written beside and renamed, with what is in it synced before and its name after: it is whole or not there, and what was made once
// is not made anew after a loss of power.
void write_secret(const std::string& path, const std::string& octets) {
  const std::string temporary = path + ".new";
  {
    const File file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.fd() < 0) fail("cannot write " + temporary, errno);
    if (::write(file.fd(), octets.data(), octets.size()) != static_cast<ssize_t>(octets.size()) ||
        ::fsync(file.fd()) != 0)
      fail("cannot write " + temporary, errno);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) fail("cannot make " + path, errno);
  sync_entries(std::filesystem::path(path).parent_path().string());
}

// What the file begins with. Faults: not_found, unavailable.
result<std::string> read_secret(const std::string& path, std::size_t most) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd() < 0) {
    if (errno == ENOENT || errno == ENOTDIR) return Fault{FaultKind::not_found, "there is no " + path};
    return Fault{FaultKind::unavailable, "cannot read " + path + ": " + std::strerror(errno)};
  }
  std::string octets(most, '\0');
  const ssize_t size = ::read(file.fd(), octets.data(), octets.size());
  octets.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return octets;
}

std::string relay_key_file(const std::string& data_dir, RelayKey which) {
  const char* const name = which == RelayKey::session ? "session.key" : "aws.key";
  return (std::filesystem::path(data_dir) / name).string();
}

}  // namespace

void prepare_data_dir(const std::string& data_dir) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path path = fs::absolute(data_dir, error).lexically_normal();
  fs::path made;
  for (const fs::path& part : path) {
    const std::string parent = made.string();
    made /= part;
    if (::mkdir(made.c_str(), 0700) == 0) {
      sync_entries(parent);
    } else if (errno != EEXIST && errno != EISDIR) {
      fail("cannot make the data directory " + made.string() + " (server.data_dir)", errno);
    }
  }
  if (!fs::is_directory(path, error)) fail("the data directory " + path.string() + " (server.data_dir)", ENOTDIR);
}

void become_owner_of(const std::string& data_dir) {
  struct stat owner {};
  if (::geteuid() != 0 || ::stat(data_dir.c_str(), &owner) != 0 || owner.st_uid == 0) return;
  if (::setgroups(0, nullptr) != 0 || ::setgid(owner.st_gid) != 0 || ::setuid(owner.st_uid) != 0)
    fail("cannot go on as the owner of " + data_dir, errno);
}

std::string operator_token_file(const std::string& data_dir) {
  return (std::filesystem::path(data_dir) / "operator.token").string();
}

std::string make_operator_token() {
  return mgmt::make_token();
}

std::string ensure_operator_token(const std::string& data_dir) {
  auto token = read_operator_token(data_dir);
  if (token) return std::move(*token);
  if (token.error().kind != FaultKind::not_found) throw CommandError(EX_NOPERM, token.error().text);
  std::string made = make_operator_token();
  write_secret(operator_token_file(data_dir), made + "\n");
  return made;
}

result<std::string> read_operator_token(const std::string& data_dir) {
  const std::string path = operator_token_file(data_dir);
  auto text = read_secret(path, kMaxTokenFile);
  if (!text && text.error().kind == FaultKind::not_found)
    return Fault{FaultKind::not_found, "there is no operator token at " + path};
  if (!text) return text.error();
  std::string token = std::move(*text);
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r' || token.back() == ' ')) token.pop_back();
  if (token.empty())
    return Fault{FaultKind::invalid, path + " holds no token: remove it, and the next start makes one"};
  return token;
}

std::string ensure_relay_key(const std::string& data_dir, RelayKey which) {
  const std::string path = relay_key_file(data_dir, which);
  auto key = read_secret(path, mgmt::kSecretOctets + 1);
  if (!key && key.error().kind != FaultKind::not_found) throw CommandError(EX_NOPERM, key.error().text);
  if (key && key->size() != mgmt::kSecretOctets)
    throw CommandError(EX_CONFIG, path + " is damaged: remove it, and the next start makes one");
  if (key) return std::move(*key);
  std::string made = mgmt::random_octets(mgmt::kSecretOctets);
  write_secret(path, made);
  return made;
}

result<void> replace_relay_key(const std::string& data_dir, RelayKey which, const std::string& key) {
  try {
    write_secret(relay_key_file(data_dir, which), key);
  } catch (const CommandError& error) {
    return Fault{FaultKind::unavailable, error.what()};
  }
  return {};
}

}  // namespace postrider::cmd
