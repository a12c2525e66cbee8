// AgeWatch: which of the messages that wait while no upstream is in service have waited for max_age. The due index does not
// say since when a message waits; its id says since when at the earliest, and only for those that may be too old the record
// is read, once. Pure; owned by the dispatcher.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/retry.h"
#include "relay/outbound/due_window.h"

namespace postrider::relay {

class AgeWatch {
 public:
  explicit AgeWatch(Duration max_age) : max_age_(max_age) {}
  void set_max_age(Duration max_age);

  // Those of the window that must be looked up (at most `most`), and those known to be too old, to be given up.
  struct Findings {
    std::vector<MessageId> unknown;
    std::vector<MessageId> too_old;
    Time look_again = kNever;
  };
  Findings look(const DueWindow& window, std::size_t most, Time now) const;

  void learn(const MessageRecord& record, Time now);
  void learn_gone(const MessageId& id);  // no such record: no concern of ours
  void forget(const MessageId& id) { deadlines_.erase(id); }

 private:
  static constexpr std::size_t kMostKnown = 8192;
  void remember(const MessageId& id, Time deadline);

  Duration max_age_;
  std::unordered_map<MessageId, Time> deadlines_;
};

}  // namespace postrider::relay
