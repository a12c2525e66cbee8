// Operations of the store's own: a new epoch and recovery at open, and the repairs that follow from damage. Each works in
// bounded steps and asks to be followed by the next.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/lmdb/operation.h"
#include "storage/lmdb/write_context.h"

namespace postrider::storage::lmdb {

// At open: the epoch goes up by one.
class NewEpoch final : public Chore {
 public:
  void run(WriteContext& context) override;
};

// At open: claims of older epochs become uncertain attempts, due now or held. Bounded by what was being sent: no scan of
// messages.
class RecoverClaims final : public Chore {
 public:
  RecoverClaims(std::uint32_t max_interruptions, std::string after)
      : max_interruptions_(max_interruptions), after_(std::move(after)) {}
  void run(WriteContext& context) override;

 private:
  std::uint32_t max_interruptions_;
  std::string after_;  // the last key done
};

// At open: chunks of messages that were never accepted.
class CollectStaged final : public Chore {
 public:
  void run(WriteContext& context) override;
};

// Sets aside a value that a reader could not read, unless the writer can.
class Quarantine final : public Chore {
 public:
  explicit Quarantine(Damage damage) : damage_(std::move(damage)) {}
  void run(WriteContext& context) override;

 private:
  Damage damage_;
};

// Drops the due entries of messages whose record is gone. The entry's place is not known without the record, so this
// walks the due table; it happens only after damage.
class ForgetDue final : public Chore {
 public:
  ForgetDue(std::vector<MessageId> ids, std::optional<std::string> after)
      : ids_(std::move(ids)), after_(std::move(after)) {}
  void run(WriteContext& context) override;

 private:
  std::vector<MessageId> ids_;
  std::optional<std::string> after_;
};

// What is known of a half-received body.   staged row := chunks:u32 bytes:u64
struct StagedRow {
  std::uint32_t chunks = 0;
  std::uint64_t bytes = 0;
};
std::optional<StagedRow> staged_row(WriteContext& context, const MessageId& id);
void put_staged_row(WriteContext& context, const MessageId& id, const StagedRow& row);

// Forgets a half-received body; answers whether chunks are left for another step.
bool drop_staged(WriteContext& context, const MessageId& id, std::uint32_t max_chunks);

}  // namespace postrider::storage::lmdb
