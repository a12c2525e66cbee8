// Name look-ups by c-ares, off every thread that carries mail: one resolver thread, answers cached for their
// TTL (bounded), each query under its own deadline. A name server that never answers stalls only who asked,
// and not shutdown.
#pragma once

#include <boost/asio/ip/address.hpp>
#include <memory>
#include <string>
#include <vector>

#include "core/done.h"
#include "core/time.h"
#include "net/srv_record.h"

namespace postrider::net {

struct ResolverOptions {
  Duration timeout = std::chrono::seconds(10);
  Duration min_ttl = std::chrono::seconds(1), max_ttl = std::chrono::minutes(10),
           negative_ttl = std::chrono::seconds(5);
  Duration service_ttl = std::chrono::seconds(30);  // of SRV records: c-ares does not give theirs
  std::size_t max_entries = 4096;                   // names in the cache
  std::size_t max_pending = 4096;  // names asked for at a time; more are answered `unavailable` at once
  std::string servers;             // "127.0.0.1:5353,..." for tests; empty: the system's
};

// The mailboxes of those who ask must outlive it.
class Resolver {
 public:
  explicit Resolver(ResolverOptions options);
  ~Resolver();  // answers what is pending with a fault, at once

  // IPv4 and IPv6 addresses of `host` (or the literal itself, without a query), IPv6 and IPv4 interleaved as
  // they came. Faults: not_found (NXDOMAIN, no data), unavailable (timeout, server failure). Any thread.
  void resolve(const std::string& host, Done<std::vector<boost::asio::ip::address>> done);
  // The SRV records of "_service._protocol.domain", as they came: see in_order(). Faults as above; not_found also when the domain
  // says that it does not offer the service. Any thread.
  void resolve_service(const std::string& name, Done<SrvRecords> done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace postrider::net
