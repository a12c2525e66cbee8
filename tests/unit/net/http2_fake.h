// The least of an HTTP/2 server (RFC 9113) for tests: reads no header field, gives every request that is not to be dropped the same
// answer, 200 and "{}". Over TLS only.
#pragma once

#include <condition_variable>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/net/fake_listener.h"

namespace postrider::testing_fakes {

class Http2Fake {
 public:
  enum class Reaction { answer, close, refuse };  // to a whole request; refuse: RST_STREAM with REFUSED_STREAM

  Http2Fake(std::vector<Reaction> reactions, FakeTls tls)
      : reactions_(std::move(reactions)), listener_(with_alpn(std::move(tls)), [this](FakePeer& p) { serve(p); }) {}

  std::string base() const { return listener_.base(); }
  std::size_t connections() { return listener_.connections(); }
  std::vector<std::string> bodies() {
    const std::lock_guard lock(mutex_);
    return bodies_;
  }

 private:
  enum : char { kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kWindowUpdate = 8 };  // RFC 9113 6
  enum : char { kAck = 1, kEndStream = 1, kEndHeaders = 4 };

  static FakeTls with_alpn(FakeTls tls) {
    tls.alpn = "h2";
    return tls;
  }
  static std::string number(std::size_t value, int octets) {
    std::string text;
    for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8) text += static_cast<char>(value >> shift);
    return text;
  }
  static std::size_t number(const std::string& text, std::size_t at, std::size_t octets) {
    std::size_t value = 0;
    for (std::size_t i = at; i < at + octets; ++i) value = value << 8 | static_cast<unsigned char>(text[i]);
    return value;
  }
  static std::string frame(char type, int flags, std::size_t stream, const std::string& payload) {
    return number(payload.size(), 3) + type + static_cast<char>(flags) + number(stream, 4) + payload;
  }

  void serve(FakePeer& peer) {
    std::string preface, head, payload;
    if (!peer.hear(24, preface) || !peer.say(frame(kSettings, 0, 0, ""))) return;
    std::map<std::size_t, std::string> bodies;
    while (peer.hear(9, head) && peer.hear(number(head, 0, 3), payload)) {
      const std::size_t stream = number(head, 5, 4);
      const char type = head[3];
      const char flags = head[4];
      if (type == kSettings && (flags & kAck) == 0 && !peer.say(frame(kSettings, kAck, 0, ""))) return;
      if (type != kData) continue;
      bodies[stream] += payload;
      if (!payload.empty()) {
        const std::string more = number(payload.size(), 4);
        if (!peer.say(frame(kWindowUpdate, 0, 0, more) + frame(kWindowUpdate, 0, stream, more))) return;
      }
      if ((flags & kEndStream) != 0 && !react(peer, stream, std::move(bodies[stream]))) return;
    }
  }

  bool react(FakePeer& peer, std::size_t stream, std::string body) {
    Reaction reaction;
    {
      const std::lock_guard lock(mutex_);
      reaction = reactions_[std::min(bodies_.size(), reactions_.size() - 1)];
      bodies_.push_back(std::move(body));
    }
    if (reaction == Reaction::close) return false;
    if (reaction == Reaction::refuse) return peer.say(frame(kReset, 0, stream, number(7, 4)));  // RFC 9113 7
    // ":status: 200" is entry 8 of the static table (RFC 7541 appendix A).
    return peer.say(frame(kHeaders, kEndHeaders, stream, "\x88") + frame(kData, kEndStream, stream, "{}"));
  }

  std::mutex mutex_;
  const std::vector<Reaction> reactions_;
  std::vector<std::string> bodies_;
  FakeListener listener_;  // last: its threads use everything above
};

}  // namespace postrider::testing_fakes
