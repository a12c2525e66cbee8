// What the tests of the HTTP transport share: a transport on a Loop that the test's own thread runs, towards a fake server, with a
// provider made for the purpose. Its requests say who they are for, its answers mean:
//   200 "id=..." taken; 200 anything else: no answer of its API; 207: the second recipient is refused; 400: one of them is refused, it
//   does not say which; 401: wrong key; 402: quota, for an hour; 429: slow down; 5xx: its own trouble.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/task_group.h"
#include "relay/outbound/http_transport.h"
#include "tests/unit/net/http_fake.h"
#include "tests/unit/relay/smtp_client_fixture.h"

namespace postrider::relay {

using testing_fakes::answers;
using testing_fakes::HttpFake;
using testing_fakes::HttpReaction;

inline std::atomic<std::size_t> built{0};  // calls of build_fake() in the test at hand
inline std::atomic<std::thread::id> last_builder;

inline result<providers::Request> build_fake(const UpstreamConfig& upstream, const providers::Mail& mail, Time) {
  ++built;
  last_builder = std::this_thread::get_id();
  if (mail.body.find("unshareable") != mail.body.npos && mail.recipients.size() > 1) {
    return Fault{FaultKind::conflict, "these recipients would see each other"};
  }
  if (mail.body.find("no memory") != mail.body.npos) throw std::bad_alloc();
  if (mail.body.find("unmappable") != mail.body.npos && mail.recipients.front() == 0) {
    return invalid("this body cannot be expressed");
  }
  providers::Request request;
  request.url = upstream.api_base + "/send";
  request.headers = {{"Content-Type", "text/plain"}, {"Authorization", upstream.api_key}};
  request.body = "to:";
  for (std::uint32_t index : mail.recipients) request.body += " " + mail.message.recipients[index].address.local;
  request.body += "\n" + std::string(mail.body);
  return request;
}

inline result<providers::Request> build_fake_probe(const UpstreamConfig& upstream, Time) {
  providers::Request request;
  request.method = "GET";
  request.url = upstream.api_base + "/probe";
  return request;
}

inline providers::Reading read_fake(const UpstreamConfig&, const providers::Answer& answer, std::size_t recipients,
                                    Time now) {
  providers::Reading reading;
  reading.reason.stage = Stage::final_dot;
  reading.reason.code = answer.status;
  reading.reason.text = answer.body;
  reading.reason.cause = Cause::route;
  if (answer.status / 100 == 2 && answer.body.starts_with("id=")) {
    reading.kind = OutcomeKind::sent;
    reading.reason.cause = Cause::none;
    reading.provider_id = answer.body.substr(3);
  }
  if (answer.status == 207 && recipients > 1) {
    Reason refused = reading.reason;
    refused.cause = Cause::recipient;
    refused.text = "no\r\nsuch user";
    reading.singles = {{1, OutcomeKind::bounced, refused, ""}, {99, OutcomeKind::bounced, refused, ""}};
  }
  if (answer.status == 400) {
    reading.kind = OutcomeKind::bounced;
    reading.reason.cause = Cause::recipient;
    reading.split = recipients > 1;
  }
  if (answer.status == 402 || answer.status == 429) reading.reason.cause = Cause::throttle;
  if (answer.status == 402) reading.throttled_until = now + std::chrono::hours(1);
  for (const auto& [name, value] : answer.headers) {
    if (name == "retry-after") reading.throttled_until = now + std::chrono::seconds(std::stoi(value));
  }
  return reading;
}

inline providers::Reading read_fake_probe(const providers::Answer& answer, Time now) {
  return read_fake({}, answer, 1, now);
}

class HttpTransportTest : public ::testing::Test {
 protected:
  HttpTransportTest() {
    built = 0;
    config.name = "primary";
    config.type = UpstreamType::mailgun;
    config.api_key = "secret";
    record->id = MessageIdSource(1).next(Time{});
    record->envelope.sender = {"sender", "example.com"};
    add_recipient("r0");
  }
  ~HttpTransportTest() override { transport_.reset(); }

  void add_recipient(std::string local) {
    Recipient recipient;
    recipient.address = {std::move(local), "example.org"};
    record->recipients.push_back(std::move(recipient));
  }
  void set_recipients(std::size_t count) {
    record->recipients.clear();
    for (std::size_t i = 0; i < count; ++i) add_recipient("r" + std::to_string(i));
  }
  void serve(std::vector<HttpReaction> reactions) {
    server = std::make_unique<HttpFake>(std::move(reactions));
    config.api_base = server->base();
  }

  Transport& transport() {
    if (!transport_) {
      upstream_ = std::make_unique<Upstream>(config, HealthPolicy());
      transport_ = make_http_transport({loop, *sender, *upstream_, provider, "", memory.get(), worker.get()});
    }
    return *transport_;
  }
  Attempt deliver() {
    start_delivery();
    run();
    Attempt last = reports.back().attempt;
    return last;
  }
  void start_delivery() {
    Handover handover;
    handover.message = record;
    for (std::uint32_t i = 0; i < record->recipients.size(); ++i) handover.recipients.push_back(i);
    record->body_size = 0;
    for (const std::string& chunk : body) record->body_size += chunk.size();
    handover.body = std::make_unique<ChunkSource>(body, body_breaks);
    group.spawn("deliver", deliver_one(transport(), std::move(handover), reports));
  }
  Attempt probe() {
    Attempt attempt;
    group.spawn("probe", probe_one(transport(), attempt));
    run();
    return attempt;
  }
  void run() {
    group.when_empty(Task([this] { loop.stop(); }));
    loop.run();
    loop.io().restart();
  }
  // "r0 r1": whom the n-th call was for.
  std::string asked_for(std::size_t call) {
    const std::string sent = server->requests().at(call).body;
    return sent.substr(4, sent.find('\n') - 4);
  }

  static boost::asio::awaitable<void> deliver_one(Transport& to, Handover what, std::vector<HandoverReport>& reports) {
    HandoverReport report = co_await to.deliver(std::move(what));
    reports.push_back(std::move(report));
  }
  static boost::asio::awaitable<void> probe_one(Transport& to, Attempt& attempt) { attempt = co_await to.probe(); }

  UpstreamConfig config;
  providers::Provider provider{UpstreamType::mailgun, "fake",    1000,           30'000'000, true, build_fake,
                               build_fake_probe,      read_fake, read_fake_probe};
  std::shared_ptr<MessageRecord> record = std::make_shared<MessageRecord>();
  std::vector<std::string> body{"Subject: x\r\n\r\n", "text\r\n"};
  bool body_breaks = false;
  std::unique_ptr<BodyMemory> memory;
  std::vector<HandoverReport> reports;
  NullLog log;
  net::Loop loop{"test"};
  net::TaskGroup group{
      loop, [](std::string_view task, const std::exception& e) { ADD_FAILURE() << task << ": " << e.what(); }};
  std::unique_ptr<RequestWorker> worker;  // joined before the loop goes
  std::unique_ptr<net::HttpSender> sender = net::make_http_sender(log);
  std::unique_ptr<HttpFake> server;

 private:
  std::unique_ptr<Upstream> upstream_;
  std::unique_ptr<Transport> transport_;
};

}  // namespace postrider::relay
