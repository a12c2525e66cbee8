// What the fakes of HTTP servers share: a listener on loopback with a thread for each connection, plain or TLS, until it is destroyed.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace postrider::testing_fakes {

struct FakeTls {
  std::string certificate, key;  // files; empty: plain
  std::string alpn;              // the one protocol it speaks; empty: it knows nothing of ALPN
};

// One connection, blocking.
class FakePeer {
 public:
  FakePeer(int fd, std::size_t index) : fd_(fd), index_(index) {}
  ~FakePeer() {
    if (ssl_ != nullptr) SSL_free(ssl_);
    if (context_ != nullptr) SSL_CTX_free(context_);
  }
  FakePeer(const FakePeer&) = delete;
  FakePeer& operator=(const FakePeer&) = delete;

  std::size_t index() const { return index_; }

  bool start_tls(const FakeTls& tls) {
    context_ = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate_chain_file(context_, tls.certificate.c_str());
    SSL_CTX_use_PrivateKey_file(context_, tls.key.c_str(), SSL_FILETYPE_PEM);
    alpn_ = static_cast<char>(tls.alpn.size()) + tls.alpn;
    if (!tls.alpn.empty()) SSL_CTX_set_alpn_select_cb(context_, select_alpn, this);
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, fd_);
    return SSL_accept(ssl_) == 1;
  }

  bool say(const std::string& octets) {
    if (ssl_ != nullptr) return SSL_write(ssl_, octets.data(), static_cast<int>(octets.size())) > 0;
    for (std::size_t sent = 0; sent < octets.size();) {
      const ssize_t n = ::send(fd_, octets.data() + sent, octets.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return false;
      sent += static_cast<std::size_t>(n);
    }
    return true;
  }
  // An octet every few milliseconds, again and again, until the client goes.
  void trickle(const std::string& octets) {
    for (std::size_t at = 0; say(octets.substr(at, 1)); at = std::min(at + 1, octets.size() - 1)) {
      pollfd gone{fd_, POLLIN | POLLRDHUP, 0};
      if (::poll(&gone, 1, 5) != 0) return;
    }
  }

  bool hear_until(const std::string& end, std::string& text) {
    std::size_t at;
    while ((at = heard_.find(end)) == std::string::npos) {
      if (!read_more()) return false;
    }
    text = heard_.substr(0, at + end.size());
    heard_.erase(0, at + end.size());
    return true;
  }
  bool hear(std::size_t size, std::string& octets) {
    while (heard_.size() < size) {
      if (!read_more()) return false;
    }
    octets = heard_.substr(0, size);
    heard_.erase(0, size);
    return true;
  }
  void wait_for_end() {
    while (read_more()) {
    }
  }
  // Neither reads nor writes until the client goes, or the fake.
  void pause() {
    pollfd gone{fd_, POLLRDHUP, 0};
    ::poll(&gone, 1, -1);
  }
  // False: the client has gone, or the fake.
  bool pause_shortly() {
    pollfd gone{fd_, POLLRDHUP, 0};
    return ::poll(&gone, 1, 5) == 0;
  }
  // The client hears the end from here on, not only when the connection is closed.
  void finish() { ::shutdown(fd_, SHUT_WR); }
  void reset_at_end() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }

 private:
  static int select_alpn(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered,
                         unsigned offered_size, void* self) {
    const std::string& mine = static_cast<FakePeer*>(self)->alpn_;
    unsigned char* chosen = nullptr;
    const int found = SSL_select_next_proto(&chosen, size, reinterpret_cast<const unsigned char*>(mine.data()),
                                            static_cast<unsigned>(mine.size()), offered, offered_size);
    *out = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
  }

  bool read_more() {
    char window[16384];
    const ssize_t n = ssl_ != nullptr ? SSL_read(ssl_, window, sizeof window) : ::recv(fd_, window, sizeof window, 0);
    if (n <= 0) return false;
    heard_.append(window, static_cast<std::size_t>(n));
    return true;
  }

  int fd_;
  std::size_t index_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  std::string alpn_;
  std::string heard_;
};

class FakeListener {
 public:
  using Serve = std::function<void(FakePeer&)>;

  explicit FakeListener(FakeTls tls, Serve serve) : tls_(std::move(tls)), serve_(std::move(serve)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::listen(listener_, 64) != 0 || ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("no listening socket");
    }
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { listen_loop(); });
  }
  ~FakeListener() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    {
      const std::lock_guard lock(mutex_);
      for (int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    for (std::thread& t : threads_) t.join();
    ::close(listener_);
  }
  FakeListener(const FakeListener&) = delete;
  FakeListener& operator=(const FakeListener&) = delete;

  // "https://localhost:4711"
  std::string base() const {
    return (tls_.key.empty() ? "http://127.0.0.1:" : "https://localhost:") + std::to_string(port_);
  }
  std::uint16_t port() const { return port_; }
  std::size_t connections() {
    const std::lock_guard lock(mutex_);
    return threads_.size();
  }

 private:
  void listen_loop() {
    while (true) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const std::lock_guard lock(mutex_);
      open_.push_back(fd);
      threads_.emplace_back([this, fd, index = threads_.size()] { play(fd, index); });
    }
  }
  void play(int fd, std::size_t index) {
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);  // which OpenSSL raises when the client is gone
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    {
      FakePeer peer(fd, index);
      if (tls_.key.empty() || peer.start_tls(tls_)) serve_(peer);
    }
    const std::lock_guard lock(mutex_);
    open_.erase(std::find(open_.begin(), open_.end(), fd));
    ::close(fd);
  }

  FakeTls tls_;
  Serve serve_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace postrider::testing_fakes
