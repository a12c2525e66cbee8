// Where the programs of users find the daemon and the drop directory: the environment, else the world-readable file of the
// administrator, else what needs no configuration.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/done.h"
#include "core/result.h"

namespace postrider::cmd {

inline constexpr const char* kClientFile = "/etc/postrider/client.toml";

struct ClientPlaces {
  std::string host = "127.0.0.1";
  std::uint16_t port = 2525;
  std::string maildrop;             // empty: there is none
  bool maildrop_from_file = false;  // the administrator chose it, not the caller
  std::string smtp() const;         // "127.0.0.1:2525"
};

// `variable` gives a variable of the environment, empty if it is not set. `file`: the text of client.toml, if there is one. Faults
// name the place and the key.
result<ClientPlaces> find_places(const std::function<std::string(const char*)>& variable,
                                 const std::optional<std::string>& file);
// The same from this process and this machine. Throws CommandError.
ClientPlaces find_places();

}  // namespace postrider::cmd
