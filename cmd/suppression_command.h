// `postrider suppression list|add|remove`: the addresses that get no mail, through the API of the running daemon. One function a verb;
// each gives the exit code.
#pragma once

#include <string>
#include <vector>

#include "cmd/api_client.h"

namespace postrider::cmd {

struct SuppressionOptions {
  std::vector<std::string> addresses;  // add, remove
  std::string reason;                  // add
  bool json = false;                   // list
};

int run_suppression_list(const ApiOptions& api, const SuppressionOptions& options);  // all of it
// One after the other: those before one that is refused stay changed, and the error names it.
int run_suppression_add(const ApiOptions& api, const SuppressionOptions& options);
int run_suppression_remove(const ApiOptions& api, const SuppressionOptions& options);

}  // namespace postrider::cmd
