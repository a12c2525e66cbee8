// SmtpPool: the connections of one relay thread to one upstream. A hand-over leases one: an idle one, leave to open one, or a
// place in a queue. Slots (max_connections) are shared by all threads, but each thread may always hold one connection of its own, so
// that its queue moves without hearing from the others: at worst there is one connection too many for each thread. On its
// Loop only; must outlive its leases.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <list>
#include <memory>
#include <optional>
#include <vector>

#include "net/deadline_wheel.h"
#include "net/task_group.h"
#include "relay/outbound/smtp_connection.h"
#include "relay/outbound/wakeup.h"

namespace postrider::relay {

class SmtpPool {
 public:
  SmtpPool(net::Loop& loop, Upstream& upstream);
  ~SmtpPool();

  // A place for one connection, and the connection if there is one. Gives the place back when destroyed; the connection
  // is kept only by give_back().
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept;
    Lease& operator=(Lease&& other) noexcept;
    ~Lease() { end(); }

    explicit operator bool() const { return pool_ != nullptr; }
    std::unique_ptr<SmtpConnection> connection;
    void give_back();  // keeps the connection for others, or says QUIT when it has done enough

   private:
    friend class SmtpPool;
    Lease(SmtpPool& pool, std::optional<Reservation> slot) : pool_(&pool), slot_(std::move(slot)) {}
    void end();
    SmtpPool* pool_ = nullptr;
    std::optional<Reservation> slot_;  // nothing: the one this thread may always have
  };

  boost::asio::awaitable<Lease> acquire();  // an empty lease: cancelled while waiting
  void close_idle();                        // and keep none from now on
  std::size_t connections() const { return leased_ + idle_.size(); }

 private:
  struct Waiter {
    explicit Waiter(net::Loop& loop) : wakeup(loop) {}
    Wakeup wakeup;
    Lease granted;
  };

  std::optional<Lease> take();
  void hand_on(std::optional<Reservation> slot, std::unique_ptr<SmtpConnection> connection);
  bool worn_out(const SmtpConnection& connection) const;
  void close_old();
  void quit(std::unique_ptr<SmtpConnection> connection);

  net::Loop& loop_;
  Upstream& upstream_;
  const UpstreamConfig& config_;
  std::vector<Lease> idle_;  // the last one used at the end: few stay warm, the rest grow old and go
  std::list<Waiter*> waiters_;
  std::size_t leased_ = 0;
  bool closing_ = false;
  net::TaskGroup farewells_;
  net::Deadline idle_deadline_;
};

}  // namespace postrider::relay
