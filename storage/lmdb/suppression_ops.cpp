// The suppression list: put, remove, find, list. An entry that cannot be read is not set aside: its key says whom it keeps mail from.
#include "storage/suppression_rules.h"

#include <algorithm>

#include "storage/lmdb/queries.h"
#include "storage/lmdb/write_context.h"
#include "storage/lmdb/write_ops.h"

namespace postrider::storage::lmdb {

namespace {

constexpr std::size_t kMaxPage = 1000;

Suppression entry_of(std::string_view key, std::string_view value) {
  auto entry = decode_suppression(value);
  return entry ? std::move(*entry) : unreadable_suppression(std::string(key));
}

std::optional<Suppression> look_up(const Txn& txn, const Tables& tables, const std::string& key) {
  const auto value = txn.get(tables.suppressions, key);
  if (!value) return std::nullopt;
  return entry_of(key, *value);
}

}  // namespace

FindSuppression find_in_list(WriteContext& context) {
  if (context.txn().entries(context.tables().suppressions) == 0) return {};
  return [&context](const std::string& key) { return look_up(context.txn(), context.tables(), key); };
}

PutSuppression::PutSuppression(Suppression entry, Done<Nothing> done)
    : Answering(std::move(done)), entry_(check_suppression(std::move(entry))) {}

void PutSuppression::run(WriteContext& context) {
  if (!entry_) return answer_with(entry_.error());
  std::string value;
  encode_suppression(*entry_, value);
  const bool is_new = !context.txn().get(context.tables().suppressions, entry_->address);
  if (is_new && !context.take_room(kSuppressionRoom)) return answer_with(Fault{FaultKind::full, "the spool is full"});
  context.txn().put(context.tables().suppressions, entry_->address, value);
  answer_with(Nothing{});
}

void RemoveSuppression::run(WriteContext& context) {
  const auto key = suppression_key(address_);
  if (!key || !context.txn().erase(context.tables().suppressions, *key)) return answer_with(no_suppression(address_));
  answer_with(Nothing{});
}

result<std::vector<std::optional<Suppression>>> find_suppressions(Snapshot& snapshot,
                                                                  const std::vector<std::string>& addresses) {
  std::vector<std::optional<Suppression>> found;
  found.reserve(addresses.size());
  for (const std::string& address : addresses) {
    const auto key = suppression_key(address);
    found.push_back(key ? look_up(snapshot.txn, snapshot.tables, *key) : std::nullopt);
  }
  return found;
}

result<SuppressionPage> list_suppressions(Snapshot& snapshot, const SuppressionQuery& query) {
  SuppressionPage page;
  const std::size_t limit = std::clamp<std::size_t>(query.limit, 1, kMaxPage);
  const std::string from = query.after.empty() ? std::string() : behind(query.after) + '\0';
  Cursor cursor(snapshot.txn, snapshot.tables.suppressions);
  bool found = from.empty() ? cursor.first() : cursor.seek(from);
  for (; found; found = cursor.next()) {
    if (page.entries.size() == limit) {
      page.more = true;
      break;
    }
    page.entries.push_back(entry_of(cursor.key(), cursor.value()));
  }
  return page;
}

}  // namespace postrider::storage::lmdb
