// gzip (RFC 1952) by zlib: of answers, whole; of request bodies, as they arrive and with an eye on what they become. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace postrider::mgmt {

// Throws std::bad_alloc, and nothing else.
std::string gzip(std::string_view octets);

class Gunzip {
 public:
  // Takes the next piece of what was packed, at most kPiece octets; false: no more of it.
  using Sink = std::function<bool(std::string_view)>;
  static constexpr std::size_t kPiece = 32 * 1024;

  Gunzip();
  ~Gunzip();

  // False: the octets are no gzip, or the sink wanted no more. Several packed one after the other are one (RFC 1952 2.2).
  bool take(std::string_view octets, const Sink& sink);
  bool complete() const { return ended_; }  // nothing is missing at this point

 private:
  struct State;
  std::unique_ptr<State> state_;
  bool ended_ = false;
};

}  // namespace postrider::mgmt
