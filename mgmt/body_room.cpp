#include "mgmt/body_room.h"

#include <utility>

#include "net/await.h"

namespace postrider::mgmt {

namespace {

bool raise_to(Budget& budget, Reservation& paid, std::uint64_t octets) {
  if (octets <= paid.amount()) return true;
  if (paid) return paid.grow(octets - paid.amount());
  auto reserved = budget.reserve(octets);
  if (!reserved) return false;
  paid = std::move(*reserved);
  return true;
}

}  // namespace

BodyRoom::BodyRoom(Mailbox& home, const Clock& clock, std::unique_ptr<Alarm> alarm, BodyRoomOptions options)
    : home_(home),
      clock_(clock),
      alarm_(std::move(alarm)),
      directory_(std::move(options.directory)),
      longest_wait_(options.longest_wait),
      memory_(options.memory),
      disk_(options.disk) {}

bool BodyRoom::pay(Reservation& paid, std::uint64_t octets) {
  if (octets <= paid.amount()) return true;
  return waiting_.empty() && raise_to(memory_, paid, octets);
}

std::optional<BodyFile> BodyRoom::make_file() {
  if (directory_.empty()) return std::nullopt;
  return BodyFile::make(directory_);
}

bool BodyRoom::pay_disk(Reservation& paid, std::uint64_t octets) {
  return raise_to(disk_, paid, octets);
}

boost::asio::awaitable<result<Reservation>> BodyRoom::wait_for(std::uint64_t octets) {
  auto stand_in_line = [&](Done<Reservation> done) {
    waiting_.push_back({octets, clock_.monotonic() + longest_wait_, std::move(done)});
    freed();
    refuse_late();
  };
  auto room = co_await net::await_done<Reservation>(home_, stand_in_line);
  co_return room;
}

void BodyRoom::freed() {
  while (!waiting_.empty()) {
    const std::uint64_t octets = waiting_.front().octets;
    if (closed_ || octets > memory_.limit()) {
      refuse_first();
      continue;
    }
    auto reserved = memory_.reserve(octets);
    if (!reserved) return;
    Done<Reservation> done = std::move(waiting_.front().done);
    waiting_.pop_front();
    done.complete(std::move(*reserved));
  }
}

void BodyRoom::close() {
  closed_ = true;
  freed();
}

void BodyRoom::set_memory(std::uint64_t octets) {
  memory_.set_limit(octets);
  freed();
}

// All wait equally long, so that the first in line is the first whose time is over.
void BodyRoom::refuse_late() {
  while (!waiting_.empty() && waiting_.front().until <= clock_.monotonic()) refuse_first();
  if (waiting_.empty()) return alarm_->cancel();
  alarm_->set(clock_.now() + (waiting_.front().until - clock_.monotonic()), [this] { refuse_late(); });
}

void BodyRoom::refuse_first() {
  Done<Reservation> done = std::move(waiting_.front().done);
  waiting_.pop_front();
  done.complete(Fault{FaultKind::unavailable, "there is no memory for another large body"});
}

}  // namespace postrider::mgmt
