// Binding a listener of the configuration, with an error that says what to do about it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/listener.h"

namespace postrider::cmd {

// `section` is the configuration's: "smtp.listener". Throws CommandError.
std::unique_ptr<net::Listener> bind_listener(std::vector<net::Loop*> loops, const std::string& address,
                                             std::string_view section, net::Listener::OnConnection on_connection,
                                             Log& log);

}  // namespace postrider::cmd
