// What the tests of HttpSender share: a sender, and exchanges awaited on the loop of the test's own thread.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "net/http_sender.h"
#include "net/loop.h"
#include "tests/unit/net/http_fake.h"

namespace postrider::net {

using testing_fakes::answers;
using testing_fakes::HttpFake;
using testing_fakes::HttpReaction;
using Body = HttpReaction::Body;
using Then = HttpReaction::Then;

class HttpSenderTest : public ::testing::Test {
 protected:
  static HttpExchange post_to(const std::string& base, std::string body = "text") {
    HttpExchange exchange;
    exchange.url = base + "/send?key=secret";
    exchange.headers = {{"Content-Type", "text/plain"}, {"Authorization", "Bearer secret"}};
    exchange.body = std::move(body);
    exchange.pool = "primary";
    return exchange;
  }

  void begin(HttpExchange exchange) {
    ++awaited_;
    sender_->send(std::move(exchange), Done<HttpOutcome>(loop_, [this](result<HttpOutcome> outcome) {
                    outcomes_.push_back(std::move(outcome).value());
                    if (--awaited_ == 0) loop_.stop();
                  }));
  }
  void run() {
    loop_.run();
    loop_.io().restart();
  }
  HttpOutcome send(HttpExchange exchange) {
    begin(std::move(exchange));
    run();
    return outcomes_.back();
  }

  NullLog log_;
  Loop loop_{"test"};
  std::size_t awaited_ = 0;
  std::vector<HttpOutcome> outcomes_;
  std::unique_ptr<HttpSender> sender_ = make_http_sender(log_);
};

}  // namespace postrider::net
