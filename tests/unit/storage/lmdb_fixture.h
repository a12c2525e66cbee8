// For the tests of storage/lmdb: a store in a directory of its own, its verbs as calls that wait for the answer, and a
// way to reach under it while it is closed.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "storage/lmdb/environment.h"
#include "storage/lmdb/txn.h"
#include "storage/lmdb_store.h"
#include "tests/temp_directory.h"

namespace postrider::storage {

// Runs tasks where they are posted, which here is the writer's or a reader's thread, and wakes who waits for them.
class TestMailbox final : public Mailbox {
 public:
  void post(std::vector<Task> tasks) override {
    const std::lock_guard lock(mutex_);
    ++posts_;
    for (Task& task : tasks) task();
    arrived_.notify_all();
  }
  // What the tasks change is guarded by the mailbox's own mutex.
  void wait(const std::function<bool()>& satisfied) {
    std::unique_lock lock(mutex_);
    if (!arrived_.wait_for(lock, std::chrono::minutes(1), satisfied)) throw std::runtime_error("no answer");
  }
  int posts() {
    const std::lock_guard lock(mutex_);
    return posts_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  int posts_ = 0;
};

inline constexpr std::int64_t kTestNow = 1'800'000'000'000;

class LmdbTest : public testing::Test {
 protected:
  LmdbTest() {
    options_.data_dir = directory_.path();
    options_.max_size = 64ull << 20;
    options_.settle_delay = Duration(0);
    options_.reserve_bytes = 0;
    options_.now = [] { return from_ms(kTestNow); };
  }
  ~LmdbTest() override { close(); }

  void open() { store_ = open_lmdb_store(options_, log_); }
  void close() { store_.reset(); }
  Store& store() { return *store_; }

  // Changes the closed spool's tables.
  void tamper(const std::function<void(lmdb::Txn&, const lmdb::Tables&)>& change) {
    lmdb::Environment environment(options_, lmdb::Environment::Access::write);
    lmdb::Txn txn(environment.raw(), lmdb::Txn::Mode::write);
    change(txn, environment.tables());
    txn.commit();
  }

  NewMessage message(std::size_t body_size = 100) {
    NewMessage m;
    m.now = now_;
    m.record.id = ids_.next(now_);
    m.record.envelope.sender = {"app", "example.org"};
    m.record.envelope.created_at = now_;
    m.record.recipients.emplace_back().address = {"user", "example.com"};
    m.record.recipients[0].due = now_;
    std::string octets = "Subject: test\r\nFrom: app@example.org\r\n\r\n";
    octets.resize(std::max(body_size, octets.size()), 'x');
    m.body.size = m.record.body_size = octets.size();
    for (std::size_t at = 0; at < octets.size(); at += kChunkPayload) {
      m.body.chunks.push_back(std::make_shared<const std::string>(octets.substr(at, kChunkPayload)));
    }
    m.record.body_chunks = static_cast<std::uint32_t>(m.body.chunks.size());
    return m;
  }
  NewMessage claimed_message(std::size_t body_size = 100) {
    NewMessage m = message(body_size);
    m.intent = Intent{"primary"};
    return m;
  }
  static Settlement sent(const MessageId& id) {
    Settlement s;
    s.id = id;
    s.now = from_ms(kTestNow);
    Attempt& attempt = s.attempts.emplace_back();
    attempt.upstream = "primary";
    attempt.outcome = OutcomeKind::sent;
    RecipientUpdate& update = s.updates.emplace_back();
    update.trigger = Trigger::hand_over;
    return s;
  }

  template <typename T>
  result<T> answer(const std::function<void(Done<T>)>& call) {
    std::optional<result<T>> got;
    call(Done<T>(mailbox_, [&got](result<T> value) { got.emplace(std::move(value)); }));
    mailbox_.wait([&got] { return got.has_value(); });
    return std::move(*got);
  }
  result<Accepted> accept(NewMessage m) {
    return answer<Accepted>([&](Done<Accepted> done) { store().accept(std::move(m), std::move(done)); });
  }
  MessageId stored(NewMessage m) {
    const auto accepted = accept(std::move(m));
    if (!accepted) throw std::runtime_error(accepted.error().text);
    return accepted->id;
  }
  result<Settled> settle(Settlement s) {
    return answer<Settled>([&](Done<Settled> done) { store().settle(std::move(s), std::move(done)); });
  }
  Claimed claim(const MessageId& id) {
    std::vector<ClaimRequest> requests{{id, "primary", now_}};
    auto claims = answer<std::vector<Claimed>>(
        [&](Done<std::vector<Claimed>> done) { store().claim(std::move(requests), std::move(done)); });
    return std::move(claims.value().at(0));
  }
  result<MessageRecord> find(const MessageId& id) {
    return answer<MessageRecord>([&](Done<MessageRecord> done) { store().find(id, std::move(done)); });
  }
  DuePage due() {
    return answer<DuePage>([&](Done<DuePage> done) { store().due(DueQuery{}, std::move(done)); }).value();
  }
  ListPage list() {
    return answer<ListPage>([&](Done<ListPage> done) { store().list(ListQuery{}, std::move(done)); }).value();
  }
  using Chunks = std::vector<std::shared_ptr<const std::string>>;
  result<Chunks> read_body(const MessageId& id) {
    return answer<Chunks>([&](Done<Chunks> done) { store().read_body(BodyQuery{id, 0, 64}, std::move(done)); });
  }
  // An answer from the writer after which all it was given before is done.
  void flush_writer() { claim(ids_.next(now_)); }

  TempDirectory directory_;
  NullLog log_;
  SpoolOptions options_;
  TestMailbox mailbox_;
  std::unique_ptr<Store> store_;
  Time now_ = from_ms(kTestNow);
  MessageIdSource ids_{7};
};

}  // namespace postrider::storage
