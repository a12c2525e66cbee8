#include "cmd/password_prompt.h"

#include <termios.h>
#include <unistd.h>

#include <iostream>

#include "cmd/exit_codes.h"

namespace postrider::cmd {

namespace {

// Turns echo off while it lives.
class SilentTerminal {
 public:
  SilentTerminal() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios silent = before_;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent) == 0;
  }
  ~SilentTerminal() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

std::string read_line() {
  std::string line;
  if (!std::getline(std::cin, line)) throw CommandError(EX_DATAERR, "no password was given");
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (line.empty()) throw CommandError(EX_DATAERR, "the password must not be empty");
  return line;
}

std::string ask(const char* prompt) {
  std::cerr << prompt << std::flush;
  const SilentTerminal silent;
  std::string line = read_line();
  std::cerr << '\n';
  return line;
}

}  // namespace

std::string ask_new_password(bool from_stdin) {
  if (from_stdin) return read_line();
  if (::isatty(STDIN_FILENO) != 1)
    throw CommandError(EX_USAGE, "stdin is not a terminal: give the password as a line of stdin with --password-stdin");
  std::string password = ask("Password: ");
  if (ask("Again: ") != password) throw CommandError(EX_DATAERR, "the two passwords differ");
  return password;
}

}  // namespace postrider::cmd
