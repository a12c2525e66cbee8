#include "cmd/sendmail_drop.h"

#include <fcntl.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "cmd/exit_codes.h"

namespace postrider::cmd {

namespace {

using relay::FileDescriptor;
using relay::MaildropEnvelope;

// The group may make files in the directory, not list it, and others may not enter it; so the names, which cannot be guessed, keep the
// files apart. Everybody may read them, because the daemon need be neither their owner nor in their group.
constexpr mode_t kFileMode = 0644;

std::string unguessable_name() {
  std::array<unsigned char, 16> random{};
  if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1)
    throw CommandError(EX_OSERR, "the system gives no random numbers");
  std::string name = std::to_string(std::time(nullptr)) + "-";
  for (const unsigned char octet : random) {
    name += "0123456789abcdef"[octet >> 4];
    name += "0123456789abcdef"[octet & 15];
  }
  return name;
}

// The files of one message: under temporary names until all are whole, and gone again unless they were published.
class Drop {
 public:
  explicit Drop(const std::string& path)
      : path_(path), directory_(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    if (!directory_) fail("cannot open it");
  }
  ~Drop() {
    for (const std::string& name : names_) {
      ::unlinkat(directory_.get(), temporary(name).c_str(), 0);
      ::unlinkat(directory_.get(), name.c_str(), 0);
    }
  }
  Drop(const Drop&) = delete;
  Drop& operator=(const Drop&) = delete;

  void write(const MaildropEnvelope& envelope, const SendmailSpool& message) {
    const std::string name = unguessable_name();
    last_ = FileDescriptor(::openat(directory_.get(), temporary(name).c_str(),
                                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, kFileMode));
    if (!last_) fail("cannot make a file");
    names_.push_back(name);
    if (::fchmod(last_.get(), kFileMode) != 0) fail("cannot make a file");  // whatever the umask
    write_all(relay::encode_maildrop(envelope));
    for (std::uint64_t at = 0; at < message.size();) {
      const std::string piece = message.read(at);
      write_all(piece);
      at += piece.size();
    }
    if (::fsync(last_.get()) != 0) fail("cannot write a file");
  }

  void publish() {
    for (const std::string& name : names_)
      if (::renameat(directory_.get(), temporary(name).c_str(), directory_.get(), name.c_str()) != 0)
        fail("cannot rename a file");
    sync_directory();
    names_.clear();
  }

 private:
  static std::string temporary(const std::string& name) { return relay::kMaildropTemporary + name; }

  // Who may not list the directory cannot open it for fsync(); then the whole file system is asked to write.
  void sync_directory() {
    const FileDescriptor readable(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const int done = readable ? ::fsync(readable.get()) : ::syncfs(last_.get());
    if (done != 0) fail("cannot write it to the disk");
  }

  void write_all(std::string_view octets) {
    while (!octets.empty()) {
      const ssize_t done = ::write(last_.get(), octets.data(), octets.size());
      if (done < 0 && errno != EINTR) fail("cannot write a file");
      if (done > 0) octets.remove_prefix(static_cast<std::size_t>(done));
    }
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw CommandError(EX_TEMPFAIL, "drop directory " + path_ + ": " + what + ": " + std::strerror(errno));
  }

  const std::string path_;
  FileDescriptor directory_;
  FileDescriptor last_;
  std::vector<std::string> names_;
};

}  // namespace

void leave_in_maildrop(const std::string& directory, MaildropEnvelope envelope, const SendmailSpool& message) {
  Drop drop(directory);
  envelope.size = message.size();
  const std::vector<relay::MaildropRecipient> all = std::move(envelope.recipients);
  for (std::size_t from = 0; from < all.size(); from += relay::kMaxMaildropRecipients) {
    const std::size_t to = std::min(all.size(), from + relay::kMaxMaildropRecipients);
    envelope.recipients.assign(all.begin() + static_cast<std::ptrdiff_t>(from),
                               all.begin() + static_cast<std::ptrdiff_t>(to));
    drop.write(envelope, message);
  }
  drop.publish();
}

}  // namespace postrider::cmd
