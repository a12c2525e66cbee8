// Listener: accepts on one address and spreads connections over the Loops it is given, round robin; each
// connection is made on its Loop. Survives EMFILE and friends by pausing (bounded) instead of spinning;
// close() stops accepting at once.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/log.h"
#include "core/result.h"
#include "net/loop.h"

namespace postrider::net {

// "127.0.0.1:2525", "[::1]:2525", ":25" ([::], meant for DualStack::on), "localhost:2525" is refused: say the
// address.
result<boost::asio::ip::tcp::endpoint> parse_endpoint(std::string_view text);
std::string format_endpoint(const boost::asio::ip::tcp::endpoint& endpoint);

// Whether a socket on [::] also takes IPv4; falls back to 0.0.0.0 on machines without IPv6.
enum class DualStack : unsigned char { off, on };

// Must go before its Loops. A connection accepted before close() may still be handed over while close() runs.
class Listener {
 public:
  // Called on the connection's Loop with a connected socket of that Loop's io_context (TCP_NODELAY set).
  using OnConnection = std::function<void(std::size_t loop_index, boost::asio::ip::tcp::socket)>;

  // Binds and listens now (fault names the address and the reason: in use, not permitted); accepts after
  // start().
  static result<std::unique_ptr<Listener>> bind(std::vector<Loop*> loops, boost::asio::ip::tcp::endpoint at,
                                                OnConnection on_connection, Log& log, DualStack dual = DualStack::off);
  ~Listener();
  void start();
  void close();                                     // from any thread; returns when nothing more will be accepted
  boost::asio::ip::tcp::endpoint endpoint() const;  // the real port when 0 was asked

 private:
  struct State;
  explicit Listener(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;  // shared with the handlers that are under way
};

}  // namespace postrider::net
