// The client's end of a dialogue: a blocking socket to the server, plain at first, TLS when asked for. Every read has a deadline, so
// that a silent server fails a script and does not hang it.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace postrider::dialogs {

class Client {
 public:
  explicit Client(std::uint16_t port);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send(const std::string& octets);  // what a closed connection does not take is lost in silence, as on a network
  std::optional<std::string>
  read_line();  // without CRLF; nothing at the end; throws on silence and on a line without CR
  bool start_tls();

 private:
  std::size_t receive(char* into, std::size_t size);
  struct FreeSsl {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  int socket_ = -1;
  std::unique_ptr<SSL_CTX, FreeSsl> context_;
  std::unique_ptr<SSL, FreeSsl> ssl_;
  std::string buffer_;
};

}  // namespace postrider::dialogs
