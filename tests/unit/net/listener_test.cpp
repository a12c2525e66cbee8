#include "net/listener.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/ip/v6_only.hpp>
#include <future>
#include <thread>

#include "tests/unit/net/net_test.h"

namespace postrider::net {
namespace {

namespace asio = boost::asio;

const tcp::endpoint kAnyPort(asio::ip::address_v4::loopback(), 0);

class Listening : public NetTest {
 protected:
  NullLog log_;
};

// Connects from outside the loop; the kernel completes it whether or not anyone accepts.
tcp::socket dial(asio::io_context& io, tcp::endpoint to) {
  tcp::socket socket(io);
  socket.connect(to);
  return socket;
}

TEST_F(Listening, HandsOverConnectedSocketsThatDoNotDelay) {
  bool no_delay = false;
  std::string from;
  const auto on_connection = [&](std::size_t, tcp::socket socket) {
    tcp::no_delay option;
    socket.get_option(option);
    no_delay = option.value();
    from = format_endpoint(socket.remote_endpoint());
    loop_.stop();
  };
  auto listener = Listener::bind({&loop_}, kAnyPort, on_connection, log_).value();
  EXPECT_NE(listener->endpoint().port(), 0);
  listener->start();
  asio::io_context outside;
  const tcp::socket client = dial(outside, listener->endpoint());
  loop_.run();
  EXPECT_TRUE(no_delay);
  EXPECT_EQ(from, format_endpoint(client.local_endpoint()));
}

TEST_F(Listening, SpreadsOverLoopsEachOnItsThread) {
  Loop second("second");
  std::promise<void> all_here;
  std::atomic<int> left = 10;
  std::array<std::atomic<int>, 2> count{};
  std::atomic<bool> right_thread = true;
  std::thread first_thread([this] { loop_.run(); });
  std::thread second_thread([&second] { second.run(); });
  const std::array<std::thread::id, 2> ids{first_thread.get_id(), second_thread.get_id()};
  const auto on_connection = [&](std::size_t index, tcp::socket) {
    ++count[index];
    if (ids[index] != std::this_thread::get_id()) right_thread = false;
    if (--left == 0) all_here.set_value();
  };
  auto listener = Listener::bind({&loop_, &second}, kAnyPort, on_connection, log_).value();
  listener->start();
  asio::io_context outside;
  std::vector<tcp::socket> clients;
  for (int i = 0; i < 10; ++i) clients.push_back(dial(outside, listener->endpoint()));
  all_here.get_future().wait();
  listener->close();
  loop_.stop();
  second.stop();
  first_thread.join();
  second_thread.join();
  EXPECT_EQ(count[0], 5);
  EXPECT_EQ(count[1], 5);
  EXPECT_TRUE(right_thread);
}

TEST_F(Listening, ClosesFromAnyThreadAndRefusesAfterwards) {
  auto listener = Listener::bind(
                      {&loop_}, kAnyPort, [](std::size_t, tcp::socket) {}, log_)
                      .value();
  listener->start();
  std::thread running([this] { loop_.run(); });
  listener->close();
  listener->close();
  asio::io_context outside;
  EXPECT_THROW(dial(outside, listener->endpoint()), boost::system::system_error);
  loop_.stop();
  running.join();
}

TEST_F(Listening, ClosesAlsoWhenItsLoopHasStopped) {
  auto listener = Listener::bind(
                      {&loop_}, kAnyPort, [](std::size_t, tcp::socket) {}, log_)
                      .value();
  listener->start();
  loop_.stop();
  listener->close();
  listener.reset();
  loop_.io().restart();
}

TEST_F(Listening, SaysWhyItCannotListen) {
  auto listener = Listener::bind(
                      {&loop_}, kAnyPort, [](std::size_t, tcp::socket) {}, log_)
                      .value();
  const auto again = Listener::bind(
      {&loop_}, listener->endpoint(), [](std::size_t, tcp::socket) {}, log_);
  ASSERT_TRUE(again.has_error());
  EXPECT_EQ(again.error().text,
            "cannot listen on " + format_endpoint(listener->endpoint()) + ": Address already in use");
}

TEST_F(Listening, TakesIPv4OnAllAddressesOnlyWhenAsked) {
  const tcp::endpoint all(asio::ip::address_v6::any(), 0);
  const auto ignore = [](std::size_t, tcp::socket) {};
  const auto single = Listener::bind({&loop_}, all, ignore, log_);
  const auto dual = Listener::bind({&loop_}, all, ignore, log_, DualStack::on);
  ASSERT_TRUE(dual.has_value());
  asio::io_context outside;
  const asio::ip::address v4 = asio::ip::address_v4::loopback();
  EXPECT_NO_THROW(dial(outside, tcp::endpoint(v4, (*dual)->endpoint().port())));
  if (single.has_error()) return;  // a machine without IPv6
  EXPECT_THROW(dial(outside, tcp::endpoint(v4, (*single)->endpoint().port())), boost::system::system_error);
}

// Counts the log lines and lets the descriptors go at the first.
class ReleasingLog final : public Log {
 public:
  explicit ReleasingLog(std::vector<int>& held) : held_(held) {}
  bool enabled(LogLevel) const override { return true; }
  void write(LogLevel, std::string_view event, const MessageId*, std::initializer_list<LogField>) override {
    events.emplace_back(event);
    for (const int fd : held_) ::close(fd);
    held_.clear();
  }
  std::vector<std::string> events;

 private:
  std::vector<int>& held_;
};

TEST_F(Listening, PausesWhenDescriptorsRunOutAndGoesOn) {
  std::vector<int> held;
  ReleasingLog releasing(held);
  Log& log = releasing;
  log.info("warm up", {});  // UBSan checks a type the first time by way of a descriptor
  releasing.events.clear();
  int accepted = 0;
  const auto on_connection = [&](std::size_t, tcp::socket) {
    if (++accepted == 2) loop_.stop();
  };
  auto listener = Listener::bind({&loop_}, kAnyPort, on_connection, log).value();
  asio::io_context outside;
  std::vector<tcp::socket> clients;
  clients.push_back(dial(outside, listener->endpoint()));
  clients.push_back(dial(outside, listener->endpoint()));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit small = before;
  small.rlim_cur = 128;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &small), 0);
  for (int fd; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) held.push_back(fd);
  listener->start();
  loop_.run();
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_EQ(accepted, 2);
  EXPECT_EQ(releasing.events, std::vector<std::string>{"listener.paused"});
}

TEST(Endpoints, AreReadAndWritten) {
  for (const char* text : {"127.0.0.1:2525", "[::1]:25", "0.0.0.0:0", "[2001:db8::1]:65535"}) {
    const auto endpoint = parse_endpoint(text);
    ASSERT_TRUE(endpoint.has_value()) << text;
    EXPECT_EQ(format_endpoint(*endpoint), text);
  }
  EXPECT_EQ(format_endpoint(parse_endpoint(":25").value()), "[::]:25");
  for (const char* text : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:25 ",
                           "localhost:2525", "::1:25", "[127.0.0.1]:25", "[::1]25", "[]:25"}) {
    const auto endpoint = parse_endpoint(text);
    ASSERT_TRUE(endpoint.has_error()) << text;
    EXPECT_NE(endpoint.error().text.find(std::string("\"") + text + "\""), std::string::npos);
  }
}

}  // namespace
}  // namespace postrider::net
