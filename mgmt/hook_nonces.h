// What the nonces of genuine callbacks stood for. A vendor whose signature does not cover the event (Mailgun's) can be believed only
// once for each: a signature that was overheard would else make any event genuine for as long as it may be repeated. Bounded in number
// and time, and forgotten by a restart. mgmt thread.
#pragma once

#include <deque>
#include <map>
#include <string_view>

#include "core/time.h"
#include "mgmt/secret.h"

namespace postrider::mgmt {

struct NonceLimits {
  std::size_t most = 0;  // the oldest is forgotten beyond; some 150 octets each
  Duration kept{};       // as long as a signature is believed, also one from the future
};

class HookNonces {
 public:
  explicit HookNonces(NonceLimits limits) : limits_(limits) {}

  // False: it stood for something else before. The vendor repeats the same, which is fine.
  bool take(std::string_view nonce, std::string_view content, Duration monotonic);

 private:
  struct Taken {
    Digest content{};
    Duration at{};
  };
  using Known = std::map<Digest, Taken>;  // by the digest of the nonce, whose length is the vendor's
  void forget(Duration monotonic);

  NonceLimits limits_;
  Known known_;
  std::deque<Known::iterator> by_age_;
};

}  // namespace postrider::mgmt
