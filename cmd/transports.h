// Which transport serves which type of upstream: the one place that knows them all.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/http_sender.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/tls.h"
#include "relay/outbound/body_memory.h"
#include "relay/outbound/request_worker.h"
#include "relay/outbound/routes.h"
#include "relay/outbound/transport.h"

namespace postrider::cmd {

// One context for each upstream, in their order; null where TLS is not wanted. Made once, shared by the relay threads. Throws
// CommandError that names the upstream and the file.
std::vector<net::TlsContext> load_upstream_tls(const std::vector<UpstreamConfig>& upstreams);

struct TransportParts {
  net::Resolver& resolver;
  net::HttpSender& http;
  std::vector<net::TlsContext> tls;  // of load_upstream_tls()
  std::string hostname;
  relay::BodyMemory* body_memory = nullptr;  // for whole bodies and requests of HTTP providers; null: no bound
  relay::RequestWorker* requests = nullptr;  // puts large ones together; null: the relay threads do
};

// One for each upstream of `routes`, in its order, for one relay thread.
std::vector<std::unique_ptr<relay::Transport>> make_transports(net::Loop& loop, relay::Routes& routes,
                                                               const TransportParts& parts);

}  // namespace postrider::cmd
