#include "cmd/sendmail_privilege.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "cmd/exit_codes.h"

namespace postrider::cmd {

namespace {

[[noreturn]] void fail() {
  throw CommandError(EX_OSERR,
                     std::string("cannot put down the rights of another user or group: ") + std::strerror(errno));
}

}  // namespace

DropGroup::DropGroup() : group_(::getegid()) {
  if (::geteuid() != ::getuid() && ::setresuid(::getuid(), ::getuid(), ::getuid()) != 0) fail();
  if (group_ != ::getgid() && ::setegid(::getgid()) != 0) fail();
}

void DropGroup::give_up() {
  if (::setresgid(::getgid(), ::getgid(), ::getgid()) != 0) fail();
  group_ = ::getgid();
}

DropGroup::Use::Use(const DropGroup& group) {
  if (::setegid(group.group_) != 0) fail();
}

DropGroup::Use::~Use() {
  if (::setegid(::getgid()) != 0) std::abort();  // going on with rights that were to be put down would be worse
}

}  // namespace postrider::cmd
