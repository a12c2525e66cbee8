// How a component answers a caller on another thread: Done<T> carries the caller's completion and the Mailbox of the
// thread it must run on. The answering side collects many and posts each mailbox once, so that one commit of the
// spool wakes each relay thread once.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "core/result.h"

namespace postrider {

// A move-only std::function<void()>; what C++23 calls std::move_only_function.
class Task {
 public:
  Task() = default;
  template <typename F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Task>)
      Task(F&& f)  // NOLINT(bugprone-forwarding-reference-overload): the check does not read `requires`
      : body_(std::make_unique<Holder<std::decay_t<F>>>(std::forward<F>(f))) {}

  void operator()() { body_->run(); }
  explicit operator bool() const { return body_ != nullptr; }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual void run() = 0;
  };
  template <typename F>
  struct Holder final : Base {
    explicit Holder(F&& f) : fn(std::move(f)) {}
    explicit Holder(const F& f) : fn(f) {}
    void run() override { fn(); }
    F fn;
  };
  std::unique_ptr<Base> body_;
};

// The inbox of one thread. post() may be called from any thread; the tasks run on the owner's thread, in order.
class Mailbox {
 public:
  virtual ~Mailbox() = default;
  virtual void post(std::vector<Task> tasks) = 0;
};

// One-shot completion. Exactly one of complete()/take() is called; a Done that is dropped unanswered is a bug.
template <typename T>
class Done {
 public:
  Done() = default;
  template <typename F>
  Done(Mailbox& where, F&& f) : where_(&where), body_(std::make_unique<Holder<std::decay_t<F>>>(std::forward<F>(f))) {}

  Mailbox* mailbox() const { return where_; }
  explicit operator bool() const { return body_ != nullptr; }
  // The task that delivers `value`; the caller posts it to mailbox(), alone or in a batch.
  Task take(result<T> value) {
    return Task([body = std::move(body_), v = std::move(value)]() mutable { body->run(std::move(v)); });
  }
  void complete(result<T> value) {
    std::vector<Task> one;
    Mailbox* where = where_;
    one.push_back(take(std::move(value)));
    where->post(std::move(one));
  }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual void run(result<T> value) = 0;
  };
  template <typename F>
  struct Holder final : Base {
    explicit Holder(F&& f) : fn(std::move(f)) {}
    void run(result<T> value) override { fn(std::move(value)); }
    F fn;
  };
  Mailbox* where_ = nullptr;
  std::unique_ptr<Base> body_;
};

struct Nothing {};  // the T of a Done that only says "durable now"

}  // namespace postrider
