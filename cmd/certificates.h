// The certificate the daemon shows to clients: the configured one, or the self-signed pair of the data directory.
#pragma once

#include <string>

#include "core/config.h"
#include "net/tls.h"

namespace postrider::cmd {

// Throws CommandError that names the file and what is wrong with it.
net::TlsContext load_certificate(const Config& config, const std::string& hostname, Log& log);

}  // namespace postrider::cmd
