#include "cmd/management.h"

#include "cmd/bind.h"
#include "cmd/exit_codes.h"
#include "cmd/settings.h"
#include "cmd/user_directory.h"
#include "mgmt/console.h"
#include "mgmt/openapi_api.h"

namespace postrider::cmd {

namespace {

namespace asio = boost::asio;
using FoundUser = std::optional<storage::UserRecord>;

asio::awaitable<result<FoundUser>> check_password(relay::Authenticator& logins, std::string name,
                                                  std::string password) {
  using Kind = relay::Authenticator::Kind;
  const auto verdict = co_await logins.check_password(std::move(name), std::move(password));
  switch (verdict.kind) {
    case Kind::accepted:
      co_return FoundUser(*verdict.user);
    case Kind::refused:
      co_return FoundUser();
    case Kind::busy:
      co_return Fault{FaultKind::unavailable, "too many passwords are being checked; try again"};
    case Kind::trouble:
      break;
  }
  co_return Fault{FaultKind::unavailable, "passwords cannot be checked at this moment"};
}

// `networks` may change while they are asked.
auto is_trusted(const std::vector<Network>& networks) {
  return [&networks](const asio::ip::address& peer) {
    if (networks.empty()) return false;
    const auto address = parse_ip_address(peer.to_string());
    return address && relay::any_contains(networks, *address);
  };
}

}  // namespace

Management::Management(const Config& config, ManagementParts parts)
    : thread_("mgmt", parts.log),
      log_(parts.log),
      trusted_networks_(config.mgmt.trusted_networks),
      logins_(thread_.loop(), thread_.loop().clock(), parts.store, parts.passwords),
      keys_(thread_.loop(), parts.store, parts.log),
      keys_loaded_(Fault{FaultKind::unavailable, "the log says why"}),
      sessions_({thread_.loop(), thread_.loop().clock(), parts.store, std::move(parts.secrets.session_key),
                 std::move(parts.secrets.keep_session_key), config.mgmt.session_lifetime}),
      guard_(thread_.loop().clock(), parts.log),
      authenticator_({std::move(parts.secrets.operator_token), keys_, sessions_, guard_,
                      [this](std::string name, std::string password) {
                        return check_password(logins_, std::move(name), std::move(password));
                      },
                      parts.secrets.aws_key, is_trusted(trusted_networks_), thread_.loop().clock(), own_hosts(config)}),
      health_(readiness_, parts.store, parts.metrics),
      retention_rules_{retire_policy(config), config.delivery.dsn},
      retention_book_(parts.notice_owed),
      messages_(thread_.loop(), thread_.loop().clock(), parts.store),
      bodies_(thread_.loop(), parts.store),
      bulk_(thread_.loop(), thread_.loop().clock(), parts.store),
      events_(thread_.loop(), thread_.loop().clock(), parts.store),
      retention_api_(thread_.loop(), thread_.loop().clock(), parts.store, retention_rules_, retention_book_),
      stats_(thread_.loop().clock(), thread_.loop().make_alarm(), parts.store, parts.metrics, std::move(parts.facts)),
      upstreams_(thread_.loop(), thread_.loop().clock(), parts.store, parts.upstreams,
                 [this](const Envelope& envelope, const Recipient& recipient) {
                   return lane_by_rule(sending_.options().lanes, envelope, {&recipient, 1});
                 }),
      upstream_hooks_({thread_.loop(), parts.upstreams, parts.http, config.mgmt.public_url, parts.log}),
      hooks_({thread_.loop(), parts.store, parts.upstreams, parts.http, parts.metrics, parts.log, config.delivery.dsn,
              parts.notice_owed}),
      suppressions_(thread_.loop(), thread_.loop().clock(), parts.store, parts.log),
      users_(thread_.loop(), thread_.loop().clock(), parts.store, set_password),
      sending_({thread_.loop(), parts.store, parts.message_memory, keys_, parts.upstreams, parts.accepted, parts.log},
               std::make_shared<const relay::SubmissionOptions>(submission_options(config, hostname_of(config)))),
      keys_api_(thread_.loop().clock(), keys_, std::move(parts.secrets.aws_key), parts.log),
      tokens_(thread_.loop().clock(), authenticator_, sessions_, keys_, parts.log),
      retention_(thread_.loop(), thread_.loop().clock(), thread_.loop().make_alarm(), parts.store, retention_rules_,
                 retention_book_, parts.log),
      limits_(http_limits(config)),
      cors_(config.mgmt.cors_origins),
      body_room_(thread_.loop(), thread_.loop().clock(), thread_.loop().make_alarm(),
                 {config.server.data_dir, limits_.body_memory, limits_.body_disk, limits_.body_wait}) {
  parts.tls.resize(config.mgmt_listeners.size());
  for (std::size_t i = 0; i < config.mgmt_listeners.size(); ++i)
    doors_.push_back(open(config.mgmt_listeners[i], std::move(parts.tls[i])));
}

Management::~Management() {
  thread_.finish();
}

void Management::start() {
  thread_.run();
  thread_.spawn("load_keys", [this] { return load_keys(); }).wait();
  if (!keys_loaded_) throw CommandError(EX_UNAVAILABLE, "the API keys cannot be read: " + keys_loaded_.error().text);
  thread_.loop().post(Task([this] {
    keys_.start();
    retention_.start();
    stats_.start();
  }));
  for (const auto& door : doors_) door->listener->start();
}

std::vector<std::string> Management::urls() const {
  std::vector<std::string> out;
  for (const auto& door : doors_)
    out.push_back((door->is_https ? "https://" : "http://") + net::format_endpoint(door->listener->endpoint()));
  return out;
}

void Management::use(ManagementOptions options) {
  thread_.loop().post(Task([this, options = std::move(options)]() mutable {
    for (std::size_t i = 0; i < doors_.size(); ++i) doors_[i]->tls = std::move(options.tls[i]);
    retention_rules_.policy = options.retention;
    trusted_networks_ = std::move(options.trusted_networks);
    sending_.use(std::move(options.submission));
    limits_ = options.limits;
    body_room_.set_memory(limits_.body_memory);
    cors_.use(std::move(options.cors_origins));
    sessions_.use(options.session_lifetime);
  }));
}

void Management::close() {
  for (const auto& door : doors_) door->listener->close();
  thread_.spawn("close", [this] { return close_doors(); }).wait();
}

std::unique_ptr<Management::Door> Management::open(const MgmtListenerConfig& config, net::TlsContext tls) {
  auto door = std::make_unique<Door>(thread_.loop(), authenticator_, cors_, limits_, body_room_, log_);
  door->is_https = tls != nullptr;
  door->tls = std::move(tls);
  if (serves(config, "console"))
    mgmt::add_console(door->router);
  else
    mgmt::add_greeting(door->router);
  health_.add_public_routes(door->router);
  if (serves(config, "metrics")) health_.add_metrics_route(door->router);
  if (serves(config, "hooks")) hooks_.add_routes(door->router);
  if (serves(config, "api")) {
    messages_.add_routes(door->router);
    bodies_.add_routes(door->router);
    bulk_.add_routes(door->router);
    events_.add_routes(door->router);
    retention_api_.add_routes(door->router);
    stats_.add_routes(door->router);
    upstreams_.add_routes(door->router);
    upstream_hooks_.add_routes(door->router);
    suppressions_.add_routes(door->router);
    users_.add_routes(door->router);
    sending_.add_routes(door->router);
    keys_api_.add_routes(door->router);
    tokens_.add_routes(door->router);
    mgmt::add_openapi_routes(door->router);
  }
  auto take = [d = door.get()](std::size_t, boost::asio::ip::tcp::socket socket) {
    d->server.accept(std::move(socket), d->tls);
  };
  door->listener = bind_listener({&thread_.loop()}, config.address, "mgmt.listener", std::move(take), log_);
  return door;
}

asio::awaitable<void> Management::load_keys() {
  auto loaded = co_await keys_.load();
  keys_loaded_ = std::move(loaded);
}

asio::awaitable<void> Management::close_doors() {
  retention_.stop();
  stats_.stop();
  for (const auto& door : doors_) co_await door->server.close();
  co_await keys_.stop();
}

}  // namespace postrider::cmd
