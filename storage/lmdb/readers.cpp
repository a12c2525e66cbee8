#include "storage/lmdb/readers.h"

#include <pthread.h>

#include <algorithm>

namespace postrider::storage::lmdb {

Readers::Readers(Environment& environment, unsigned threads, OnDamage on_damage, Log& log)
    : environment_(environment), on_damage_(std::move(on_damage)), log_(log) {
  for (unsigned number = 1; number <= std::max(threads, 1u); ++number) {
    threads_.emplace_back([this, number] { loop(number); });
  }
}

Readers::~Readers() {
  close();
}

void Readers::submit(std::unique_ptr<ReadJob> job) {
  {
    std::unique_lock lock(mutex_);
    if (!closing_) {
      jobs_.push_back(std::move(job));
      lock.unlock();
      wake_.notify_one();
      return;
    }
  }
  job->fail({FaultKind::unavailable, "the spool is closed"});
  job->answer();
}

void Readers::close() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Readers::loop(unsigned number) {
  pthread_setname_np(pthread_self(), ("spool-reader-" + std::to_string(number % 100)).c_str());
  std::unique_ptr<Txn>
      txn;  // made with the first job: a shortage of reader slots is that job's fault, not the thread's
  for (;;) {
    std::unique_ptr<ReadJob> job;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return closing_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    try {
      if (txn) {
        txn->renew();
      } else {
        txn = std::make_unique<Txn>(environment_.raw(), Txn::Mode::read);
      }
    } catch (const LmdbError& error) {
      log_.error("spool.read_failed", {{"error", error.what()}});
      job->fail({FaultKind::unavailable, error.what()});
      job->answer();
      continue;
    }
    run(*txn, *job);
    txn->reset();
  }
}

void Readers::run(Txn& txn, ReadJob& job) {
  Snapshot snapshot{txn, environment_.tables(), {}};
  try {
    job.run(snapshot);
  } catch (const LmdbError& error) {
    log_.error("spool.read_failed", {{"error", error.what()}});
    job.fail({classify(error.code()) == ErrorClass::fatal ? FaultKind::damaged : FaultKind::unavailable, error.what()});
  }
  // First, so that whoever hears of damage and then writes finds it set aside.
  for (Damage& damage : snapshot.damages) on_damage_(std::move(damage));
  job.answer();
}

}  // namespace postrider::storage::lmdb
