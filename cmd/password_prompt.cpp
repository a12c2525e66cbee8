#include "cmd/password_prompt.h"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <iostream>

#include "cmd/exit_codes.h"

namespace postrider::cmd {

namespace {

constexpr std::array kEndingSignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT};

termios before_silence;  // for the handler, too

// Ctrl-C at the question: the terminal first, then the end that was asked for.
extern "C" void restore_and_end(int signal) {
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_silence);
  ::raise(signal);  // its action is the default again; it arrives when this returns
}

// Turns echo off while it lives, and back on also when a signal ends the process meanwhile.
class SilentTerminal {
 public:
  SilentTerminal() {
    terminal_ = ::tcgetattr(STDIN_FILENO, &before_silence) == 0;
    if (!terminal_) return;
    struct sigaction restore {};
    restore.sa_handler = restore_and_end;
    restore.sa_flags = SA_RESETHAND;
    for (std::size_t i = 0; i < kEndingSignals.size(); ++i) {
      ::sigaction(kEndingSignals[i], nullptr, &actions_[i]);
      if (actions_[i].sa_handler == SIG_DFL) ::sigaction(kEndingSignals[i], &restore, nullptr);
    }
    termios silent = before_silence;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  ~SilentTerminal() {
    if (!terminal_) return;
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_silence);
    for (std::size_t i = 0; i < kEndingSignals.size(); ++i) ::sigaction(kEndingSignals[i], &actions_[i], nullptr);
  }
  SilentTerminal(const SilentTerminal&) = delete;
  SilentTerminal& operator=(const SilentTerminal&) = delete;

 private:
  std::array<struct sigaction, kEndingSignals.size()> actions_{};
  bool terminal_ = false;
};

std::string read_line() {
  std::string line;
  if (!std::getline(std::cin, line)) throw CommandError(EX_DATAERR, "no password was given");
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (line.empty()) throw CommandError(EX_DATAERR, "the password must not be empty");
  return line;
}

std::string ask(const char* prompt) {
  const SilentTerminal silent;  // before the question: who answers fast is not shown either
  std::cerr << prompt << std::flush;
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
