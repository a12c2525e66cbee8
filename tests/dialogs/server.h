// The real SMTP server for one script: a Loop on its own thread, a Listener on an ephemeral loopback port, the memory store, the
// real submission and authenticator. No dispatcher: what is accepted stays where the script can look at it.
#pragma once

#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "net/listener.h"
#include "net/loop.h"
#include "net/task_group.h"
#include "relay/inbound/smtp_server.h"
#include "storage/memory_store.h"
#include "tests/dialogs/script.h"

namespace postrider::dialogs {

// Keeps what an operator would read.
class RecordingLog final : public Log {
 public:
  bool enabled(LogLevel level) const override { return level >= LogLevel::info; }
  void write(LogLevel, std::string_view event, const MessageId*, std::initializer_list<LogField> fields) override;
  std::vector<std::string> lines() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
};

struct StoredMessage {
  MessageRecord record;
  std::string body;
};

class Server {
 public:
  explicit Server(const Script& script);  // throws on a setting it does not know
  ~Server();

  std::uint16_t port() const { return listener_->endpoint().port(); }
  std::size_t stored();
  StoredMessage last_stored();
  void fail_writes(bool failing) { store_->fail_writes(failing); }
  void drain(Duration grace);  // begins it, does not wait
  std::vector<std::string> log_lines() const { return log_.lines(); }

 private:
  void apply(const std::string& name, const std::string& value);
  void set_max_message_size(const std::string& value);
  void set_bare_lf(const std::string& value);
  void set_tls(const std::string& value);
  void add_user(const std::string& value);
  void add_alias(const std::string& value);
  void add_rewrite(const std::string& value);

  relay::SmtpOptions options_;
  relay::ListenerPolicy policy_;
  relay::SubmissionOptions submission_options_;
  storage::MemoryStoreOptions store_options_;
  std::vector<storage::UserRecord> users_;
  std::uint64_t body_memory_limit_ = 64 << 20;
  bool with_tls_ = true;

  RecordingLog log_;
  MetricsRegistry registry_;
  relay::SmtpMetrics metrics_{registry_};
  relay::ConnectionCounts counts_;
  net::Loop loop_{"dialogue"};
  std::unique_ptr<Budget> body_memory_;  // outlives the chunks in the store
  std::unique_ptr<storage::MemoryStore> store_;
  relay::PasswordWorker worker_;
  std::unique_ptr<relay::Submission> submission_;
  std::unique_ptr<relay::Authenticator> authenticator_;
  std::unique_ptr<relay::SmtpServer> server_;
  std::unique_ptr<net::TaskGroup> drains_;
  std::unique_ptr<net::Listener> listener_;
  std::thread thread_;
};

}  // namespace postrider::dialogs
