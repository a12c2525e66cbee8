#include "net/task_group.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <list>
#include <utility>

namespace postrider::net {

namespace asio = boost::asio;

// Shared with the tasks, so that one that ends late finds it alive.
struct TaskGroup::State {
  struct Entry {
    std::string_view name;
    asio::cancellation_signal signal;
    bool cancelled = false;
    bool ended = false;
  };
  using Entries = std::list<Entry>;

  State(Loop& l, std::function<void(std::string_view, const std::exception&)> e) : loop(l), on_error(std::move(e)) {}

  static asio::awaitable<void> run(std::shared_ptr<State> state, Entries::iterator entry, asio::awaitable<void> task);
  void failed(const Entry& entry, const std::exception& error);
  void end(Entries::iterator entry);
  void tell_waiters();

  Loop& loop;
  std::function<void(std::string_view, const std::exception&)> on_error;
  Entries entries;
  std::size_t running = 0;
  bool cancelling = false;  // entries stay in the list while cancel() walks it
  std::vector<Task> waiters;
};

TaskGroup::TaskGroup(Loop& loop, std::function<void(std::string_view, const std::exception&)> on_error)
    : state_(std::make_shared<State>(loop, std::move(on_error))) {}

TaskGroup::~TaskGroup() {
  state_->on_error = nullptr;
}

void TaskGroup::spawn(std::string_view name, asio::awaitable<void> task) {
  State& s = *state_;
  const auto entry = s.entries.emplace(s.entries.end());
  entry->name = name;
  ++s.running;
  auto ended = [state = state_, entry](const std::exception_ptr&) { state->end(entry); };
  asio::co_spawn(s.loop.io(), State::run(state_, entry, std::move(task)),
                 asio::bind_cancellation_slot(entry->signal.slot(), std::move(ended)));
}

std::size_t TaskGroup::size() const {
  return state_->running;
}

void TaskGroup::cancel() {
  const std::shared_ptr<State> s = state_;  // a task may end the owner of the group
  if (s->cancelling) return;
  s->cancelling = true;
  std::size_t left = s->entries.size();  // not those that are spawned meanwhile
  for (auto entry = s->entries.begin(); left > 0; ++entry, --left) {
    if (entry->ended) continue;
    entry->cancelled = true;
    entry->signal.emit(asio::cancellation_type::terminal);
  }
  s->cancelling = false;
  s->entries.remove_if([](const State::Entry& e) { return e.ended; });
  s->tell_waiters();
}

asio::awaitable<void> TaskGroup::drain() {
  if (state_->running == 0) co_return;
  auto initiate = [state = state_.get()](auto handler) { state->waiters.emplace_back(std::move(handler)); };
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(initiate, asio::use_awaitable);
}

void TaskGroup::when_empty(Task then) {
  if (state_->running == 0) return state_->loop.post(std::move(then));
  state_->waiters.push_back(std::move(then));
}

asio::awaitable<void> TaskGroup::State::run(std::shared_ptr<State> state, Entries::iterator entry,
                                            asio::awaitable<void> task) {
  // A cancelled task gets values, never an exception at some later co_await: it may still have a result to
  // settle.
  co_await asio::this_coro::throw_if_cancelled(false);
  try {
    co_await std::move(task);
  } catch (const std::exception& e) {
    state->failed(*entry, e);
  } catch (...) {
    state->failed(*entry, std::runtime_error("an exception of unknown type"));
  }
}

void TaskGroup::State::failed(const Entry& entry, const std::exception& error) {
  if (const auto* system = dynamic_cast<const boost::system::system_error*>(&error)) {
    if (entry.cancelled && system->code() == asio::error::operation_aborted) return;
  }
  if (on_error) on_error(entry.name, error);
}

void TaskGroup::State::end(Entries::iterator entry) {
  entry->ended = true;
  --running;
  if (cancelling) return;  // cancel() cleans up when it is through
  entries.erase(entry);
  tell_waiters();
}

void TaskGroup::State::tell_waiters() {
  if (running == 0 && !waiters.empty()) loop.post(std::exchange(waiters, {}));
}

asio::awaitable<bool> cancelled() {
  const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
  co_return state.cancelled() != asio::cancellation_type::none;
}

}  // namespace postrider::net
