// Where `postrider token` reads and changes API keys and ends sessions: the daemon's API, or the data directory itself while no
// daemon holds it. The caller does not see which.
#pragma once

#include <boost/json/object.hpp>
#include <memory>
#include <string>

#include "cmd/api_client.h"

namespace postrider::cmd {

// All verbs throw CommandError with a sentence for people.
class KeyDirectory {
 public:
  virtual ~KeyDirectory() = default;
  // `request` and answer are those of POST /v1/keys.
  virtual boost::json::object create(const boost::json::object& request) = 0;
  virtual void revoke(const std::string& name) = 0;
  virtual boost::json::object list() = 0;  // as GET /v1/keys gives it
  virtual void rotate_sessions() = 0;
};

std::unique_ptr<KeyDirectory> open_key_directory(const ApiOptions& options);

}  // namespace postrider::cmd
