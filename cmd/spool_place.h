// What the `postrider spool` commands share: where the spool is, the spool opened for reading, and the exit code that each kind of
// trouble with it has.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cmd/blocking.h"
#include "cmd/exit_codes.h"
#include "core/log.h"
#include "storage/lmdb_store.h"

namespace postrider::cmd {

// Where the spool is: --data-dir, else the configuration's.
struct SpoolPlace {
  std::string data_dir;
  std::optional<std::string> config_file;
};
storage::SpoolOptions options_of(const SpoolPlace& place);  // throws CommandError

// The trouble in words that say what to do.
CommandError command_error(const storage::SpoolError& error);

template <typename T>
T value_of(result<T> answer) {
  if (answer) return std::move(*answer);
  throw CommandError(answer.error().kind == FaultKind::not_found ? EX_NOINPUT : EX_DATAERR, answer.error().text);
}

// The spool, open for reading while this lives: takes no lock, changes nothing, and holds no page of the database for longer than
// one call.
class Spool {
 public:
  explicit Spool(const SpoolPlace& place);
  ~Spool();
  storage::Store* operator->() const { return store_.get(); }

  result<MessageRecord> find(MessageId id) const;
  result<std::vector<Event>> history(MessageId id) const;
  storage::ListPage list(const storage::ListQuery& query) const;
  std::uint64_t messages() const;  // all, in every state
  // Writes the octets of a message's body, a window at a time.
  template <typename Write>
  result<void> read_body(const MessageRecord& message, Write write) const;

 private:
  NullLog log_;
  std::unique_ptr<storage::Store> store_;
};

template <typename Write>
result<void> Spool::read_body(const MessageRecord& message, Write write) const {
  constexpr std::uint32_t kWindow = 16;
  using Chunks = std::vector<std::shared_ptr<const std::string>>;
  for (std::uint32_t next = 0; next < message.body_chunks;) {
    const storage::BodyQuery query{message.id, next, kWindow};
    const auto chunks = wait_for<Chunks>([&](Done<Chunks> done) { store_->read_body(query, std::move(done)); });
    if (!chunks) return chunks.error();
    if (chunks->empty()) return Fault{FaultKind::damaged, "the body ends before its size"};
    for (const auto& chunk : *chunks) write(*chunk);
    next += static_cast<std::uint32_t>(chunks->size());
  }
  return {};
}

}  // namespace postrider::cmd
