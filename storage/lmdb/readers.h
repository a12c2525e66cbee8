// The threads `spool-reader-N`: bodies, listings and single records, off the relay threads and off the writer's. Each keeps
// one read transaction that is renewed for a job and reset after it, so that no reader holds old pages for longer than one
// page of work. submit() may be called by any thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/done.h"
#include "core/log.h"
#include "storage/lmdb/environment.h"
#include "storage/lmdb/queries.h"

namespace postrider::storage::lmdb {

class ReadJob {
 public:
  virtual ~ReadJob() = default;
  virtual void run(Snapshot& snapshot) = 0;
  virtual void fail(Fault fault) = 0;
  virtual void answer() = 0;  // after either
};

// A query, and the Done it answers.
template <typename T, typename Query>
class QueryJob final : public ReadJob {
 public:
  QueryJob(Query query, Done<T> done) : query_(std::move(query)), done_(std::move(done)) {}
  void run(Snapshot& snapshot) override { answer_ = query_(snapshot); }
  void fail(Fault fault) override { answer_ = std::move(fault); }
  void answer() override { done_.complete(std::move(*answer_)); }

 private:
  Query query_;
  Done<T> done_;
  std::optional<result<T>> answer_;
};

class Readers {
 public:
  using OnDamage = std::function<void(Damage)>;  // on a reader's thread
  Readers(Environment& environment, unsigned threads, OnDamage on_damage, Log& log);
  ~Readers();
  void submit(std::unique_ptr<ReadJob> job);
  void close();  // runs what was taken, then ends the threads

 private:
  void loop(unsigned number);
  void run(Txn& txn, ReadJob& job);

  Environment& environment_;
  OnDamage on_damage_;
  Log& log_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::unique_ptr<ReadJob>> jobs_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace postrider::storage::lmdb
