// DueWindow: what one dispatcher knows of one bucket of the due index: per lane the next entries that are due, and when to look again.
// Decides what is read and in which order the messages of a lane go: senders in turn. Pure: it does no I/O and reads no clock; the dispatcher owns it and carries out what it asks.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <unordered_map>

#include "core/time.h"
#include "storage/store.h"

namespace postrider::relay {

class DueWindow {
 public:
  static constexpr Duration kReadGap{20};        // between reads of a lane that had nothing more to give
  static constexpr Duration kFruitlessGap{500};  // after a claim that got nothing

  DueWindow(std::size_t limit, std::uint32_t shard, std::uint32_t shards, std::uint32_t bucket = 0);

  // Something is, or will be, due at that time.
  void hint(Lane lane, Time due);

  // The page to read next, if reading is worth while now; answer it with load() or failed().
  std::optional<storage::DueQuery> wants(Time now);
  void load(Lane lane, const storage::DuePage& page, Time now);
  void failed(Lane lane, Time now);
  // Claims got nothing or were refused, or the clock was set back: what is loaded is stale, and reading again at once would spin.
  void forget(Time now);

  bool ready() const;  // a due entry is loaded
  bool ready(Lane lane) const { return lanes_[static_cast<std::size_t>(lane)].ready > 0; }
  std::optional<storage::DueEntry> pick_fair(Lane lane);
  std::optional<storage::DueEntry> pick_earliest();  // in due order, whatever the lane or sender
  std::optional<storage::DueEntry> pick(const MessageId& id);
  Time earliest() const;  // due time of what pick_earliest() would give; kNever: nothing is loaded
  void each(const std::function<void(const storage::DueEntry&)>& visit) const;
  // When wants() may answer something without a further hint; kNever: only then.
  Time next_read(Time now) const;

 private:
  struct LaneWindow {
    std::unordered_map<std::uint64_t, std::deque<storage::DueEntry>> by_sender;
    std::deque<std::uint64_t> turns;  // senders that have entries, next one first
    std::size_t ready = 0;
    Time next_due{};              // not loaded yet, as far as known; the start of time: read at once
    std::optional<Time> read_at;  // the last read, when it came to the end of what was due
    Duration gap = kReadGap;
  };

  LaneWindow& at(Lane lane) { return lanes_[static_cast<std::size_t>(lane)]; }
  bool resting(const LaneWindow& lane, Time now) const;
  storage::DueEntry take(LaneWindow& lane, const std::deque<std::uint64_t>::iterator& turn);
  static void clear(LaneWindow& lane);

  std::size_t limit_;
  std::uint32_t shard_, shards_, bucket_;
  std::array<LaneWindow, 3> lanes_;
};

}  // namespace postrider::relay
