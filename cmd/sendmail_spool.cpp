#include "cmd/sendmail_spool.h"

#include <fcntl.h>
#include <stdlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "cmd/exit_codes.h"

namespace postrider::cmd {

namespace {

[[noreturn]] void fail(const std::string& what) {
  throw CommandError(EX_TEMPFAIL, what + ": " + std::strerror(errno));
}

}  // namespace

void SendmailSpool::append(std::string_view octets) {
  text_ += octets;
  if (text_.size() <= memory_) return;
  if (!file_) open_file();
  flush();
}

std::string SendmailSpool::read(std::uint64_t from) const {
  if (from >= written_) {
    const std::uint64_t skipped = from - written_;
    return skipped >= text_.size() ? std::string() : text_.substr(static_cast<std::size_t>(skipped), kPiece);
  }
  std::string piece(static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, written_ - from)), '\0');
  const ssize_t got = ::pread(file_.get(), piece.data(), piece.size(), static_cast<off_t>(from));
  if (got <= 0) fail("cannot read the temporary file");
  piece.resize(static_cast<std::size_t>(got));
  return piece;
}

// The name is gone at once, so that nothing stays behind however the program ends.
void SendmailSpool::open_file() {
  const char* directory = ::secure_getenv("TMPDIR");
  std::string name = std::string(directory != nullptr && *directory != '\0' ? directory : "/tmp") + "/sendmail-XXXXXX";
  file_ = relay::FileDescriptor(::mkostemp(name.data(), O_CLOEXEC));
  if (!file_) fail("cannot make a temporary file " + name);
  ::unlink(name.c_str());
}

void SendmailSpool::flush() {
  std::string_view rest = text_;
  while (!rest.empty()) {
    const ssize_t done = ::write(file_.get(), rest.data(), rest.size());
    if (done < 0 && errno != EINTR) fail("cannot write the temporary file");
    if (done > 0) rest.remove_prefix(static_cast<std::size_t>(done));
  }
  written_ += text_.size();
  text_.clear();
}

}  // namespace postrider::cmd
