// HttpSender: HTTP requests to the outside, many at once, on one thread of its own ("http") that runs libcurl's multi interface:
// connections are kept and shared, HTTP/2 where the server speaks it. Any thread may send; the answer comes through the Done.
//
// A request is never sent twice by libcurl itself: the body is given by a read callback that cannot seek back, so a kept connection
// that dies after body octets went out ends the exchange, and `body_sent` says that the other side may have read them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/done.h"
#include "core/log.h"
#include "core/time.h"
#include "net/http_client.h"

namespace postrider::net {

struct HttpExchange {
  std::string method = "POST";
  std::string url;
  HttpHeaders headers;
  std::string body;
  Duration connect_timeout = std::chrono::seconds(15);  // resolve, connect, TLS
  Duration stall_timeout = std::chrono::seconds(60);    // longest time without an octet while the request is being sent
  Duration answer_timeout = std::chrono::seconds(60);   // from the last octet of the request to the end of the answer
  std::string ca_file;                                  // empty: the system's store
  std::string pool;  // connections are shared among exchanges of the same pool only (an upstream's name)
  std::uint32_t max_connections = 20;  // of that pool to one host
  std::size_t max_answer = 1u << 20;   // octets; a longer one ends the exchange as broken
};

enum class HttpStage : std::uint8_t { resolve, connect, tls, request, answer, done };

struct HttpOutcome {
  HttpStage stage = HttpStage::resolve;  // how far it came; done: there is an answer
  bool body_sent = false;  // octets of the body were handed to the kernel: the other side may have read the request
  HttpResponse response;   // with stage done
  std::string error;       // else: one sentence for people
  bool timed_out = false;
  std::string peer;  // "host[address]:port", as far as known
  std::string tls;   // "TLSv1.3", or empty
};

class HttpSender {
 public:
  virtual ~HttpSender() = default;  // ends the thread; exchanges under way are answered as stopped
  virtual void send(HttpExchange exchange, Done<HttpOutcome> done) = 0;
  virtual std::size_t under_way() const = 0;                           // any thread
  virtual std::size_t connections(const std::string& pool) const = 0;  // exchanges under way in that pool
  virtual void close() = 0;                                            // as the destructor, but it may be called early
};

std::unique_ptr<HttpSender> make_http_sender(Log& log);

}  // namespace postrider::net
