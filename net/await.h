// Bridges Done<T> to coroutines: starts an operation of another thread and suspends until its answer has come
// home.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "core/done.h"

namespace postrider::net {

// `start` is called with a Done<T> for `home` and must answer it exactly once. The caller must run on
// `home`'s thread. The wait itself has no deadline: a Done is always answered, by the contract of Done.
template <typename T, typename Start>
boost::asio::awaitable<result<T>> await_done(Mailbox& home, Start start) {
  auto initiate = [&home, &start](auto handler) {
    start(Done<T>(home, [h = std::move(handler)](result<T> value) mutable { std::move(h)(std::move(value)); }));
  };
  co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(result<T>)>(
      initiate, boost::asio::use_awaitable);
}

}  // namespace postrider::net
