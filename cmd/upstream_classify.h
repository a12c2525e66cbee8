// `postrider upstream classify`: what an answer of a provider's API would mean, from the tables that deliveries use. Offline: asks
// neither the provider nor the daemon.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "providers/provider.h"

namespace CLI {
class App;
}

namespace postrider::cmd {

struct ClassifyOptions {
  std::string type;                  // "mailgun"
  int status = 0;                    // HTTP
  std::string body_file;             // "-": stdin; empty: no body
  std::vector<std::string> headers;  // "Name: value"
  std::size_t recipients = 1;        // of the call that was answered
  bool sandbox = false;              // of the upstream's configuration
  bool json = false;
};

void add_classify_options(CLI::App& verb, ClassifyOptions& options);

// Both throw CommandError for options that say nothing usable.
providers::Answer read_answer(const ClassifyOptions& options);
int run_upstream_classify(const ClassifyOptions& options);

// Members: outcome, cause, code, enhanced_code, text, provider_id, paused_until, split, next, and per recipient that fares
// otherwise `recipients`.
boost::json::object classification(const providers::Reading& reading);
// What Postrider does after it, in one sentence.
std::string what_follows(const providers::Reading& reading, Time now);

}  // namespace postrider::cmd
