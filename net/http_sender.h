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
  std::size_t least_rate = 1000;  // octets a second: so much longer than stall_timeout sending may take
  Duration answer_timeout = std::chrono::seconds(60);  // from the last octet of the request to the end of the answer
  std::string ca_file;                                 // empty: the system's store
  std::string pool;                                    // whose exchanges are counted together (an upstream's name)
  std::uint32_t max_connections = 20;  // exchanges of that pool at once; more wait, at most connect_timeout
  std::size_t max_answer = 1u << 20;   // octets; a longer one ends the exchange as broken
};

enum class HttpStage : std::uint8_t { resolve, connect, tls, request, answer, done };

struct HttpOutcome {
  HttpStage stage = HttpStage::resolve;  // how far it came; done: there is an answer
  // Octets of the body may have reached the other side. Not set: certainly none did.
  bool body_sent = false;
  // All of them may have: the other side may have acted on the request. Not set: certainly not all did. Without a body: as soon
  // as there is a connection.
  bool body_complete = false;
  HttpResponse response;  // with stage done
  std::string error;  // else: what happened in words for people, without a full stop; no secret of the request is in it
  bool timed_out = false;
  bool never_begun = false;  // with timed_out: others of its pool had all connections
  bool stopped = false;      // by close(), or never begun because of it
  std::string peer;          // "host[address]:port", as far as known
  std::string tls;           // "TLSv1.3", or empty
};

class HttpSender {
 public:
  virtual ~HttpSender() = default;  // as close()
  // Any thread, never blocks for long. `done` always gets an outcome, never a fault.
  virtual void send(HttpExchange exchange, Done<HttpOutcome> done) = 0;
  virtual std::size_t under_way() const = 0;                           // any thread
  virtual std::size_t connections(const std::string& pool) const = 0;  // exchanges under way in that pool; any thread
  // Ends the thread and every connection. What is under way, and what comes later, is answered as stopped.
  virtual void close() = 0;
};

std::unique_ptr<HttpSender> make_http_sender(Log& log);

}  // namespace postrider::net
