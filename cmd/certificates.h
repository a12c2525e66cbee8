// The certificate the daemon shows to clients: the configured one, or the self-signed pair of the data directory.
#pragma once

#include <string>
#include <vector>

#include "core/config.h"
#include "net/tls.h"

namespace postrider::cmd {

// Throws CommandError that names the file and what is wrong with it.
net::TlsContext load_certificate(const Config& config, const std::string& hostname, Log& log);
// The context of each [[mgmt.listener]]: null without TLS, `own` with it, one of its own where clients must show a certificate. Throws
// as above.
std::vector<net::TlsContext> management_tls(const Config& config, const std::string& hostname,
                                            const net::TlsContext& own, Log& log);

// For the log: which certificate a context shows. `digest` tells two apart.
struct CertificateFacts {
  std::string subject;  // "/CN=relay.example.com"
  std::string digest;   // SHA-256
  Time expires_at{};
};
CertificateFacts certificate_facts(const net::TlsContext& context);

}  // namespace postrider::cmd
