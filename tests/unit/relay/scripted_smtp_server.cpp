#include "tests/unit/relay/scripted_smtp_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace postrider::testing_fakes {

Script greet(const std::vector<std::string>& extensions) {
  Script steps{"S: 220 mx.example.com ESMTP", "C: EHLO relay.example.com"};
  for (const std::string& e : extensions) steps.push_back("S: 250-" + e);
  steps.push_back("S: 250 HELP");
  steps.insert(steps.begin() + 2, "S: 250-mx.example.com");
  return steps;
}

Script take_message() {
  return {"C: MAIL FROM:", "S: 250 2.1.0 Ok", "C: RCPT TO:", "S: 250 2.1.5 Ok",
          "C: DATA",       "S: 354 Go",       "BODY",        "S: 250 2.0.0 taken as 1"};
}

// One connection: plain, or TLS once its handshake was taken.
class ScriptedSmtpServer::Peer {
 public:
  explicit Peer(int fd) : fd_(fd) {}
  ~Peer() {
    if (ssl_ != nullptr) SSL_free(ssl_);
    if (context_ != nullptr) SSL_CTX_free(context_);
  }

  bool start_tls(const std::string& certificate, const std::string& key, const std::string& client_ca) {
    context_ = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate_chain_file(context_, certificate.c_str());
    SSL_CTX_use_PrivateKey_file(context_, key.c_str(), SSL_FILETYPE_PEM);
    if (!client_ca.empty()) {
      if (SSL_CTX_load_verify_locations(context_, client_ca.c_str(), nullptr) != 1) return false;
      SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, fd_);
    return SSL_accept(ssl_) == 1;
  }

  std::string client() const {
    const X509* certificate = SSL_get0_peer_certificate(ssl_);
    char name[256] = {};
    if (certificate != nullptr)
      X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
    return name;
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

  bool hear_until(const std::string& end, std::string& text) {
    std::size_t at;
    while ((at = heard_.find(end)) == std::string::npos) {
      if (!read_more()) return false;
    }
    text = heard_.substr(0, at);
    heard_.erase(0, at + end.size());
    return true;
  }

  bool hear_body(std::string& body) {
    while (heard_.size() < 3 && read_more()) {
    }
    if (heard_.substr(0, 3) == ".\r\n") {
      heard_.erase(0, 3);
      return true;
    }
    if (!hear_until("\r\n.\r\n", body)) return false;
    body += "\r\n";
    return true;
  }

  void wait_for_end() {
    while (read_more()) {
    }
  }
  void pause() {  // until the server is shut down
    pollfd gone{fd_, 0, 0};
    ::poll(&gone, 1, -1);
  }
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }

 private:
  bool read_more() {
    char window[16384];
    const ssize_t n = ssl_ != nullptr ? SSL_read(ssl_, window, sizeof window) : ::recv(fd_, window, sizeof window, 0);
    if (n <= 0) return false;
    heard_.append(window, static_cast<std::size_t>(n));
    return true;
  }

  int fd_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  std::string heard_;
};

ScriptedSmtpServer::ScriptedSmtpServer(std::vector<Script> scripts, std::string certificate, std::string key,
                                       const char* at)
    : scripts_(std::move(scripts)), certificate_(std::move(certificate)), key_(std::move(key)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::inet_addr(at);
  socklen_t size = sizeof address;
  if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener_, 64) != 0 || ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("no listening socket");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { listen_loop(); });
}

ScriptedSmtpServer::~ScriptedSmtpServer() {
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  for (std::thread& t : threads_) t.join();
  ::close(listener_);
}

void ScriptedSmtpServer::listen_loop() {
  while (true) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const std::lock_guard lock(mutex_);
    const std::size_t index = heard_.size();
    heard_.emplace_back();
    open_.push_back(fd);
    threads_.emplace_back([this, index, fd] { play(index, fd); });
  }
}

void ScriptedSmtpServer::play(std::size_t index, int fd) {
  std::string problem;
  {
    Peer peer(fd);
    for (const std::string& step : scripts_[std::min(index, scripts_.size() - 1)]) {
      if (play_step(peer, step, index)) continue;
      problem = "connection " + std::to_string(index) + " at \"" + step + "\"; ";
      break;
    }
  }
  const std::lock_guard lock(mutex_);
  open_.erase(std::find(open_.begin(), open_.end(), fd));
  ::close(fd);
  heard_[index].problem = problem;
  ++ended_;
  changed_.notify_all();
}

bool ScriptedSmtpServer::play_step(Peer& peer, const std::string& step, std::size_t index) {
  std::string text;
  if (step.rfind("S: ", 0) == 0) return peer.say(step.substr(3) + "\r\n");
  if (step.rfind("RAW: ", 0) == 0) return peer.say(step.substr(5));
  if (step.rfind("C: ", 0) == 0) {
    if (!peer.hear_until("\r\n", text)) return false;
    heard(index, text, false);
    return text.rfind(step.substr(3), 0) == 0;
  }
  if (step == "BODY") {
    if (!peer.hear_body(text)) return false;
    heard(index, text, true);
    return true;
  }
  if (step == "TLS") return peer.start_tls(certificate_, key_, {});
  if (step.rfind("TLS OF ", 0) == 0) {
    if (!peer.start_tls(certificate_, key_, step.substr(7))) return false;
    const std::lock_guard lock(mutex_);
    heard_[index].client = peer.client();
    return true;
  }
  if (step == "HANG") peer.wait_for_end();
  if (step == "PAUSE") peer.pause();
  if (step == "RESET") peer.reset();
  return step == "HANG" || step == "PAUSE" || step == "RESET" || step == "CLOSE";
}

void ScriptedSmtpServer::heard(std::size_t index, const std::string& line, bool is_body) {
  std::function<void()> call;
  {
    const std::lock_guard lock(mutex_);
    (is_body ? heard_[index].bodies : heard_[index].lines).push_back(line);
    if (is_body ? awaited_ == "BODY" : !awaited_.empty() && line.rfind(awaited_, 0) == 0)
      call = std::exchange(awaited_call_, {});
  }
  if (call) call();
}

void ScriptedSmtpServer::when_heard(std::string start, std::function<void()> call) {
  {
    const std::lock_guard lock(mutex_);
    bool already = false;
    for (const Connection& c : heard_) {
      already = already || (start == "BODY" && !c.bodies.empty());
      for (const std::string& line : c.lines) already = already || line.rfind(start, 0) == 0;
    }
    if (!already) {
      awaited_ = std::move(start);
      awaited_call_ = std::move(call);
      return;
    }
  }
  call();
}

void ScriptedSmtpServer::wait_until_ended(std::size_t connections) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return ended_ >= connections; });
}

std::vector<ScriptedSmtpServer::Connection> ScriptedSmtpServer::connections() {
  const std::lock_guard lock(mutex_);
  return heard_;
}

std::string ScriptedSmtpServer::problems() {
  std::string all;
  for (const Connection& c : connections()) all += c.problem;
  return all;
}

}  // namespace postrider::testing_fakes
