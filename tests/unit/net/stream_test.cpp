#include "net/stream.h"

#include <sys/socket.h>

#include <array>

#include "tests/unit/net/net_test.h"

namespace postrider::net {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

class PlainStream : public NetTest {};

awaitable<void> say(Stream& stream, std::string words) {
  const IoResult done = co_await stream.write(words);
  EXPECT_FALSE(done.error) << done.error.message();
  EXPECT_EQ(done.bytes, words.size());
}

awaitable<void> say_and_close(Stream& stream, std::string words) {
  co_await say(stream, std::move(words));
  stream.close();
}

awaitable<void> collect(Stream& stream, std::string& into, boost::system::error_code& error) {
  auto [octets, end] = co_await read_all(stream);
  into = std::move(octets);
  error = end;
}

TEST_F(PlainStream, CarriesOctetsAndTheEnd) {
  auto [near, far] = connected();
  std::string got;
  boost::system::error_code error;
  group_.spawn("reader", collect(*far, got, error));
  group_.spawn("writer", say_and_close(*near, "220 hello\r\n"));
  run_all();
  EXPECT_EQ(got, "220 hello\r\n");
  EXPECT_EQ(error, asio::error::eof);
}

TEST_F(PlainStream, WritesMoreThanTheSocketTakes) {
  auto [near, far] = connected();
  ASSERT_FALSE(near->is_tls());
  std::string big(8u << 20, 'x');
  for (std::size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>('a' + i % 23);
  std::string got;
  boost::system::error_code error;
  group_.spawn("writer", say_and_close(*near, big));
  group_.spawn("reader", collect(*far, got, error));
  run_all();
  EXPECT_TRUE(got == big);
}

awaitable<void> gather(Stream& stream, const std::vector<std::string>& parts) {
  std::vector<asio::const_buffer> buffers;
  for (const std::string& part : parts) buffers.push_back(asio::buffer(part));
  const IoResult done = co_await stream.write(buffers);
  EXPECT_FALSE(done.error);
  stream.close();
}

TEST_F(PlainStream, GathersAnyNumberOfBuffers) {
  auto [near, far] = connected();
  std::vector<std::string> parts;
  std::string whole;
  for (std::size_t i = 0; i < 100; ++i) {
    parts.emplace_back(i * 997, static_cast<char>('a' + i % 26));  // the first is empty
    whole += parts.back();
  }
  std::string got;
  boost::system::error_code error;
  group_.spawn("writer", gather(*near, parts));
  group_.spawn("reader", collect(*far, got, error));
  run_all();
  EXPECT_TRUE(got == whole);
}

TEST_F(PlainStream, SaysWhoIsAtEitherEndAlsoAfterClosing) {
  auto [near, far] = connected();
  const tcp::endpoint far_end = near->remote();
  EXPECT_EQ(far->local(), far_end);
  near->close();
  EXPECT_EQ(near->remote(), far_end);
}

awaitable<void> outlast_deadline(Stream& stream) {
  char window[16];
  stream.expires_after(1ms);
  const IoResult pending = co_await stream.read_some(window);
  EXPECT_EQ(pending.error, asio::error::timed_out);
  EXPECT_TRUE(stream.timed_out());
  const IoResult later = co_await stream.read_some(window);
  EXPECT_EQ(later.error, asio::error::timed_out);
  const IoResult write = co_await stream.write("too late");
  EXPECT_EQ(write.error, asio::error::timed_out);
  stream.farewell("421 4.4.2 timeout\r\n");
  stream.close();
}

TEST_F(PlainStream, AnExpiredDeadlineEndsAllButTheFarewell) {
  auto [near, far] = connected();
  std::string got;
  boost::system::error_code error;
  group_.spawn("waiter", outlast_deadline(*near));
  group_.spawn("reader", collect(*far, got, error));
  run_all();
  EXPECT_EQ(got, "421 4.4.2 timeout\r\n");
}

awaitable<void> write_into_deadline(Stream& stream) {
  const std::string big(64u << 20, 'x');
  stream.expires_after(1ms);
  const IoResult done = co_await stream.write(big);
  EXPECT_EQ(done.error, asio::error::timed_out);
  EXPECT_LT(done.bytes, big.size());
}

TEST_F(PlainStream, AWriteThatNobodyReadsMeetsTheDeadline) {
  auto [near, far] = connected();
  run(write_into_deadline(*near));
}

awaitable<void> read_until_closed(Stream& stream) {
  char window[16];
  const IoResult pending = co_await stream.read_some(window);
  EXPECT_EQ(pending.error, asio::error::operation_aborted);
  const IoResult later = co_await stream.read_some(window);
  EXPECT_EQ(later.error, asio::error::operation_aborted);
  const IoResult write = co_await stream.write("x");
  EXPECT_EQ(write.error, asio::error::operation_aborted);
}

TEST_F(PlainStream, MayBeClosedWhileAReadWaits) {
  auto [near, far] = connected();
  group_.spawn("reader", read_until_closed(*near));
  Stream* stream = near.get();
  loop_.post(Task([stream] { stream->close(); }));
  run_all();
}

awaitable<void> read_cancelled_then_well(Stream& stream) {
  char window[16];
  const IoResult pending = co_await stream.read_some(window);
  EXPECT_EQ(pending.error, asio::error::operation_aborted);
  const IoResult later = co_await stream.read_some(window);
  EXPECT_FALSE(later.error);
  EXPECT_EQ(std::string(window, later.bytes), "more");
}

TEST_F(PlainStream, CancelEndsOnlyThePendingOperation) {
  auto [near, far] = connected();
  group_.spawn("reader", read_cancelled_then_well(*near));
  Stream* stream = near.get();
  loop_.post(Task([stream] { stream->cancel(); }));
  group_.spawn("writer", say(*far, "more"));
  // The write is spawned after the cancel was posted, so the read meets the cancel first.
  run_all();
}

awaitable<void> meet_reset(Stream& stream) {
  char window[16];
  const IoResult read = co_await stream.read_some(window);
  EXPECT_EQ(read.error, asio::error::connection_reset);
  const IoResult first = co_await stream.write("x");  // and no SIGPIPE
  EXPECT_TRUE(first.error);
}

TEST_F(PlainStream, AResetIsAnErrorLikeAnyOther) {
  tcp::acceptor acceptor(loop_.io(), tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  tcp::socket socket(loop_.io());
  socket.connect(acceptor.local_endpoint());
  Stream near(loop_, std::move(socket));
  tcp::socket far = acceptor.accept();
  far.set_option(asio::socket_base::linger(true, 0));
  far.close();
  run(meet_reset(near));
}

awaitable<void> try_connect(Loop& loop, tcp::endpoint to, boost::system::error_code& error,
                            std::unique_ptr<Stream>& made) {
  auto [failed, stream] = co_await connect(loop, to, 5s);
  error = failed;
  made = std::move(stream);
}

TEST_F(PlainStream, ConnectsAndIsRefused) {
  tcp::acceptor acceptor(loop_.io(), tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  const tcp::endpoint there = acceptor.local_endpoint();
  boost::system::error_code error;
  std::unique_ptr<Stream> made;
  run(try_connect(loop_, there, error, made));
  EXPECT_FALSE(error);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->remote(), there);
  made.reset();
  acceptor.close();
  run(try_connect(loop_, there, error, made));
  EXPECT_EQ(error, asio::error::connection_refused);
  EXPECT_FALSE(made);
}

awaitable<void> connect_in_vain(Loop& loop, tcp::endpoint to, int attempts, boost::system::error_code& last) {
  std::vector<std::unique_ptr<Stream>> held;
  for (int i = 0; i < attempts && !last; ++i) {
    auto [error, stream] = co_await connect(loop, to, 300ms);
    last = error;
    held.push_back(std::move(stream));
  }
}

TEST_F(PlainStream, AConnectThatIsNotAnsweredTimesOut) {
  // A full backlog: the kernel leaves further SYNs unanswered.
  tcp::acceptor acceptor(loop_.io());
  acceptor.open(tcp::v4());
  acceptor.bind(tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  acceptor.listen(1);
  boost::system::error_code last;
  run(connect_in_vain(loop_, acceptor.local_endpoint(), 8, last));
  EXPECT_EQ(last, asio::error::timed_out);
}

}  // namespace
}  // namespace postrider::net
