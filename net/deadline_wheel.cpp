#include "net/deadline_wheel.h"

#include <algorithm>
#include <chrono>

#include "net/loop.h"

namespace postrider::net {

Deadline::Deadline(DeadlineWheel& wheel, std::function<void()> expired) : wheel_(wheel), expired_(std::move(expired)) {}

Deadline::~Deadline() {
  clear();
}

void Deadline::set(Duration from_now) {
  wheel_.set(*this, from_now);
}

void Deadline::clear() {
  if (slot_ != kUnlinked) wheel_.unlink(*this);
}

DeadlineWheel::DeadlineWheel(boost::asio::io_context& io)
    : DeadlineWheel([] { return std::int64_t{SystemClock().monotonic().count()}; }) {
  timer_.emplace(io);
}

DeadlineWheel::DeadlineWheel(Milliseconds now) : now_(std::move(now)), slots_(kSlots + 1), done_tick_(current_tick()) {}

DeadlineWheel::~DeadlineWheel() {
  for (Deadline*& head : slots_) {
    while (head) unlink(*head);
  }
}

// Runs before every read and write of every connection: mostly it only moves due_tick_.
void DeadlineWheel::set(Deadline& d, Duration from_now) {
  const std::int64_t now = now_();
  if (waiting_ == 0) done_tick_ = now / kTick.count();  // nothing was missed while nothing waited
  const std::int64_t wait = std::clamp<std::int64_t>(from_now.count(), 0, std::int64_t{1} << 50);
  d.due_tick_ = std::max((now + wait + kTick.count() - 1) / kTick.count(), done_tick_ + 1);  // rounded up: never early
  if (d.slot_ != Deadline::kUnlinked) {
    if (d.slot_tick_ <= d.due_tick_) return;
    unlink(d);
  }
  hang(d);
  arm();
}

// A deadline beyond the horizon hangs at the horizon and is moved on when met.
void DeadlineWheel::hang(Deadline& d) {
  d.slot_tick_ = std::min(d.due_tick_, done_tick_ + kSlots - 1);
  link(d, static_cast<std::size_t>(d.slot_tick_ % kSlots));
}

void DeadlineWheel::link(Deadline& d, std::size_t slot) {
  d.slot_ = slot;
  d.prev_ = nullptr;
  d.next_ = slots_[slot];
  if (d.next_) d.next_->prev_ = &d;
  slots_[slot] = &d;
  ++waiting_;
}

void DeadlineWheel::unlink(Deadline& d) {
  if (d.next_) d.next_->prev_ = d.prev_;
  (d.prev_ ? d.prev_->next_ : slots_[d.slot_]) = d.next_;
  d.prev_ = d.next_ = nullptr;
  d.slot_ = Deadline::kUnlinked;
  --waiting_;
}

void DeadlineWheel::advance() {
  collect(current_tick());
  arm();  // before the calls, so that nothing they do can leave the wheel standing
  while (Deadline* d = slots_[kFiring]) {
    unlink(*d);
    if (d->due_tick_ > done_tick_) {
      hang(*d);  // moved on by a call before it
    } else {
      d->expired_();
    }
  }
}

// Empties the slots passed since the last time: what is due goes to the firing list, the rest hangs anew.
void DeadlineWheel::collect(std::int64_t now_tick) {
  const std::int64_t first = std::max(done_tick_ + 1, now_tick - kSlots + 1);  // no slot twice after a long pause
  done_tick_ = std::max(done_tick_, now_tick);
  for (std::int64_t tick = first; tick <= now_tick; ++tick) {
    Deadline* d = std::exchange(slots_[static_cast<std::size_t>(tick % kSlots)], nullptr);
    while (d) {
      Deadline* next = d->next_;
      --waiting_;
      if (d->due_tick_ <= now_tick) {
        link(*d, kFiring);
      } else {
        hang(*d);
      }
      d = next;
    }
  }
}

void DeadlineWheel::arm() {
  if (armed_ || waiting_ == 0 || !timer_) return;
  armed_ = true;
  timer_->expires_at(std::chrono::steady_clock::time_point(kTick * (done_tick_ + 1)));
  timer_->async_wait([this](boost::system::error_code error) {
    if (error) return;  // only the wheel's own end cancels it
    armed_ = false;
    advance();
  });
}

}  // namespace postrider::net
