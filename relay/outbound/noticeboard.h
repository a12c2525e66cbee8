// Noticeboard: how the dispatchers of several relay threads wake one another: a message of another's shard has a new due
// time, or an upstream is in service again. Owned by Routes, which they share anyway. Any thread may tell; each call runs
// on the listener's own thread. Lock-free; many tellings before the listener wakes make one call.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>

#include "core/done.h"
#include "core/time.h"

namespace postrider::relay {

class Noticeboard {
 public:
  static constexpr std::uint32_t kMaxShards = 256;

  // `call` runs on `where` with the earliest time told since the last call. `where` outlives every teller.
  void join(std::uint32_t shard, Mailbox& where, std::function<void(Time look_at)> call);
  void leave(std::uint32_t shard);  // on the listener's thread: no call after it

  void tell(std::uint32_t shard, Time look_at);
  void tell_all(Time look_at);

 private:
  struct Listener {
    Mailbox* where;
    std::function<void(Time)> call;
    std::atomic<std::int64_t> look_at_ms{kNothing};
    static constexpr std::int64_t kNothing = INT64_MAX;
  };
  std::array<std::atomic<std::shared_ptr<Listener>>, kMaxShards> listeners_;
};

}  // namespace postrider::relay
