// The transport of all HTTP providers: reads the body, lets the provider build the request, sends it, and turns the answer into
// outcomes. Splits by the provider's recipient limit, and a call that is refused for one of its recipients into halves until the
// bad one stands alone. One per relay thread and upstream, on its Loop only; the connections are HttpSender's, shared by all. It
// never asks again what may have been taken: that is the dispatcher's.
#pragma once

#include <memory>

#include "net/http_sender.h"
#include "net/loop.h"
#include "providers/provider.h"
#include "relay/outbound/body_memory.h"
#include "relay/outbound/request_worker.h"
#include "relay/outbound/transport.h"
#include "relay/outbound/upstream.h"

namespace postrider::relay {

// Calls of one attempt beyond one for each group of recipients: to find whom a call was refused for (six bad ones among a thousand),
// or for those who may share none. More of them wait for the next try. A request that was never sent is no call.
inline constexpr std::size_t kMaxExtraCalls = 120;

struct HttpTransportParts {
  net::Loop& loop;
  net::HttpSender& sender;
  Upstream& upstream;
  const providers::Provider& provider;
  std::string ca_file;              // of tls_ca_file; empty: the system's
  BodyMemory* memory = nullptr;     // of bodies and requests, over all threads and upstreams; null: no bound
  RequestWorker* worker = nullptr;  // puts requests for large bodies together; null: the relay thread does
};

std::unique_ptr<Transport> make_http_transport(HttpTransportParts parts);

}  // namespace postrider::relay
