// What the tests of net share: a Loop that the test's own thread runs until all tasks have ended, and connected streams.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <utility>

#include "net/deadline_wheel.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/task_group.h"

namespace postrider::net {

using boost::asio::awaitable;
using boost::asio::ip::tcp;

class NetTest : public ::testing::Test {
 protected:
  // Spawns `task` and runs the loop until no task is left.
  void run(awaitable<void> task) {
    group_.spawn("test", std::move(task));
    run_all();
  }
  void run_all() {
    group_.when_empty(Task([this] { loop_.stop(); }));
    loop_.run();
    loop_.io().restart();
  }

  // Two ends of one loopback connection.
  std::pair<std::unique_ptr<Stream>, std::unique_ptr<Stream>> connected() {
    tcp::acceptor acceptor(loop_.io(), tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    tcp::socket near(loop_.io());
    near.connect(acceptor.local_endpoint());
    tcp::socket far = acceptor.accept();
    return {std::make_unique<Stream>(loop_, std::move(near)), std::make_unique<Stream>(loop_, std::move(far))};
  }

  Loop loop_{"test"};
  TaskGroup group_{loop_,
                   [](std::string_view task, const std::exception& e) { ADD_FAILURE() << task << ": " << e.what(); }};
};

// Reads until the end or an error; returns what came and the error that ended it.
inline awaitable<std::pair<std::string, boost::system::error_code>> read_all(Stream& stream) {
  std::pair<std::string, boost::system::error_code> got;
  std::string window(65536, '\0');
  while (!got.second) {
    const IoResult read = co_await stream.read_some(window);
    got.first.append(window, 0, read.bytes);
    got.second = read.error;
  }
  co_return got;
}

// Reads until `size` octets have come.
inline awaitable<std::string> read_exactly(Stream& stream, std::size_t size) {
  std::string got;
  std::string window(size, '\0');
  while (got.size() < size) {
    const IoResult read = co_await stream.read_some(std::span<char>(window.data(), size - got.size()));
    if (read.error) break;
    got.append(window, 0, read.bytes);
  }
  co_return got;
}

}  // namespace postrider::net
