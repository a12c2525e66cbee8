// `postrider user add|passwd|list|remove`: the SMTP users. Through the API when a daemon is told of or holds the spool,
// else straight in the spool. Each function gives the exit code.
#pragma once

#include <string>
#include <vector>

#include "cmd/api_client.h"

namespace postrider::cmd {

struct UserOptions {
  std::string name, role;
  std::vector<std::string> senders;
  bool scram = false;
  bool password_stdin = false;
  // Its guard: of all three, nothing given means none for `add`, and the one it has for `passwd`.
  std::vector<std::string> allow_recipients;
  std::string redirect_to;
  bool capture = false;
  bool no_guard = false;  // passwd: take it away
};

int run_user_add(const ApiOptions& api, const UserOptions& options);
int run_user_passwd(const ApiOptions& api, const UserOptions& options);
int run_user_list(const ApiOptions& api, bool json);
int run_user_remove(const ApiOptions& api, const std::string& name);

}  // namespace postrider::cmd
