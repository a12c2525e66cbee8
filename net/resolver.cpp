#include "net/resolver.h"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <thread>

#include "net/ares_channel.h"
#include "net/name_cache.h"

namespace postrider::net {

namespace asio = boost::asio;

namespace {

Duration monotonic() {
  return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch());
}

// One spelling for cache and coalescing: DNS compares ASCII without case (RFC 4343).
std::string lowered(std::string host) {
  for (char& c : host) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return host;
}

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

}  // namespace

// The inbox and the cache are shared under the mutex; everything else is the resolver thread's own.
struct Resolver::Impl {
  using Answer = Done<Addresses>;
  struct Waiter {
    Answer done;
    Duration deadline;
  };
  struct Request {
    std::string host;
    Waiter waiter;
  };

  explicit Impl(ResolverOptions o)
      : options(std::move(o)),
        cache(options.max_entries),
        channel({options.timeout, options.servers}),
        thread([this] { run(); }) {}
  ~Impl();

  void ask(std::string host, Answer done);
  void run();
  bool take_requests(std::vector<Request>& taken);
  void begin(Request request);
  void answered(const std::string& host, AresAnswer answer);
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

void Resolver::resolve(std::string host, Done<Addresses> done) {
  if (const auto address = literal(host)) return done.complete(Addresses{*address});
  if (!plausible(host)) return done.complete(invalid("\"" + host + "\" is not a host name"));
  impl_->ask(lowered(std::move(host)), std::move(done));
}

Resolver::Impl::~Impl() {
  {
    const std::lock_guard lock(mutex);
    stopping = true;
  }
  channel.wake();
  thread.join();
}

void Resolver::Impl::ask(std::string host, Answer done) {
  std::optional<result<Addresses>> known;
  {
    const std::lock_guard lock(mutex);
    const Duration now = monotonic();
    known = cache.find(host, now);
    if (!known && inbox.size() >= options.max_pending) {
      known = Fault{FaultKind::unavailable, "too many name look-ups are waiting"};
    }
    if (!known) inbox.push_back({std::move(host), {std::move(done), now + options.timeout}});
  }
  // NOLINTNEXTLINE(bugprone-use-after-move): `done` went into the inbox only where nothing is known
  if (known) return done.complete(std::move(*known));
  channel.wake();
}

void Resolver::Impl::run() {
  pthread_setname_np(pthread_self(), "resolver");
  std::vector<Request> taken;
  while (take_requests(taken)) {
    for (Request& request : taken) begin(std::move(request));
    const Duration now = monotonic();
    channel.work(next_deadline(now));
    expire(monotonic());
  }
  for (Request& request : taken) pending[request.host].push_back(std::move(request.waiter));
  abandon_all();
}

bool Resolver::Impl::take_requests(std::vector<Request>& taken) {
  taken.clear();
  const std::lock_guard lock(mutex);
  taken.swap(inbox);
  return !stopping;
}

void Resolver::Impl::begin(Request request) {
  if (const auto same = pending.find(request.host); same != pending.end()) {
    if (same->second.size() < options.max_pending) {
      same->second.push_back(std::move(request.waiter));
      return;
    }
  } else if (pending.size() < options.max_pending) {
    pending[request.host].push_back(std::move(request.waiter));
    const std::string host = request.host;
    channel.query(host, [this, host](AresAnswer answer) { answered(host, std::move(answer)); });
    return;
  }
  request.waiter.done.complete(Fault{FaultKind::unavailable, "too many name look-ups are waiting"});
}

void Resolver::Impl::answered(const std::string& host, AresAnswer answer) {
  const auto found = pending.find(host);
  if (found == pending.end()) return;
  std::vector<Waiter> waiters = std::move(found->second);
  pending.erase(found);
  const bool good = answer.addresses.has_value();
  const result<Addresses> final = good ? result<Addresses>(interleaved(*answer.addresses)) : answer.addresses;
  const Duration keep = good ? std::clamp(answer.ttl, options.min_ttl, options.max_ttl) : options.negative_ttl;
  // Also a failing server is not asked anew by each of a thousand messages.
  {
    const std::lock_guard lock(mutex);
    const Duration now = monotonic();
    cache.put(host, final, now + keep, now);
  }
  for (Waiter& waiter : waiters) waiter.done.complete(final);
}

void Resolver::Impl::expire(Duration now) {
  for (auto& [host, waiters] : pending) {
    for (Waiter& waiter : waiters) {
      if (waiter.deadline > now) continue;
      waiter.done.complete(Fault{FaultKind::unavailable, "no answer about " + host + " from the name servers in " +
                                                             format_duration(options.timeout)});
    }
    std::erase_if(waiters, [](const Waiter& w) { return !w.done; });
  }
}

Duration Resolver::Impl::next_deadline(Duration now) const {
  Duration left = Duration::max();
  for (const auto& [host, waiters] : pending) {
    for (const Waiter& waiter : waiters) left = std::min(left, std::max(waiter.deadline - now, Duration(0)));
  }
  return left;
}

void Resolver::Impl::abandon_all() {
  for (auto& [host, waiters] : pending) {
    for (Waiter& waiter : waiters) {
      waiter.done.complete(Fault{FaultKind::unavailable, "the resolver is stopping"});
    }
  }
  pending.clear();  // c-ares' own last answers find nobody
}

}  // namespace postrider::net
