// What is outside, as the tests of mgmt and cmd have it: answers each request by a rule, and keeps what was asked.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "net/http_sender.h"

namespace postrider::mgmt::test {

inline net::HttpOutcome answered(int status, std::string body) {
  net::HttpOutcome outcome;
  outcome.stage = net::HttpStage::done;
  outcome.response.status = status;
  outcome.response.body = std::move(body);
  return outcome;
}

inline net::HttpOutcome unreachable() {
  net::HttpOutcome outcome;
  outcome.stage = net::HttpStage::connect;
  outcome.error = "connection refused";
  return outcome;
}

class FakeSender final : public net::HttpSender {
 public:
  using Rule = std::function<net::HttpOutcome(const net::HttpExchange&)>;

  void answer_by(Rule rule) {
    const std::scoped_lock lock(mutex_);
    rule_ = std::move(rule);
  }
  // Requests wait for release() from now on.
  void keep_back() {
    const std::scoped_lock lock(mutex_);
    keeping_ = true;
  }
  void release() {
    std::vector<std::pair<net::HttpOutcome, Done<net::HttpOutcome>>> kept;
    {
      const std::scoped_lock lock(mutex_);
      keeping_ = false;
      kept.swap(kept_);
    }
    for (auto& [outcome, done] : kept) done.complete(std::move(outcome));
  }
  std::vector<net::HttpExchange> asked() const {
    const std::scoped_lock lock(mutex_);
    return asked_;
  }

  void send(net::HttpExchange exchange, Done<net::HttpOutcome> done) override {
    std::unique_lock lock(mutex_);
    net::HttpOutcome outcome = rule_ ? rule_(exchange) : unreachable();
    asked_.push_back(std::move(exchange));
    if (keeping_) {
      kept_.emplace_back(std::move(outcome), std::move(done));
      return;
    }
    lock.unlock();
    done.complete(std::move(outcome));
  }
  std::size_t under_way() const override {
    const std::scoped_lock lock(mutex_);
    return kept_.size();
  }
  std::size_t connections(const std::string&) const override { return under_way(); }
  void close() override { release(); }

 private:
  mutable std::mutex mutex_;
  Rule rule_;
  bool keeping_ = false;
  std::vector<net::HttpExchange> asked_;
  std::vector<std::pair<net::HttpOutcome, Done<net::HttpOutcome>>> kept_;
};

}  // namespace postrider::mgmt::test
