#include "cmd/logging.h"

#include <pthread.h>
#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <thread>

namespace postrider::cmd {
namespace {

constexpr std::size_t kMostAtOnce = 64 * 1024;             // octets of lines in one write
constexpr auto kBreather = std::chrono::milliseconds(10);  // after a write; lines gather meanwhile

// Runs on the logging thread alone, hence no mutex. Says itself how many lines were lost before the one it writes.
class Sink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  Sink(LogFormat format, LineSink write, std::function<Time()> now)
      : format_line_(format), write_(std::move(write)), now_(std::move(now)) {}

  ~Sink() override {
    if (!lines_.empty()) write_(lines_);
  }

  // Before the first line. The pool calls this sink from its one thread, which it joins before it ends.
  void count_drops_of(spdlog::details::thread_pool& pool) { pool_ = &pool; }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    report_drops();
    lines_.append(message.payload.data(), message.payload.size());
    lines_ += '\n';
    if (pool_->queue_size() > 0 && lines_.size() < kMostAtOnce) return;
    write_(lines_);
    lines_.clear();
    // Whoever logs next need not wake this thread: a wake-up a line costs a busy relay thread more than the line does.
    std::this_thread::sleep_for(kBreather);
  }
  void flush_() override {}

  void report_drops() {
    const std::uint64_t dropped = pool_->overrun_counter();
    if (dropped == reported_) return;
    lines_ += format_log_line(format_line_, now_(), LogLevel::warn, "log.dropped", nullptr,
                              {{"lines", std::to_string(dropped - reported_)}});
    lines_ += '\n';
    reported_ = dropped;
  }

  LogFormat format_line_;
  LineSink write_;
  std::function<Time()> now_;
  spdlog::details::thread_pool* pool_ = nullptr;
  std::uint64_t reported_ = 0;
  std::string lines_;  // taken from the queue, not yet written
};

class AsyncLog final : public OperatorLog {
 public:
  AsyncLog(const LoggingOptions& options, LineSink write, std::function<Time()> now)
      : format_(options.format),
        level_(options.level),
        now_(now),
        pool_(std::make_shared<spdlog::details::thread_pool>(options.queue_lines, 1,
                                                             [] { pthread_setname_np(pthread_self(), "log"); })) {
    auto sink = std::make_shared<Sink>(format_, std::move(write), std::move(now));
    sink->count_drops_of(*pool_);
    logger_ = std::make_shared<spdlog::async_logger>("postrider", std::move(sink), pool_,
                                                     spdlog::async_overflow_policy::overrun_oldest);
    logger_->set_level(spdlog::level::trace);  // level_ decides
  }

  bool enabled(LogLevel level) const override { return level >= level_.load(std::memory_order_relaxed); }

  void write(LogLevel level, std::string_view event, const MessageId* message,
             std::initializer_list<LogField> fields) override {
    if (!enabled(level)) return;
    logger_->log(spdlog::level::info, format_log_line(format_, now_(), level, event, message, fields));
  }

  std::uint64_t dropped() const override { return pool_->overrun_counter(); }
  void set_level(LogLevel level) override { level_.store(level, std::memory_order_relaxed); }

 private:
  LogFormat format_;
  std::atomic<LogLevel> level_;
  std::function<Time()> now_;
  std::shared_ptr<spdlog::details::thread_pool> pool_;
  std::shared_ptr<spdlog::async_logger> logger_;  // destroyed first; the pool then writes out what is queued and ends
};

Time wall_clock() {
  return std::chrono::floor<Duration>(std::chrono::system_clock::now());
}

}  // namespace

std::unique_ptr<OperatorLog> make_log(const LoggingOptions& options, LineSink sink, std::function<Time()> now) {
  return std::make_unique<AsyncLog>(options, std::move(sink), std::move(now));
}

std::unique_ptr<OperatorLog> make_stderr_log(const LoggingOptions& options) {
  const auto to_stderr = [](std::string_view line) { std::fwrite(line.data(), 1, line.size(), stderr); };
  return make_log(options, to_stderr, wall_clock);
}

}  // namespace postrider::cmd
