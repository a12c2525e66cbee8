// What the tests of the SMTP client share: a transport on a Loop that the test's own thread runs, towards a scripted server.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "net/task_group.h"
#include "relay/outbound/smtp_transport.h"
#include "tests/temp_directory.h"
#include "tests/unit/relay/scripted_smtp_server.h"

namespace postrider::relay {

using namespace testing_fakes;

class ChunkSource final : public BodySource {
 public:
  explicit ChunkSource(std::vector<std::string> chunks, bool breaks = false)
      : chunks_(std::move(chunks)), breaks_(breaks) {}
  boost::asio::awaitable<result<std::shared_ptr<const std::string>>> next() override {
    std::shared_ptr<const std::string> chunk;
    if (next_ < chunks_.size()) chunk = std::make_shared<const std::string>(chunks_[next_++]);
    if (!chunk && breaks_) co_return Fault{FaultKind::damaged, "unreadable"};
    co_return chunk;
  }

 private:
  std::vector<std::string> chunks_;
  bool breaks_;
  std::size_t next_ = 0;
};

class SmtpClientTest : public ::testing::Test {
 protected:
  SmtpClientTest() {
    config.name = "primary";
    config.type = UpstreamType::smtp;
    config.hosts = {"127.0.0.1"};
    config.tls = UpstreamTls::none;
    config.connect_timeout = config.stage_timeout = config.final_timeout = std::chrono::seconds(20);
    record->id = MessageIdSource(1).next(Time{});
    record->envelope.sender = {"sender", "example.com"};
    record->body_size = 20;
    add_recipient("one");
  }

  void add_recipient(std::string local) {
    Recipient recipient;
    recipient.address = {std::move(local), "example.org"};
    record->recipients.push_back(std::move(recipient));
  }

  void serve(std::vector<Script> scripts, const char* address = "127.0.0.1") {
    server = std::make_unique<ScriptedSmtpServer>(std::move(scripts), certificate_file, key_file, address);
    config.port = server->port();
  }

  Transport& transport() {
    if (!transport_) {
      upstream_ = std::make_unique<Upstream>(config, HealthPolicy());
      auto tls = make_upstream_tls(config);
      if (!tls) throw std::runtime_error(tls.error().text);
      net::ResolverOptions names;
      names.servers = name_servers;
      resolver_ = std::make_unique<net::Resolver>(std::move(names));
      transport_ = make_smtp_transport({loop_, *resolver_, *upstream_, *tls, "relay.example.com"});
    }
    return *transport_;
  }

  Upstream& upstream() {
    transport();
    return *upstream_;
  }

  Handover handover() {
    Handover h;
    h.message = record;
    for (std::uint32_t i = 0; i < record->recipients.size(); ++i) h.recipients.push_back(i);
    h.body = std::make_unique<ChunkSource>(body, body_breaks);
    return h;
  }

  Attempt deliver() {
    start_delivery();
    run();
    Attempt last = reports.back().attempt;
    return last;
  }
  void start_delivery() { group_.spawn("deliver", deliver_one(transport(), handover(), reports)); }
  void run() {
    group_.when_empty(Task([this] { loop_.stop(); }));
    loop_.run();
    loop_.io().restart();
  }
  void spawn(boost::asio::awaitable<void> task) { group_.spawn("test", std::move(task)); }
  void run_until_heard(std::string start) {
    server->when_heard(std::move(start), [this] {
      std::vector<Task> stop;
      stop.emplace_back([this] { loop_.stop(); });
      loop_.post(std::move(stop));
    });
    loop_.run();
    loop_.io().restart();
  }
  void cancel_deliveries() { group_.cancel(); }

  static boost::asio::awaitable<void> deliver_one(Transport& to, Handover what, std::vector<HandoverReport>& reports) {
    HandoverReport report = co_await to.deliver(std::move(what));
    reports.push_back(std::move(report));
  }

  // The whole dialogue of one connection, when it has ended.
  ScriptedSmtpServer::Connection ended(std::size_t connection = 0) {
    transport().close_idle();
    run_farewells();
    server->wait_until_ended(connection + 1);
    EXPECT_EQ(server->problems(), "");
    return server->connections().at(connection);
  }
  // The QUITs of the pool are tasks of its own: run until the loop has nothing to do.
  void run_farewells() {
    while (loop_.io().poll_one() > 0) {
    }
    loop_.io().restart();
  }

  // A self-signed certificate for 127.0.0.1, which is its own authority.
  void make_certificate() {
    const auto made = net::ensure_self_signed(directory_.path(), "localhost");
    if (!made) throw std::runtime_error(made.error().text);
    certificate_file = made->certificate_file;
    key_file = made->key_file;
  }
  ~SmtpClientTest() override {
    transport_.reset();
    server.reset();
  }

  UpstreamConfig config;
  std::shared_ptr<MessageRecord> record = std::make_shared<MessageRecord>();
  std::vector<std::string> body{"Subject: x\r\n\r\ntext\r\n"};
  bool body_breaks = false;
  std::string certificate_file, key_file;
  std::string name_servers;  // empty: the system's
  std::unique_ptr<ScriptedSmtpServer> server;
  std::vector<HandoverReport> reports;

 private:
  const TempDirectory directory_;
  net::Loop loop_{"test"};
  net::TaskGroup group_{
      loop_, [](std::string_view task, const std::exception& e) { ADD_FAILURE() << task << ": " << e.what(); }};
  std::unique_ptr<net::Resolver> resolver_;  // after what its answers go to
  std::unique_ptr<Upstream> upstream_;
  std::unique_ptr<Transport> transport_;
};

}  // namespace postrider::relay
