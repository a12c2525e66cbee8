// Which exit code of sysexits.h says what, in one place, and the exception that carries one to main.
#pragma once

#include <sysexits.h>

#include <stdexcept>
#include <string>

namespace postrider::cmd {

// A command that cannot do what it was asked: one sentence for people and the exit code. Caught at the top of run().
class CommandError : public std::runtime_error {
 public:
  CommandError(int exit_code, const std::string& text) : std::runtime_error(text), exit_code_(exit_code) {}
  int exit_code() const { return exit_code_; }

 private:
  int exit_code_;
};

}  // namespace postrider::cmd
