// `postrider queue ...`: messages of the running daemon, through its API. One function a verb; each gives the exit code.
// Steering is in cmd/queue_steer.cpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cmd/api_client.h"

namespace postrider::cmd {

// Filters of a listing as they were given: name and value, names as in the API.
struct ListOptions {
  Parameters filters;
  bool json = false;
  bool absolute = false;
};

// Page after page until --limit (default 50) or the end.
int run_queue_list(const ApiOptions& api, const ListOptions& options);
int run_queue_show(const ApiOptions& api, const std::string& id, bool json, bool absolute = false);
// The octets, or with `only_header` those up to the empty line, which stay when the body was removed.
int run_queue_cat(const ApiOptions& api, const std::string& id, bool only_header = false);

struct SteerOptions {
  std::string verb;              // retry, hold, release, cancel
  std::vector<std::string> ids;  // or, when there are none, all messages that fit:
  Parameters filters;            // state, sender, since, until
  bool all = false;
  std::string recipient, reason;  // empty: all, none
  bool dry_run = false, yes = false;
  bool json = false;
  std::optional<bool> interactive;  // may a person be asked? none: when standard input and error are terminals
};
// By ids it goes on after a message that cannot be steered; the exit code is that of the first trouble. By filters it goes on
// until all that fit were steered, and asks first when they are many.
int run_queue_steer(const ApiOptions& api, const SteerOptions& options);

}  // namespace postrider::cmd
