// Listing, newest first. Without a batch or an address the messages themselves are walked from the end; with one, its keys in
// the index of batches or of addresses, which are in the same order. Filters are asked of the record in any case: hashes may
// collide.
#include <algorithm>

#include "storage/lmdb/keys.h"
#include "storage/lmdb/queries.h"
#include "storage/record_rules.h"

namespace postrider::storage::lmdb {

namespace {

// Ids in descending order, strictly before a given one.
class Backwards {
 public:
  Backwards(const Snapshot& snapshot, const ListQuery& query) : cursor_(snapshot.txn, table(snapshot.tables, query)) {
    if (query.batch)
      prefix_ = std::string_view(id_key(*query.batch));
    else if (query.recipient)
      prefix_ = std::string_view(address_prefix(AddressKind::recipient, *query.recipient));
    else if (query.sender)
      prefix_ = std::string_view(address_prefix(AddressKind::sender, *query.sender));
    std::string start = prefix_;
    if (const auto end = before(query)) {
      start.append(std::string_view(id_key(*end)));
    } else {
      start.append(MessageId::kBytes + 1, '\xff');
    }
    found_ = cursor_.seek_before(start);
  }

  bool done() const { return !found_ || cursor_.key().substr(0, prefix_.size()) != prefix_; }
  std::string_view id_bytes() const { return cursor_.key().substr(prefix_.size()); }
  void next() { found_ = cursor_.previous(); }

 private:
  static MDB_dbi table(const Tables& tables, const ListQuery& query) {
    if (query.batch) return tables.batches;
    return query.recipient || query.sender ? tables.addresses : tables.messages;
  }
  static std::optional<MessageId> before(const ListQuery& query) {
    if (!query.until) return query.before;
    const MessageId until = MessageId::first_at(*query.until);
    return query.before ? std::min(until, *query.before) : until;
  }

  Cursor cursor_;
  std::string prefix_;
  bool found_ = false;
};

}  // namespace

result<ListPage> list(Snapshot& snapshot, const ListQuery& query) {
  ListPage page;
  const std::size_t limit = std::clamp<std::size_t>(query.limit, 1, 1000);
  const ListFilter filter(query);
  const MessageId oldest = query.since ? MessageId::first_at(*query.since) : MessageId();
  std::optional<MessageId> last;
  std::size_t scanned = 0;
  for (Backwards walk(snapshot, query); !walk.done(); walk.next()) {
    const auto id = parse_id(walk.id_bytes());
    if (!id) continue;
    if (*id < oldest) break;
    if (page.messages.size() == limit || scanned++ >= std::max<std::size_t>(query.max_scanned, 1)) {
      page.next = last;
      break;
    }
    last = id;
    auto stored = load(snapshot, *id);
    if (stored && filter.matches(stored->record)) page.messages.push_back(std::move(stored->record));
  }
  return page;
}

}  // namespace postrider::storage::lmdb
