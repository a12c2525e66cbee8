// The management side, put together: the mgmt thread, the API behind each [[mgmt.listener]], retention. Made, started and closed
// by the daemon on the main thread; everything inside runs on the mgmt thread, so that no report ever delays mail.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cmd/loop_thread.h"
#include "cmd/retention_runner.h"
#include "cmd/sending.h"
#include "core/budget.h"
#include "core/config.h"
#include "core/metrics.h"
#include "mgmt/auth.h"
#include "mgmt/body_api.h"
#include "mgmt/bulk_api.h"
#include "mgmt/cors.h"
#include "mgmt/events_api.h"
#include "mgmt/health_api.h"
#include "mgmt/hooks_api.h"
#include "mgmt/key_ring.h"
#include "mgmt/keys_api.h"
#include "mgmt/login_guard.h"
#include "mgmt/messages_api.h"
#include "mgmt/retention_api.h"
#include "mgmt/router.h"
#include "mgmt/server.h"
#include "mgmt/sessions.h"
#include "mgmt/stats_api.h"
#include "mgmt/suppressions_api.h"
#include "mgmt/tokens_api.h"
#include "mgmt/upstream_hooks.h"
#include "mgmt/upstreams_api.h"
#include "mgmt/users_api.h"
#include "net/listener.h"
#include "net/tls.h"
#include "relay/inbound/authenticator.h"
#include "relay/outbound/upstream_control.h"

namespace postrider::cmd {

// What this relay knows and nobody else.
struct ManagementSecrets {
  std::string operator_token, session_key, aws_key;
  std::function<result<void>(const std::string& key)> keep_session_key;  // called on the mgmt thread
};

struct ManagementParts {
  storage::Store& store;
  MetricsRegistry& metrics;
  ManagementSecrets secrets;
  relay::PasswordWorker& passwords;
  std::vector<net::TlsContext> tls;  // of each [[mgmt.listener]]; null, or none at all: plain
  Log& log;
  mgmt::DaemonFacts facts;
  relay::UpstreamControl& upstreams;
  net::HttpSender& http;                   // to providers; closed by its owner before this goes
  Budget& message_memory;                  // of bodies on their way in, shared with all doors
  std::function<void()> notice_owed = {};  // retention or a report left notices to senders owed; on the mgmt thread
  Counter* accepted = nullptr;             // messages over HTTP
};

// What a reload can change.
struct ManagementOptions {
  std::vector<net::TlsContext> tls;  // as in ManagementParts
  storage::RetirePolicy retention;
  std::vector<Network> trusted_networks;
  std::shared_ptr<const relay::SubmissionOptions> submission;
  mgmt::HttpLimits limits;
  std::vector<std::string> cors_origins;
  Duration session_lifetime{};
};

class Management {
 public:
  // Binds every listener; throws CommandError when one cannot be.
  Management(const Config& config, ManagementParts parts);
  ~Management();

  void start();  // throws CommandError when the spool does not give its API keys
  std::vector<std::string> urls() const;
  const mgmt::Router& router() const { return doors_.front()->router; }  // of the first listener
  void set(mgmt::Phase phase) { readiness_.set(phase); }
  void use(ManagementOptions options);  // certificates for connections from now on, the rest at once
  void close();                         // no more retention, no more requests; returns when the last connection is gone
  void finish() { thread_.finish(); }

 private:
  struct Door {
    Door(net::Loop& loop, mgmt::Authenticator& authenticator, const mgmt::Cors& cors, const mgmt::HttpLimits& limits,
         mgmt::BodyRoom& body_room, Log& log)
        : router(authenticator, cors, log), server(loop, router, limits, body_room, log) {}
    mgmt::Router router;
    mgmt::HttpServer server;
    std::unique_ptr<net::Listener> listener;
    net::TlsContext tls;  // changed on the mgmt thread only
    bool is_https = false;
  };
  std::unique_ptr<Door> open(const MgmtListenerConfig& config, net::TlsContext tls);
  boost::asio::awaitable<void> load_keys();
  boost::asio::awaitable<void> close_doors();

  LoopThread thread_;
  Log& log_;
  mgmt::Readiness readiness_;
  std::vector<Network> trusted_networks_;  // changed on the mgmt thread only
  relay::Authenticator logins_;
  mgmt::KeyRing keys_;
  result<Nothing> keys_loaded_;
  mgmt::Sessions sessions_;
  mgmt::LoginGuard guard_;
  mgmt::Authenticator authenticator_;
  mgmt::HealthApi health_;
  mgmt::RetentionRules retention_rules_;
  mgmt::RetentionBook retention_book_;
  mgmt::MessagesApi messages_;
  mgmt::BodyApi bodies_;
  mgmt::BulkApi bulk_;
  mgmt::EventsApi events_;
  mgmt::RetentionApi retention_api_;
  mgmt::StatsApi stats_;
  mgmt::UpstreamsApi upstreams_;
  mgmt::UpstreamHooksApi upstream_hooks_;
  mgmt::HooksApi hooks_;
  mgmt::SuppressionsApi suppressions_;
  mgmt::UsersApi users_;
  Sending sending_;
  mgmt::KeysApi keys_api_;
  mgmt::TokensApi tokens_;
  RetentionRunner retention_;
  mgmt::HttpLimits limits_;
  mgmt::Cors cors_;
  mgmt::BodyRoom body_room_;
  std::vector<std::unique_ptr<Door>> doors_;
};

}  // namespace postrider::cmd
