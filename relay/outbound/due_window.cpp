#include "relay/outbound/due_window.h"

#include <algorithm>

namespace postrider::relay {

using storage::DueEntry;

DueWindow::DueWindow(std::size_t limit, std::uint32_t shard, std::uint32_t shards, std::uint32_t bucket)
    : limit_(limit), shard_(shard), shards_(shards), bucket_(bucket) {}

void DueWindow::hint(Lane lane, Time due) {
  at(lane).next_due = std::min(at(lane).next_due, due);
}

std::optional<storage::DueQuery> DueWindow::wants(Time now) {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    LaneWindow& lane = lanes_[i];
    if (lane.next_due > now || lane.ready > limit_ / 4 || resting(lane, now)) continue;
    lane.next_due = kNever;  // hints that come while the page is read are later than it, and stay
    storage::DueQuery query;
    query.bucket = bucket_;
    query.lane = static_cast<Lane>(i);
    query.limit = limit_;
    query.shard = shard_;
    query.shards = shards_;
    return query;
  }
  return std::nullopt;
}

void DueWindow::load(Lane which, const storage::DuePage& page, Time now) {
  LaneWindow& lane = at(which);
  clear(lane);
  for (const DueEntry& entry : page.entries) {
    if (entry.key.due > now) {
      lane.next_due = std::min(lane.next_due, entry.key.due);
      break;
    }
    auto& queue = lane.by_sender[entry.sender_hash];
    if (queue.empty()) lane.turns.push_back(entry.sender_hash);
    queue.push_back(entry);
    ++lane.ready;
  }
  const bool all_due = lane.ready == page.entries.size();
  if (page.entries.empty() && page.more) {
    failed(which, now);
  } else if (all_due && page.more) {
    lane.next_due = Time::min();  // read on as soon as these are gone
    lane.read_at.reset();
  } else {
    lane.read_at = now;
    lane.gap = kReadGap;
  }
}

void DueWindow::failed(Lane which, Time now) {
  LaneWindow& lane = at(which);
  lane.next_due = Time::min();
  lane.read_at = now;
  lane.gap = kFruitlessGap;
}

void DueWindow::forget(Time now) {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    clear(lanes_[i]);
    failed(static_cast<Lane>(i), now);
  }
}

bool DueWindow::ready() const {
  return std::any_of(lanes_.begin(), lanes_.end(), [](const LaneWindow& lane) { return lane.ready > 0; });
}

std::optional<DueEntry> DueWindow::pick_fair(Lane lane) {
  if (!ready(lane)) return std::nullopt;
  return take(at(lane), at(lane).turns.begin());
}

std::optional<DueEntry> DueWindow::pick_earliest() {
  LaneWindow* best = nullptr;
  std::deque<std::uint64_t>::iterator best_turn;
  Time best_due = kNever;
  for (LaneWindow& lane : lanes_) {
    for (auto turn = lane.turns.begin(); turn != lane.turns.end(); ++turn) {
      const Time due = lane.by_sender.at(*turn).front().key.due;
      if (best != nullptr && due >= best_due) continue;
      best = &lane;
      best_turn = turn;
      best_due = due;
    }
  }
  if (best == nullptr) return std::nullopt;
  return take(*best, best_turn);
}

std::optional<DueEntry> DueWindow::pick(const MessageId& id) {
  for (LaneWindow& lane : lanes_) {
    for (auto turn = lane.turns.begin(); turn != lane.turns.end(); ++turn) {
      auto& queue = lane.by_sender.at(*turn);
      const auto found =
          std::find_if(queue.begin(), queue.end(), [&](const DueEntry& entry) { return entry.key.id == id; });
      if (found == queue.end()) continue;
      std::rotate(queue.begin(), found, found + 1);
      return take(lane, turn);
    }
  }
  return std::nullopt;
}

Time DueWindow::earliest() const {
  Time earliest = kNever;
  for (const LaneWindow& lane : lanes_) {
    for (const std::uint64_t sender : lane.turns)
      earliest = std::min(earliest, lane.by_sender.at(sender).front().key.due);
  }
  return earliest;
}

void DueWindow::each(const std::function<void(const DueEntry&)>& visit) const {
  for (const LaneWindow& lane : lanes_) {
    for (const std::uint64_t sender : lane.turns) {
      for (const DueEntry& entry : lane.by_sender.at(sender)) visit(entry);
    }
  }
}

Time DueWindow::next_read(Time now) const {
  Time next = kNever;
  for (const LaneWindow& lane : lanes_) {
    if (lane.ready > limit_ / 4 || lane.next_due == kNever) continue;
    next = std::min(next, resting(lane, now) ? std::max(*lane.read_at + lane.gap, lane.next_due) : lane.next_due);
  }
  return next;
}

// A clock that was set back ends the rest: the time of the last read means nothing then.
bool DueWindow::resting(const LaneWindow& lane, Time now) const {
  return lane.read_at && now >= *lane.read_at && now < *lane.read_at + lane.gap;
}

DueEntry DueWindow::take(LaneWindow& lane, const std::deque<std::uint64_t>::iterator& turn) {
  const std::uint64_t sender = *turn;
  lane.turns.erase(turn);
  const auto queue = lane.by_sender.find(sender);
  DueEntry entry = queue->second.front();
  queue->second.pop_front();
  --lane.ready;
  if (queue->second.empty()) {
    lane.by_sender.erase(queue);
  } else {
    lane.turns.push_back(sender);
  }
  return entry;
}

void DueWindow::clear(LaneWindow& lane) {
  lane.by_sender.clear();
  lane.turns.clear();
  lane.ready = 0;
}

}  // namespace postrider::relay
