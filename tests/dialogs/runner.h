// Runs one script against one Server, step by step; the first step that does not hold throws, with file and line.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/dialogs/client.h"
#include "tests/dialogs/script.h"
#include "tests/dialogs/server.h"

namespace postrider::dialogs {

class Runner {
 public:
  explicit Runner(const Script& script) : script_(script), server_(script), client_(connect()) {}
  void run();

 private:
  std::unique_ptr<Client> connect() { return std::make_unique<Client>(server_.port()); }
  void perform(const Step& step);
  void send(const Step& step);
  void expect_line(const std::string& pattern);
  void expect_regex(const std::string& pattern);
  void expect_reply(std::string argument);
  void expect_body(const std::string& pattern, bool present);
  void expect_quiet();
  void expect_field(std::string argument);
  void scram(std::string argument);
  std::string next_line();
  bool matches(const std::string& pattern, const std::string& line);

  const Script& script_;
  Server server_;
  std::unique_ptr<Client> client_;
  std::unique_ptr<Client> first_;   // while there is a second
  std::vector<std::string> reply_;  // lines of the last whole reply, without code
  std::string id_;
};

}  // namespace postrider::dialogs
