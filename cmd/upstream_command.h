// `postrider upstream list|test|pause|resume|prefer|hooks|explain`: the upstreams of the running daemon, through its API. One function a
// verb; each gives the exit code. What an answer of a provider would mean is cmd/upstream_classify.h.
#pragma once

#include <string>

#include "cmd/api_client.h"

namespace postrider::cmd {

struct UpstreamOptions {
  std::string name;
  std::string canary;  // "5%", "100"; empty: all mail
  bool none = false;   // back to the configured order
  bool dry_run = false;
  bool register_hooks = false;
  std::string url;        // hooks; empty: of mgmt.public_url
  std::string id;         // explain: of a message; else:
  Parameters parameters;  // from, to, lane, tag, credential; names as in the API
  bool json = false;
  bool absolute = false;
};

int run_upstream_list(const ApiOptions& api, const UpstreamOptions& options);
// EX_UNAVAILABLE when the upstream cannot be used as it is.
int run_upstream_test(const ApiOptions& api, const UpstreamOptions& options);
int run_upstream_pause(const ApiOptions& api, const UpstreamOptions& options);
int run_upstream_resume(const ApiOptions& api, const UpstreamOptions& options);
int run_upstream_prefer(const ApiOptions& api, const UpstreamOptions& options);
// EX_UNAVAILABLE when the provider did not do or tell what was asked.
int run_upstream_hooks(const ApiOptions& api, const UpstreamOptions& options);
int run_upstream_explain(const ApiOptions& api, const UpstreamOptions& options);

}  // namespace postrider::cmd
