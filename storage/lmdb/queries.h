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
result<UserRecord> find_user(Snapshot& snapshot, const std::string& name);
result<std::vector<UserRecord>> list_users(Snapshot& snapshot);

}  // namespace postrider::storage::lmdb
