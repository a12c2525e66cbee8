#include "relay/outbound/http_transport.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <optional>

#include "net/await.h"
#include "net/task_group.h"
#include "relay/outbound/http_outcome.h"

namespace postrider::relay {

namespace asio = boost::asio;

namespace {

constexpr Duration kMemoryPoll = std::chrono::milliseconds(20);
// In memory at once: the body, its base64 in the request, and what the request is put together from.
constexpr std::uint64_t kMemoryFactor = 3;

using Group = std::vector<std::uint32_t>;
using providers::Reading;

struct LoadedBody {
  Reservation memory;
  std::shared_ptr<const std::string> octets;
};

class HttpTransport final : public Transport {
 public:
  explicit HttpTransport(HttpTransportParts parts) : parts_(std::move(parts)) {}

  asio::awaitable<HandoverReport> deliver(Handover handover) override;
  asio::awaitable<Attempt> probe() override;
  void close_idle() override {}  // connections belong to no thread: HttpSender lets them go when they are old
  std::size_t connections() const override { return parts_.sender.connections(parts_.upstream.config().name); }

 private:
  asio::awaitable<std::optional<Verdict>> load(Handover& handover, LoadedBody& body) const;
  asio::awaitable<std::optional<Verdict>> reserve(std::uint64_t octets, Reservation& memory) const;
  asio::awaitable<void> hand_over(const Handover& handover, std::shared_ptr<const std::string> body,
                                  HandoverReport& report) const;
  asio::awaitable<result<providers::Request>> build(const Handover& handover, const Group& group,
                                                    std::shared_ptr<const std::string> body) const;
  asio::awaitable<Reading> ask(providers::Request request, const Handover& handover, const Group& group,
                               Attempt& attempt) const;
  asio::awaitable<net::HttpOutcome> exchange(providers::Request request) const;
  Verdict too_large(std::uint64_t octets) const;
  Attempt begin_attempt() const;
  void finish(Attempt& attempt, Duration began) const;

  HttpTransportParts parts_;
};

Reading reading_of(Verdict verdict) {
  Reading reading;
  reading.kind = verdict.kind;
  reading.reason = std::move(verdict.reason);
  return reading;
}

providers::Answer answer_of(net::HttpResponse response) {
  providers::Answer answer;
  answer.status = response.status;
  answer.headers = std::move(response.headers);
  answer.body = std::move(response.body);
  return answer;
}

// Parts of at most `most`, in order.
std::deque<Group> grouped(const Group& recipients, std::size_t most) {
  std::deque<Group> groups;
  for (auto at = recipients.begin(); at != recipients.end();) {
    const auto left = static_cast<std::size_t>(recipients.end() - at);
    const auto end = at + static_cast<std::ptrdiff_t>(std::min(std::max<std::size_t>(most, 1), left));
    groups.emplace_back(at, end);
    at = end;
  }
  return groups;
}

void halve(const Group& group, std::deque<Group>& waiting) {
  const auto middle = group.begin() + static_cast<std::ptrdiff_t>(group.size() / 2);
  waiting.emplace_front(middle, group.end());
  waiting.emplace_front(group.begin(), middle);
}

// Of recipients that cannot share a call no two can: each would see the other.
void separate(const Group& group, std::deque<Group>& waiting) {
  for (auto at = group.rbegin(); at != group.rend(); ++at) waiting.emplace_front(1, *at);
}

void take_outcomes(Attempt& attempt, std::vector<RecipientOutcome> outcomes) {
  std::move(outcomes.begin(), outcomes.end(), std::back_inserter(attempt.recipients));
}

// Our own lack of memory is neither the message's fault nor the upstream's.
Verdict judge_unbuilt(const Fault& fault) {
  if (fault.kind == FaultKind::unavailable) return judge_finding(Stage::local, Cause::throttle, "", fault.text);
  return judge_finding(Stage::none, Cause::capability, "", fault.text);
}

// An attempt has one remote id: that of the first call that was accepted. The others are found by the message's own id, which
// every event carries.
void take_id(Attempt& attempt, const Reading& reading) {
  if (attempt.provider_id) return;
  const auto with_id = std::find_if(reading.singles.begin(), reading.singles.end(), [](const Reading::Single& s) {
    return s.kind == OutcomeKind::sent && !s.provider_id.empty();
  });
  if (reading.kind == OutcomeKind::sent && !reading.provider_id.empty()) {
    attempt.remote_id = reading.provider_id;
  } else if (with_id != reading.singles.end()) {
    attempt.remote_id = with_id->provider_id;
  } else {
    if (reading.kind == OutcomeKind::sent) attempt.remote_id = sanitize_reason_text(reading.reason.text);
    return;
  }
  attempt.provider_id = true;
}

// For those that were not asked because of what became of a call before.
Verdict not_asked(const Reading& before) {
  if (before.kind != OutcomeKind::uncertain) return {OutcomeKind::deferred, before.reason};
  return judge_finding(Stage::none, Cause::route, "", "not asked: a call for others of the message got no answer");
}

asio::awaitable<HandoverReport> HttpTransport::deliver(Handover handover) {
  const Duration began = parts_.loop.clock().monotonic();
  HandoverReport report;
  report.attempt = begin_attempt();
  LoadedBody body;
  const std::optional<Verdict> fault = co_await load(handover, body);
  if (fault) {
    report.attempt.stage = fault->reason.stage;
    if (fault->reason.cause == Cause::throttle) report.throttled_until = parts_.loop.clock().now() + kSoon;
    take_outcomes(report.attempt, outcomes_of(*fault, handover.recipients));
  } else {
    co_await hand_over(handover, std::move(body.octets), report);
  }
  summarise(report.attempt);
  finish(report.attempt, began);
  co_return report;
}

// The whole body, since a request carries it whole.
asio::awaitable<std::optional<Verdict>> HttpTransport::load(Handover& handover, LoadedBody& body) const {
  const std::uint64_t size = handover.message->body_size;
  if (size > parts_.provider.max_octets) co_return too_large(size);
  std::optional<Verdict> fault = co_await reserve(size * kMemoryFactor, body.memory);
  if (fault) co_return fault;
  auto octets = std::make_shared<std::string>();
  octets->reserve(size);
  while (true) {
    const auto next = co_await handover.body->next();
    if (!next) {
      co_return judge_finding(Stage::local, Cause::spool, "", "the body could not be read: " + next.error().text);
    }
    if (*next == nullptr) break;
    *octets += **next;
    if (octets->size() > parts_.provider.max_octets) co_return too_large(octets->size());
  }
  body.octets = std::move(octets);
  co_return std::nullopt;
}

// Waits while others fill the memory for bodies: that is no fault of the upstream, and none of the message.
asio::awaitable<std::optional<Verdict>> HttpTransport::reserve(std::uint64_t octets, Reservation& memory) const {
  if (parts_.memory == nullptr) co_return std::nullopt;
  const Duration patience = parts_.upstream.config().stage_timeout;
  const Duration until = parts_.loop.clock().monotonic() + patience;
  asio::steady_timer timer(parts_.loop.io());
  BodyMemory::Waiter waiter(*parts_.memory, octets);
  while (true) {
    auto reserved = waiter.ask();
    if (reserved) {
      memory = std::move(*reserved);
      co_return std::nullopt;
    }
    if (parts_.loop.clock().monotonic() >= until) {
      co_return judge_finding(Stage::local, Cause::throttle, "",
                              "no memory for the body became free within " + format_duration(patience));
    }
    boost::system::error_code stopped;
    timer.expires_after(kMemoryPoll);
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, stopped));
    if (stopped) co_return judge_finding(Stage::none, Cause::interrupted, "", "stopped while waiting for memory");
  }
}

asio::awaitable<void> HttpTransport::hand_over(const Handover& handover, std::shared_ptr<const std::string> body,
                                               HandoverReport& report) const {
  std::deque<Group> waiting = grouped(handover.recipients, parts_.provider.max_recipients);
  std::size_t calls_left = waiting.size() + kMaxExtraCalls;
  std::optional<Verdict> end;  // what befalls all that were not asked yet
  while (!waiting.empty()) {
    const Group group = std::move(waiting.front());
    waiting.pop_front();
    if (end) {
      take_outcomes(report.attempt, outcomes_of(*end, group));
      continue;
    }
    result<providers::Request> request = co_await build(handover, group, body);
    if (!request && request.error().kind == FaultKind::conflict && group.size() > 1) {
      separate(group, waiting);
      continue;
    }
    Reading reading;
    if (request) {
      --calls_left;
      reading = co_await ask(std::move(*request), handover, group, report.attempt);
    } else {
      reading = reading_of(judge_unbuilt(request.error()));
    }
    if (reading.split && group.size() > 1) {
      halve(group, waiting);
    } else {
      take_outcomes(report.attempt, outcomes_of(reading, group));
      take_id(report.attempt, reading);
      report.throttled_until = std::max(report.throttled_until, reading.throttled_until);
      if (ends_the_attempt({reading.kind, reading.reason})) end = not_asked(reading);
    }
    if (!end && calls_left == 0 && !waiting.empty()) {  // each try finds some, so that an end is near
      end = judge_finding(Stage::final_dot, Cause::throttle, "", "too many refused recipients for one attempt");
      report.throttled_until = std::max(report.throttled_until, parts_.loop.clock().now() + kSoon);
    }
  }
}

asio::awaitable<result<providers::Request>> HttpTransport::build(const Handover& handover, const Group& group,
                                                                 std::shared_ptr<const std::string> body) const {
  const UpstreamConfig& config = parts_.upstream.config();
  const Time now = parts_.loop.clock().now();
  if (parts_.worker == nullptr || body->size() < RequestWorker::kLargeBody) {
    co_return parts_.provider.build(config, {*handover.message, group, *body}, now);
  }
  RequestWorker::Job job{parts_.provider, config, handover.message, group, std::move(body), now};
  auto start = [this, &job](Done<providers::Request> done) { parts_.worker->build(std::move(job), std::move(done)); };
  result<providers::Request> request = co_await net::await_done<providers::Request>(parts_.loop, std::move(start));
  co_return request;
}

// One call. Without an answer the reading is our own.
asio::awaitable<Reading> HttpTransport::ask(providers::Request request, const Handover& handover, const Group& group,
                                            Attempt& attempt) const {
  net::HttpOutcome outcome = co_await exchange(std::move(request));
  attempt.peer = outcome.peer;
  attempt.tls = outcome.tls;
  if (outcome.stage != net::HttpStage::done) {
    Verdict broken = judge_http_break(outcome);
    attempt.stage = std::max(attempt.stage, broken.reason.stage);
    Reading reading = reading_of(std::move(broken));
    if (outcome.never_begun) reading.throttled_until = parts_.loop.clock().now() + kSoon;
    co_return reading;
  }
  attempt.stage = Stage::final_dot;
  const providers::Answer answer = answer_of(std::move(outcome.response));
  Reading reading = parts_.provider.read(parts_.upstream.config(), answer, group.size(), parts_.loop.clock().now());
  providers::place_named(reading, {*handover.message, group, ""});
  co_return reading;
}

asio::awaitable<net::HttpOutcome> HttpTransport::exchange(providers::Request request) const {
  const UpstreamConfig& config = parts_.upstream.config();
  net::HttpExchange exchange;
  exchange.method = std::move(request.method);
  exchange.url = std::move(request.url);
  exchange.headers = std::move(request.headers);
  exchange.body = std::move(request.body);
  exchange.connect_timeout = config.connect_timeout;
  exchange.stall_timeout = config.stage_timeout;
  exchange.answer_timeout = config.final_timeout;
  exchange.ca_file = parts_.ca_file;
  exchange.pool = config.name;
  exchange.max_connections = config.max_connections;
  auto start = [this, &exchange](Done<net::HttpOutcome> done) {
    parts_.sender.send(std::move(exchange), std::move(done));
  };
  result<net::HttpOutcome> outcome = co_await net::await_done<net::HttpOutcome>(parts_.loop, std::move(start));
  co_return std::move(outcome).value();  // a sender answers with an outcome, whatever happens
}

asio::awaitable<Attempt> HttpTransport::probe() {
  const Duration began = parts_.loop.clock().monotonic();
  Attempt attempt = begin_attempt();
  auto request = parts_.provider.build_probe(parts_.upstream.config(), attempt.started_at);
  Verdict verdict;
  if (!request) {
    verdict = judge_finding(Stage::none, Cause::route, "", request.error().text);
  } else {
    net::HttpOutcome outcome = co_await exchange(std::move(*request));
    attempt.peer = outcome.peer;
    attempt.tls = outcome.tls;
    if (outcome.stage == net::HttpStage::done) {
      const providers::Answer answer = answer_of(std::move(outcome.response));
      Reading reading = parts_.provider.read_probe(answer, parts_.loop.clock().now());
      verdict = {reading.kind, std::move(reading.reason)};
      verdict.reason.text = sanitize_reason_text(verdict.reason.text);
    } else {
      verdict = judge_probe_break(outcome);
    }
    attempt.stage = outcome.stage == net::HttpStage::done ? Stage::auth : verdict.reason.stage;
  }
  attempt.outcome = verdict.kind;
  attempt.reason = std::move(verdict.reason);
  finish(attempt, began);
  co_return attempt;
}

Verdict HttpTransport::too_large(std::uint64_t octets) const {
  return judge_finding(Stage::none, Cause::capability, "",
                       "a body of " + std::to_string(octets) + " octets, and " + std::string(parts_.provider.name) +
                           " takes " + std::to_string(parts_.provider.max_octets));
}

Attempt HttpTransport::begin_attempt() const {
  Attempt attempt;
  attempt.upstream = parts_.upstream.config().name;
  attempt.started_at = parts_.loop.clock().now();
  attempt.lossy = parts_.provider.lossy;
  return attempt;
}

void HttpTransport::finish(Attempt& attempt, Duration began) const {
  attempt.duration_ms = static_cast<std::uint32_t>((parts_.loop.clock().monotonic() - began).count());
}

}  // namespace

std::unique_ptr<Transport> make_http_transport(HttpTransportParts parts) {
  return std::make_unique<HttpTransport>(std::move(parts));
}

}  // namespace postrider::relay
