#include "storage/memory_store.h"

#include <deque>
#include <mutex>

#include "storage/memory_spool.h"

namespace postrider::storage {
namespace {

Fault closed_fault() {
  return {FaultKind::unavailable, "the store is closed"};
}
Fault write_fault() {
  return {FaultKind::unavailable, "the store refuses writes"};
}

// Answers are posted under the lock: a mailbox never runs a task inside post(), and so answers keep the order
// of commits.
class MemoryStoreImpl final : public MemoryStore {
 public:
  explicit MemoryStoreImpl(MemorySpool spool) : spool_(std::move(spool)) {
    recovered_due_ = spool_.take_due_change();
    recovered_expiry_ = spool_.take_expiry_change();
  }

  void accept(NewMessage message, Done<Accepted> done) override {
    const MessageId id = message.record.id;
    write(
        std::move(done), [this, m = std::move(message)]() mutable { return spool_.accept(std::move(m)); },
        [this, id] { spool_.unstage(id); });
  }
  void stage(StagedChunk chunk, Done<Nothing> done) override {
    write(std::move(done), [this, c = std::move(chunk)]() mutable { return spool_.stage(std::move(c)); });
  }
  void unstage(MessageId id) override {
    const std::lock_guard lock(mutex_);
    if (!closed_) submit([this, id] { spool_.unstage(id); });
  }

  void claim(std::vector<ClaimRequest> requests, Done<std::vector<Claimed>> done) override {
    write(std::move(done), [this, r = std::move(requests)] { return result<std::vector<Claimed>>(spool_.claim(r)); });
  }
  void settle(Settlement settlement, Done<Settled> done) override {
    write(std::move(done), [this, s = std::move(settlement)] { return spool_.settle(s); });
  }
  void steer(std::vector<SteerRequest> requests, Done<std::vector<result<Steered>>> done) override {
    write(std::move(done),
          [this, r = std::move(requests)] { return result<std::vector<result<Steered>>>(spool_.steer(r)); });
  }

  void amend(AmendRequest request, Done<std::shared_ptr<MessageRecord>> done) override {
    write(std::move(done), [this, r = std::move(request)] { return spool_.amend(r); });
  }

  void expire(ExpireRequest request, Done<Expired> done) override {
    write(std::move(done), [this, request] { return result<Expired>(spool_.expire(request)); });
  }
  void revive(ReviveRequest request, Done<Revived> done) override {
    write(std::move(done), [this, r = std::move(request)] { return result<Revived>(spool_.revive(r)); });
  }
  void put_upstream_state(UpstreamState state, std::vector<Event> events, Done<Nothing> done) override {
    write(std::move(done), [this, s = std::move(state), e = std::move(events)]() mutable {
      return spool_.put_upstream_state(std::move(s), std::move(e));
    });
  }

  void find(MessageId id, Done<MessageRecord> done) override {
    read(std::move(done), [&] { return spool_.find(id); });
  }
  void history(MessageId id, Done<std::vector<Event>> done) override {
    read(std::move(done), [&] { return spool_.history(id); });
  }
  void list(ListQuery query, Done<ListPage> done) override {
    read(std::move(done), [&] { return result<ListPage>(spool_.list(query)); });
  }
  void events(EventQuery query, Done<std::vector<Event>> done) override {
    read(std::move(done), [&] { return result<std::vector<Event>>(spool_.events(query)); });
  }
  void read_body(BodyQuery query, Done<std::vector<std::shared_ptr<const std::string>>> done) override {
    read(std::move(done), [&] { return spool_.read_body(query); });
  }
  void due(DueQuery query, Done<DuePage> done) override {
    read(std::move(done), [&] { return result<DuePage>(spool_.due(query)); });
  }
  void verify(VerifyQuery query, Done<VerifyPage> done) override {
    read(std::move(done), [&] { return result<VerifyPage>(spool_.verify(query)); });
  }

  void retire(RetireRequest request, Done<Retired> done) override {
    write(std::move(done), [this, request] { return result<Retired>(spool_.retire(request)); });
  }

  void preview_retire(RetireRequest request, Done<Retired> done) override {
    read(std::move(done), [&] { return result<Retired>(spool_.preview_retire(request)); });
  }
  void owing(OwingQuery query, Done<OwingPage> done) override {
    read(std::move(done), [&] { return result<OwingPage>(spool_.owing(query)); });
  }

  void find_by_provider_id(std::string upstream, std::string provider_id, Done<MessageId> done) override {
    read(std::move(done), [&] { return spool_.find_by_provider_id(upstream, provider_id); });
  }
  void upstream_states(Done<std::vector<UpstreamState>> done) override {
    read(std::move(done), [&] { return result<std::vector<UpstreamState>>(spool_.upstream_states()); });
  }
  void waiting(Done<std::vector<Waiting>> done) override {
    read(std::move(done), [&] { return result<std::vector<Waiting>>(spool_.waiting()); });
  }
  void due_heads(Done<std::vector<DueHead>> done) override {
    read(std::move(done), [&] { return result<std::vector<DueHead>>(spool_.due_heads()); });
  }

  void report(std::vector<Report> reports, Time now, Done<std::vector<result<Reported>>> done) override {
    write(std::move(done),
          [this, r = std::move(reports), now] { return result<std::vector<result<Reported>>>(spool_.report(r, now)); });
  }
  void put_suppression(Suppression entry, Done<Nothing> done) override {
    write(std::move(done), [this, e = std::move(entry)]() mutable { return spool_.put_suppression(std::move(e)); });
  }
  void remove_suppression(std::string address, Done<Nothing> done) override {
    write(std::move(done), [this, a = std::move(address)] { return spool_.remove_suppression(a); });
  }
  void find_suppressions(std::vector<std::string> addresses,
                         Done<std::vector<std::optional<Suppression>>> done) override {
    using Found = std::vector<std::optional<Suppression>>;
    read(std::move(done), [&] { return result<Found>(spool_.find_suppressions(addresses)); });
  }
  void list_suppressions(SuppressionQuery query, Done<SuppressionPage> done) override {
    read(std::move(done), [&] { return result<SuppressionPage>(spool_.list_suppressions(query)); });
  }

  void put_user(UserRecord user, bool must_be_new, Done<Nothing> done) override {
    write(std::move(done),
          [this, u = std::move(user), must_be_new]() mutable { return spool_.put_user(std::move(u), must_be_new); });
  }
  void remove_user(std::string name, Done<Nothing> done) override {
    write(std::move(done), [this, n = std::move(name)] { return spool_.remove_user(n); });
  }
  void find_user(std::string name, Done<UserRecord> done) override {
    read(std::move(done), [&] { return spool_.find_user(name); });
  }
  void list_users(Done<std::vector<UserRecord>> done) override {
    read(std::move(done), [&] { return result<std::vector<UserRecord>>(spool_.list_users()); });
  }

  void put_api_key(ApiKeyRecord key, bool must_be_new, Done<Nothing> done) override {
    write(std::move(done),
          [this, k = std::move(key), must_be_new]() mutable { return spool_.put_api_key(std::move(k), must_be_new); });
  }
  void remove_api_key(std::string name, Done<Nothing> done) override {
    write(std::move(done), [this, n = std::move(name)] { return spool_.remove_api_key(n); });
  }
  void list_api_keys(Done<std::vector<ApiKeyRecord>> done) override {
    read(std::move(done), [&] { return result<std::vector<ApiKeyRecord>>(spool_.list_api_keys()); });
  }
  void put_api_key_usage(std::vector<ApiKeyUsage> usage, Done<Nothing> done) override {
    write(std::move(done), [this, u = std::move(usage)]() mutable {
      spool_.put_api_key_usage(std::move(u));
      return result<Nothing>(Nothing{});
    });
  }
  void list_api_key_usage(Done<std::vector<ApiKeyUsage>> done) override {
    read(std::move(done), [&] { return result<std::vector<ApiKeyUsage>>(spool_.list_api_key_usage()); });
  }

  SpoolStats stats() const override {
    const std::lock_guard lock(mutex_);
    SpoolStats stats = spool_.stats();
    stats.commits = stats.synced_operations = commits_;
    if (failing_ || closed_) {
      stats.accepting = stats.can_settle = false;
      stats.trouble = (closed_ ? closed_fault() : write_fault()).text;
    }
    return stats;
  }

  bool accepting() const override { return stats().accepting; }
  bool can_settle() const override { return stats().can_settle; }

  void on_due_changed(Mailbox& where, std::function<void(Time)> call) override {
    const std::lock_guard lock(mutex_);
    watchers_.push_back({&where, std::move(call)});
    if (recovered_due_) notify(watchers_.back(), *recovered_due_);
  }
  void on_expiry_changed(Mailbox& where, std::function<void(Time)> call) override {
    const std::lock_guard lock(mutex_);
    expiry_watcher_ = {&where, std::move(call)};
    if (recovered_expiry_) notify(expiry_watcher_, *recovered_expiry_);
  }

  void close() override {
    const std::lock_guard lock(mutex_);
    commit_pending();
    closed_ = true;
  }

  void fail_writes(bool failing) override {
    const std::lock_guard lock(mutex_);
    failing_ = failing;
  }
  void pause_commits(bool paused) override {
    const std::lock_guard lock(mutex_);
    paused_ = paused;
    if (!paused_) commit_pending();
  }
  std::unique_ptr<MemoryStore> reopen(Time now) override {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    pending_.clear();
    MemorySpool survived = spool_;
    survived.recover(now);
    return std::make_unique<MemoryStoreImpl>(std::move(survived));
  }

 private:
  struct Watcher {
    Mailbox* where = nullptr;
    std::function<void(Time)> call;
  };

  // Runs `verb` as one commit, or `refused` instead while writes fail.
  template <typename T, typename Verb>
  void write(Done<T> done, Verb verb) {
    write(std::move(done), std::move(verb), [] {});
  }
  template <typename T, typename Verb, typename Refused>
  void write(Done<T> done, Verb verb, Refused refused) {
    const std::lock_guard lock(mutex_);
    if (closed_) return done.complete(closed_fault());
    submit([this, d = std::move(done), v = std::move(verb), r = std::move(refused)]() mutable {
      if (failing_) {
        r();
        return d.complete(write_fault());
      }
      result<T> answer = v();
      ++commits_;
      d.complete(std::move(answer));
      const auto expiry = spool_.take_expiry_change();
      if (expiry && expiry_watcher_.where) notify(expiry_watcher_, *expiry);
      const auto earliest = spool_.take_due_change();
      if (!earliest) return;
      for (const Watcher& watcher : watchers_) notify(watcher, *earliest);
    });
  }
  template <typename T, typename Verb>
  void read(Done<T> done, Verb verb) {
    const std::lock_guard lock(mutex_);
    if (closed_) return done.complete(closed_fault());
    done.complete(verb());
  }

  template <typename F>
  void submit(F commit) {
    if (paused_) {
      pending_.emplace_back(std::move(commit));
    } else {
      commit();
    }
  }
  void commit_pending() {
    for (Task& commit : pending_) commit();
    pending_.clear();
  }
  static void notify(const Watcher& watcher, Time earliest) {
    std::vector<Task> tasks;
    tasks.emplace_back([call = watcher.call, earliest] { call(earliest); });
    watcher.where->post(std::move(tasks));
  }

  mutable std::mutex mutex_;
  MemorySpool spool_;
  std::deque<Task> pending_;
  std::vector<Watcher> watchers_;
  Watcher expiry_watcher_;
  std::optional<Time> recovered_due_,
      recovered_expiry_;  // of what recovery put, for those who start to listen after it
  std::uint64_t commits_ = 0;
  bool failing_ = false, paused_ = false, closed_ = false;
};

}  // namespace

std::unique_ptr<MemoryStore> make_memory_store(MemoryStoreOptions options) {
  return std::make_unique<MemoryStoreImpl>(MemorySpool(options));
}

}  // namespace postrider::storage
