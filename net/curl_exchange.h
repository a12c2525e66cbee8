// CurlExchange: one request of HttpSender as libcurl sees it: the easy handle, what it reads from and writes to, how far it came,
// and the deadline of the stretch it is in. Owned by the sender, on its thread only. Knows nothing of other exchanges.
#pragma once

#include <string>

#include "net/curl_common.h"
#include "net/http_sender.h"

namespace postrider::net {

class CurlExchange {
 public:
  // Never throws: the Done would be lost.
  CurlExchange(HttpExchange request, Done<HttpOutcome> done, Duration now) noexcept;
  CurlExchange(const CurlExchange&) = delete;  // libcurl holds pointers into it
  CurlExchange& operator=(const CurlExchange&) = delete;

  const std::string& pool() const { return request_.pool; }
  std::uint32_t max_connections() const { return request_.max_connections; }
  CURL* handle() const { return curl_.get(); }

  // Sets the handle up. Faults: this can be no request, or there is no memory.
  result<void> prepare(Duration now) noexcept;
  // When it is over if nothing more happens. Before prepare(): the wait for its turn.
  Duration deadline() const;

  // The ends. Each answers once; the handle must not be in a multi handle any more.
  void finish(CURLcode code);             // libcurl says that it has ended
  void give_up();                         // deadline() has passed
  void refuse(const std::string& error);  // before it began
  void stop();                            // the sender is closing

 private:
  enum class Phase { waiting, connecting, sending, answering };

  static std::size_t on_read(char* to, std::size_t one, std::size_t size, void* self);
  static std::size_t on_header(char* data, std::size_t one, std::size_t size, void* self);
  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t uploaded);
  static int on_socket(void* self, curl_socket_t socket, curlsocktype);
  static CURLcode on_handshake(CURL*, void* context, void* self);
  static int on_connected(void* self, char* address, char* local, int port, int local_port);

  result<void> set_up();
  void set_body();
  void set_callbacks();
  void begin_answering(Duration now);
  void note_uploaded(curl_off_t uploaded, Duration now);
  Duration longest_sending() const;
  void note_peer(const char* address);
  void note_tls();
  HttpStage reached() const;
  HttpStage reached(CURLcode code) const;
  std::string words(CURLcode code) const;
  std::string words_of_time_out() const;
  HttpOutcome outcome(HttpStage stage);
  void answer(HttpOutcome outcome);

  HttpExchange request_;
  Done<HttpOutcome> done_;
  HostAndPort where_;
  CurlLines lines_;
  CurlAnswer answer_;
  std::string peer_, tls_;
  bool handshake_ = false;  // begun
  bool http2_ = false;
  bool resent_ = false;       // libcurl wanted to begin anew with body octets out
  std::size_t given_ = 0;     // body octets that libcurl has read
  std::size_t uploaded_ = 0;  // that it says it has written
  Phase phase_ = Phase::waiting;
  Duration since_;               // of the phase; while sending, of the last octet
  Duration sending_until_ = {};  // whatever comes
  char detail_[CURL_ERROR_SIZE] = "";
  CurlHandle curl_;  // last: it goes before what it points to
};

}  // namespace postrider::net
