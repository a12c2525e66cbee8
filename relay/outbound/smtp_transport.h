// The SMTP client as a Transport: hands messages to a smarthost over a pool of connections that are used again. One per
// upstream and relay thread, on its Loop only; connection slots are shared through the Upstream. It never retries beyond
// replacing an idle connection that the peer had closed meanwhile: that is the dispatcher's.
#pragma once

#include <memory>
#include <string>

#include "net/loop.h"
#include "net/resolver.h"
#include "net/tls.h"
#include "relay/outbound/transport.h"
#include "relay/outbound/upstream.h"

namespace postrider::relay {

struct SmtpTransportParts {
  net::Loop& loop;
  net::Resolver& resolver;
  Upstream& upstream;
  net::TlsContext tls;   // from make_upstream_tls(), shared by the threads
  std::string hostname;  // for EHLO where the upstream configures no name of its own
};

// What the upstream's `tls` asks for: verified for starttls and implicit, not for opportunistic, null for none.
result<net::TlsContext> make_upstream_tls(const UpstreamConfig& config);

std::unique_ptr<Transport> make_smtp_transport(SmtpTransportParts parts);

}  // namespace postrider::relay
