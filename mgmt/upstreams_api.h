// /v1/upstreams and /v1/route/explain: the upstreams as they are, why mail goes where it goes, and an operator's hand on them: pause,
// resume, the hot swap, a test. Reads the shared state that dispatchers read and steers through relay::UpstreamControl. mgmt thread.
#pragma once

#include <functional>

#include "core/clock.h"
#include "core/message.h"
#include "mgmt/router.h"
#include "mgmt/upstream_explain.h"
#include "mgmt/upstream_forecast.h"
#include "mgmt/upstream_waiting.h"
#include "relay/outbound/upstream_control.h"
#include "storage/store.h"

namespace postrider::mgmt {

struct UpstreamLimits {
  Duration test =
      std::chrono::seconds(30);  // then the answer says that there was none; the test itself ends when it ends
  std::size_t tests = 8;         // at once; 503 beyond
  std::size_t recipients = 100;  // explained of one message
};

// The lane that the operator's rules give to a message that names none.
using LaneOf = std::function<Lane(const Envelope& envelope, const Recipient& recipient)>;

class UpstreamsApi {
 public:
  // All outlive the router the routes are added to, and so does this.
  UpstreamsApi(Mailbox& home, const Clock& clock, storage::Store& store, relay::UpstreamControl& control,
               LaneOf lane_of, UpstreamLimits limits = {});
  void add_routes(Router& router);

 private:
  using Verb = result<Nothing> (relay::UpstreamControl::*)(const std::string& upstream, const std::string& actor);
  boost::asio::awaitable<Response> list(const Request& request);
  boost::asio::awaitable<Response> show(const Request& request);
  boost::asio::awaitable<Response> steer(const Request& request, Verb verb);
  boost::asio::awaitable<Response> prefer(const Request& request);
  boost::asio::awaitable<Response> prefer_none(const Request& request);
  boost::asio::awaitable<Response> test(const Request& request);
  boost::asio::awaitable<Response> explain(const Request& request);          // upstreams_explain.cpp
  boost::asio::awaitable<Response> explain_message(const Request& request);  // the same

  boost::asio::awaitable<Response> whole_list();
  boost::asio::awaitable<Response> one(std::string upstream);
  boost::asio::awaitable<Response> foresee(std::string upstream, Canary canary);
  boost::asio::awaitable<result<Guarded>> guard(RouteQuestion& question);

  Mailbox& home_;
  const Clock& clock_;
  storage::Store& store_;
  relay::UpstreamControl& control_;
  const LaneOf lane_of_;
  UpstreamLimits limits_;
  WaitingBook waiting_;
  std::size_t tests_ = 0;  // under way
};

}  // namespace postrider::mgmt
