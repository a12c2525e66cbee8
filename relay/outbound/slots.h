// Slots: the bound on messages in flight at one upstream in one dispatcher. A Slot is taken before the accept or the claim of a message and
// gives itself back when the last holder lets go. On the dispatcher's thread only; a Slot may outlive the pool's owner.
#pragma once

#include <functional>
#include <memory>

namespace postrider::relay {

class SlotPool;

class Slot {
 public:
  explicit Slot(std::shared_ptr<SlotPool> pool);
  ~Slot();
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

 private:
  std::shared_ptr<SlotPool> pool_;
};

class SlotPool : public std::enable_shared_from_this<SlotPool> {
 public:
  // `changed`: by +1 or -1, after each slot that is taken or comes back.
  SlotPool(std::size_t limit, std::function<void(int)> changed) : limit_(limit), changed_(std::move(changed)) {}

  std::shared_ptr<Slot> take() { return free() == 0 ? nullptr : std::make_shared<Slot>(shared_from_this()); }
  std::size_t used() const { return used_; }
  std::size_t free() const { return limit_ - used_; }
  std::size_t limit() const { return limit_; }
  void forget_owner() { changed_ = nullptr; }

 private:
  friend class Slot;
  std::size_t limit_;
  std::size_t used_ = 0;
  std::function<void(int)> changed_;
};

inline Slot::Slot(std::shared_ptr<SlotPool> pool) : pool_(std::move(pool)) {
  ++pool_->used_;
  if (pool_->changed_) pool_->changed_(+1);
}
inline Slot::~Slot() {
  --pool_->used_;
  if (pool_->changed_) pool_->changed_(-1);
}

}  // namespace postrider::relay
