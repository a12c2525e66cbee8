#include "cmd/daemon.h"

#include <chrono>
#include <thread>

#include "cmd/bind.h"
#include "cmd/certificates.h"
#include "cmd/data_dir.h"
#include "cmd/settings.h"
#include "mgmt/spool_metrics.h"
#include "storage/lmdb_store.h"

namespace postrider::cmd {

namespace {

using boost::asio::ip::tcp;

std::string maildrop_directory(const Config& config) {
  return config.sendmail.maildrop.empty() ? config.server.data_dir + "/maildrop" : config.sendmail.maildrop;
}

ManagementSecrets ensure_secrets(const std::string& data_dir) {
  return {ensure_operator_token(data_dir), ensure_relay_key(data_dir, RelayKey::session),
          ensure_relay_key(data_dir, RelayKey::aws),
          [data_dir](const std::string& key) { return replace_relay_key(data_dir, RelayKey::session, key); }};
}

void wait_all(const std::vector<std::future<void>>& futures) {
  for (const std::future<void>& future : futures) future.wait();
}

}  // namespace

Daemon::Daemon(Config config, OperatorLog& log)
    : config_(std::move(config)),
      hostname_(hostname_of(config_)),
      log_(log),
      body_memory_(config_.spool.body_memory),
      store_(storage::open_lmdb_store(spool_options(config_), log_)),
      passwords_(std::make_unique<relay::PasswordWorker>()),
      smtp_metrics_(metrics_),
      dispatch_metrics_(metrics_),
      tls_(load_certificate(config_, hostname_, log_)),
      resolver_(std::make_unique<net::Resolver>(net::ResolverOptions())),
      outbound_(std::make_unique<Outbound>(config_, hostname_, *store_, *resolver_, log_)) {
  try {
    assemble();
  } catch (...) {
    take_apart();  // no destructor runs for what was not made
    throw;
  }
}

void Daemon::assemble() {
  add_metrics();
  make_relay_threads();
  maildrop_ = std::make_unique<MaildropThread>(
      MaildropThreadParts{*store_, body_memory_, log_},
      std::make_shared<const relay::SubmissionOptions>(submission_options(config_, hostname_)),
      maildrop_directory(config_));
  management_ = std::make_unique<Management>(
      config_, ManagementParts{*store_, metrics_, ensure_secrets(config_.server.data_dir), *passwords_,
                               management_tls(config_, hostname_, tls_, log_), log_, facts(), outbound_->control(),
                               outbound_->http(), body_memory_, [this] { relays_.front()->notice_owed(); },
                               &metrics_.counter("postrider_http_messages_total", "Messages acknowledged over HTTP")});
  open_smtp_listeners();
}

Daemon::~Daemon() {
  take_apart();
}

void Daemon::take_apart() {
  listeners_.clear();
  store_->close();
  // What asks the resolver, the store and each other stops running before any of them goes; what answers to a Loop from a
  // thread of its own ends before the Loops do.
  if (management_) management_->finish();
  if (maildrop_) maildrop_->finish();
  for (const auto& relay : relays_) relay->finish();
  outbound_->finish();
  passwords_.reset();
  resolver_.reset();
}

void Daemon::start() {
  for (const auto& relay : relays_) relay->start();
  maildrop_->start();
  management_->start();
  for (const auto& listener : listeners_) listener->start();
  management_->set(mgmt::Phase::serving);
}

void Daemon::stop() {
  management_->set(mgmt::Phase::stopping);
  for (const auto& listener : listeners_) listener->close();
  std::vector<std::future<void>> sessions, deliveries;
  for (const auto& relay : relays_) sessions.push_back(relay->drain_sessions(kSessionGrace));
  sessions.push_back(maildrop_->drain());
  wait_all(sessions);
  const auto grace_ends = std::chrono::steady_clock::now() + kDeliveryGrace;
  for (const auto& relay : relays_) deliveries.push_back(relay->drain_deliveries(kDeliveryGrace));
  for (const std::future<void>& delivery : deliveries) delivery.wait_until(grace_ends);
  outbound_->cut_requests();
  wait_all(deliveries);
  relays_.front()->drain_house().wait();
  management_->close();
  store_->close();
}

void Daemon::reload(const Config& fresh) {
  Config config = fresh;
  config.server = config_.server;
  config.spool = config_.spool;  // as it was opened: its size bounds the history
  // The dispatchers remove a body with the settlement, by what was said at start; half of the new rule would keep no body.
  config.retention.sent_bodies = config_.retention.sent_bodies;
  config.delivery.dsn = config_.delivery.dsn;

  config.mgmt_listeners = config_.mgmt_listeners;

  net::TlsContext tls = load_certificate(config, hostname_, log_);
  std::vector<net::TlsContext> management_contexts = management_tls(config, hostname_, tls, log_);
  const CertificateFacts shown = certificate_facts(tls);
  if (shown.digest != certificate_facts(tls_).digest)
    log_.info("tls.certificate_changed",
              {{"subject", shown.subject}, {"expires_at", format_rfc3339(shown.expires_at)}});
  tls_ = std::move(tls);
  const RoutePlan& plan = outbound_->reload(config);
  const auto count = static_cast<std::uint32_t>(relays_.size());
  for (std::uint32_t i = 0; i < count; ++i) relays_[i]->use(plan, dispatch_options(config, i, count));
  const auto smtp = smtp_options(config);
  const auto submission = std::make_shared<const relay::SubmissionOptions>(submission_options(config, hostname_));
  for (const auto& relay : relays_) relay->use(smtp, submission);
  maildrop_->use(submission);
  management_->use({std::move(management_contexts), retire_policy(config), config.mgmt.trusted_networks, submission,
                    http_limits(config), config.mgmt.cors_origins, config.mgmt.session_lifetime});
  log_.set_level(config.log.level);
}

std::string Daemon::summary() const {
  std::string text = "SMTP on ";
  for (std::size_t i = 0; i < listeners_.size(); ++i)
    text += (i == 0 ? "" : " and ") + net::format_endpoint(listeners_[i]->endpoint());
  const auto urls = management_->urls();
  for (std::size_t i = 0; i < urls.size(); ++i) text += (i == 0 ? ", API on " : " and ") + urls[i];
  return text + ", operator token in " + operator_token_file(config_.server.data_dir);
}

mgmt::DaemonFacts Daemon::facts() const {
  return {POSTRIDER_VERSION, hostname_, static_cast<std::uint32_t>(relays_.size()), [this] { return log_.dropped(); }};
}

void Daemon::add_metrics() {
  metrics_.gauge("postrider_build_info", "Always 1; the version is a label.", "version=\"" POSTRIDER_VERSION "\"")
      .set(1);
  mgmt::add_spool_metrics(metrics_, *store_);
  metrics_.computed_counter("postrider_log_dropped_lines_total", "Lines the log dropped because its queue was full.",
                            [this] { return log_.dropped(); });
  metrics_.computed_gauge("postrider_body_memory_bytes", "Bodies held in memory.",
                          [this] { return double(body_memory_.used()); });
  relay::add_upstream_metrics(metrics_, clock_, [this] { return outbound_->control().routes(); });
}

void Daemon::make_relay_threads() {
  const std::uint32_t count = relay_threads(config_, std::thread::hardware_concurrency());
  const auto submission = std::make_shared<const relay::SubmissionOptions>(submission_options(config_, hostname_));
  const auto smtp = smtp_options(config_);
  const SharedParts shared{*store_,
                           *outbound_,
                           body_memory_,
                           connection_counts_,
                           *passwords_,
                           smtp_metrics_,
                           dispatch_metrics_,
                           log_,
                           [this] { relays_.front()->notice_owed(); }};
  for (std::uint32_t i = 0; i < count; ++i)
    relays_.push_back(std::make_unique<RelayThread>(i, shared, dispatch_options(config_, i, count), submission, smtp));
  relays_.front()->keep_house();
  outbound_->settle_on(relays_.front()->loop(), config_,
                       {[this] { relays_.front()->notice_owed(); },
                        [this](std::string upstream, Done<Attempt> done) {
                          relays_.front()->test(std::move(upstream), std::move(done));
                        }});
  outbound_->restore();
  if (config_.delivery.dsn) relays_.front()->write_notices(shared, notice_options(config_, hostname_));
}

void Daemon::open_smtp_listeners() {
  std::vector<net::Loop*> loops;
  for (const auto& relay : relays_) loops.push_back(&relay->loop());
  for (const SmtpListenerConfig& listener : config_.smtp_listeners) {
    const auto policy = std::make_shared<const relay::ListenerPolicy>(listener_policy(listener));
    auto take = [this, policy](std::size_t relay, tcp::socket socket) {
      relays_[relay]->take(std::move(socket), policy);
    };
    listeners_.push_back(bind_listener(loops, listener.address, "smtp.listener", std::move(take), log_));
  }
}

std::shared_ptr<const relay::SmtpOptions> Daemon::smtp_options(const Config& config) const {
  auto options = std::make_shared<relay::SmtpOptions>();
  options->hostname = hostname_;
  options->limits = session_limits(config);
  options->access = access_policy(config);
  options->tls = tls_;
  return options;
}

}  // namespace postrider::cmd
