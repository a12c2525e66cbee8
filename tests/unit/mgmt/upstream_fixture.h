// Upstreams to see and steer without a relay: routes, the control over them, and what it told the keeper. The tests of mgmt and cmd
// share it.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "net/loop.h"
#include "relay/outbound/upstream_control.h"

namespace postrider::mgmt::test {

inline UpstreamConfig upstream(const std::string& name, std::uint32_t priority,
                               UpstreamType type = UpstreamType::smtp) {
  UpstreamConfig config;
  config.name = name;
  config.type = type;
  config.priority = priority;
  config.hosts = {"smtp.example.net"};
  config.password = "the-password-of-" + name;
  config.api_key = "the-key-of-" + name;
  return config;
}

inline std::vector<UpstreamConfig> two_upstreams() {
  return {upstream("primary", 1), upstream("backup", 2, UpstreamType::resend)};
}

class Upstreams {
 public:
  explicit Upstreams(std::vector<UpstreamConfig> configs = two_upstreams())
      : routes_(std::make_shared<relay::Routes>(std::move(configs), relay::HealthPolicy())),
        control_({clock_, board_, [this](relay::UpstreamNews news) { news_.push_back(std::move(news)); },
                  [this](const std::string&, Done<Attempt> done) { answer_test(std::move(done)); }},
                 routes_) {}

  relay::UpstreamControl& control() { return control_; }
  relay::Routes& routes() { return *routes_; }
  relay::Upstream& at(const std::string& name) { return routes_->at(routes_->find(name).value()); }
  const std::vector<relay::UpstreamNews>& news() const { return news_; }

  void fail(const std::string& name, int times = 5) {
    Reason reason;
    reason.cause = Cause::route;
    reason.stage = Stage::connect;
    reason.text = "connection refused";
    for (int i = 0; i < times; ++i) at(name).note_route_failure(reason, clock_.now());
  }

  Attempt found;             // what a test of an upstream finds
  bool never_found = false;  // or it finds nothing: the answer is kept back

 private:
  void answer_test(Done<Attempt> done) {
    if (never_found)
      unanswered_.push_back(std::move(done));
    else
      done.complete(found);
  }

  net::SystemClock clock_;
  relay::Noticeboard board_;
  std::vector<relay::UpstreamNews> news_;
  std::vector<Done<Attempt>> unanswered_;
  std::shared_ptr<relay::Routes> routes_;
  relay::UpstreamControl control_;
};

}  // namespace postrider::mgmt::test
