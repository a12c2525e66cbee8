// The other end of a connection under test: talks as it is told and cuts the connection off where its (n+1)-th octet, said or
// heard, would have come. Lives on the Loop of what is tested, so that each n takes one course and always the same.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>

#include "net/stream.h"

namespace postrider::testing_fakes {

enum class Cut : std::uint8_t {
  close,       // gone, without close_notify under TLS
  reset,       // gone, with RST
  half_close,  // has said all it will say, still listens
  silence,     // the connection stands and nothing comes
};
std::string_view to_string(Cut how);

struct CutPlan {
  static constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();
  Cut how = Cut::close;
  std::size_t said = kNever;   // octets after which to cut, of those it says,
  std::size_t heard = kNever;  // or of those it hears; application data under TLS
};

class CuttingPeer {
 public:
  CuttingPeer(net::Loop& loop, boost::asio::ip::tcp::socket socket, CutPlan plan);

  // Each returns false when it was not done because the connection is cut, or the other side has left.
  boost::asio::awaitable<bool> say(std::string octets);
  boost::asio::awaitable<bool> hear_until(std::string_view end);  // heard() is that, `end` included
  boost::asio::awaitable<bool> hear_reply();                      // one SMTP reply, of one or many lines
  boost::asio::awaitable<bool> accept_tls(net::TlsContext context);
  boost::asio::awaitable<bool> start_tls(net::TlsContext context);

  boost::asio::awaitable<void> hear_out();  // to the end of the connection, if there is anything left to hear
  // Called before the last octets that it will say: what comes after them is the cut.
  void before_the_cut(std::function<void()> call) { before_the_cut_ = std::move(call); }

  const std::string& heard() const { return text_; }
  const std::string& all_heard() const { return all_heard_; }
  std::size_t octets_said() const { return said_; }
  std::size_t octets_heard() const { return all_heard_.size(); }
  bool is_cut() const { return cut_; }
  bool waited_in_vain() const { return stream_.timed_out(); }  // the other side neither spoke nor left

 private:
  void cut();
  boost::asio::awaitable<bool> hear_more();

  CutPlan plan_;
  const int handle_;  // of the socket, which is the stream's
  net::Stream stream_;
  bool cut_ = false, gone_ = false;
  std::size_t said_ = 0, read_to_ = 0;  // of all_heard_, what hear_until() has given out
  std::string text_, all_heard_;
  std::function<void()> before_the_cut_;
};

}  // namespace postrider::testing_fakes
