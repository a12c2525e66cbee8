#include "mgmt/hooks_api.h"

#include <algorithm>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "mgmt/answers.h"
#include "mgmt/outside.h"
#include "mgmt/problem.h"
#include "mgmt/secret.h"
#include "net/await.h"
#include "net/task_group.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
using providers::Authenticity;
using providers::Callback;
using providers::Callbacks;
using providers::Verdict;
using storage::Report;

constexpr std::size_t kEarlyRounds = 3;  // 0.7 s: most of what is not found is of another installation
constexpr Duration kEarly = std::chrono::minutes(1);

class UnderWay {
 public:
  explicit UnderWay(std::size_t& count) : count_(count) { ++count_; }
  ~UnderWay() { --count_; }
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;

 private:
  std::size_t& count_;
};

std::string_view word_of(Authenticity authenticity) {
  switch (authenticity) {
    case Authenticity::genuine:
      return "genuine";
    case Authenticity::forged:
      return "forged";
    case Authenticity::stale:
      return "stale";
    case Authenticity::unconfigured:
      return "unconfigured";
  }
  return "forged";
}

bool has_login(UpstreamType type) {
  return type == UpstreamType::mailjet || type == UpstreamType::postmark;
}

// Tells the sender nothing that helps it to guess; the operator's log has the rest. What lacks only a key of ours shall come again, and
// SNS and Postmark do not repeat what is forbidden. Mailgun repeats whatever is not 200 or 406.
Response disbelief(UpstreamType type, Authenticity authenticity) {
  if (authenticity == Authenticity::unconfigured)
    return problem(ProblemType::unavailable, "the keys to check this with are not configured; send it again");
  const std::string detail = "this is not from who it should be from, or too old";
  if (type == UpstreamType::mailgun) return problem(ProblemType::not_acceptable, detail);
  if (!has_login(type)) return problem(ProblemType::forbidden, detail);
  Refusal refused = refusal(ProblemType::unauthorized, detail);
  refused.headers.emplace_back("WWW-Authenticate", "Basic realm=\"postrider\"");
  return problem(refused);
}

// What the vendor calls its report, or, where it has no name for it, all that it says: the same in every process. Never 0.
std::uint64_t key_of(const providers::ReportedEvent& event) {
  std::string name = event.key;
  if (name.empty())
    for (const std::string_view part : {to_string(event.type), std::string_view(event.provider_id),
                                        std::string_view(event.recipient), std::string_view(event.reason.text)})
      name.append(part).push_back('\n');
  if (event.key.empty()) name += format_rfc3339(event.at);
  const Digest digest = sha256(name);
  std::uint64_t key = 0;
  for (std::size_t i = 0; i < sizeof key; ++i) key = key << 8 | digest[i];
  return std::max<std::uint64_t>(key, 1);
}

std::vector<Report> reports_of(const std::string& upstream, bool notify_sender,
                               std::vector<providers::ReportedEvent> events) {
  std::vector<Report> reports;
  reports.reserve(events.size());
  for (providers::ReportedEvent& event : events) {
    Report report;
    report.upstream = upstream;
    report.key = key_of(event);
    report.id = MessageId::parse(event.message);
    report.provider_id = std::move(event.provider_id);
    report.type = event.type;
    report.recipient = std::move(event.recipient);
    report.at = event.at;
    report.reason = std::move(event.reason);
    report.notify_sender = notify_sender;
    reports.push_back(std::move(report));
  }
  return reports;
}

// The hand-over is not settled yet, or the spool takes nothing now.
bool is_passing(FaultKind kind) {
  return kind == FaultKind::conflict || kind == FaultKind::full || kind == FaultKind::unavailable;
}

// Of a fault of one report that will not go away. Every report has a key and a type that providers report: what is left to be invalid
// is a message that takes no more history.
std::string_view reason_of(FaultKind kind) {
  switch (kind) {
    case FaultKind::not_found:
      return "unknown_message";
    case FaultKind::invalid:
      return "history_full";
    default:
      return "damaged";
  }
}

// False when the relay is stopping.
asio::awaitable<bool> wait(Duration span) {
  asio::steady_timer timer(co_await asio::this_coro::executor, span);
  boost::system::error_code ended;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ended));
  const bool stopping = co_await net::cancelled();
  co_return !stopping;
}

}  // namespace

// What became of the reports of one request.
struct HooksApi::Recorded {
  std::uint64_t events = 0, unknown = 0, duplicates = 0, other = 0;
  std::optional<Fault> trouble;  // not all of them: the vendor shall repeat
};

HooksApi::HooksApi(HooksParts parts, HookLimits limits)
    : parts_(std::move(parts)),
      limits_(std::move(limits)),
      certificates_(parts_.loop, parts_.http, limits_.certificates),
      counts_(parts_.metrics),
      nonces_(limits_.nonces) {}

void HooksApi::add_routes(Router& router) {
  const auto add = [&router](std::string_view pattern, Handler handler) {
    Route route{http::verb::post, pattern, Access::open, "", {}, std::move(handler)};
    route.consumes = {"*/*"};  // SNS calls its JSON text/plain
    route.body = BodySize::callback;
    router.add(std::move(route));
  };
  add("/hooks/{upstream}", [this](const Request& r) { return receive(r); });
  add("/events", [this](const Request& r) { return receive_events(r); });
}

asio::awaitable<Response> HooksApi::receive(const Request& request) {
  const auto routes = parts_.upstreams.routes();
  const auto index = routes->find(request.captures[0]);
  if (!index || providers::callbacks_for(routes->at(*index).config().type) == nullptr)
    co_return problem(ProblemType::not_found, "no upstream of this name reports events");
  Names named_by_path;
  co_return co_await take(routes->share(*index), request, std::move(named_by_path));
}

// The address that the mailer service registered at Mailjet names no upstream: the login tells which it is, or which they are.
asio::awaitable<Response> HooksApi::receive_events(const Request& request) {
  const auto routes = parts_.upstreams.routes();
  const Callback callback{request.fields, request.body};
  const Time now = parts_.loop.clock().now();
  Upstream first, believed;
  Names sharing;
  for (std::size_t i = 0; i < routes->size(); ++i) {
    const UpstreamConfig& config = routes->at(i).config();
    if (config.type != UpstreamType::mailjet) continue;
    if (!first) first = routes->share(i);
    const Verdict verdict = providers::mailjet_callbacks.verify(config, callback, {}, now);
    if (verdict.authenticity != Authenticity::genuine) continue;
    if (!believed) believed = routes->share(i);
    sharing.push_back(config.name);
  }
  if (!first) co_return problem(ProblemType::not_found, "there is no upstream of the type mailjet");
  if (!believed) believed = std::move(first);  // which refuses it
  co_return co_await take(std::move(believed), request, std::move(sharing));
}

asio::awaitable<Response> HooksApi::take(Upstream upstream, const Request& request, Names sharing) {
  const UpstreamConfig& config = upstream->config();  // as it is now, and stays for this request
  if (under_way_ >= limits_.at_once) {
    const Fault busy{FaultKind::unavailable, "too many reports are being taken"};
    co_return come_again(config.name, busy);
  }
  const UnderWay counted(under_way_);
  auto verdict = co_await judge(config, request);
  if (!verdict) co_return come_again(config.name, verdict.error());
  check_nonce(*verdict);
  if (verdict->authenticity != Authenticity::genuine) co_return reject(config, request, *verdict);

  const Callback callback{request.fields, request.body};
  auto reading = providers::callbacks_for(config.type)->read(config, callback, parts_.loop.clock().now());
  if (!reading) co_return unreadable(config, request, reading.error().text);
  if (!reading->confirm_url.empty()) {
    const auto confirmed = co_await confirm(config.name, reading->confirm_url);
    if (!confirmed) co_return come_again(config.name, confirmed.error());
  }
  counts_.unused(config.name, "other_kind", reading->ignored);
  std::vector<Report> reports = reports_of(config.name, parts_.notify_sender, std::move(reading->events));
  const Recorded recorded = co_await record(std::move(reports), sharing);
  if (recorded.events + recorded.unknown + recorded.duplicates + recorded.other > 0)
    parts_.log.info("hook.received", {{"upstream", config.name},
                                      {"events", std::to_string(recorded.events)},
                                      {"unknown", std::to_string(recorded.unknown)},
                                      {"duplicates", std::to_string(recorded.duplicates)}});
  if (recorded.trouble) co_return come_again(config.name, *recorded.trouble);
  co_return json_response({{"recorded", recorded.events}});
}

// A fault: it cannot be told now. Where nobody could be believed, nothing is fetched for a stranger.
asio::awaitable<result<Verdict>> HooksApi::judge(const UpstreamConfig& config, const Request& request) {
  const Callbacks& callbacks = *providers::callbacks_for(config.type);
  const Callback callback{request.fields, request.body};
  Verdict verdict = callbacks.verify(config, callback, {}, parts_.loop.clock().now());
  if (callbacks.certificate_url == nullptr || verdict.authenticity == Authenticity::unconfigured) co_return verdict;
  const auto url = callbacks.certificate_url(config, callback);
  if (url && url->empty()) co_return verdict;
  if (!url) {
    verdict.text = url.error().text;
    co_return verdict;
  }
  const auto certificate = co_await certificates_.get(*url);
  if (!certificate) co_return certificate.error();
  co_return callbacks.verify(config, callback, *certificate, parts_.loop.clock().now());
}

void HooksApi::check_nonce(Verdict& verdict) {
  if (verdict.authenticity != Authenticity::genuine || verdict.nonce.empty()) return;
  if (nonces_.take(verdict.nonce, verdict.content, parts_.loop.clock().monotonic())) return;
  verdict.authenticity = Authenticity::forged;
  verdict.text = "the signature is that of another event, which was taken before";
}

asio::awaitable<result<void>> HooksApi::confirm(const std::string& upstream, std::string url) {
  net::HttpExchange exchange;
  exchange.method = "GET";
  exchange.url = std::move(url);
  exchange.connect_timeout = limits_.certificates.connect;
  exchange.stall_timeout = exchange.answer_timeout = limits_.certificates.answer;
  exchange.max_answer = limits_.certificates.octets;
  exchange.pool = "confirmations";
  const auto answer = co_await ask_outside(parts_.loop, parts_.http, std::move(exchange));
  if (!answer) co_return answer.error();
  if (answer->status < 200 || answer->status >= 300)
    co_return Fault{FaultKind::unavailable,
                    "the confirmation was answered with HTTP status " + std::to_string(answer->status)};
  parts_.log.info("hook.confirmed", {{"upstream", upstream}});
  co_return result<void>();
}

// ---- into the histories ---------------------------------------------------------------------------------------------

asio::awaitable<HooksApi::Recorded> HooksApi::record(std::vector<Report> reports, const Names& sharing) {
  Recorded recorded;
  for (std::size_t asked = 0;; ++asked) {
    if (sharing.size() > 1) co_await assign(reports, sharing);
    std::vector<Report> again;
    for (std::size_t at = 0; at < reports.size() && !recorded.trouble; at += limits_.slice) {
      const auto begin = reports.begin() + static_cast<std::ptrdiff_t>(at);
      const auto end = begin + static_cast<std::ptrdiff_t>(std::min(limits_.slice, reports.size() - at));
      std::vector<Report> slice(std::make_move_iterator(begin), std::make_move_iterator(end));
      std::optional<Fault> trouble = co_await ask_store(asked, std::move(slice), again, recorded);
      recorded.trouble = std::move(trouble);
    }
    if (recorded.trouble || again.empty()) co_return recorded;
    if (asked == limits_.waits.size()) break;
    const bool waited = co_await wait(limits_.waits[asked]);
    if (!waited) break;
    reports = std::move(again);
  }
  recorded.trouble = Fault{FaultKind::unavailable, "messages are still being handed over, or the spool is full"};
  co_return recorded;
}

// Several entries may be of one account: each report goes to the one that its message was handed to, as far as that is known by now.
asio::awaitable<void> HooksApi::assign(std::vector<Report>& reports, const Names& sharing) {
  for (Report& report : reports) {
    bool found = false;
    for (std::size_t i = 0; i < sharing.size() && !found && !report.provider_id.empty(); ++i) {
      auto find = [&](Done<MessageId> done) {
        parts_.store.find_by_provider_id(sharing[i], report.provider_id, std::move(done));
      };
      const auto id = co_await net::await_done<MessageId>(parts_.loop, find);
      found = id.has_value();
      if (found) report.upstream = sharing[i];
    }
    if (found || !report.id) continue;
    auto find = [&](Done<MessageRecord> done) { parts_.store.find(*report.id, std::move(done)); };
    const auto message = co_await net::await_done<MessageRecord>(parts_.loop, find);
    if (!message) continue;
    for (const Recipient& recipient : message->recipients)
      if (std::find(sharing.begin(), sharing.end(), recipient.upstream) != sharing.end())
        report.upstream = recipient.upstream;
  }
}

asio::awaitable<std::optional<Fault>> HooksApi::ask_store(std::size_t asked, std::vector<Report> reports,
                                                          std::vector<Report>& again, Recorded& recorded) {
  using Answers = std::vector<result<storage::Reported>>;
  auto start = [&](Done<Answers> done) { parts_.store.report(reports, parts_.loop.clock().now(), std::move(done)); };
  const result<Answers> answers = co_await net::await_done<Answers>(parts_.loop, start);
  if (!answers) co_return answers.error();
  bool owes_notice = false;
  for (std::size_t i = 0; i < reports.size(); ++i) {
    const result<storage::Reported>& answer = answers->at(i);
    const std::string& upstream = reports[i].upstream;
    if (answer) {
      recorded.events += answer->events;
      recorded.duplicates += answer->events == 0 ? 1 : 0;
      counts_.recorded(upstream, to_string(reports[i].type), answer->events);
      counts_.unused(upstream, "duplicate", answer->events == 0 ? 1 : 0);
      owes_notice = owes_notice || answer->owes_notice;
    } else if (is_passing(answer.error().kind) ||
               (answer.error().kind == FaultKind::not_found && may_be_early(reports[i], asked))) {
      again.push_back(std::move(reports[i]));
    } else {
      // Also what a test account or an older installation reports: it stays unknown however often it comes.
      (answer.error().kind == FaultKind::not_found ? recorded.unknown : recorded.other) += 1;
      counts_.unused(upstream, reason_of(answer.error().kind), 1);
    }
  }
  if (owes_notice && parts_.notice_owed) parts_.notice_owed();
  co_return std::nullopt;
}

// Before the settlement nobody knows the provider's id: a report that brings no other is not found then, instead of in conflict.
bool HooksApi::may_be_early(const Report& report, std::size_t asked) const {
  return !report.id && asked < std::min(kEarlyRounds, limits_.waits.size()) &&
         parts_.loop.clock().now() - report.at < kEarly;
}

// ---- refusals -------------------------------------------------------------------------------------------------------

Response HooksApi::reject(const UpstreamConfig& config, const Request& request, const Verdict& verdict) {
  const std::string_view reason = word_of(verdict.authenticity);
  counts_.rejected(config.name, reason);
  tell_rejected(config.name, reason, request, verdict.text);
  return disbelief(config.type, verdict.authenticity);
}

// It would come again as it is: Mailgun can be told not to.
Response HooksApi::unreadable(const UpstreamConfig& config, const Request& request, const std::string& text) {
  counts_.rejected(config.name, "unreadable");
  tell_rejected(config.name, "unreadable", request, text);
  const bool mailgun = config.type == UpstreamType::mailgun;
  return problem(mailgun ? ProblemType::not_acceptable : ProblemType::invalid_body, text);
}

Response HooksApi::come_again(const std::string& upstream, const Fault& fault) {
  counts_.rejected(upstream, "unavailable");
  const std::uint64_t times = counts_.untold(upstream, "unavailable", parts_.loop.clock().monotonic());
  if (times > 0)
    parts_.log.warn("hook.not_recorded",
                    {{"upstream", upstream}, {"reason", fault.text}, {"times", std::to_string(times)}});
  return problem(ProblemType::unavailable, "this cannot be taken now; send it again");
}

void HooksApi::tell_rejected(const std::string& upstream, std::string_view reason, const Request& request,
                             const std::string& text) {
  const std::uint64_t times = counts_.untold(upstream, reason, parts_.loop.clock().monotonic());
  if (times == 0) return;
  parts_.log.warn("hook.rejected", {{"upstream", upstream},
                                    {"reason", std::string(reason)},
                                    {"peer", request.peer.to_string()},
                                    {"text", text},
                                    {"times", std::to_string(times)}});
}

}  // namespace postrider::mgmt
