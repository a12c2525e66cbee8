// BodyRoom: what all request bodies of the management server together may take: memory, and disk for those that find no memory. A
// body that is whole on disk waits here for its turn to be held in memory, first come, first served: a hundred large letters at once
// need the memory of a few, and none is refused. One for all servers, mgmt thread only; outlives them.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "core/budget.h"
#include "core/clock.h"
#include "core/done.h"
#include "mgmt/body_file.h"

namespace postrider::mgmt {

// How much: HttpLimits says it for the server.
struct BodyRoomOptions {
  std::string directory;  // of the files; empty: none are made, and a body that finds no memory is refused
  std::uint64_t memory = 0;
  std::uint64_t disk = 0;
  Duration longest_wait{};  // for memory, once a body is whole
};

class BodyRoom {
 public:
  BodyRoom(Mailbox& home, const Clock& clock, std::unique_ptr<Alarm> alarm, BodyRoomOptions options);

  // `paid` is worth `octets` then. False: there is not so much memory, or others wait for it.
  bool pay(Reservation& paid, std::uint64_t octets);
  std::optional<BodyFile> make_file();                     // nothing: no directory, or no file there
  bool pay_disk(Reservation& paid, std::uint64_t octets);  // as pay()
  // Faults: unavailable, after the longest wait, of more than there is memory, and from close() on.
  boost::asio::awaitable<result<Reservation>> wait_for(std::uint64_t octets);
  void freed();  // memory was given back: it is the turn of whoever waits
  void close();  // the servers stop: nobody waits any more

  void set_memory(std::uint64_t octets);
  const Budget& memory() const { return memory_; }
  const Budget& disk() const { return disk_; }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Waiter {
    std::uint64_t octets;
    Duration until;  // monotonic
    Done<Reservation> done;
  };
  void refuse_late();
  void refuse_first();

  Mailbox& home_;
  const Clock& clock_;
  const std::unique_ptr<Alarm> alarm_;
  const std::string directory_;
  const Duration longest_wait_;
  Budget memory_, disk_;
  std::deque<Waiter> waiting_;
  bool closed_ = false;
};

}  // namespace postrider::mgmt
