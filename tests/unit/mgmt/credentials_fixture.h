// What the tests of keys, sessions and logins share: a clock moved by hand, one Loop driven by the test's own thread, the memory
// store, and an Authenticator over them whose passwords are "right-NAME".
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>

#include "mgmt/auth.h"
#include "mgmt/key_ring.h"
#include "mgmt/login_guard.h"
#include "mgmt/sessions.h"
#include "net/loop.h"
#include "net/task_group.h"
#include "storage/memory_store.h"

namespace postrider::mgmt::test {

class HandClock final : public Clock {
 public:
  Time now() const override { return start + at; }
  Duration monotonic() const override { return at; }
  Time start = parse_rfc3339("2026-01-31T08:15:00Z").value();
  Duration at{0};
};

inline boost::asio::ip::address address(const char* text) {
  return boost::asio::ip::make_address(text);
}

class CredentialsTest : public testing::Test {
 protected:
  static constexpr const char* kOperator = "pr_the-operator-token";

  // Runs the loop until `task` has ended.
  template <typename T>
  T run(boost::asio::awaitable<T> task) {
    std::optional<T> value;
    tasks_.spawn("test", keep(std::move(task), value));
    while (!value) loop_.io().run_one();
    return std::move(*value);
  }
  void run(boost::asio::awaitable<void> task) {
    bool ended = false;
    tasks_.spawn("test", tell(std::move(task), ended));
    while (!ended) loop_.io().run_one();
  }
  template <typename T, typename Start>
  result<T> ask(Start start) {
    std::optional<result<T>> value;
    start(Done<T>(loop_, [&value](result<T> answer) { value.emplace(std::move(answer)); }));
    while (!value) loop_.io().run_one();
    return std::move(*value);
  }

  static storage::ApiKeyRecord key(const std::string& name) {
    storage::ApiKeyRecord record;
    record.name = record.tenant = name;
    record.scopes = {Scope::send, Scope::read};
    return record;
  }
  // Adds a key and gives its token.
  std::string add(storage::ApiKeyRecord record) {
    NewKey made = make_key(std::move(record));
    EXPECT_TRUE(run(ring_.add(std::move(made.record))));
    return made.token;
  }
  storage::UserRecord put_user(const std::string& name, const std::string& role = "sender") {
    storage::UserRecord user;
    user.name = name;
    user.role = role;
    user.created_at = user.changed_at = clock_.now();
    EXPECT_TRUE(ask<Nothing>([&](auto done) { store_->put_user(user, false, std::move(done)); }));
    return user;
  }

  static Request from(const char* peer, std::vector<std::pair<std::string, std::string>> fields = {}) {
    Request request;
    request.peer = address(peer);
    request.fields = std::move(fields);
    return request;
  }
  static Request bearing(const std::string& token, const char* peer = "192.0.2.1") {
    return from(peer, {{"authorization", "Bearer " + token}});
  }

  AuthParts parts() {
    return {
        kOperator,
        ring_,
        sessions_,
        guard_,
        [this](std::string name, std::string password) { return check_password(std::move(name), std::move(password)); },
        std::string(32, 'a'),
        nullptr,
        clock_};
  }

  boost::asio::awaitable<result<std::optional<storage::UserRecord>>> check_password(std::string name,
                                                                                    std::string password) {
    ++passwords_checked_;
    std::optional<storage::UserRecord> right;
    if (password_trouble_) co_return Fault{FaultKind::unavailable, "too many"};
    if (password == "right-" + name) {
      right.emplace();
      right->name = name;
      right->role = "sender";
    }
    co_return right;
  }

  HandClock clock_;
  net::Loop loop_{"test"};
  NullLog log_;
  std::unique_ptr<storage::MemoryStore> store_ = storage::make_memory_store();
  KeyRing ring_{loop_, *store_, log_};
  std::string kept_key_;
  Sessions sessions_{{loop_, clock_, *store_, std::string(32, 'k'), [this](const std::string& key) {
                        kept_key_ = key;
                        return result<void>();
                      }}};
  LoginGuard guard_{clock_, log_};
  int passwords_checked_ = 0;
  bool password_trouble_ = false;
  net::TaskGroup tasks_{loop_, [](std::string_view, const std::exception& e) { ADD_FAILURE() << e.what(); }};

 private:
  template <typename T>
  static boost::asio::awaitable<void> keep(boost::asio::awaitable<T> task, std::optional<T>& value) {
    T got = co_await std::move(task);
    value.emplace(std::move(got));
  }
  static boost::asio::awaitable<void> tell(boost::asio::awaitable<void> task, bool& ended) {
    co_await std::move(task);
    ended = true;
  }
};

}  // namespace postrider::mgmt::test
