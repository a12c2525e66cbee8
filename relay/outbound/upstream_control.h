// UpstreamControl: the door by which operators see and steer the upstreams: what the management API and its route functions use. Any
// thread. It changes the shared state that dispatchers read, tells the keeper, and wakes who waits.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/done.h"
#include "core/message.h"
#include "relay/outbound/noticeboard.h"
#include "relay/outbound/routes.h"
#include "relay/outbound/upstream_news.h"

namespace postrider::relay {

struct ControlParts {
  const Clock& clock;
  Noticeboard& board;
  std::function<void(UpstreamNews)> news;                         // to the keeper; any thread
  std::function<void(std::string upstream, Done<Attempt>)> test;  // Dispatcher::test on its thread
};

class UpstreamControl {
 public:
  UpstreamControl(ControlParts parts, std::shared_ptr<Routes> routes);

  std::shared_ptr<Routes> routes() const { return routes_.load(); }
  void use(std::shared_ptr<Routes> routes) { routes_.store(std::move(routes)); }

  // Faults: not_found (no such upstream), conflict (it is so already), invalid. The actor goes into the event.
  result<Nothing> pause(const std::string& upstream, const std::string& actor);
  result<Nothing> resume(const std::string& upstream, const std::string& actor);
  // The manual hot swap; percent 1..99 or messages > 0 make it a canary, both 0 mean all mail at once.
  result<Nothing> prefer(const std::string& upstream, std::uint32_t percent, std::uint32_t messages,
                         const std::string& actor);
  result<Nothing> prefer_none(const std::string& actor);  // back to the configured order
  void test(std::string upstream, Done<Attempt> done) { parts_.test(std::move(upstream), std::move(done)); }

 private:
  static Fault no_such(const std::string& name);
  void tell(const std::string& upstream, UpstreamNews::Kind kind, std::string text, const std::string& actor);

  ControlParts parts_;
  std::atomic<std::shared_ptr<Routes>> routes_;
};

}  // namespace postrider::relay
