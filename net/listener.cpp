#include "net/listener.h"

#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <charconv>
#include <mutex>

namespace postrider::net {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr int kBacklog = 4096;  // the kernel cuts it to net.core.somaxconn
constexpr Duration kPause = std::chrono::milliseconds(100);

bool out_of_resources(error_code error) {
  return error == asio::error::no_descriptors || error == asio::error::no_buffer_space ||
         error == asio::error::no_memory || error.value() == ENFILE;
}

}  // namespace

result<tcp::endpoint> parse_endpoint(std::string_view text) {
  const std::string quoted = "\"" + std::string(text) + "\"";
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return invalid(quoted + " has no port: write ADDRESS:PORT");
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || bad != std::errc() || end != digits.data() + digits.size()) {
    return invalid(quoted + " has no port from 0 to 65535 after the last colon");
  }
  std::string_view host = text.substr(0, colon);
  if (host.empty()) return tcp::endpoint(asio::ip::address_v6::any(), port);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  error_code error;
  const asio::ip::address address = asio::ip::make_address(std::string(host), error);
  if (error) return invalid(quoted + " does not begin with an IP address; names are not looked up here");
  if (address.is_v6() != bracketed) {
    return invalid(quoted + (bracketed ? ": brackets are for IPv6 addresses" : ": an IPv6 address needs brackets"));
  }
  return tcp::endpoint(address, port);
}

std::string format_endpoint(const tcp::endpoint& endpoint) {
  const std::string address = endpoint.address().to_string();
  const std::string port = std::to_string(endpoint.port());
  return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

// The acceptor belongs to the first Loop; the mutex lets close() come from any thread, also when that Loop
// runs no more.
struct Listener::State : std::enable_shared_from_this<State> {
  State(std::vector<Loop*> l, OnConnection c, Log& g)
      : loops(std::move(l)), on_connection(std::move(c)), log(g), acceptor(loops[0]->io()), pause(loops[0]->io()) {}

  result<void> open(tcp::endpoint at, DualStack dual);
  void accept();                                                            // under the mutex
  void accepted(error_code error, std::size_t target, tcp::socket socket);  // on the first Loop
  void hand_over(std::size_t target, tcp::socket socket);
  void rest();  // under the mutex
  void close();

  const std::vector<Loop*> loops;
  const OnConnection on_connection;
  Log& log;
  std::mutex mutex;
  tcp::acceptor acceptor;
  asio::steady_timer pause;
  tcp::endpoint endpoint;
  std::size_t next = 0;
  bool started = false;
  bool closed = false;
  bool short_of_resources = false;  // one line in the log for each shortage, not for each pause
};

result<std::unique_ptr<Listener>> Listener::bind(std::vector<Loop*> loops, tcp::endpoint at, OnConnection on_connection,
                                                 Log& log, DualStack dual) {
  auto state = std::make_shared<State>(std::move(loops), std::move(on_connection), log);
  const auto opened = state->open(std::move(at), dual);
  if (!opened) return opened.error();
  return std::unique_ptr<Listener>(new Listener(std::move(state)));
}

Listener::Listener(std::shared_ptr<State> state) : state_(std::move(state)) {}

Listener::~Listener() {
  state_->close();
}

void Listener::start() {
  const std::lock_guard lock(state_->mutex);
  if (std::exchange(state_->started, true) || state_->closed) return;
  state_->accept();
}

void Listener::close() {
  state_->close();
}

tcp::endpoint Listener::endpoint() const {
  return state_->endpoint;
}

result<void> Listener::State::open(tcp::endpoint at, DualStack dual) {
  const bool everywhere = dual == DualStack::on && at.address() == asio::ip::address(asio::ip::address_v6::any());
  error_code error;
  acceptor.open(at.protocol(), error);
  if (error == asio::error::address_family_not_supported && everywhere) {
    at = tcp::endpoint(asio::ip::address_v4::any(), at.port());
    acceptor.open(at.protocol(), error);
  }
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && at.address().is_v6()) acceptor.set_option(asio::ip::v6_only(!everywhere), error);
  // Linux hands this on to the accepted sockets: no system call for each of them.
  if (!error) acceptor.set_option(tcp::no_delay(true), error);
  if (!error) acceptor.bind(at, error);
  if (!error) acceptor.listen(kBacklog, error);
  if (!error) endpoint = acceptor.local_endpoint(error);
  if (error) return Fault{FaultKind::unavailable, "cannot listen on " + format_endpoint(at) + ": " + error.message()};
  return {};
}

void Listener::State::accept() {
  const std::size_t target = next++ % loops.size();
  acceptor.async_accept(loops[target]->io(), [self = shared_from_this(), target](error_code error, tcp::socket socket) {
    self->accepted(error, target, std::move(socket));
  });
}

void Listener::State::accepted(error_code error, std::size_t target, tcp::socket socket) {
  {
    const std::lock_guard lock(mutex);
    if (closed) return;
    if (out_of_resources(error)) {
      if (!std::exchange(short_of_resources, true)) {
        log.error("listener.paused", {{"address", format_endpoint(endpoint)}, {"reason", error.message()}});
      }
      return rest();
    }
    accept();  // other errors are of the one connection: it was gone before it was taken
    if (error) return;
    short_of_resources = false;
  }
  hand_over(target, std::move(socket));
}

void Listener::State::hand_over(std::size_t target, tcp::socket socket) {
  if (target == 0) return on_connection(target, std::move(socket));
  asio::post(loops[target]->io(), [self = shared_from_this(), target, s = std::move(socket)]() mutable {
    self->on_connection(target, std::move(s));
  });
}

void Listener::State::rest() {
  pause.expires_after(kPause);
  pause.async_wait([self = shared_from_this()](error_code error) {
    const std::lock_guard lock(self->mutex);
    if (!error && !self->closed) self->accept();
  });
}

void Listener::State::close() {
  const std::lock_guard lock(mutex);
  closed = true;
  error_code ignored;
  acceptor.close(ignored);
  pause.cancel();
}

}  // namespace postrider::net
