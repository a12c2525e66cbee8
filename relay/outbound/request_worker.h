// RequestWorker: one thread ("requests") that puts together the requests for large bodies. Taking such a message apart, base64, JSON and
// a signature take long enough to hold up everybody else on a relay thread. Made once, shared by all relay threads; what it works on
// is its own or shared, so that nothing is missed when whoever asked is gone. What waits is bounded by the memory for bodies.
#pragma once

#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/done.h"
#include "core/message.h"
#include "core/upstream_config.h"
#include "providers/provider.h"

namespace postrider::relay {

class RequestWorker {
 public:
  // Octets of a body from which on it is worth the way to another thread and back.
  static constexpr std::size_t kLargeBody = 256u * 1024;

  struct Job {
    providers::Provider provider;
    UpstreamConfig upstream;
    std::shared_ptr<const MessageRecord> message;
    std::vector<std::uint32_t> recipients;
    std::shared_ptr<const std::string> body;
    Time now;
  };

  RequestWorker();
  ~RequestWorker() { close(); }

  // Faults as Provider::build, and `unavailable` without memory. Any thread.
  void build(Job job, Done<providers::Request> done);
  // Finishes what waits and ends the thread; what comes later is never answered.
  void close();

 private:
  boost::asio::thread_pool pool_{1};
};

}  // namespace postrider::relay
