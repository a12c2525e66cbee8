#include "net/await.h"

#include <thread>

#include "tests/unit/net/net_test.h"

namespace postrider::net {
namespace {

struct Parcel {
  explicit Parcel(std::unique_ptr<int> c) : content(std::move(c)) {}
  std::unique_ptr<int> content;  // move-only, and the parcel has no default
};

class Await : public NetTest {};

awaitable<void> take_parcel(Loop& loop, int& got) {
  int local = 7;
  const auto start = [&local](Done<Parcel> done) { done.complete(Parcel(std::make_unique<int>(local))); };
  result<Parcel> parcel = co_await await_done<Parcel>(loop, start);
  if (parcel) got = *parcel->content;
}

TEST_F(Await, GivesMoveOnlyValuesWithoutADefault) {
  int got = 0;
  run(take_parcel(loop_, got));
  EXPECT_EQ(got, 7);
}

awaitable<void> take_fault(Loop& loop, std::string& text) {
  const auto start = [](Done<Nothing> done) { done.complete(Fault{FaultKind::full, "no room"}); };
  const result<Nothing> answer = co_await await_done<Nothing>(loop, start);
  if (!answer) text = answer.error().text;
}

TEST_F(Await, GivesFaults) {
  std::string text;
  run(take_fault(loop_, text));
  EXPECT_EQ(text, "no room");
}

awaitable<void> count_answers(Loop& loop, std::thread& other, std::vector<std::string>& got, std::string owned) {
  for (int i = 0; i < 3; ++i) {
    // What is moved into `start` must live until the answer, on another thread, has used it.
    auto start = [&other, text = owned + std::to_string(i)](Done<std::string> done) {
      other = std::thread([d = std::move(done), t = std::string_view(text)]() mutable { d.complete(std::string(t)); });
    };
    result<std::string> answer = co_await await_done<std::string>(loop, std::move(start));
    other.join();
    got.push_back(answer.value());
  }
}

TEST_F(Await, ComesHomeFromAnotherThread) {
  std::thread other;
  std::vector<std::string> got;
  run(count_answers(loop_, other, got, "a text too long for the small string buffer "));
  ASSERT_EQ(got.size(), 3u);
  EXPECT_EQ(got[2], "a text too long for the small string buffer 2");
}

awaitable<void> wait_for(Loop& loop, Done<Nothing>& pending, bool& was_cancelled) {
  const auto start = [&pending](Done<Nothing> done) { pending = std::move(done); };
  const result<Nothing> answer = co_await await_done<Nothing>(loop, start);
  const bool stopped = co_await cancelled();
  was_cancelled = answer.has_value() && stopped;
}

TEST_F(Await, SurvivesCancellationAndIsStillAnswered) {
  Done<Nothing> pending;
  bool was_cancelled = false;
  group_.spawn("waiter", wait_for(loop_, pending, was_cancelled));
  loop_.post(Task([&] {
    group_.cancel();
    pending.complete(Nothing{});
  }));
  run_all();
  EXPECT_TRUE(was_cancelled);
}

}  // namespace
}  // namespace postrider::net
