// Puts the parts together: environment, writer, readers, behind the Store contract.
#include "storage/lmdb_store.h"

#include <chrono>

#include "storage/lmdb/environment.h"
#include "storage/lmdb/queries.h"
#include "storage/lmdb/readers.h"
#include "storage/lmdb/repair_ops.h"
#include "storage/lmdb/write_ops.h"
#include "storage/lmdb/writer.h"

namespace postrider::storage {

namespace {

using namespace lmdb;  // the parts named below are all from there

// One step of a count of the due index; the next one queues up behind the other readers' work.
class CountJob final : public ReadJob {
 public:
  CountJob(Readers& readers, DueCount count, Done<std::vector<Waiting>> done)
      : readers_(readers), count_(std::move(count)), done_(std::move(done)) {}
  void run(Snapshot& snapshot) override { count_due(snapshot, count_); }
  void fail(Fault fault) override { fault_ = std::move(fault); }
  void answer() override {
    if (fault_) return done_.complete(*fault_);
    if (!count_.more) return done_.complete(std::move(count_.rows));
    readers_.submit(std::make_unique<CountJob>(readers_, std::move(count_), std::move(done_)));
  }

 private:
  Readers& readers_;
  DueCount count_;
  Done<std::vector<Waiting>> done_;
  std::optional<Fault> fault_;
};

class LmdbStore final : public Store {
 public:
  LmdbStore(const SpoolOptions& options, Environment::Access access, Log& log)
      : environment_(options, access),
        writer_(access == Environment::Access::write ? std::make_unique<Writer>(environment_, options, log) : nullptr) {
    if (writer_) {
      std::vector<Writer::OperationPtr> opening;
      opening.push_back(std::make_unique<NewEpoch>());
      opening.push_back(std::make_unique<RecoverClaims>(options.max_interruptions, std::string()));
      opening.push_back(std::make_unique<CollectStaged>());
      writer_->run_now(std::move(opening));
      writer_->start();
    }
    const auto on_damage = [this](Damage damage) {
      if (writer_) writer_->submit(std::make_unique<Quarantine>(std::move(damage)));
    };
    readers_ = std::make_unique<Readers>(environment_, options.readers, on_damage, log);
  }
  ~LmdbStore() override { close(); }

  void accept(NewMessage message, Done<Accepted> done) override { write<Accept>(std::move(done), std::move(message)); }
  void stage(StagedChunk chunk, Done<Nothing> done) override { write<StageChunk>(std::move(done), std::move(chunk)); }
  void unstage(MessageId id) override {
    if (writer_) writer_->submit(std::make_unique<Unstage>(id));
  }
  void claim(std::vector<ClaimRequest> requests, Done<std::vector<Claimed>> done) override {
    write<Claim>(std::move(done), std::move(requests));
  }
  void settle(Settlement settlement, Done<Settled> done) override {
    write<Settle>(std::move(done), std::move(settlement));
  }
  void steer(std::vector<SteerRequest> requests, Done<std::vector<result<Steered>>> done) override {
    write<Steer>(std::move(done), std::move(requests));
  }
  void amend(AmendRequest request, Done<std::shared_ptr<MessageRecord>> done) override {
    write<Amend>(std::move(done), std::move(request));
  }
  void expire(ExpireRequest request, Done<Expired> done) override { write<Expire>(std::move(done), request); }
  void revive(ReviveRequest request, Done<Revived> done) override {
    write<Revive>(std::move(done), std::move(request));
  }
  void report(std::vector<Report> reports, Time now, Done<std::vector<result<Reported>>> done) override {
    write<TakeReports>(std::move(done), std::move(reports), now);
  }
  void put_suppression(Suppression entry, Done<Nothing> done) override {
    write<PutSuppression>(std::move(done), std::move(entry));
  }
  void remove_suppression(std::string address, Done<Nothing> done) override {
    write<RemoveSuppression>(std::move(done), std::move(address));
  }
  void put_upstream_state(UpstreamState state, std::vector<Event> events, Done<Nothing> done) override {
    write<PutUpstreamState>(std::move(done), std::move(state), std::move(events));
  }
  void retire(RetireRequest request, Done<Retired> done) override { write<Retire>(std::move(done), request); }
  void put_user(UserRecord user, bool must_be_new, Done<Nothing> done) override {
    write<PutUser>(std::move(done), std::move(user), must_be_new);
  }
  void remove_user(std::string name, Done<Nothing> done) override {
    write<RemoveUser>(std::move(done), std::move(name));
  }

  void put_api_key(ApiKeyRecord key, bool must_be_new, Done<Nothing> done) override {
    write<PutApiKey>(std::move(done), std::move(key), must_be_new);
  }
  void remove_api_key(std::string name, Done<Nothing> done) override {
    write<RemoveApiKey>(std::move(done), std::move(name));
  }
  void put_api_key_usage(std::vector<ApiKeyUsage> usage, Done<Nothing> done) override {
    write<PutApiKeyUsage>(std::move(done), std::move(usage));
  }

  void find(MessageId id, Done<MessageRecord> done) override {
    read(std::move(done), [id](Snapshot& s) { return lmdb::find(s, id); });
  }
  void history(MessageId id, Done<std::vector<Event>> done) override {
    read(std::move(done), [id](Snapshot& s) { return lmdb::history(s, id); });
  }
  void list(ListQuery query, Done<ListPage> done) override {
    read(std::move(done), [query = std::move(query)](Snapshot& s) { return lmdb::list(s, query); });
  }
  void events(EventQuery query, Done<std::vector<Event>> done) override {
    read(std::move(done), [query](Snapshot& s) { return lmdb::events(s, query); });
  }
  void read_body(BodyQuery query, Done<std::vector<std::shared_ptr<const std::string>>> done) override {
    read(std::move(done), [query](Snapshot& s) { return lmdb::read_body(s, query); });
  }
  void due(DueQuery query, Done<DuePage> done) override {
    read(std::move(done), [query](Snapshot& s) { return lmdb::due(s, query); });
  }
  void find_by_provider_id(std::string upstream, std::string provider_id, Done<MessageId> done) override {
    read(std::move(done), [upstream = std::move(upstream), provider_id = std::move(provider_id)](Snapshot& s) {
      return lmdb::find_by_provider_id(s, upstream, provider_id);
    });
  }
  void upstream_states(Done<std::vector<UpstreamState>> done) override {
    read(std::move(done), [](Snapshot& s) { return lmdb::upstream_states(s); });
  }
  void waiting(Done<std::vector<Waiting>> done) override {
    readers_->submit(std::make_unique<CountJob>(*readers_, DueCount{}, std::move(done)));
  }
  void due_heads(Done<std::vector<DueHead>> done) override {
    read(std::move(done), [](Snapshot& s) { return lmdb::due_heads(s); });
  }
  void owing(OwingQuery query, Done<OwingPage> done) override {
    read(std::move(done), [query](Snapshot& s) { return lmdb::owing(s, query); });
  }
  void preview_retire(RetireRequest request, Done<Retired> done) override {
    read(std::move(done), [request](Snapshot& s) { return lmdb::preview_retire(s, request); });
  }
  void verify(VerifyQuery query, Done<VerifyPage> done) override {
    read(std::move(done), [query](Snapshot& s) { return lmdb::verify(s, query); });
  }
  void find_suppressions(std::vector<std::string> addresses,
                         Done<std::vector<std::optional<Suppression>>> done) override {
    read(std::move(done),
         [addresses = std::move(addresses)](Snapshot& s) { return lmdb::find_suppressions(s, addresses); });
  }
  void list_suppressions(SuppressionQuery query, Done<SuppressionPage> done) override {
    read(std::move(done), [query = std::move(query)](Snapshot& s) { return lmdb::list_suppressions(s, query); });
  }
  void find_user(std::string name, Done<UserRecord> done) override {
    read(std::move(done), [name = std::move(name)](Snapshot& s) { return lmdb::find_user(s, name); });
  }
  void list_users(Done<std::vector<UserRecord>> done) override {
    read(std::move(done), [](Snapshot& s) { return lmdb::list_users(s); });
  }

  void list_api_keys(Done<std::vector<ApiKeyRecord>> done) override {
    read(std::move(done), [](Snapshot& s) { return lmdb::list_api_keys(s); });
  }
  void list_api_key_usage(Done<std::vector<ApiKeyUsage>> done) override {
    read(std::move(done), [](Snapshot& s) { return lmdb::list_api_key_usage(s); });
  }

  bool accepting() const override { return writer_ && writer_->accepting(); }
  bool can_settle() const override { return writer_ && writer_->can_settle(); }
  SpoolStats stats() const override { return writer_ ? writer_->stats() : read_stats(); }
  void on_due_changed(Mailbox& where, std::function<void(Time)> call) override {
    if (writer_) writer_->due_watch().listen(where, std::move(call));
  }
  void on_expiry_changed(Mailbox& where, std::function<void(Time)> call) override {
    if (writer_) writer_->expiry_watch().listen(where, std::move(call));
  }

  void close() override {
    readers_->close();  // before the writer: what they find damaged still gets there
    if (writer_) writer_->close();
  }

 private:
  // Operation(input..., done) goes to the writer.
  template <typename Operation, typename T, typename... Input>
  void write(Done<T> done, Input... input) {
    if (!writer_) return done.complete(Fault{FaultKind::unavailable, "the spool was opened for reading only"});
    writer_->submit(std::make_unique<Operation>(std::move(input)..., std::move(done)));
  }
  template <typename T, typename Query>
  void read(Done<T> done, Query query) {
    readers_->submit(std::make_unique<QueryJob<T, Query>>(std::move(query), std::move(done)));
  }
  SpoolStats read_stats() const;

  Environment environment_;
  std::unique_ptr<Writer> writer_;  // null: read only
  std::unique_ptr<Readers> readers_;
};

// From the file: the numbers of the last commit, whoever made it.
SpoolStats LmdbStore::read_stats() const {
  SpoolStats stats;
  stats.accepting = stats.can_settle = false;
  stats.trouble = "opened for reading only";
  Txn txn(environment_.raw(), Txn::Mode::read);
  const auto row = txn.get(environment_.tables().meta, kMetaKey);
  const auto meta = row ? decode_meta(*row) : result<Meta>(Fault{FaultKind::damaged, "the spool's own row is missing"});
  if (!meta) {
    stats.trouble = meta.error().text;
    return stats;
  }
  fill_stats(*meta, stats);
  stats.max_bytes = environment_.map_size();
  stats.file_bytes = environment_.file_end();
  const Time oldest = oldest_due(txn, environment_.tables());
  stats.oldest_due_ms = oldest == kNever ? 0 : static_cast<std::uint64_t>(to_ms(oldest));
  return stats;
}

SpoolOptions with_defaults(SpoolOptions options) {
  if (!options.now) {
    options.now = [] { return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now()); };
  }
  return options;
}

}  // namespace

std::unique_ptr<Store> open_lmdb_store(SpoolOptions options, Log& log) {
  return std::make_unique<LmdbStore>(with_defaults(std::move(options)), Environment::Access::write, log);
}

std::unique_ptr<Store> open_lmdb_store_read_only(SpoolOptions options, Log& log) {
  return std::make_unique<LmdbStore>(with_defaults(std::move(options)), Environment::Access::read_only, log);
}

}  // namespace postrider::storage
