// Who hears of the earliest of the times that a commit put somewhere. listen() may be called by any thread; the rest belongs to
// the writer's, or to the owner's before that starts.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "core/time.h"
#include "storage/lmdb/operation.h"

namespace postrider::storage::lmdb {

class TimeWatch {
 public:
  using Call = std::function<void(Time)>;

  // Hears at once of what was put before anybody could listen.
  void listen(Mailbox& where, Call call) {
    Outbox outbox;
    {
      const std::lock_guard lock(mutex_);
      watchers_.push_back({&where, std::make_shared<Call>(std::move(call))});
      if (before_all_) tell(watchers_.back(), *before_all_, outbox);
    }
    outbox.post();
  }

  void note(std::optional<Time> put) {
    if (put) earliest_ = std::min(earliest_.value_or(kNever), *put);
  }
  // What recovery at open has put: each watcher that comes is told of it.
  void keep_for_newcomers() { before_all_ = std::exchange(earliest_, std::nullopt); }
  void tell_all(Outbox& outbox) {
    if (!earliest_) return;
    const Time earliest = *std::exchange(earliest_, std::nullopt);
    const std::lock_guard lock(mutex_);
    for (const Watcher& watcher : watchers_) tell(watcher, earliest, outbox);
  }

 private:
  struct Watcher {
    Mailbox* where;
    std::shared_ptr<Call> call;
  };
  static void tell(const Watcher& watcher, Time earliest, Outbox& outbox) {
    outbox.add(watcher.where, Task([call = watcher.call, earliest] { (*call)(earliest); }));
  }

  std::mutex mutex_;
  std::vector<Watcher> watchers_;
  std::optional<Time> earliest_, before_all_;
};

}  // namespace postrider::storage::lmdb
