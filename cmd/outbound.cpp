#include "cmd/outbound.h"

#include <utility>

#include "cmd/blocking.h"
#include "cmd/exit_codes.h"
#include "cmd/settings.h"

namespace postrider::cmd {

Outbound::Outbound(const Config& config, const std::string& hostname, storage::Store& store, net::Resolver& resolver,
                   Log& log)
    : hostname_(hostname),
      store_(store),
      resolver_(resolver),
      log_(log),
      http_bodies_(config.spool.body_memory / 2),
      http_(net::make_http_sender(log)),
      plan_(make_plan(config, nullptr)) {}

RoutePlan Outbound::make_plan(const Config& config, const relay::Routes* before) {
  const std::vector<UpstreamConfig> configs = upstreams(config, hostname_);
  for (const UpstreamConfig& upstream : configs) {
    if (const auto calendar = relay::Calendar::find(upstream.quota_time_zone); !calendar)
      throw CommandError(EX_CONFIG, "[[upstream]] \"" + upstream.name + "\": " + calendar.error().text);
  }
  auto parts = std::make_shared<TransportParts>(
      TransportParts{resolver_, *http_, load_upstream_tls(configs), hostname_, &http_bodies_, &requests_});
  return {std::make_shared<relay::Routes>(configs, health_policy(config), before), std::move(parts)};
}

std::function<void(relay::UpstreamNews)> Outbound::news() {
  return [this](relay::UpstreamNews news) {
    if (keeper_) keeper_->tell(std::move(news));
  };
}

void Outbound::settle_on(net::Loop& loop, const Config& config, Hooks hooks) {
  loop_ = &loop;
  control_ = std::make_unique<relay::UpstreamControl>(
      relay::ControlParts{loop.clock(), board_, news(), std::move(hooks.test)}, plan_.routes);
  if (config.delivery.revive_failed)
    reviver_ = std::make_unique<relay::Reviver>(relay::ReviverParts{loop, loop.clock(), loop, store_, log_},
                                                reviver_options(config));
  expirer_ = std::make_unique<relay::Expirer>(
      relay::ExpirerParts{loop, loop.clock(), loop, store_, log_, std::move(hooks.notice_owed),
                          config.retention.sent_bodies == Duration::zero(), config.delivery.dsn});
}

void Outbound::restore() {
  using States = std::vector<storage::UpstreamState>;
  result<States> states = wait_for<States>([this](Done<States> done) { store_.upstream_states(std::move(done)); });
  if (!states) throw CommandError(EX_IOERR, "the state of the upstreams cannot be read: " + states.error().text);
  relay::restore_upstreams(*plan_.routes, *states, loop_->clock().now());
  relay::KeeperParts parts{*loop_, loop_->clock(), *loop_, store_, board_, log_, [this](const std::string& upstream) {
                             if (reviver_) reviver_->works_again(upstream);
                           }};
  keeper_ = std::make_unique<relay::UpstreamKeeper>(std::move(parts), plan_.routes, std::move(*states));
}

void Outbound::start() {
  keeper_->start();
  expirer_->start();
  if (reviver_) reviver_->start();
}

boost::asio::awaitable<void> Outbound::drain() {
  co_await expirer_->drain();
  if (reviver_) co_await reviver_->drain();
  co_await keeper_->drain();
}

void Outbound::finish() {
  requests_.close();
  http_->close();
  expirer_.reset();
  reviver_.reset();
  keeper_.reset();
}

const RoutePlan& Outbound::reload(const Config& config) {
  RoutePlan fresh = make_plan(config, plan_.routes.get());
  plan_ = std::move(fresh);  // tries that began under the old one hold what they need of it
  control_->use(plan_.routes);
  std::vector<Task> tasks;
  tasks.push_back(Task([this, routes = plan_.routes, options = reviver_options(config)] {
    keeper_->use(routes);
    if (reviver_) reviver_->use(options);
  }));
  static_cast<Mailbox&>(*loop_).post(std::move(tasks));
  return plan_;
}

}  // namespace postrider::cmd
