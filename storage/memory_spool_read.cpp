#include <algorithm>

#include "storage/memory_spool.h"

// The reading half of the memory spool, and its users.
namespace postrider::storage {
namespace {

Fault no_message() {
  return {FaultKind::not_found, "no such message"};
}
Fault no_user() {
  return {FaultKind::not_found, "no such user"};
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

ListPage MemorySpool::list(const ListQuery& query) const {
  const ListFilter filter(query);
  ListPage page;
  std::size_t scanned = 0;
  auto at = query.before ? messages_.lower_bound(*query.before) : messages_.end();
  std::optional<MessageId> last;
  while (at != messages_.begin()) {
    if (page.messages.size() >= query.limit || scanned >= query.max_scanned) {
      page.next = last;
      return page;
    }
    --at;
    ++scanned;
    last = at->first;
    if (!filter.matches(at->second.record)) continue;
    page.messages.push_back(at->second.record);
    page.messages.back().history.clear();
  }
  return page;
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

// ---- users --------------------------------------------------------------------------------------------------------

result<Nothing> MemorySpool::put_user(UserRecord user, bool must_be_new) {
  if (must_be_new && users_.contains(user.name)) {
    return Fault{FaultKind::conflict, "there is a user of that name already"};
  }
  std::string name = user.name;
  users_.insert_or_assign(std::move(name), std::move(user));
  return Nothing{};
}

result<Nothing> MemorySpool::remove_user(const std::string& name) {
  if (users_.erase(name) == 0) return no_user();
  return Nothing{};
}

result<UserRecord> MemorySpool::find_user(const std::string& name) const {
  const auto found = users_.find(name);
  if (found == users_.end()) return no_user();
  return found->second;
}

std::vector<UserRecord> MemorySpool::list_users() const {
  std::vector<UserRecord> users;
  users.reserve(users_.size());
  for (const auto& [name, user] : users_) users.push_back(user);
  return users;
}

}  // namespace postrider::storage
