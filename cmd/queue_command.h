// `postrider queue ...`: messages of the running daemon, through its API. One function a verb; each gives the exit code.
#pragma once

#include <string>
#include <vector>

#include "cmd/api_client.h"

namespace postrider::cmd {

// Filters of a listing as they were given: name and value, names as in the API.
struct ListOptions {
  Parameters filters;
  bool json = false;
};

int run_queue_list(const ApiOptions& api, const ListOptions& options);
int run_queue_show(const ApiOptions& api, const std::string& id, bool json);
int run_queue_cat(const ApiOptions& api, const std::string& id);

struct SteerOptions {
  std::string verb;  // retry, hold, release, cancel
  std::vector<std::string> ids;
  std::string recipient, reason;  // empty: all, none
  bool json = false;
};
// Goes on after a message that cannot be steered; the exit code is that of the first trouble.
int run_queue_steer(const ApiOptions& api, const SteerOptions& options);

}  // namespace postrider::cmd
