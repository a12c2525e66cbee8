// What a message costs in the spool, on the disk that BENCH_DIRECTORY names (default: the working directory), with real
// syncs: accept with intent, then settle as sent, `in flight` messages at a time. CPU is of the whole process, so that the
// writer's thread counts.
#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <unistd.h>

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <mutex>

#include "storage/lmdb_store.h"
#include "storage/record_codec.h"

namespace postrider::storage {
namespace {

class CountingMailbox final : public Mailbox {
 public:
  void post(std::vector<Task> tasks) override {
    for (Task& task : tasks) task();
    const std::lock_guard lock(mutex_);
    done_ += tasks.size();
    arrived_.notify_one();
  }
  void wait_for(std::size_t answers) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return done_ >= answers; });
    done_ -= answers;
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::size_t done_ = 0;
};

std::string bench_directory() {
  const char* base = std::getenv("BENCH_DIRECTORY");
  std::string path = std::string(base ? base : ".") + "/spool-bench-XXXXXX";
  if (!mkdtemp(path.data())) throw SpoolError("cannot make " + path);
  return path;
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

NewMessage make_message(MessageIdSource& ids, const std::shared_ptr<const std::string>& body, Time now) {
  NewMessage m;
  m.now = now;
  m.record.id = ids.next(now);
  m.record.envelope.sender = {"app", "example.org"};
  m.record.envelope.subject = "Your order";
  m.record.envelope.client = "192.0.2.1";
  m.record.envelope.message_id_header = "<1234567890@example.org>";
  m.record.envelope.created_at = now;
  m.record.headers = std::string(500, 'h');
  Recipient& recipient = m.record.recipients.emplace_back();
  recipient.address = {"user" + std::to_string(to_ms(now) % 10'000), "example.com"};
  recipient.due = now;
  m.body.chunks.push_back(body);
  m.body.size = m.record.body_size = body->size();
  m.record.body_chunks = 1;
  m.intent = Intent{"primary"};
  return m;
}

Settlement make_settlement(const MessageId& id, Time now) {
  Settlement s;
  s.id = id;
  s.now = now;
  Attempt& attempt = s.attempts.emplace_back();
  attempt.upstream = "primary";
  attempt.peer = "mx.example.net[192.0.2.2]:25";
  attempt.started_at = now;
  attempt.outcome = OutcomeKind::sent;
  attempt.stage = Stage::final_dot;
  attempt.reason = {Cause::none, Stage::final_dot, 250, "2.0.0", "Ok: queued as 4XyZ12345"};
  attempt.recipients.push_back({0, OutcomeKind::sent, attempt.reason});
  RecipientUpdate& update = s.updates.emplace_back();
  update.trigger = Trigger::hand_over;
  update.reason = attempt.reason;
  update.upstream = "primary";
  return s;
}

void accept_and_settle(benchmark::State& state) {
  const auto in_flight = static_cast<std::size_t>(state.range(0));
  const auto body = std::make_shared<const std::string>(static_cast<std::size_t>(state.range(1)), 'x');
  const std::string directory = bench_directory();
  NullLog log;
  SpoolOptions options;
  options.data_dir = directory;
  auto store = open_lmdb_store(options, log);
  CountingMailbox mailbox;
  MessageIdSource ids(1);
  Time now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  std::vector<MessageId> accepted;
  const SpoolStats before = store->stats();
  const double cpu = cpu_seconds();
  for (auto _ : state) {  // one round: accept some while those of the round before are settled
    now += Duration(1);
    const std::size_t answers = in_flight + accepted.size();
    for (const MessageId& id : accepted) {
      store->settle(make_settlement(id, now), Done<Settled>(mailbox, [](result<Settled> r) { r.value(); }));
    }
    accepted.clear();
    for (std::size_t i = 0; i < in_flight; ++i) {
      NewMessage m = make_message(ids, body, now);
      accepted.push_back(m.record.id);
      store->accept(std::move(m), Done<Accepted>(mailbox, [](result<Accepted> r) { r.value(); }));
    }
    mailbox.wait_for(answers);
  }
  const auto messages = static_cast<double>(state.iterations()) * static_cast<double>(in_flight);
  state.counters["cpu_us_per_message"] = (cpu_seconds() - cpu) * 1e6 / messages;
  state.counters["messages_per_second"] = benchmark::Counter(messages, benchmark::Counter::kIsRate);
  state.counters["operations_per_commit"] =
      static_cast<double>(store->stats().synced_operations - before.synced_operations) /
      static_cast<double>(store->stats().commits - before.commits);
  store.reset();
  std::filesystem::remove_all(directory);
}
BENCHMARK(accept_and_settle)
    ->ArgNames({"in_flight", "octets"})
    ->Args({1, 4096})
    ->Args({32, 4096})
    ->Args({128, 4096})
    ->UseRealTime();

void encode_record(benchmark::State& state) {
  MessageIdSource ids(1);
  StoredMessage message;
  message.record = make_message(ids, std::make_shared<const std::string>("x"), from_ms(1)).record;
  std::string out;
  for (auto _ : state) encode_message(message, out);
}
BENCHMARK(encode_record);

void decode_record(benchmark::State& state) {
  MessageIdSource ids(1);
  StoredMessage message;
  message.record = make_message(ids, std::make_shared<const std::string>("x"), from_ms(1)).record;
  std::string out;
  encode_message(message, out);
  for (auto _ : state) benchmark::DoNotOptimize(decode_message(out, message.record.id));
}
BENCHMARK(decode_record);

}  // namespace
}  // namespace postrider::storage
