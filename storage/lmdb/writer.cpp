#include "storage/lmdb/writer.h"

#include <pthread.h>

#include <algorithm>
#include <cerrno>

#include "storage/lmdb/keys.h"
#include "storage/lmdb/repair_ops.h"

namespace postrider::storage::lmdb {

namespace {

constexpr auto kProbeInterval = std::chrono::seconds(1);  // of a full disk
constexpr auto kReaderCheckInterval =
    std::chrono::seconds(60);  // for slots of dead readers, which keep pages from reuse
// Kept between high water and the map's end, so that deletes always find pages to write.
constexpr std::uint64_t kMapMargin = 2ull << 20;

std::uint64_t high_water(const SpoolOptions& options, std::uint64_t map_size) {
  const std::uint64_t percent = std::clamp<std::uint64_t>(options.high_water_percent, 1, 95);
  return std::min(map_size / 100 * percent, map_size - kMapMargin);
}

// Says which record it was, where its key tells an operator something.
void log_quarantined(Log& log, const Damage& damage) {
  const std::string kind(to_string(damage.origin));
  switch (damage.origin) {
    case Origin::messages:
    case Origin::chunks: {
      const auto id = parse_id(std::string_view(damage.key).substr(0, MessageId::kBytes));
      log.write(LogLevel::error, "spool.quarantined", id ? &*id : nullptr, {{"kind", kind}, {"reason", damage.reason}});
      return;
    }
    case Origin::users:
    case Origin::upstreams:
    case Origin::api_keys:
    case Origin::api_key_usage:
      log.error("spool.quarantined", {{"kind", kind}, {"name", damage.key}, {"reason", damage.reason}});
      return;
    case Origin::feed:
    case Origin::due:
    case Origin::claims:
    case Origin::staged:
      log.error("spool.quarantined", {{"kind", kind}, {"reason", damage.reason}});
      return;
  }
}

}  // namespace

Writer::Writer(Environment& environment, const SpoolOptions& options, Log& log)
    : environment_(environment),
      options_(options),
      log_(log),
      space_(environment.directory(), environment.map_size(), options.reserve_bytes),
      high_water_(high_water(options, environment.map_size())) {
  Txn txn(environment_.raw(), Txn::Mode::read);
  if (const auto row = txn.get(environment_.tables().meta, kMetaKey)) {
    auto meta = decode_meta(*row);
    if (!meta) throw SpoolError("cannot open the spool in " + environment_.directory() + ": " + meta.error().text);
    meta_ = *meta;
  }
  used_ = used_bytes(txn.raw(), environment_.tables());
}

Writer::~Writer() {
  close();
}

void Writer::run_now(std::vector<OperationPtr> batch) {
  while (!batch.empty()) {
    auto failure = commit(batch);
    if (failure) {  // a full disk: giving the reserve back may be enough
      note_failure(*failure, batch);
      failure = commit(batch);
    }
    if (failure) throw SpoolError("cannot write to the spool in " + environment_.directory() + ": " + failure->what);
    batch = std::exchange(follow_ups_, {});
  }
}

void Writer::start() {
  next_reader_check_ = SteadyClock::now() + kReaderCheckInterval;
  due_watch_.keep_for_newcomers();
  expiry_watch_.keep_for_newcomers();
  publish();
  thread_ = std::thread([this] { loop(); });
}

void Writer::submit(OperationPtr operation) {
  {
    std::unique_lock lock(mutex_);
    if (!closing_) {
      const bool lazy = operation->haste() == WriteOperation::Haste::lazy;
      if (lazy && queue_.empty()) lazy_until_ = SteadyClock::now() + options_.settle_delay;
      queue_weight_ += operation->weight();
      urgent_ += lazy ? 0 : 1;
      queue_.push_back(std::move(operation));
      // A lazy one only has to start the clock; the rest come along without a wake-up.
      const bool full = queue_weight_ >= options_.batch_bytes;
      const bool wake = lazy ? queue_.size() == 1 || full : urgent_ == 1 || urgent_ == company_ || full;
      lock.unlock();
      if (wake) wake_.notify_one();
      return;
    }
  }
  operation->fail({FaultKind::unavailable, "the spool is closed"});
  Outbox outbox;
  operation->answer(outbox);
  outbox.post();
}

void Writer::close() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  if (!thread_.joinable()) return;
  thread_.join();
  closed_ = true;
  publish();
}

SpoolStats Writer::stats() const {
  std::lock_guard lock(stats_mutex_);
  return stats_;
}

// ---- the thread ---------------------------------------------------------------------------------------------------

void Writer::loop() {
  pthread_setname_np(pthread_self(), "spool-writer");
  for (bool closing = false;;) {
    sweep_orphans();
    for (OperationPtr& operation : std::exchange(follow_ups_, {})) {
      if (!closing) submit(std::move(operation));  // a repair that the next start takes up again
    }
    std::vector<OperationPtr> batch = wait_for_batch(closing);
    if (batch.empty() && closing) return;
    if (!batch.empty()) process(std::move(batch));
    tick();
  }
}

bool Writer::ready(SteadyClock::time_point now) const {
  if (queue_.empty()) return closing_;
  return urgent_ > 0 || closing_ || queue_weight_ >= options_.batch_bytes || now >= lazy_until_;
}

std::vector<Writer::OperationPtr> Writer::wait_for_batch(bool& closing) {
  std::unique_lock lock(mutex_);
  for (auto now = SteadyClock::now(); !ready(now); now = SteadyClock::now()) {
    const bool shortage = disk_full_ || cannot_settle_;
    const auto chore = shortage ? std::min(next_probe_, next_reader_check_) : next_reader_check_;
    if (now >= chore) break;
    wake_.wait_until(lock, queue_.empty() ? chore : std::min(chore, lazy_until_));
  }
  wait_for_company(lock);
  closing = closing_;
  if (!ready(SteadyClock::now())) return {};
  std::size_t count = 0;
  for (std::uint64_t weight = 0; count < queue_.size() && weight < options_.batch_bytes; ++count) {
    weight += queue_[count]->weight();
  }
  std::vector<OperationPtr> batch;
  last_urgent_ = urgent_;
  if (count == queue_.size()) {
    batch.swap(queue_);
    queue_weight_ = urgent_ = 0;
    return batch;
  }
  const auto end = queue_.begin() + static_cast<std::ptrdiff_t>(count);
  batch.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
  queue_.erase(queue_.begin(), end);
  for (const OperationPtr& operation : batch) {
    queue_weight_ -= operation->weight();
    urgent_ -= operation->haste() == WriteOperation::Haste::now ? 1 : 0;
  }
  lazy_until_ = {};  // what is left has waited for a whole commit
  return batch;
}

// Under load a commit that starts at once carries the two or three that came while the last one ran, and each commit costs
// some thirty page writes and a sync. A moment's wait then lets those arrive who are about to; a lone client never waits.
void Writer::wait_for_company(std::unique_lock<std::mutex>& lock) {
  if (urgent_ == 0 || closing_ || last_urgent_ < 2) return;
  const auto until = SteadyClock::now() + options_.commit_delay;
  company_ = last_urgent_ * 2;
  wake_.wait_until(lock, until,
                   [this] { return closing_ || urgent_ >= company_ || queue_weight_ >= options_.batch_bytes; });
  company_ = 0;
}

void Writer::process(std::vector<OperationPtr> batch) {
  prepare_space(batch);
  if (const auto failure = commit(batch)) {
    if (batch.size() == 1 || classify(failure->code) == ErrorClass::fatal) {
      give_up(batch, *failure);
    } else {
      for (const OperationPtr& operation : batch) {
        const std::span<const OperationPtr> one(&operation, 1);
        if (const auto own = commit(one)) give_up(one, *own);
      }
    }
  }
  publish();
  Outbox outbox;
  for (const OperationPtr& operation : batch) operation->answer(outbox);
  due_watch_.tell_all(outbox);
  expiry_watch_.tell_all(outbox);
  outbox.post();
}

void Writer::prepare_space(std::span<const OperationPtr> batch) {
  if (fatal_ || disk_full_) return;  // the probe looks again
  std::uint64_t weight = 0;
  for (const OperationPtr& operation : batch) {
    if (operation->need() == WriteOperation::Need::new_space) weight += operation->weight();
  }
  if (weight == 0 || space_.ensure(environment_.file_end(), used_, 2 * weight)) return;  // twice: pages are not packed
  note_failure({ENOSPC, space_.trouble()}, {});
}

std::optional<Writer::Failure> Writer::commit(std::span<const OperationPtr> batch) {
  if (fatal_) return Failure{EIO, trouble_};
  Failure failure;
  try {
    const auto started = SteadyClock::now();
    WriteContext context(environment_.raw(), environment_.tables(), meta_, {high_water_, disk_full_, used_}, buffer_);
    context.now = options_.now();
    for (const OperationPtr& operation : batch) operation->run(context);
    context.commit();
    after_commit(context, batch, SteadyClock::now() - started);
    return std::nullopt;
  } catch (const LmdbError& error) {
    failure = {error.code(), error.what()};
  } catch (const std::bad_alloc& error) {
    failure = {ENOMEM, error.what()};
  } catch (const std::exception& error) {
    failure = {0, error.what()};
  }
  if (failure.code == EIO && space_.looks_full(environment_.file_end())) failure.code = ENOSPC;
  return failure;
}

void Writer::give_up(std::span<const OperationPtr> batch, const Failure& failure) {
  note_failure(failure, batch);
  const bool shortage = classify(failure.code) == ErrorClass::shortage;
  for (const OperationPtr& operation : batch) {
    const bool full = shortage && operation->need() == WriteOperation::Need::new_space;
    operation->fail({full ? FaultKind::full : FaultKind::unavailable, failure.what});
    if (auto chore = operation->clean_up()) follow_ups_.push_back(std::move(chore));
  }
}

void Writer::after_commit(WriteContext& context, std::span<const OperationPtr> batch, SteadyClock::duration took) {
  meta_ = context.meta();
  ++commits_;
  synced_ += batch.size();
  last_commit_us_ = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(took).count());
  due_watch_.note(context.earliest_moved_due());
  expiry_watch_.note(context.earliest_expiry());
  used_ = context.used();
  if (context.oldest_due()) oldest_due_ = *context.oldest_due();
  for (const MessageId& id : context.take_orphans()) orphans_.push_back(id);
  for (OperationPtr& operation : context.take_follow_ups()) follow_ups_.push_back(std::move(operation));
  for (const Damage& damage : context.damages()) log_quarantined(log_, damage);
  if (context.dropped_due() > 0) log_.warn("spool.due_dropped", {{"entries", std::to_string(context.dropped_due())}});
  const auto settles = [](const OperationPtr& o) { return o->need() == WriteOperation::Need::settle; };
  if (cannot_settle_ && std::any_of(batch.begin(), batch.end(), settles)) cannot_settle_ = false;
  if (!disk_full_ && !cannot_settle_ && !fatal_) trouble_.clear();
}

void Writer::note_failure(const Failure& failure, std::span<const OperationPtr> batch) {
  const ErrorClass kind = classify(failure.code);
  if (fatal_) return;
  log_.error("spool.write_failed", {{"error", failure.what}});
  if (kind == ErrorClass::ours) return;
  trouble_ = failure.what;
  if (kind == ErrorClass::fatal) {
    fatal_ = true;
    return;
  }
  const bool settle = std::any_of(batch.begin(), batch.end(),
                                  [](const OperationPtr& o) { return o->need() == WriteOperation::Need::settle; });
  if (settle) cannot_settle_ = true;
  const bool disk = failure.code == ENOSPC || failure.code == EDQUOT || failure.code == EFBIG;
  if (disk && !disk_full_) {
    disk_full_ = true;
    space_.give_back();
    log_.warn("spool.disk_full", {{"error", failure.what}});
  }
  next_probe_ = SteadyClock::now() + kProbeInterval;
}

// ---- between batches ----------------------------------------------------------------------------------------------

void Writer::tick() {
  const auto now = SteadyClock::now();
  if (now >= next_reader_check_) {
    next_reader_check_ = now + kReaderCheckInterval;
    if (const int dead = environment_.clear_stale_readers(); dead > 0) {
      log_.warn("spool.stale_readers", {{"cleared", std::to_string(dead)}});
    }
  }
  if ((disk_full_ || cannot_settle_) && !fatal_ && now >= next_probe_) recover_from_shortage();
}

void Writer::recover_from_shortage() {
  next_probe_ = SteadyClock::now() + kProbeInterval;
  if (disk_full_) {
    if (!space_.ensure(environment_.file_end(), used_, options_.batch_bytes) || !space_.restore()) {
      trouble_ = space_.trouble();
      return publish();
    }
    disk_full_ = false;
    log_.info("spool.space_returned", {});
  }
  // A commit that changes nothing but its own row shows that settles can be written again.
  class Probe final : public Chore {
   public:
    Probe() : Chore(Haste::now, Need::settle) {}
    void run(WriteContext&) override {}
  };
  std::vector<OperationPtr> batch;
  batch.push_back(std::make_unique<Probe>());
  process(std::move(batch));
}

void Writer::sweep_orphans() {
  if (orphans_.empty()) return;
  follow_ups_.push_back(std::make_unique<ForgetDue>(std::exchange(orphans_, {}), std::nullopt));
}

void Writer::publish() {
  SpoolStats stats;
  fill_stats(meta_, stats);
  stats.max_bytes = environment_.map_size();
  stats.high_water_bytes = high_water_;
  stats.file_bytes = environment_.file_end();
  stats.commits = commits_;
  stats.synced_operations = synced_;
  stats.last_commit_us = last_commit_us_;
  stats.oldest_due_ms = oldest_due_ == kNever ? 0 : static_cast<std::uint64_t>(to_ms(oldest_due_));
  stats.accepting = !closed_ && !fatal_ && !disk_full_ && used_ < high_water_;
  stats.can_settle = !closed_ && !fatal_ && !cannot_settle_;
  stats.trouble = closed_ ? "the spool is closed" : trouble_;
  if (stats.trouble.empty() && !stats.accepting) stats.trouble = "the spool is over its high-water mark";
  accepting_.store(stats.accepting, std::memory_order_relaxed);
  can_settle_.store(stats.can_settle, std::memory_order_relaxed);
  std::lock_guard lock(stats_mutex_);
  stats_ = std::move(stats);
}

}  // namespace postrider::storage::lmdb
