// The Store verbs that read, each within one short read transaction and bounded. Damaged values are skipped and noted in
// the snapshot: the writer sets them aside. Called on the readers' threads.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "storage/lmdb/environment.h"
#include "storage/lmdb/txn.h"
#include "storage/lmdb/write_context.h"
#include "storage/store.h"

namespace postrider::storage::lmdb {

struct Snapshot {
  const Txn& txn;
  const Tables& tables;
  std::vector<Damage> damages;
};

result<StoredMessage> load(Snapshot& snapshot, const MessageId& id);  // faults: not_found, damaged

result<MessageRecord> find(Snapshot& snapshot, const MessageId& id);
result<std::vector<Event>> history(Snapshot& snapshot, const MessageId& id);
result<std::vector<Event>> events(Snapshot& snapshot, const EventQuery& query);
result<std::vector<std::shared_ptr<const std::string>>> read_body(Snapshot& snapshot, const BodyQuery& query);
result<DuePage> due(Snapshot& snapshot, const DueQuery& query);
result<OwingPage> owing(Snapshot& snapshot, const OwingQuery& query);
result<Retired> preview_retire(Snapshot& snapshot, const RetireRequest& request);  // in retire_preview.cpp
result<ListPage> list(Snapshot& snapshot, const ListQuery& query);
result<VerifyPage> verify(Snapshot& snapshot, const VerifyQuery& query);
// The messages known by it, the newest; not_found.
result<MessageId> find_by_provider_id(Snapshot& snapshot, const std::string& upstream, const std::string& provider_id);
result<std::vector<std::optional<Suppression>>> find_suppressions(Snapshot& snapshot,
                                                                  const std::vector<std::string>& addresses);
result<SuppressionPage> list_suppressions(Snapshot& snapshot, const SuppressionQuery& query);
result<std::vector<UpstreamState>> upstream_states(Snapshot& snapshot);
result<std::vector<DueHead>> due_heads(Snapshot& snapshot);

// A count of the due index in steps, so that no step holds old pages for longer than a page of a listing does. What moves
// between two steps may be counted twice or not at all.
struct DueCount {
  std::vector<Waiting> rows;  // so far
  std::string after;          // the last key counted; empty: none
  bool more = true;
};
void count_due(Snapshot& snapshot, DueCount& count);

result<UserRecord> find_user(Snapshot& snapshot, const std::string& name);
result<std::vector<UserRecord>> list_users(Snapshot& snapshot);
result<std::vector<ApiKeyRecord>> list_api_keys(Snapshot& snapshot);
result<std::vector<ApiKeyUsage>> list_api_key_usage(Snapshot& snapshot);

}  // namespace postrider::storage::lmdb
