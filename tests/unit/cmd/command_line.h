// Runs a command line in this process and keeps what it said.
#pragma once

#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "cmd/cli.h"

namespace postrider::cmd::test {

struct Said {
  int exit_code = 0;
  std::string out, err;
};

// What `command` writes to the standard streams, with `input` to read.
template <typename Command>
Said run_in_process(Command command, const std::string& input = {}) {
  std::ostringstream out, err;
  std::istringstream in(input);
  auto* const old_out = std::cout.rdbuf(out.rdbuf());
  auto* const old_err = std::cerr.rdbuf(err.rdbuf());
  auto* const old_in = std::cin.rdbuf(in.rdbuf());
  std::cin.clear();
  const int exit_code = command();
  std::cout.rdbuf(old_out);
  std::cerr.rdbuf(old_err);
  std::cin.rdbuf(old_in);
  return {exit_code, out.str(), err.str()};
}

inline Said run_line(std::vector<std::string> arguments, const std::string& input = {}) {
  arguments.insert(arguments.begin(), "postrider");
  std::vector<const char*> argv;
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  return run_in_process([&] { return run(static_cast<int>(argv.size()), argv.data()); }, input);
}

}  // namespace postrider::cmd::test
