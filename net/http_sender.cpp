#include "net/http_sender.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <mutex>
#include <new>
#include <stdexcept>
#include <thread>
#include <unordered_map>

#include "net/curl_exchange.h"
#include "net/loop.h"

namespace postrider::net {

namespace {

constexpr std::size_t kMaxUnderWay = 10'000;  // the callers' own limits are far below
constexpr long kMaxKept = 200;                // idle connections, to all hosts
constexpr Duration kLongestPoll = std::chrono::minutes(1);

using Multi = std::unique_ptr<CURLM, CurlFreer<curl_multi_cleanup>>;
using Exchange = std::unique_ptr<CurlExchange>;

HttpOutcome no_memory() {
  HttpOutcome outcome;
  outcome.error = "no memory for a request";
  return outcome;
}

// Inbox and counts are shared under the mutex; everything else is the thread's own.
class CurlSender final : public HttpSender {
 public:
  explicit CurlSender(Log& log);
  ~CurlSender() override { close(); }

  void send(HttpExchange exchange, Done<HttpOutcome> done) override;
  std::size_t under_way() const override;
  std::size_t connections(const std::string& pool) const override;
  void close() override;

 private:
  struct Pool {
    std::size_t active = 0;
    std::deque<Exchange> waiting;
  };

  void run();
  void work();
  bool take_inbox();
  void begin_waiting(Pool& pool);
  void begin(Exchange exchange);
  bool activate(Exchange& exchange);
  void collect_finished();
  void expire(Duration now);
  void expire_waiting(Duration now);
  Exchange remove_active(CURL* handle);
  void forget(const std::string& pool);
  Duration sleep_time(Duration now) const;
  void stop_all(std::deque<Exchange>& waiting);
  void end_all();

  Log& log_;
  const Multi multi_;

  mutable std::mutex mutex_;
  bool stopping_ = false;
  std::deque<Exchange> inbox_;
  std::unordered_map<std::string, std::size_t> counts_;  // by pool, all that were not answered yet
  std::size_t total_ = 0;

  std::unordered_map<std::string, Pool> pools_;
  std::unordered_map<CURL*, Exchange> active_;
  std::deque<Exchange> taken_;

  std::once_flag joined_;
  std::thread thread_;  // last: it uses everything above
};

CurlSender::CurlSender(Log& log) : log_(log), multi_(curl_ready() ? curl_multi_init() : nullptr) {
  if (!multi_) throw std::runtime_error("the HTTP library could not be started");
  curl_multi_setopt(multi_.get(), CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, kMaxKept);
  thread_ = std::thread([this] { run(); });
}

void CurlSender::send(HttpExchange exchange, Done<HttpOutcome> done) {
  Exchange made(new (std::nothrow) CurlExchange(std::move(exchange), std::move(done), SystemClock().monotonic()));
  // Not moved from: there was nothing to move it to. NOLINTNEXTLINE(bugprone-use-after-move)
  if (!made) return done.complete(no_memory());
  const char* refusal = "no memory for a request";
  bool stopping = false;
  try {
    const std::lock_guard lock(mutex_);
    stopping = stopping_;
    if (!stopping && total_ >= kMaxUnderWay) refusal = "too many HTTP requests are under way";
    if (!stopping && total_ < kMaxUnderWay) {
      std::size_t& count = counts_[made->pool()];
      inbox_.push_back(std::move(made));  // either it is there, or nothing was counted
      ++count;
      ++total_;
    }
  } catch (const std::bad_alloc&) {
  }
  if (!made) {  // NOLINT(bugprone-use-after-move): that is how it is told whether the inbox has it
    curl_multi_wakeup(multi_.get());
  } else if (stopping) {
    made->stop();  // NOLINT(bugprone-use-after-move)
  } else {
    made->refuse(refusal);  // NOLINT(bugprone-use-after-move)
  }
}

std::size_t CurlSender::under_way() const {
  const std::lock_guard lock(mutex_);
  return total_;
}

std::size_t CurlSender::connections(const std::string& pool) const {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(pool);
  return found == counts_.end() ? 0 : found->second;
}

void CurlSender::close() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  curl_multi_wakeup(multi_.get());
  std::call_once(joined_, [this] { thread_.join(); });
}

// OpenSSL writes to a connection that the peer has closed without MSG_NOSIGNAL.
void block_broken_pipes() {
  sigset_t pipe;
  sigemptyset(&pipe);
  sigaddset(&pipe, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
}

void CurlSender::run() {
  pthread_setname_np(pthread_self(), "http");
  block_broken_pipes();
  while (take_inbox()) {
    try {
      work();
    } catch (const std::exception& e) {
      log_.error("http.sender_failed", {{"error", e.what()}});
      end_all();  // nobody may wait for an answer that nobody has any more
    }
  }
  end_all();
}

bool CurlSender::take_inbox() {
  const std::lock_guard lock(mutex_);
  taken_.swap(inbox_);  // which work() and end_all() leave empty
  return !stopping_;
}

void CurlSender::work() {
  while (!taken_.empty()) {
    Pool& pool = pools_[taken_.front()->pool()];
    pool.waiting.push_back(std::move(taken_.front()));
    taken_.pop_front();
    begin_waiting(pool);
  }
  int running = 0;
  if (const CURLMcode code = curl_multi_perform(multi_.get(), &running); code != CURLM_OK) {
    throw std::runtime_error(curl_multi_strerror(code));
  }
  collect_finished();
  expire(SystemClock().monotonic());
  const auto sleep = static_cast<int>(sleep_time(SystemClock().monotonic()).count());
  curl_multi_poll(multi_.get(), nullptr, 0, sleep, nullptr);
}

// A gate of our own: libcurl's limit of connections is one for each host and all who use the handle, and an upstream's is its own.
// Over HTTP/2 these exchanges share connections.
void CurlSender::begin_waiting(Pool& pool) {
  while (!pool.waiting.empty() && pool.active < std::max(1u, pool.waiting.front()->max_connections())) {
    Exchange next = std::move(pool.waiting.front());
    pool.waiting.pop_front();
    ++pool.active;
    begin(std::move(next));
  }
}

void CurlSender::begin(Exchange exchange) {
  const result<void> prepared = exchange->prepare(SystemClock().monotonic());
  if (prepared && activate(exchange)) return;
  --pools_.find(exchange->pool())->second.active;
  forget(exchange->pool());
  exchange->refuse(prepared ? "the request could not be begun" : prepared.error().text);
}

// False: `exchange` is still the caller's.
bool CurlSender::activate(Exchange& exchange) {
  CURL* handle = exchange->handle();
  try {
    Exchange& place = active_[handle];
    if (curl_multi_add_handle(multi_.get(), handle) == CURLM_OK) {
      place = std::move(exchange);
      return true;
    }
  } catch (const std::bad_alloc&) {
  }
  active_.erase(handle);
  return false;
}

void CurlSender::collect_finished() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    Exchange exchange = remove_active(message->easy_handle);  // from here on `message` is gone
    exchange->finish(code);
  }
}

void CurlSender::expire(Duration now) {
  std::vector<CURL*> late;
  for (const auto& [handle, exchange] : active_) {
    if (exchange->deadline() <= now) late.push_back(handle);
  }
  for (CURL* handle : late) {
    // Over HTTP/2 its end would leave the connection to the next, which may be as dead for them.
    curl_easy_setopt(handle, CURLOPT_FORBID_REUSE, 1L);
    remove_active(handle)->give_up();
  }
  expire_waiting(now);
}

void CurlSender::expire_waiting(Duration now) {
  for (auto at = pools_.begin(); at != pools_.end();) {
    Pool& pool = at->second;
    begin_waiting(pool);
    while (!pool.waiting.empty() && pool.waiting.front()->deadline() <= now) {
      Exchange late = std::move(pool.waiting.front());
      pool.waiting.pop_front();
      forget(late->pool());
      late->give_up();
    }
    const bool unused = pool.active == 0 && pool.waiting.empty();
    at = unused ? pools_.erase(at) : std::next(at);
  }
}

Exchange CurlSender::remove_active(CURL* handle) {
  const auto found = active_.find(handle);
  Exchange exchange = std::move(found->second);
  active_.erase(found);
  curl_multi_remove_handle(multi_.get(), handle);
  --pools_[exchange->pool()].active;
  forget(exchange->pool());
  return exchange;
}

void CurlSender::forget(const std::string& pool) {
  const std::lock_guard lock(mutex_);
  const auto found = counts_.find(pool);
  if (--found->second == 0) counts_.erase(found);
  --total_;
}

Duration CurlSender::sleep_time(Duration now) const {
  Duration until = now + kLongestPoll;
  for (const auto& [handle, exchange] : active_) until = std::min(until, exchange->deadline());
  for (const auto& [name, pool] : pools_) {
    if (!pool.waiting.empty()) until = std::min(until, pool.waiting.front()->deadline());
  }
  return std::max(until - now, Duration(0));
}

void CurlSender::stop_all(std::deque<Exchange>& waiting) {
  for (const Exchange& exchange : waiting) {
    forget(exchange->pool());
    exchange->stop();
  }
  waiting.clear();
}

void CurlSender::end_all() {
  while (!active_.empty()) remove_active(active_.begin()->first)->stop();
  for (auto& [name, pool] : pools_) stop_all(pool.waiting);
  pools_.clear();
  stop_all(taken_);
}

}  // namespace

std::unique_ptr<HttpSender> make_http_sender(Log& log) {
  return std::make_unique<CurlSender>(log);
}

}  // namespace postrider::net
