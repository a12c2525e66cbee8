#include "relay/outbound/smtp_pool.h"

#include <algorithm>
#include <utility>

namespace postrider::relay {

namespace asio = boost::asio;

namespace {

constexpr Duration kQuitTimeout = std::chrono::seconds(5);

// RFC 5321 4.1.1.10: the peer should not see the connection go without QUIT; its answer changes nothing.
asio::awaitable<void> say_quit(std::unique_ptr<SmtpConnection> connection) {
  co_await connection->wire.command("QUIT", kQuitTimeout);
}

}  // namespace

SmtpPool::Lease::Lease(Lease&& other) noexcept
    : connection(std::move(other.connection)),
      pool_(std::exchange(other.pool_, nullptr)),
      slot_(std::exchange(other.slot_, std::nullopt)) {}

SmtpPool::Lease& SmtpPool::Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    end();
    connection = std::move(other.connection);
    pool_ = std::exchange(other.pool_, nullptr);
    slot_ = std::exchange(other.slot_, std::nullopt);
  }
  return *this;
}

void SmtpPool::Lease::give_back() {
  if (SmtpPool* pool = std::exchange(pool_, nullptr))
    pool->hand_on(std::exchange(slot_, std::nullopt), std::move(connection));
}

void SmtpPool::Lease::end() {
  connection.reset();
  give_back();
}

SmtpPool::SmtpPool(net::Loop& loop, Upstream& upstream)
    : loop_(loop),
      upstream_(upstream),
      config_(upstream.config()),
      farewells_(loop, [](std::string_view, const std::exception&) {}),
      idle_deadline_(loop.deadlines(), [this] { close_old(); }) {}

SmtpPool::~SmtpPool() {
  for (Lease& lease : idle_) lease.pool_ = nullptr;
}

asio::awaitable<SmtpPool::Lease> SmtpPool::acquire() {
  if (auto lease = take()) co_return std::move(*lease);
  Waiter waiter(loop_);
  const auto place = waiters_.insert(waiters_.end(), &waiter);
  co_await waiter.wakeup.wait();
  if (!waiter.granted) waiters_.erase(place);  // cancelled; who is granted something is taken off the list
  co_return std::move(waiter.granted);
}

std::optional<SmtpPool::Lease> SmtpPool::take() {
  if (!idle_.empty()) {
    std::optional<Lease> lease(std::move(idle_.back()));
    idle_.pop_back();
    ++leased_;
    return lease;
  }
  auto slot = upstream_.connections().reserve(1);
  if (!slot && leased_ > 0) return std::nullopt;
  ++leased_;
  return Lease(*this, std::move(slot));
}

// What a lease leaves: a place, perhaps with a connection. The first in the queue gets it, connection or not.
void SmtpPool::hand_on(std::optional<Reservation> slot, std::unique_ptr<SmtpConnection> connection) {
  if (connection && (closing_ || worn_out(*connection))) quit(std::move(connection));
  Lease lease(*this, std::move(slot));
  lease.connection = std::move(connection);
  if (!waiters_.empty()) {
    Waiter& first = *waiters_.front();
    waiters_.pop_front();
    first.granted = std::move(lease);
    first.wakeup.signal();
    return;
  }
  --leased_;
  if (!lease.connection) {
    lease.pool_ = nullptr;  // only the slot goes back
    return;
  }
  lease.connection->idle_since = loop_.clock().monotonic();
  lease.connection->wire.stream().expires_never();
  if (idle_.empty()) idle_deadline_.set(config_.idle_timeout);
  idle_.push_back(std::move(lease));
}

bool SmtpPool::worn_out(const SmtpConnection& connection) const {
  const std::uint32_t announced = connection.capabilities.mail_max;  // RFC 9422 4.1
  if (connection.wire.has_unread()) return true;  // the next reply would be taken for the answer to another command
  return connection.messages >= std::max(1u, config_.messages_per_connection) ||
         (announced != 0 && connection.messages >= announced);
}

void SmtpPool::close_idle() {
  closing_ = true;
  while (!idle_.empty()) {
    quit(std::move(idle_.back().connection));
    idle_.back().pool_ = nullptr;
    idle_.pop_back();
  }
}

void SmtpPool::close_old() {
  const Duration now = loop_.clock().monotonic();
  const auto young = std::find_if(idle_.begin(), idle_.end(), [&](const Lease& lease) {
    return now - lease.connection->idle_since < config_.idle_timeout;
  });
  for (auto it = idle_.begin(); it != young; ++it) {
    quit(std::move(it->connection));
    it->pool_ = nullptr;
  }
  idle_.erase(idle_.begin(), young);
  if (!idle_.empty()) idle_deadline_.set(config_.idle_timeout - (now - idle_.front().connection->idle_since));
}

void SmtpPool::quit(std::unique_ptr<SmtpConnection> connection) {
  farewells_.spawn("smtp.quit", say_quit(std::move(connection)));
}

}  // namespace postrider::relay
