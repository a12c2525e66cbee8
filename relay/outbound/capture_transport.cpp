#include "relay/outbound/capture_transport.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <random>

#include "net/await.h"
#include "relay/outbound/capture_file.h"

namespace postrider::relay {

namespace asio = boost::asio;

namespace {

constexpr std::size_t kChunksAtOnce = 16;  // chunks handed to the file thread at once: about 1 MB

using Chunks = std::vector<std::shared_ptr<const std::string>>;

class CaptureTransport final : public Transport {
 public:
  CaptureTransport(net::Loop& loop, UpstreamConfig config, std::string hostname)
      : loop_(loop), config_(std::move(config)), hostname_(std::move(hostname)), tag_(std::random_device()()) {
    std::replace(hostname_.begin(), hostname_.end(), '/', '_');  // these two have a meaning in a Maildir name
    std::replace(hostname_.begin(), hostname_.end(), ':', '_');
    asio::post(disk_, [] { pthread_setname_np(pthread_self(), "capture"); });
  }
  ~CaptureTransport() override { disk_.join(); }

  asio::awaitable<HandoverReport> deliver(Handover handover) override;
  asio::awaitable<Attempt> probe() override;
  void close_idle() override {}
  std::size_t connections() const override { return 0; }

 private:
  struct Failure {
    Cause cause = Cause::route;
    std::string text;
  };

  asio::awaitable<std::optional<Failure>> store(std::shared_ptr<CaptureFile> file, Handover& handover);
  template <typename Job>
  asio::awaitable<result<void>> on_disk_thread(Job job);
  Attempt begin_attempt() const;
  std::string file_name(const MessageRecord& record);

  net::Loop& loop_;
  UpstreamConfig config_;
  std::string hostname_;
  std::uint32_t tag_;  // tells the transports of several threads and runs apart
  std::uint64_t counter_ = 0;
  asio::thread_pool disk_{1};
};

std::string envelope_fields(const Handover& handover) {
  std::string fields = "Return-Path: <" + handover.message->envelope.sender.str() + ">\r\n";
  for (std::uint32_t index : handover.recipients) {
    fields += "X-Envelope-To: <" + handover.message->recipients[index].address.str() + ">\r\n";
  }
  return fields;
}

result<void> write_batch(CaptureFile& file, const Chunks& chunks, bool last) {
  for (const auto& chunk : chunks) {
    if (auto written = file.write(*chunk); !written) return written;
  }
  return last ? file.finish() : result<void>();
}

result<void> begin_file(const std::string& directory, CaptureFile& file, std::string_view fields) {
  if (auto made = make_maildir(directory); !made) return made;
  if (auto opened = file.open(); !opened) return opened;
  return file.write(fields);
}

asio::awaitable<HandoverReport> CaptureTransport::deliver(Handover handover) {
  const Duration began = loop_.clock().monotonic();
  HandoverReport report;
  Attempt& attempt = report.attempt;
  attempt = begin_attempt();
  auto file = std::make_shared<CaptureFile>(config_.directory, file_name(*handover.message));
  const std::optional<Failure> failure = co_await store(file, handover);
  if (failure) {
    attempt.stage = Stage::local;
    attempt.reason.cause = failure->cause;
    attempt.reason.text = sanitize_reason_text(failure->text);
  } else {
    attempt.stage = Stage::final_dot;
    attempt.outcome = OutcomeKind::sent;
    attempt.remote_id = file->name();
  }
  attempt.reason.stage = attempt.stage;
  for (std::uint32_t index : handover.recipients) {
    RecipientOutcome outcome;
    outcome.recipient = index;
    outcome.kind = attempt.outcome;
    outcome.reason = attempt.reason;
    attempt.recipients.push_back(std::move(outcome));
  }
  attempt.duration_ms = static_cast<std::uint32_t>((loop_.clock().monotonic() - began).count());
  co_return report;
}

// The body goes to the file thread in batches, the last one together with sync and rename: one hand-over for most messages.
asio::awaitable<std::optional<CaptureTransport::Failure>> CaptureTransport::store(std::shared_ptr<CaptureFile> file,
                                                                                  Handover& handover) {
  const std::string fields = envelope_fields(handover);
  std::optional<Failure> failure;
  bool begun = false, last = false;
  while (!last && !failure) {
    Chunks chunks;
    while (!last && !failure && chunks.size() < kChunksAtOnce) {
      auto next = co_await handover.body->next();
      if (!next) {
        failure = Failure{Cause::spool, "the body could not be read: " + next.error().text};
      } else {
        last = *next == nullptr;
        if (!last) chunks.push_back(std::move(*next));
      }
    }
    if (failure) break;
    auto job = [this, file, &fields, chunks = std::move(chunks), first = !begun, last]() -> result<void> {
      if (first) {
        if (auto started = begin_file(config_.directory, *file, fields); !started) return started;
      }
      return write_batch(*file, chunks, last);
    };
    begun = true;
    const result<void> done = co_await on_disk_thread(std::move(job));
    if (!done) failure = Failure{Cause::route, done.error().text};
  }
  if (failure && begun) {
    auto discard = [file]() -> result<void> {
      file->discard();
      return {};
    };
    co_await on_disk_thread(std::move(discard));
  }
  co_return failure;
}

// Waits until the job ran, whatever else happens: what it refers to stays alive.
template <typename Job>
asio::awaitable<result<void>> CaptureTransport::on_disk_thread(Job job) {
  auto start = [this, &job](Done<Nothing> done) {
    asio::post(disk_, [job = std::move(job), done = std::make_shared<Done<Nothing>>(std::move(done))]() mutable {
      const result<void> ended = job();
      done->complete(ended ? result<Nothing>(Nothing()) : result<Nothing>(ended.error()));
    });
  };
  const result<Nothing> answer = co_await net::await_done<Nothing>(loop_, std::move(start));
  if (!answer) co_return answer.error();
  co_return result<void>();
}

asio::awaitable<Attempt> CaptureTransport::probe() {
  Attempt attempt = begin_attempt();
  auto job = [directory = config_.directory] { return make_maildir(directory); };
  const result<void> made = co_await on_disk_thread(std::move(job));
  attempt.stage = Stage::local;
  attempt.reason.stage = Stage::local;
  attempt.outcome = made ? OutcomeKind::sent : OutcomeKind::deferred;
  if (!made) {
    attempt.reason.cause = Cause::route;
    attempt.reason.text = sanitize_reason_text(made.error().text);
  }
  co_return attempt;
}

Attempt CaptureTransport::begin_attempt() const {
  Attempt attempt;
  attempt.upstream = config_.name;
  attempt.peer = config_.directory;
  attempt.started_at = loop_.clock().now();
  return attempt;
}

// seconds.unique.host, as Maildir readers expect; the id makes it easy to find.
std::string CaptureTransport::file_name(const MessageRecord& record) {
  const std::int64_t seconds = to_ms(loop_.clock().now()) / 1000;
  return std::to_string(seconds) + '.' + record.id.str() + 'P' + std::to_string(::getpid()) + 'T' +
         std::to_string(tag_) + 'Q' + std::to_string(++counter_) + '.' + hostname_;
}

}  // namespace

std::unique_ptr<Transport> make_capture_transport(net::Loop& loop, UpstreamConfig config, std::string hostname) {
  return std::make_unique<CaptureTransport>(loop, std::move(config), std::move(hostname));
}

}  // namespace postrider::relay
