#include "cmd/management.h"

#include <algorithm>

#include "cmd/bind.h"
#include "cmd/settings.h"
#include "cmd/user_directory.h"

namespace postrider::cmd {

namespace {

mgmt::AuthOptions auth_options(const Config& config, std::string operator_token) {
  mgmt::AuthOptions options;
  options.operator_token = std::move(operator_token);
  if (config.mgmt.trusted_networks.empty()) return options;
  options.trusted = [networks = config.mgmt.trusted_networks](const boost::asio::ip::address& peer) {
    const auto address = parse_ip_address(peer.to_string());
    return address && relay::any_contains(networks, *address);
  };
  return options;
}

bool serves(const MgmtListenerConfig& listener, std::string_view what) {
  return listener.serve.empty() ||
         std::find(listener.serve.begin(), listener.serve.end(), what) != listener.serve.end();
}

}  // namespace

Management::Management(const Config& config, ManagementParts parts)
    : thread_("mgmt", parts.log),
      log_(parts.log),
      authenticator_(auth_options(config, std::move(parts.operator_token))),
      health_(readiness_, parts.store, parts.metrics),
      messages_(thread_.loop(), thread_.loop().clock(), parts.store),
      users_(thread_.loop(), thread_.loop().clock(), parts.store, set_password),
      retention_(thread_.loop(), thread_.loop().clock(), thread_.loop().make_alarm(), parts.store,
                 retire_policy(config), parts.log),
      tls_(std::move(parts.tls)) {
  for (const MgmtListenerConfig& listener : config.mgmt_listeners) doors_.push_back(open(listener));
}

Management::~Management() {
  thread_.finish();
}

void Management::start() {
  thread_.run();
  thread_.loop().post(Task([this] { retention_.start(); }));
  for (const auto& door : doors_) door->listener->start();
}

std::vector<std::string> Management::urls() const {
  std::vector<std::string> out;
  for (const auto& door : doors_)
    out.push_back((door->tls ? "https://" : "http://") + net::format_endpoint(door->listener->endpoint()));
  return out;
}

void Management::use(net::TlsContext tls) {
  thread_.loop().post(Task([this, tls = std::move(tls)]() mutable { tls_ = std::move(tls); }));
}

void Management::close() {
  for (const auto& door : doors_) door->listener->close();
  thread_.spawn("close", [this] { return close_doors(); }).wait();
}

std::unique_ptr<Management::Door> Management::open(const MgmtListenerConfig& config) {
  auto door = std::make_unique<Door>(thread_.loop(), authenticator_, log_);
  door->tls = config.tls == HttpTls::on;
  health_.add_public_routes(door->router);
  if (serves(config, "metrics")) health_.add_metrics_route(door->router);
  if (serves(config, "api")) {
    messages_.add_routes(door->router);
    users_.add_routes(door->router);
  }
  auto take = [this, d = door.get()](std::size_t, boost::asio::ip::tcp::socket socket) {
    d->server.accept(std::move(socket), d->tls ? tls_ : nullptr);
  };
  door->listener = bind_listener({&thread_.loop()}, config.address, "mgmt.listener", std::move(take), log_);
  return door;
}

boost::asio::awaitable<void> Management::close_doors() {
  retention_.stop();
  for (const auto& door : doors_) co_await door->server.close();
}

}  // namespace postrider::cmd
