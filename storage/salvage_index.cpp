#include "storage/salvage_index.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "storage/report_rules.h"
#include "storage/wire.h"

namespace postrider::storage {

namespace {

std::int64_t latest_change(const MessageRecord& record) {
  std::int64_t latest = 0;
  for (const Recipient& recipient : record.recipients) latest = std::max(latest, to_ms(recipient.changed_at));
  return latest;
}

// A key of that name that was made after another one was removed is the newer, whatever was written of the old one.
std::pair<Time, std::uint64_t> age_of(const StoredApiKey& stored) {
  return {stored.key.created_at, stored.written_at};
}

// Sorted by `key`, one of each; answers how many went.
template <typename Item, typename Key>
std::uint64_t keep_one_each(std::vector<Item>& items, Key key) {
  const auto before = items.size();
  const auto same = [&key](const Item& a, const Item& b) { return key(a) == key(b); };
  items.erase(std::unique(items.begin(), items.end(), same), items.end());
  items.shrink_to_fit();
  return before - items.size();
}

template <typename Item>
std::vector<Item> all_of(const std::vector<Item>& sorted, const MessageId& id) {
  const auto begin = std::lower_bound(sorted.begin(), sorted.end(), id,
                                      [](const Item& item, const MessageId& wanted) { return item.id < wanted; });
  auto end = begin;
  while (end != sorted.end() && end->id == id) ++end;
  return {begin, end};
}

}  // namespace

void SalvageIndex::add(const FoundValue& found, std::string_view value) {
  const Place place{found.offset, found.size};
  const MessageId& id = found.frame.id;
  switch (found.frame.magic) {
    case Magic::message: {
      const auto stored = decode_message(value, id);
      if (!stored) return;
      const MessageRecord& record = stored->record;
      const std::uint64_t last_row = record.history.empty() ? 0 : record.history.back();
      next_seq_ = std::max(next_seq_, last_row + 1);
      records_.push_back({id, last_row, latest_change(record), place});
      return;
    }
    case Magic::chunk:
      chunks_.push_back({id, found.frame.aux, place});
      return;
    case Magic::events: {
      const std::uint64_t seq =
          value.size() < kRecordHeader + 8 ? 0 : wire::load_le<std::uint64_t>(value.data() + kRecordHeader);
      const auto row = decode_feed_row(value, seq);
      if (!row) return;
      next_seq_ = std::max(next_seq_, seq + row->events.size());
      if (id.is_nil()) {
        upstream_rows_.emplace(seq, place);
        return;
      }
      rows_.push_back(
          {id, seq, static_cast<std::uint32_t>(row->events.size()), state_after(row->events.back()), place});
      return;
    }
    case Magic::user: {
      auto user = decode_user(value);
      if (!user) return;
      const auto known = users_.find(user->name);
      if (known != users_.end()) ++old_versions_;
      if (known == users_.end() || known->second.changed_at < user->changed_at) users_[user->name] = std::move(*user);
      return;
    }
    case Magic::upstream: {
      auto upstream = decode_upstream(value);
      if (!upstream) return;
      const auto known = upstreams_.find(upstream->state.name);
      if (known != upstreams_.end()) ++old_versions_;
      if (known == upstreams_.end() || known->second.written_at < upstream->written_at)
        upstreams_[upstream->state.name] = std::move(*upstream);
      return;
    }
    case Magic::api_key: {
      auto stored = decode_api_key(value);
      if (!stored) return;
      const auto known = api_keys_.find(stored->key.name);
      if (known != api_keys_.end()) ++old_versions_;
      if (known == api_keys_.end() || age_of(known->second) < age_of(*stored))
        api_keys_[stored->key.name] = std::move(*stored);
      return;
    }
    case Magic::api_key_usage:  // counts of a day: not worth more than a new start
      return;
    case Magic::suppression: {
      auto entry = decode_suppression(value);
      if (!entry) return;
      const auto known = suppressions_.find(entry->address);
      if (known != suppressions_.end()) ++old_versions_;
      if (known == suppressions_.end() || known->second.created_at <= entry->created_at)
        suppressions_[entry->address] = std::move(*entry);
      return;
    }
  }
}

void SalvageIndex::sort() {
  std::sort(records_.begin(), records_.end(), [](const RecordPlace& a, const RecordPlace& b) {
    return std::tie(a.id, b.last_row, b.changed_ms) < std::tie(b.id, a.last_row, a.changed_ms);  // the newest first
  });
  old_versions_ += keep_one_each(records_, [](const RecordPlace& r) { return r.id; });
  // Chunks and rows never change: any whole one is the right one.
  const auto chunk_key = [](const ChunkPlace& c) { return std::make_pair(c.id, c.index); };
  std::sort(chunks_.begin(), chunks_.end(), [&](const auto& a, const auto& b) { return chunk_key(a) < chunk_key(b); });
  old_versions_ += keep_one_each(chunks_, chunk_key);
  const auto row_key = [](const RowPlace& r) { return std::make_pair(r.id, r.seq); };
  std::sort(rows_.begin(), rows_.end(), [&](const auto& a, const auto& b) { return row_key(a) < row_key(b); });
  old_versions_ += keep_one_each(rows_, row_key);
}

std::vector<ChunkPlace> SalvageIndex::chunks_of(const MessageId& id) const {
  return all_of(chunks_, id);
}

std::vector<RowPlace> SalvageIndex::rows_of(const MessageId& id) const {
  return all_of(rows_, id);
}

std::vector<MessageId> SalvageIndex::ids_without_record() const {
  std::vector<MessageId> ids;
  auto record = records_.begin();
  for (auto row = rows_.begin(); row != rows_.end();) {
    const MessageId id = row->id;
    bool final = false;
    for (; row != rows_.end() && row->id == id; ++row)
      if (row->left) final = !is_live(*row->left);
    while (record != records_.end() && record->id < id) ++record;
    const bool known = record != records_.end() && record->id == id;
    if (!known && !final) ids.push_back(id);
  }
  return ids;
}

// ---- catching up --------------------------------------------------------------------------------------------------

std::optional<RecipientState> state_after(const Event& event) {
  if (event.report != 0) return std::nullopt;
  switch (event.type) {
    case EventType::sent:
      return RecipientState::sent;
    case EventType::delivered:
      return RecipientState::delivered;
    case EventType::bounced:
      return RecipientState::bounced;
    case EventType::failed:
      return RecipientState::failed;
    case EventType::expired:
      return RecipientState::expired;
    case EventType::cancelled:
      return RecipientState::cancelled;
    case EventType::suppressed:
      return RecipientState::suppressed;
    case EventType::held:
      return RecipientState::held;
    case EventType::deferred:
    case EventType::interrupted:
      return RecipientState::deferred;
    case EventType::released:
    case EventType::retried:
    case EventType::revived:
      return RecipientState::queued;
    case EventType::accepted:
    case EventType::attempted:
    case EventType::cancel_requested:
    case EventType::opened:
    case EventType::clicked:
    case EventType::complained:
    case EventType::unsubscribed:
    case EventType::body_removed:
    case EventType::quarantined:
    case EventType::rescheduled:
    case EventType::notified:
    case EventType::upstream_opened:  // of no message
    case EventType::upstream_closed:
    case EventType::upstream_paused:
    case EventType::upstream_resumed:
    case EventType::upstream_preferred:
    case EventType::upstream_promoted:
    case EventType::upstream_rolled_back:
    case EventType::processed:
      return std::nullopt;
  }
  return std::nullopt;
}

void catch_up(MessageRecord& record, const std::vector<Event>& later) {
  for (const Event& event : later) {
    if (event.type == EventType::body_removed) record.body = BodyState::removed;
    const auto left = state_after(event);
    const auto reported = event.report != 0 ? trigger_of_report(event.type) : std::nullopt;
    for (std::uint32_t i = 0; i < record.recipients.size(); ++i) {
      if (event.recipient != kAllRecipients && event.recipient != i) continue;
      Recipient& recipient = record.recipients[i];
      const auto state = reported ? transition(recipient.state, *reported) : left;
      if (!state) continue;
      recipient.state = *state;
      recipient.changed_at = event.at;
      recipient.reason = event.reason;
    }
  }
}

}  // namespace postrider::storage
