// The daemon: every part of Postrider, built bottom-up from the configuration, and taken down in the opposite order. Lives on the
// main thread. What it promises at the end: no connection is cut in a transaction it could finish, what was acknowledged is on
// disk, what was handed over is settled.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cmd/logging.h"
#include "cmd/maildrop_thread.h"
#include "cmd/management.h"
#include "cmd/outbound.h"
#include "cmd/relay_thread.h"
#include "core/config.h"
#include "core/metrics.h"

namespace postrider::cmd {

class Daemon {
 public:
  static constexpr Duration kSessionGrace = std::chrono::seconds(10);
  static constexpr Duration kDeliveryGrace = std::chrono::seconds(10);

  // Opens the spool and binds every address; accepts nothing yet. Throws CommandError or storage::SpoolError.
  Daemon(Config config, OperatorLog& log);
  ~Daemon();

  void start();
  void stop();
  // Puts in force what options of effect `reload` say in `fresh`; all others stay as they were at start. Throws CommandError
  // when the certificate cannot be used, and has changed nothing then.
  void reload(const Config& fresh);
  // "SMTP on 127.0.0.1:2525, API on http://127.0.0.1:8025, operator token in ./postrider-data/operator.token"
  std::string summary() const;

 private:
  void assemble();
  void take_apart();
  mgmt::DaemonFacts facts() const;
  void add_metrics();
  void make_relay_threads();
  void open_smtp_listeners();
  std::shared_ptr<const relay::SmtpOptions> smtp_options(const Config& config) const;

  const Config config_;
  const std::string hostname_;
  OperatorLog& log_;
  net::SystemClock clock_;
  MetricsRegistry metrics_;
  Budget body_memory_;  // before whatever may hold a chunk: chunks give their octets back when they go
  std::unique_ptr<storage::Store> store_;
  relay::ConnectionCounts connection_counts_;
  std::unique_ptr<relay::PasswordWorker> passwords_;
  relay::SmtpMetrics smtp_metrics_;
  relay::DispatchMetrics dispatch_metrics_;
  net::TlsContext tls_;
  std::unique_ptr<net::Resolver> resolver_;
  std::unique_ptr<Outbound> outbound_;
  std::vector<std::unique_ptr<RelayThread>> relays_;
  std::unique_ptr<MaildropThread> maildrop_;
  std::unique_ptr<Management> management_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
};

}  // namespace postrider::cmd
