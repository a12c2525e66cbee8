// An HTTP/1.1 server for tests that does with each request what it is told to: answers, hangs, drops, lies. The n-th request meets
// the n-th reaction, whatever connection it comes on; the last one meets all that follow.
#pragma once

#include <condition_variable>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/net/fake_listener.h"

namespace postrider::testing_fakes {

struct HttpReaction {
  enum class Body { all, none, half, slowly };   // how much of the body is read before anything else happens
  enum class Then { keep, close, reset, hang };  // after the answer; hang: until the client goes
  std::string answer;                            // octets as they go out; empty: none
  Then then = Then::keep;
  Body body = Body::all;
  bool slowly = false;  // an octet every few milliseconds, the last one for ever
};

inline std::string http_answer(int status, const std::string& body, const std::string& header_lines = {}) {
  return "HTTP/1.1 " + std::to_string(status) + " Whatever\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         header_lines + "\r\n" + body;
}
inline HttpReaction answers(int status, const std::string& body, const std::string& header_lines = {}) {
  HttpReaction reaction;
  reaction.answer = http_answer(status, body, header_lines);
  return reaction;
}
inline HttpReaction then(HttpReaction::Then what, std::string answer = {},
                         HttpReaction::Body body = HttpReaction::Body::all) {
  HttpReaction reaction;
  reaction.answer = std::move(answer);
  reaction.then = what;
  reaction.body = body;
  return reaction;
}

class HttpFake {
 public:
  struct Request {
    std::string head;  // with its blank line
    std::string body;  // as far as it was read
    std::size_t connection = 0;
  };

  explicit HttpFake(std::vector<HttpReaction> reactions, FakeTls tls = {})
      : reactions_(std::move(reactions)), listener_(std::move(tls), [this](FakePeer& peer) { serve(peer); }) {}

  std::string base() const { return listener_.base(); }
  std::size_t connections() { return listener_.connections(); }
  std::vector<Request> requests() {
    const std::lock_guard lock(mutex_);
    return requests_;
  }
  void wait_for_requests(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return requests_.size() >= count; });
  }
  // That many connections have been played to their end; of those that a reaction closed the client can hear it.
  void wait_for_ends(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ >= count; });
  }

 private:
  void serve(FakePeer& peer) {
    while (serve_request(peer)) {
    }
    const std::lock_guard lock(mutex_);
    ++ended_;
    changed_.notify_all();
  }

  // False: this connection ends.
  bool serve_request(FakePeer& peer) {
    Request request;
    request.connection = peer.index();
    if (!peer.hear_until("\r\n\r\n", request.head)) return false;
    const HttpReaction reaction = next_reaction();
    const bool read = read_body(peer, reaction, request);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
      changed_.notify_all();
    }
    return read && react(peer, reaction);
  }

  HttpReaction next_reaction() {
    const std::lock_guard lock(mutex_);
    return reactions_[std::min(begun_++, reactions_.size() - 1)];
  }

  static bool read_body(FakePeer& peer, const HttpReaction& reaction, Request& request) {
    const std::size_t at = request.head.find("\r\nContent-Length: ");
    std::size_t length = at == std::string::npos ? 0 : std::stoul(request.head.substr(at + 18));
    if (reaction.body == HttpReaction::Body::none) return true;
    if (reaction.body == HttpReaction::Body::half) length /= 2;
    const bool asks = request.head.find("Expect: 100-continue") != std::string::npos;
    if (asks && !peer.say("HTTP/1.1 100 Continue\r\n\r\n")) return false;
    if (reaction.body != HttpReaction::Body::slowly) return peer.hear(length, request.body);
    for (std::string part; length > 0; length -= part.size()) {
      if (!peer.hear(std::min<std::size_t>(length, 16'384), part) || !peer.pause_shortly()) return false;
      request.body += part;
    }
    return true;
  }

  static bool react(FakePeer& peer, const HttpReaction& reaction) {
    if (reaction.slowly) peer.trickle(reaction.answer);
    if (!reaction.slowly && !reaction.answer.empty() && !peer.say(reaction.answer)) return false;
    if (reaction.then == HttpReaction::Then::hang && reaction.body == HttpReaction::Body::all) peer.wait_for_end();
    if (reaction.then == HttpReaction::Then::hang) peer.pause();
    if (reaction.then == HttpReaction::Then::close) peer.finish();
    if (reaction.then == HttpReaction::Then::reset) peer.reset_at_end();
    return reaction.then == HttpReaction::Then::keep && !reaction.slowly;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  const std::vector<HttpReaction> reactions_;
  std::size_t begun_ = 0;
  std::vector<Request> requests_;
  std::size_t ended_ = 0;
  FakeListener listener_;  // last: its threads use everything above
};

}  // namespace postrider::testing_fakes
