#include "tests/dialogs/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>

namespace postrider::dialogs {
namespace {
constexpr int kPatienceSeconds = 30;
}

Client::Client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot connect to the server");
  timeval patience{kPatienceSeconds, 0};
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

Client::~Client() {
  ssl_.reset();
  ::close(socket_);
}

void Client::send(const std::string& octets) {
  std::size_t sent = 0;
  while (sent < octets.size()) {
    ssize_t n = ssl_ ? SSL_write(ssl_.get(), octets.data() + sent, static_cast<int>(octets.size() - sent))
                     : ::send(socket_, octets.data() + sent, octets.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return;
    sent += static_cast<std::size_t>(n);
  }
}

std::optional<std::string> Client::read_line() {
  for (;;) {
    auto end = buffer_.find('\n');
    if (end != std::string::npos) {
      if (end == 0 || buffer_[end - 1] != '\r') throw std::runtime_error("a line of the server does not end in CRLF");
      std::string line = buffer_.substr(0, end - 1);
      buffer_.erase(0, end + 1);
      return line;
    }
    char octets[4096];
    std::size_t n = receive(octets, sizeof octets);
    if (n == 0) {
      if (!buffer_.empty()) throw std::runtime_error("the server closed within a line");
      return std::nullopt;
    }
    buffer_.append(octets, n);
  }
}

bool Client::start_tls() {
  if (!buffer_.empty()) throw std::runtime_error("the server talks before the handshake: " + buffer_);
  context_.reset(SSL_CTX_new(TLS_client_method()));
  ssl_.reset(SSL_new(context_.get()));
  SSL_set_fd(ssl_.get(), socket_);
  return SSL_connect(ssl_.get()) == 1;
}

std::size_t Client::receive(char* into, std::size_t size) {
  if (ssl_) {
    int n = SSL_read(ssl_.get(), into, static_cast<int>(size));
    if (n > 0) return static_cast<std::size_t>(n);
    if (SSL_get_error(ssl_.get(), n) == SSL_ERROR_WANT_READ) throw std::runtime_error("the server says nothing");
    return 0;
  }
  ssize_t n = ::recv(socket_, into, size, 0);
  if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) throw std::runtime_error("the server says nothing");
  return n > 0 ? static_cast<std::size_t>(n) : 0;  // a reset is an end, too
}

}  // namespace postrider::dialogs
