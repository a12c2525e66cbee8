// One relay thread, put together: its Loop, its transports and dispatcher, its submission, its SMTP server. What it accepts it
// delivers itself. Made, started and stopped by the daemon on the main thread; everything inside runs on the Loop.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <future>
#include <memory>

#include "cmd/loop_thread.h"
#include "cmd/outbound.h"
#include "core/budget.h"
#include "relay/inbound/authenticator.h"
#include "relay/inbound/smtp_server.h"
#include "relay/outbound/dispatch_metrics.h"
#include "relay/outbound/dispatcher.h"
#include "relay/outbound/notice_writer.h"
#include "relay/outbound/routes.h"
#include "storage/store.h"

namespace postrider::cmd {

// What all relay threads share; outlives them.
struct SharedParts {
  storage::Store& store;
  Outbound& outbound;
  Budget& body_memory;
  relay::ConnectionCounts& connection_counts;
  relay::PasswordWorker& passwords;
  relay::SmtpMetrics& smtp_metrics;
  relay::DispatchMetrics& dispatch_metrics;
  Log& log;
  std::function<void()> notice_owed;  // any thread: a settlement left a notice to a sender owed
};

class RelayThread {
 public:
  RelayThread(std::uint32_t index, const SharedParts& shared, relay::DispatchOptions dispatch,
              std::shared_ptr<const relay::SubmissionOptions> submission,
              std::shared_ptr<const relay::SmtpOptions> smtp);
  ~RelayThread();

  net::Loop& loop() { return thread_.loop(); }
  // This thread writes the notices to senders, for all of them. Before start().
  void write_notices(const SharedParts& shared, relay::NoticeOptions options);
  // This thread keeps house for the upstreams, for all of them. Before start().
  void keep_house() { keeps_house_ = true; }
  void notice_owed();  // any thread
  void start();        // the thread, and the claiming of due messages
  void finish() { thread_.finish(); }

  // On the Loop's thread.
  void take(boost::asio::ip::tcp::socket socket, std::shared_ptr<const relay::ListenerPolicy> listener);
  // For connections, and for messages, from now on.
  void use(std::shared_ptr<const relay::SmtpOptions> smtp, std::shared_ptr<const relay::SubmissionOptions> submission);

  void use(const RoutePlan& plan, relay::DispatchOptions dispatch);  // for tries from now on
  void test(std::string upstream, Done<Attempt> done);               // any thread; see Dispatcher::test

  std::future<void> drain_sessions(Duration grace);
  std::future<void> drain_deliveries(Duration grace);
  std::future<void> drain_house();  // of the thread that keeps house, after the deliveries of all

 private:
  boost::asio::awaitable<void> drain_outbound(Duration grace);

  Outbound& outbound_;
  LoopThread thread_;
  std::unique_ptr<relay::Dispatcher> dispatcher_;
  std::unique_ptr<relay::Submission> submission_;
  std::unique_ptr<relay::NoticeWriter> notices_;  // null: another thread has it, or nobody
  relay::Authenticator authenticator_;
  relay::SmtpServer smtp_;
  bool keeps_house_ = false;
};

}  // namespace postrider::cmd
