// HttpServer: the connections of the management API, bounded, on the mgmt thread's Loop. Sockets come from net::Listener;
// what to answer comes from the Router. Owned by cmd; all methods on the Loop's thread.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include "core/log.h"
#include "mgmt/body_room.h"
#include "mgmt/http.h"
#include "mgmt/request.h"
#include "mgmt/router.h"
#include "net/loop.h"
#include "net/task_group.h"
#include "net/tls.h"

namespace postrider::mgmt {

class HttpServer {
 public:
  // All outlive the server. `limits` may change between requests; `body_room` is for the request bodies of this server, and of others
  // that share it.
  HttpServer(net::Loop& loop, const Router& router, const HttpLimits& limits, BodyRoom& body_room, Log& log);

  // `tls` null: plain. Over max_connections the client gets a 503 (plain) and is closed.
  void accept(boost::asio::ip::tcp::socket socket, net::TlsContext tls);
  // No further request is taken, and idle connections end. A handler that works on is waited for and its answer written, within the
  // write timeout; a body that is streamed is cut.
  boost::asio::awaitable<void> close();
  std::size_t connections() const { return connections_.size(); }

 private:
  net::Loop& loop_;
  const Router& router_;
  const HttpLimits& limits_;
  BodyRoom& body_room_;
  BodyRoom callback_room_;  // strangers take nothing from those who have a key
  Log& log_;
  RequestIds request_ids_;
  bool stopping_ = false;
  net::TaskGroup connections_;
};

}  // namespace postrider::mgmt
