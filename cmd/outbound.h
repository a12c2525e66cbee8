// Outbound: what the relay threads share for delivery, put together: the routes, their TLS contexts and the HTTP thread, the control
// that operators steer by, and the three housekeepers (keeper, reviver, expirer) that run on the first relay thread. Made, reloaded
// and drained by the daemon on the main thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cmd/transports.h"
#include "core/config.h"
#include "net/http_sender.h"
#include "relay/outbound/expirer.h"
#include "relay/outbound/noticeboard.h"
#include "relay/outbound/reviver.h"
#include "relay/outbound/routes.h"
#include "relay/outbound/upstream_control.h"
#include "relay/outbound/upstream_keeper.h"
#include "storage/store.h"

namespace postrider::cmd {

// One state of the configuration, complete before it is used: what dispatchers are given at start and after a reload.
struct RoutePlan {
  std::shared_ptr<relay::Routes> routes;
  std::shared_ptr<const TransportParts> transports;
};

class Outbound {
 public:
  // Throws CommandError that names the upstream and what is wrong with it.
  Outbound(const Config& config, const std::string& hostname, storage::Store& store, net::Resolver& resolver, Log& log);

  const RoutePlan& plan() const { return plan_; }
  relay::Noticeboard& board() { return board_; }
  relay::UpstreamControl& control() { return *control_; }
  net::HttpSender& http() { return *http_; }
  std::function<void(relay::UpstreamNews)> news();

  struct Hooks {
    std::function<void()> notice_owed;
    std::function<void(std::string upstream, Done<Attempt>)> test;
  };
  // The Loop of the housekeepers. Before the store's first verb.
  void settle_on(net::Loop& loop, const Config& config, Hooks hooks);
  // What was known when the last process ended. Blocks; after settle_on(), before start().
  void restore();
  void start();  // on the housekeepers' thread
  boost::asio::awaitable<void> drain();
  // What is under way at the HTTP thread is answered as stopped: no task can be cancelled while it waits for that. Any thread.
  void cut_requests() { http_->close(); }
  // Before the Loops go, when they run no more: answers what is under way at the HTTP thread, ends the housekeepers.
  void finish();

  // A reload: makes the plan that holds from now on. Throws as the constructor does, and has changed nothing then.
  const RoutePlan& reload(const Config& config);

 private:
  RoutePlan make_plan(const Config& config, const relay::Routes* before);

  std::string hostname_;
  storage::Store& store_;
  net::Resolver& resolver_;
  Log& log_;
  relay::BodyMemory http_bodies_;  // for requests, over all upstreams
  relay::RequestWorker requests_;
  std::unique_ptr<net::HttpSender> http_;
  relay::Noticeboard board_;
  RoutePlan plan_;
  net::Loop* loop_ = nullptr;
  std::unique_ptr<relay::UpstreamControl> control_;
  std::unique_ptr<relay::UpstreamKeeper> keeper_;
  std::unique_ptr<relay::Reviver> reviver_;  // null: delivery.revive_failed = false
  std::unique_ptr<relay::Expirer> expirer_;
};

}  // namespace postrider::cmd
