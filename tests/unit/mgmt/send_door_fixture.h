// The door for letters by itself, over a memory store, on a loop that the test turns.
#pragma once

#include <gtest/gtest.h>

#include "mgmt/send_door.h"
#include "mgmt/sending_limits.h"
#include "net/task_group.h"
#include "storage/memory_store.h"

namespace postrider::mgmt::test {

namespace asio = boost::asio;

inline Letter letter_to(const std::string& to, const std::string& text = "x") {
  Letter letter;
  letter.from = {"a@shop.example", "", ""};
  letter.to = {{to, "", ""}};
  letter.text = text;
  return letter;
}

inline std::vector<Letter> letters(int count) {
  std::vector<Letter> out;
  for (int i = 0; i < count; ++i) out.push_back(letter_to("u" + std::to_string(i) + "@example.net"));
  return out;
}

inline asio::awaitable<void> send_into(SendDoor& door, const Request& request, std::vector<Letter> letters,
                                       SendTerms terms, std::optional<SendOutcome>& outcome) {
  SendOutcome sent = co_await door.send(request, std::move(letters), std::move(terms));
  outcome = std::move(sent);
}

// The words that were logged.
class WordLog final : public Log {
 public:
  bool enabled(LogLevel) const override { return true; }
  void write(LogLevel, std::string_view event, const MessageId*, std::initializer_list<LogField> fields) override {
    words_ += std::string(event) + "\n";
    for (const LogField& field : fields) words_ += std::string(field.name) + "=" + field.value + "\n";
  }
  bool has(std::string_view words) const { return words_.find(words) != std::string::npos; }

 private:
  std::string words_;
};

class SendDoorTest : public testing::Test {
 protected:
  SendDoorTest() {
    request_.method = http::verb::post;
    request_.target = "/v1/messages";
    request_.body = "the body";
    request_.id = "request-1";
    request_.peer = asio::ip::make_address("192.0.2.1");
    request_.principal.actor = "shop";
    request_.principal.tenant = "shop";
    options_.hostname = "relay.test";
    open();
  }
  ~SendDoorTest() override {
    store_->pause_commits(false);
    turn();
    store_->close();
    turn();
  }

  void open() {
    submission_ = relay::make_submission({loop_, loop_.clock(), *store_, nullptr, memory_, log_},
                                         std::make_shared<const relay::SubmissionOptions>(options_));
    keys_ = std::make_unique<KeyRing>(loop_, *store_, log_);
    limits_ = std::make_unique<SendingLimits>(loop_.clock(), *keys_);
    open_door(*submission_);
  }
  void open_door(relay::Submission& submission) {
    door_ = std::make_unique<SendDoor>(
        SendDoorParts{loop_, loop_.clock(), submission, *limits_, "relay.test", *store_, log_});
  }
  void use_store(const storage::MemoryStoreOptions& options) {
    store_->close();
    store_ = storage::make_memory_store(options);
    open();
  }
  // Begins a call; `outcome` is there once it has ended.
  void begin(std::vector<Letter> what, SendTerms terms, std::optional<SendOutcome>& outcome) {
    tasks_.spawn("send", send_into(*door_, request_, std::move(what), std::move(terms), outcome));
  }
  void turn() {
    loop_.io().restart();
    while (loop_.io().poll() > 0) {
    }
  }
  SendOutcome send(std::vector<Letter> what, SendTerms terms = {}) {
    std::optional<SendOutcome> outcome;
    begin(std::move(what), std::move(terms), outcome);
    turn();
    EXPECT_TRUE(outcome.has_value());
    return outcome.value_or(SendOutcome());
  }
  MessageRecord found(const MessageId& id) {
    MessageRecord record;
    store_->find(id, Done<MessageRecord>(loop_, [&](result<MessageRecord> message) { record = *message; }));
    turn();
    return record;
  }
  std::size_t stored() { return count({}); }
  std::size_t stored_of(const MessageId& batch) {
    storage::ListQuery query;
    query.batch = batch;
    return count(query);
  }
  std::size_t count(storage::ListQuery query) {
    std::size_t count = 0;
    query.limit = 1000;
    store_->list(
        query, Done<storage::ListPage>(loop_, [&](result<storage::ListPage> page) { count = page->messages.size(); }));
    turn();
    return count;
  }
  static SendTerms batch(const std::string& key = {}) {
    SendTerms terms;
    terms.all_or_nothing = false;
    terms.batch = true;
    terms.idempotency_key = key;
    return terms;
  }
  static SendTerms keyed(const std::string& key) {
    SendTerms terms;
    terms.idempotency_key = key;
    return terms;
  }

  WordLog log_;
  relay::SubmissionOptions options_;
  Budget memory_{16u << 20};
  net::Loop loop_{"test"};
  std::unique_ptr<storage::MemoryStore> store_ = storage::make_memory_store();
  std::unique_ptr<relay::Submission> submission_;
  std::unique_ptr<KeyRing> keys_;
  std::unique_ptr<SendingLimits> limits_;
  std::unique_ptr<SendDoor> door_;
  net::TaskGroup tasks_{loop_, [](std::string_view, const std::exception& e) { ADD_FAILURE() << e.what(); }};
  Request request_;
};

}  // namespace postrider::mgmt::test
