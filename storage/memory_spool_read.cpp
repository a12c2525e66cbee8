#include <algorithm>
#include <array>

#include "storage/memory_spool.h"

// The reading half of the memory spool.
namespace postrider::storage {
namespace {

Fault no_message() {
  return {FaultKind::not_found, "no such message"};
}

// Behind all that there can be.
MessageId last_id() {
  std::array<std::uint8_t, MessageId::kBytes> bytes;
  bytes.fill(0xff);
  return MessageId(bytes);
}

}  // namespace

result<MessageRecord> MemorySpool::find(const MessageId& id) const {
  const auto found = messages_.find(id);
  if (found == messages_.end()) return no_message();
  return found->second.record;
}

result<std::vector<Event>> MemorySpool::history(const MessageId& id) const {
  const auto found = messages_.find(id);
  if (found == messages_.end()) return no_message();
  std::vector<Event> rows;
  rows.reserve(found->second.record.history.size());
  for (const std::uint64_t seq : found->second.record.history) rows.push_back(feed_.at(seq));
  return rows;
}

namespace {

// Looks at what lies before `at`, newest first; `message_at(iterator)` is the message there.
template <typename Iterator, typename MessageAt>
ListPage list_back(const ListQuery& query, Iterator begin, Iterator at, MessageAt message_at) {
  const ListFilter filter(query);
  ListPage page;
  std::size_t scanned = 0;
  std::optional<MessageId> last;
  while (at != begin) {
    if (page.messages.size() >= query.limit || scanned >= query.max_scanned) {
      page.next = last;
      return page;
    }
    const MessageRecord& record = message_at(--at);
    ++scanned;
    last = record.id;
    if (!filter.matches(record)) continue;
    page.messages.push_back(record);
    page.messages.back().history.clear();
  }
  return page;
}

}  // namespace

ListPage MemorySpool::list(const ListQuery& query) const {
  if (!query.batch) {
    const auto end = query.before ? messages_.lower_bound(*query.before) : messages_.end();
    return list_back(query, messages_.begin(), end, [](auto at) -> const MessageRecord& { return at->second.record; });
  }
  const auto row = [this, &query](const MessageId& id) { return batches_.lower_bound({*query.batch, id}); };
  const auto end = row(query.before.value_or(last_id()));
  return list_back(query, row(MessageId()), end,
                   [this](auto at) -> const MessageRecord& { return messages_.at(at->second).record; });
}

std::vector<Event> MemorySpool::events(const EventQuery& query) const {
  std::vector<Event> rows;
  for (auto row = feed_.upper_bound(query.after); row != feed_.end() && rows.size() < query.limit; ++row) {
    rows.push_back(row->second);
  }
  return rows;
}

result<std::vector<std::shared_ptr<const std::string>>> MemorySpool::read_body(const BodyQuery& query) const {
  const auto found = messages_.find(query.id);
  if (found == messages_.end()) return no_message();
  if (found->second.record.body == BodyState::removed) return Fault{FaultKind::not_found, "the body was removed"};
  const Chunks& chunks = found->second.chunks;
  const std::size_t begin = std::min<std::size_t>(query.first_chunk, chunks.size());
  const std::size_t end = std::min<std::size_t>(begin + query.count, chunks.size());
  return Chunks(chunks.begin() + static_cast<std::ptrdiff_t>(begin), chunks.begin() + static_cast<std::ptrdiff_t>(end));
}

DuePage MemorySpool::due(const DueQuery& query) const {
  DuePage page;
  auto at = query.after ? due_.upper_bound(*query.after)
                        : due_.lower_bound(DueKey{query.bucket, query.lane, Time::min(), MessageId()});
  for (; at != due_.end() && at->first.bucket == query.bucket && at->first.lane == query.lane; ++at) {
    if (shard_of(at->first.id, query.shards) != query.shard) continue;
    if (page.entries.size() >= query.limit) {
      page.more = true;
      break;
    }
    page.entries.push_back({at->first, at->second});
  }
  return page;
}

OwingPage MemorySpool::owing(const OwingQuery& query) const {
  OwingPage page;
  auto at = query.after ? messages_.upper_bound(*query.after) : messages_.begin();
  for (; at != messages_.end(); ++at) {
    if (!at->second.record.owes_notice()) continue;
    if (page.ids.size() >= query.limit) {
      page.more = true;
      break;
    }
    page.ids.push_back(at->first);
  }
  return page;
}

// On a copy: what it would do is what it does.
Retired MemorySpool::preview_retire(const RetireRequest& request) const {
  MemorySpool copy = *this;
  return copy.retire(request);
}

VerifyPage MemorySpool::verify(const VerifyQuery& query) const {
  VerifyPage page;
  auto at = query.after ? messages_.upper_bound(*query.after) : messages_.begin();
  for (; at != messages_.end() && page.records < query.limit; ++at) {
    const MessageRecord& record = at->second.record;
    ++page.records;
    page.chunks += at->second.chunks.size();
    page.events += record.history.size();
    const std::size_t wanted = record.body == BodyState::present ? record.body_chunks : 0;
    if (at->second.chunks.size() != wanted) page.faults.push_back(record.id.str() + " lacks a chunk of its body");
  }
  if (at != messages_.end()) page.next = std::prev(at)->first;
  return page;
}

SpoolStats MemorySpool::stats() const {
  SpoolStats stats = stats_;
  stats.file_bytes = used_bytes();
  stats.accepting = fits(0);
  if (!stats.accepting) stats.trouble = "the spool is over its high-water mark";
  const Time oldest = oldest_due();
  stats.oldest_due_ms = oldest == kNever ? 0 : static_cast<std::uint64_t>(to_ms(oldest));
  return stats;
}

}  // namespace postrider::storage
