#include "net/resolver.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <thread>
#include <variant>

#include "core/ascii.h"
#include "net/ares_channel.h"
#include "net/loop.h"
#include "net/name_cache.h"

namespace postrider::net {

namespace asio = boost::asio;

namespace {

std::optional<asio::ip::address> literal(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  boost::system::error_code error;
  const asio::ip::address address = asio::ip::make_address(std::string(host), error);
  if (error) return std::nullopt;
  return address;
}

// RFC 1035 2.3.4: 255 octets on the wire, so 253 as text; no controls or blanks.
bool plausible(const std::string& host) {
  const auto bad = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 0x7f; };
  return !host.empty() && host.size() <= 254 && std::none_of(host.begin(), host.end(), bad);
}

// RFC 8305 4: the families in turn, beginning with that of the best address.
Addresses interleaved(const Addresses& sorted) {
  Addresses first, second, out;
  for (const auto& a : sorted) (a.is_v6() == sorted.front().is_v6() ? first : second).push_back(a);
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) out.push_back(first[i]);
    if (i < second.size()) out.push_back(second[i]);
  }
  return out;
}

// Under which SRV look-ups wait and are cached: no host name holds a blank.
constexpr std::string_view kService = "SRV ";

}  // namespace

// The inbox and the cache are shared under the mutex; everything else is the resolver thread's own.
struct Resolver::Impl {
  struct Answer {
    std::variant<Done<Addresses>, Done<SrvRecords>> done;
    void complete(const result<NameData>& data);
    bool waits() const {
      return std::visit([](const auto& each) { return static_cast<bool>(each); }, done);
    }
  };
  struct Waiter {
    Answer answer;
    Duration deadline;
  };
  struct Request {
    std::string key;  // a host name, or kService and a service's
    Waiter waiter;
  };

  explicit Impl(ResolverOptions o)
      : options(std::move(o)),
        cache(options.max_entries),
        channel({options.timeout, options.servers}),
        thread([this] { run(); }) {}
  ~Impl();

  void ask(std::string key, Answer answer);
  void run();
  bool take_requests(std::vector<Request>& taken);
  void begin(Request request);
  void answered(const std::string& key, AresAnswer answer);
  void expire(Duration now);
  Duration next_deadline(Duration now) const;
  void abandon_all();

  const ResolverOptions options;
  std::mutex mutex;
  bool stopping = false;
  std::vector<Request> inbox;
  NameCache cache;

  // By name. A name whose waiters all gave up stays while c-ares is at it, so that it is not asked twice; a late answer
  // still goes to the cache.
  std::unordered_map<std::string, std::vector<Waiter>> pending;
  AresChannel channel;  // after `pending`: its end still answers into it
  std::thread thread;
};

Resolver::Resolver(ResolverOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Resolver::~Resolver() = default;

void Resolver::resolve(const std::string& host, Done<Addresses> done) {
  if (const auto address = literal(host)) return done.complete(Addresses{*address});
  if (!plausible(host)) return done.complete(invalid("\"" + host + "\" is not a host name"));
  // One spelling for cache and coalescing: DNS compares ASCII without case (RFC 4343).
  impl_->ask(lowered(host), {std::move(done)});
}

void Resolver::resolve_service(const std::string& name, Done<SrvRecords> done) {
  if (!plausible(name)) return done.complete(invalid("\"" + name + "\" is not a service of a domain"));
  impl_->ask(std::string(kService) + lowered(name), {std::move(done)});
}

void Resolver::Impl::Answer::complete(const result<NameData>& data) {
  if (auto* addresses = std::get_if<Done<Addresses>>(&done)) {
    addresses->complete(data ? result<Addresses>(data->addresses) : data.error());
  } else {
    std::get<Done<SrvRecords>>(done).complete(data ? result<SrvRecords>(data->services) : data.error());
  }
}

Resolver::Impl::~Impl() {
  {
    const std::lock_guard lock(mutex);
    stopping = true;
  }
  channel.wake();
  thread.join();
}

void Resolver::Impl::ask(std::string key, Answer answer) {
  std::optional<result<NameData>> known;
  {
    const std::lock_guard lock(mutex);
    const Duration now = SystemClock().monotonic();
    known = cache.find(key, now);
    if (!known && inbox.size() >= options.max_pending) {
      known = Fault{FaultKind::unavailable, "too many name look-ups are waiting"};
    }
    if (!known) inbox.push_back({std::move(key), {std::move(answer), now + options.timeout}});
  }
  // NOLINTNEXTLINE(bugprone-use-after-move): `answer` went into the inbox only where nothing is known
  if (known) return answer.complete(*known);
  channel.wake();
}

void Resolver::Impl::run() {
  pthread_setname_np(pthread_self(), "resolver");
  std::vector<Request> taken;
  while (take_requests(taken)) {
    for (Request& request : taken) begin(std::move(request));
    const Duration now = SystemClock().monotonic();
    channel.work(next_deadline(now));
    expire(SystemClock().monotonic());
  }
  for (Request& request : taken) pending[request.key].push_back(std::move(request.waiter));
  abandon_all();
}

bool Resolver::Impl::take_requests(std::vector<Request>& taken) {
  taken.clear();
  const std::lock_guard lock(mutex);
  taken.swap(inbox);
  return !stopping;
}

void Resolver::Impl::begin(Request request) {
  if (const auto same = pending.find(request.key); same != pending.end()) {
    if (same->second.size() < options.max_pending) {
      same->second.push_back(std::move(request.waiter));
      return;
    }
  } else if (pending.size() < options.max_pending) {
    pending[request.key].push_back(std::move(request.waiter));
    const std::string key = request.key;
    auto on_answer = [this, key](AresAnswer answer) { answered(key, std::move(answer)); };
    if (key.starts_with(kService)) {
      channel.query_service(key.substr(kService.size()), std::move(on_answer));
    } else {
      channel.query(key, std::move(on_answer));
    }
    return;
  }
  request.waiter.answer.complete(Fault{FaultKind::unavailable, "too many name look-ups are waiting"});
}

void Resolver::Impl::answered(const std::string& key, AresAnswer answer) {
  const auto found = pending.find(key);
  if (found == pending.end()) return;
  std::vector<Waiter> waiters = std::move(found->second);
  pending.erase(found);
  result<NameData>& data = answer.data;
  Duration keep = options.negative_ttl;
  if (data) {
    keep = data->services.empty() ? std::clamp(answer.ttl, options.min_ttl, options.max_ttl) : options.service_ttl;
    if (!data->addresses.empty()) data->addresses = interleaved(data->addresses);
  }
  // Also a failing server is not asked anew by each of a thousand messages.
  {
    const std::lock_guard lock(mutex);
    const Duration now = SystemClock().monotonic();
    cache.put(key, data, now + keep, now);
  }
  for (Waiter& waiter : waiters) waiter.answer.complete(data);
}

void Resolver::Impl::expire(Duration now) {
  for (auto& [key, waiters] : pending) {
    for (Waiter& waiter : waiters) {
      if (waiter.deadline > now) continue;
      waiter.answer.complete(Fault{FaultKind::unavailable, "no answer about " + key + " from the name servers in " +
                                                               format_duration(options.timeout)});
    }
    std::erase_if(waiters, [](const Waiter& w) { return !w.answer.waits(); });
  }
}

Duration Resolver::Impl::next_deadline(Duration now) const {
  Duration left = Duration::max();
  for (const auto& [key, waiters] : pending) {
    for (const Waiter& waiter : waiters) left = std::min(left, std::max(waiter.deadline - now, Duration(0)));
  }
  return left;
}

void Resolver::Impl::abandon_all() {
  for (auto& [key, waiters] : pending) {
    for (Waiter& waiter : waiters) {
      waiter.answer.complete(Fault{FaultKind::unavailable, "the resolver is stopping"});
    }
  }
  pending.clear();  // c-ares' own last answers find nobody
}

}  // namespace postrider::net
