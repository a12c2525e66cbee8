// What providers report: POST /hooks/{upstream}, and POST /events as the mailer service has it for Mailjet. Believes a request by the
// rules of the upstream's vendor (providers/callbacks.h), puts what it says into the histories of the messages, and answers so that the
// vendor repeats what could not be kept, and nothing else. Reads the live configuration: a reload holds at once. mgmt thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/log.h"
#include "core/metrics.h"
#include "mgmt/certificate_cache.h"
#include "mgmt/hook_counts.h"
#include "mgmt/hook_nonces.h"
#include "mgmt/router.h"
#include "providers/callbacks.h"
#include "relay/outbound/upstream_control.h"
#include "storage/store.h"

namespace postrider::mgmt {

struct HooksParts {
  net::Loop& loop;
  storage::Store& store;
  relay::UpstreamControl& upstreams;
  net::HttpSender& http;
  MetricsRegistry& metrics;  // read on the mgmt thread
  Log& log;
  bool notify_sender = true;               // delivery.dsn
  std::function<void()> notice_owed = {};  // a bounce left a notice to a sender owed; called on the mgmt thread
};

struct HookLimits {
  std::size_t at_once = 64;  // requests; 503 beyond
  std::size_t slice = 100;   // reports in one transaction of the spool: mail waits for a long one
  // A provider may report before our own record of the hand-over is written. Waits before asking the store again, 6.3 s in all: within
  // the 15 seconds that SNS waits, and long enough for Mailgun, which does not repeat `delivered`.
  std::vector<Duration> waits{Duration(100), Duration(200),  Duration(400),
                              Duration(800), Duration(1600), Duration(3200)};
  CertificateLimits certificates;
  NonceLimits nonces{20'000, providers::kMaxNonceAge + providers::kMaxCallbackAge};
};

class HooksApi {
 public:
  // What `parts` refers to outlives the router the routes are added to, and so does this.
  explicit HooksApi(HooksParts parts, HookLimits limits = {});
  void add_routes(Router& router);

 private:
  using Upstream = std::shared_ptr<relay::Upstream>;
  using Names = std::vector<std::string>;  // of upstreams
  struct Recorded;
  boost::asio::awaitable<Response> receive(const Request& request);
  boost::asio::awaitable<Response> receive_events(const Request& request);
  // `sharing`: all that have this upstream's login, where the request does not say which of them it is about.
  boost::asio::awaitable<Response> take(Upstream upstream, const Request& request, Names sharing);
  boost::asio::awaitable<result<providers::Verdict>> judge(const UpstreamConfig& config, const Request& request);
  boost::asio::awaitable<result<void>> confirm(const std::string& upstream, std::string url);
  boost::asio::awaitable<Recorded> record(std::vector<storage::Report> reports, const Names& sharing);
  boost::asio::awaitable<void> assign(std::vector<storage::Report>& reports, const Names& sharing);
  // `asked`: how often they were asked for before.
  boost::asio::awaitable<std::optional<Fault>> ask_store(std::size_t asked, std::vector<storage::Report> reports,
                                                         std::vector<storage::Report>& again, Recorded& recorded);
  bool may_be_early(const storage::Report& report, std::size_t asked) const;
  void check_nonce(providers::Verdict& verdict);
  Response reject(const UpstreamConfig& config, const Request& request, const providers::Verdict& verdict);
  Response unreadable(const UpstreamConfig& config, const Request& request, const std::string& text);
  Response come_again(const std::string& upstream, const Fault& fault);
  void tell_rejected(const std::string& upstream, std::string_view reason, const Request& request,
                     const std::string& text);

  HooksParts parts_;
  HookLimits limits_;
  CertificateCache certificates_;
  HookCounts counts_;
  HookNonces nonces_;
  std::size_t under_way_ = 0;
};

}  // namespace postrider::mgmt
