// API keys and what they did: put, remove, list.
#include <algorithm>

#include "storage/credential_rules.h"
#include "storage/lmdb/queries.h"
#include "storage/lmdb/write_context.h"
#include "storage/lmdb/write_ops.h"

namespace postrider::storage::lmdb {

namespace {

constexpr std::uint64_t kUsageWeight = 128;  // of one key

// Later than that of the record it replaces, also when nothing happened in between.
std::uint64_t next_written_at(std::uint64_t next_seq, const std::optional<std::string_view>& replaced) {
  const auto before = replaced ? decode_api_key(*replaced) : result<StoredApiKey>(Fault{});
  return before ? std::max(next_seq, before->written_at + 1) : next_seq;
}

}  // namespace

// ---- keys ---------------------------------------------------------------------------------------------------------

PutApiKey::PutApiKey(ApiKeyRecord key, bool must_be_new, Done<Nothing> done)
    : Answering(std::move(done)), key_(std::move(key)), must_be_new_(must_be_new) {}

void PutApiKey::run(WriteContext& context) {
  const MDB_dbi table = context.tables().api_keys;
  const auto replaced = is_credential_name(key_.name) ? context.txn().get(table, key_.name) : std::nullopt;
  auto checked = check_api_key(key_, replaced.has_value(), context.txn().entries(table), must_be_new_);
  if (!checked) return answer_with(std::move(checked));
  std::string value;
  encode_api_key({key_, next_written_at(context.meta().next_seq, replaced)}, value);
  context.txn().put(table, key_.name, value);
  // A row of usage that its key did not take along (it went into quarantine) is none of the new one's.
  if (!replaced) context.txn().erase(context.tables().api_key_usage, key_.name);
  answer_with(Nothing{});
}

void RemoveApiKey::run(WriteContext& context) {
  if (!is_credential_name(name_) || !context.txn().erase(context.tables().api_keys, name_))
    return answer_with(no_api_key(name_));
  context.txn().erase(context.tables().api_key_usage, name_);
  answer_with(Nothing{});
}

result<std::vector<ApiKeyRecord>> list_api_keys(Snapshot& snapshot) {
  std::vector<ApiKeyRecord> keys;
  Cursor cursor(snapshot.txn, snapshot.tables.api_keys);
  for (bool found = cursor.first(); found && keys.size() < kMaxApiKeys; found = cursor.next()) {
    auto stored = decode_api_key(cursor.value());
    if (stored)
      keys.push_back(std::move(stored->key));
    else
      snapshot.damages.push_back({Origin::api_keys, std::string(cursor.key()), stored.error().text});
  }
  return keys;
}

// ---- usage --------------------------------------------------------------------------------------------------------

PutApiKeyUsage::PutApiKeyUsage(std::vector<ApiKeyUsage> usage, Done<Nothing> done)
    : Answering(std::move(done), Haste::lazy, Need::nothing_new, kUsageWeight * (1 + usage.size())),
      usage_(std::move(usage)) {}

void PutApiKeyUsage::run(WriteContext& context) {
  std::string value;
  for (const ApiKeyUsage& usage : usage_) {
    if (!is_credential_name(usage.name) || !context.txn().get(context.tables().api_keys, usage.name)) continue;
    encode_api_key_usage(usage, value);
    context.txn().put(context.tables().api_key_usage, usage.name, value);
  }
  answer_with(Nothing{});
}

result<std::vector<ApiKeyUsage>> list_api_key_usage(Snapshot& snapshot) {
  std::vector<ApiKeyUsage> all;
  Cursor cursor(snapshot.txn, snapshot.tables.api_key_usage);
  for (bool found = cursor.first(); found && all.size() < kMaxApiKeys; found = cursor.next()) {
    auto usage = decode_api_key_usage(cursor.value());
    if (usage)
      all.push_back(std::move(*usage));
    else
      snapshot.damages.push_back({Origin::api_key_usage, std::string(cursor.key()), usage.error().text});
  }
  return all;
}

}  // namespace postrider::storage::lmdb
