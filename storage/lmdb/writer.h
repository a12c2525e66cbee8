// Group commit: the thread `spool-writer` takes all waiting operations in call order, up to batch_bytes, runs them in one
// transaction, syncs once, and then answers, each mailbox once. Settles and retire steps wait a little for company.
//
// When LMDB refuses something in mid-batch the whole transaction is undone and the batch runs again one by one, so that
// only the operation at fault fails. After a fatal error nothing is written any more and everything is refused.
// submit() and stats() may be called by any thread; the rest belongs to the owner (LmdbStore).
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "core/log.h"
#include "storage/lmdb/environment.h"
#include "storage/lmdb/meta.h"
#include "storage/lmdb/operation.h"
#include "storage/lmdb/space.h"
#include "storage/lmdb/time_watch.h"
#include "storage/lmdb/write_context.h"

namespace postrider::storage::lmdb {

class Writer {
 public:
  using OperationPtr = std::unique_ptr<WriteOperation>;

  Writer(Environment& environment, const SpoolOptions& options, Log& log);  // reads or makes the meta row
  ~Writer();

  // Before start(), on the caller's thread: one commit of these, then of what follows from them, until nothing does.
  void run_now(std::vector<OperationPtr> batch);
  void start();
  void submit(OperationPtr operation);
  void close();  // runs what was taken, then ends the thread

  TimeWatch& due_watch() { return due_watch_; }
  TimeWatch& expiry_watch() { return expiry_watch_; }
  SpoolStats stats() const;
  bool accepting() const { return accepting_.load(std::memory_order_relaxed); }
  bool can_settle() const { return can_settle_.load(std::memory_order_relaxed); }
  std::uint32_t epoch() const { return meta_.epoch; }  // only before start()

 private:
  using SteadyClock = std::chrono::steady_clock;
  struct Failure {
    int code = 0;  // LMDB's or the system's; 0: an exception of another kind
    std::string what;
  };

  void loop();
  std::vector<OperationPtr> wait_for_batch(bool& closing);
  bool ready(SteadyClock::time_point now) const;
  void wait_for_company(std::unique_lock<std::mutex>& lock);
  void process(std::vector<OperationPtr> batch);
  void prepare_space(std::span<const OperationPtr> batch);
  std::optional<Failure> commit(std::span<const OperationPtr> batch);
  void give_up(std::span<const OperationPtr> batch, const Failure& failure);
  void after_commit(WriteContext& context, std::span<const OperationPtr> batch, SteadyClock::duration took);
  void note_failure(const Failure& failure, std::span<const OperationPtr> batch);
  void tick();
  void sweep_orphans();
  void publish();
  void recover_from_shortage();

  Environment& environment_;
  const SpoolOptions options_;
  Log& log_;
  Space space_;
  const std::uint64_t high_water_;

  // The writer thread's own (the owner's before start).
  Meta meta_;
  std::string buffer_;
  std::vector<OperationPtr> follow_ups_;
  std::vector<MessageId> orphans_;
  Time oldest_due_ = kNever;
  bool fatal_ = false, disk_full_ = false, cannot_settle_ = false, closed_ = false;
  std::string trouble_;
  std::uint64_t used_ = 0;
  std::uint64_t commits_ = 0, synced_ = 0, last_commit_us_ = 0;
  SteadyClock::time_point next_probe_{}, next_reader_check_{};

  mutable std::mutex stats_mutex_;
  SpoolStats stats_;
  std::atomic<bool> accepting_{true}, can_settle_{true};  // as in stats_

  TimeWatch due_watch_, expiry_watch_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::vector<OperationPtr> queue_;
  std::uint64_t queue_weight_ = 0;
  std::size_t urgent_ = 0;       // of queue_, those that do not wait
  std::size_t last_urgent_ = 0;  // how many of them the last batch found
  std::size_t company_ = 0;      // how many of them end a wait for company; 0: nobody waits
  SteadyClock::time_point lazy_until_{};
  bool closing_ = false;

  std::thread thread_;
};

}  // namespace postrider::storage::lmdb
