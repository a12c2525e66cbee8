// An SMTP server that plays scripts, for tests of the client: it says, expects, stalls, drops and lies as told. Listens on
// loopback, one thread a connection, the n-th connection plays the n-th script (the last one again and again).
//
//   "S: text"    say a line            "C: text"   hear a line that starts so (else a problem, and the end)
//   "RAW: ..."   say octets as given   "BODY"      hear up to the final dot
//   "TLS"        take a handshake      "HANG"      say nothing until the client goes
//   "TLS OF file"                      the same, from a client whose certificate an authority in this PEM file signed
//   "PAUSE"      do not even read       "CLOSE", "RESET"   end; the end of a script closes, too
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace postrider::testing_fakes {

using Script = std::vector<std::string>;

// Scripts one after the other.
template <typename... Parts>
Script script(const Parts&... parts) {
  Script all;
  (all.insert(all.end(), parts.begin(), parts.end()), ...);
  return all;
}
Script greet(const std::vector<std::string>& extensions = {});  // 220, EHLO and its answer
Script take_message();                                          // step by step: MAIL to 250 after the dot

class ScriptedSmtpServer {
 public:
  explicit ScriptedSmtpServer(std::vector<Script> scripts, std::string certificate = {}, std::string key = {},
                              const char* address = "127.0.0.1");
  ~ScriptedSmtpServer();

  std::uint16_t port() const { return port_; }
  void wait_until_ended(std::size_t connections);  // that many connections have played to their end
  // Calls once, from a thread of the server, when a line that starts so (or "BODY": a body) was or will be heard.
  void when_heard(std::string start, std::function<void()> call);

  struct Connection {
    std::vector<std::string> lines;   // heard, without CRLF; bodies not among them
    std::vector<std::string> bodies;  // as on the wire, with stuffed dots, without the final one
    std::string client;               // common name in the certificate that it showed
    std::string problem;              // what did not go by the script
  };
  std::vector<Connection> connections();  // so far
  std::string problems();                 // of all, joined; empty is good

 private:
  class Peer;
  void listen_loop();
  void play(std::size_t index, int fd);
  bool play_step(Peer& peer, const std::string& step, std::size_t index);
  void heard(std::size_t index, const std::string& line, bool is_body);

  std::vector<Script> scripts_;
  std::string certificate_, key_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Connection> heard_;
  std::string awaited_;
  std::function<void()> awaited_call_;
  std::vector<int> open_;
  std::size_t ended_ = 0;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace postrider::testing_fakes
