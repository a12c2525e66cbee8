// What the writer's queue holds: one call of a Store verb, or a repair of our own. Made on the caller's thread, run and
// answered on the writer's, destroyed there.
//
// run() may be called again after the transaction it ran in was undone, so it changes nothing of its inputs and keeps its
// answer until answer(). It decides before it writes: what it leaves in the transaction is all of the verb or nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "core/done.h"

namespace postrider::storage::lmdb {

class WriteContext;

// Answers of one commit, posted once per mailbox.
class Outbox {
 public:
  void add(Mailbox* where, Task task) {
    for (auto& [mailbox, tasks] : boxes_) {
      if (mailbox == where) return tasks.push_back(std::move(task));
    }
    boxes_.emplace_back(where, std::vector<Task>());
    boxes_.back().second.push_back(std::move(task));
  }
  void post() {
    for (auto& [mailbox, tasks] : boxes_) mailbox->post(std::move(tasks));
    boxes_.clear();
  }

 private:
  std::vector<std::pair<Mailbox*, std::vector<Task>>> boxes_;
};

class WriteOperation {
 public:
  enum class Haste { now, lazy };  // lazy: may wait up to settle_delay for company
  // What an LMDB shortage means to the caller, and what the store's health says about it.
  enum class Need { nothing_new, new_space, settle };

  explicit WriteOperation(Haste haste = Haste::now, Need need = Need::nothing_new, std::uint64_t weight = 512)
      : haste_(haste), need_(need), weight_(weight) {}
  WriteOperation(const WriteOperation&) = delete;
  WriteOperation& operator=(const WriteOperation&) = delete;
  virtual ~WriteOperation() = default;

  virtual void run(WriteContext& context) = 0;
  virtual void fail(Fault fault) = 0;
  virtual void answer(Outbox& outbox) = 0;
  // What is to be undone of earlier operations once this one has failed.
  virtual std::unique_ptr<WriteOperation> clean_up() const { return nullptr; }

  Haste haste() const { return haste_; }
  Need need() const { return need_; }
  std::uint64_t weight() const { return weight_; }  // about the octets it will write

 private:
  Haste haste_;
  Need need_;
  std::uint64_t weight_;
};

// One that answers a Done.
template <typename T>
class Answering : public WriteOperation {
 public:
  template <typename... Args>
  explicit Answering(Done<T> done, Args... args) : WriteOperation(args...), done_(std::move(done)) {}
  void fail(Fault fault) override { answer_ = std::move(fault); }
  void answer(Outbox& outbox) override {
    if (!done_) return;
    Mailbox* where = done_.mailbox();
    outbox.add(where, done_.take(std::move(*answer_)));
  }

 protected:
  void answer_with(result<T> answer) { answer_ = std::move(answer); }

 private:
  Done<T> done_;
  std::optional<result<T>> answer_;
};

// One of our own, that nobody waits for.
class Chore : public WriteOperation {
 public:
  using WriteOperation::WriteOperation;
  void fail(Fault) override {}
  void answer(Outbox&) override {}
};

}  // namespace postrider::storage::lmdb
