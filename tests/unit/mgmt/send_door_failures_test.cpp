// Calls that fail in the middle: what they had stored is taken back or completed, and what they took of the limits goes back.
#include <stdexcept>

#include "tests/unit/mgmt/send_door_fixture.h"

namespace postrider::mgmt::test {
namespace {

constexpr std::size_t kMaxSize = 10'000;

// Passes all checks; with its header it is too large after all.
Letter too_large() {
  return letter_to("large@example.net", std::string(kMaxSize - 50, 'x'));
}

Letter raw_letter(const std::string& text = "Hi") {
  Letter letter;
  letter.raw = "From: a@shop.example\r\nTo: u@example.net\r\nX-Idempotency-Key: order-1\r\n\r\n" + text + "\r\n";
  return letter;
}

// Gives up on one message, as when there is no memory.
class TiredSubmission final : public relay::Submission {
 public:
  explicit TiredSubmission(relay::Submission& inner) : inner_(inner) {}
  std::optional<Reply> check_sender(relay::EnvelopeSpec& envelope) override { return inner_.check_sender(envelope); }
  std::optional<Reply> check_recipient(const relay::EnvelopeSpec& envelope, relay::RecipientSpec& recipient) override {
    return inner_.check_recipient(envelope, recipient);
  }
  std::optional<Reply> can_accept(std::uint64_t size) override { return inner_.can_accept(size); }
  std::unique_ptr<relay::Intake> begin(relay::EnvelopeSpec envelope) override {
    if (begun_++ == 2) throw std::runtime_error("tired");
    return inner_.begin(std::move(envelope));
  }
  Duration max_hold() const override { return inner_.max_hold(); }
  const relay::SubmissionOptions& options() const override { return inner_.options(); }
  void use(std::shared_ptr<const relay::SubmissionOptions> options) override { inner_.use(std::move(options)); }

 private:
  relay::Submission& inner_;
  int begun_ = 0;
};

class SendDoorFailures : public SendDoorTest {
 protected:
  SendDoorFailures() {
    options_.max_message_size = kMaxSize;
    open();
  }
  std::vector<MessageRecord> all() {
    std::vector<MessageRecord> messages;
    storage::ListQuery query;
    query.limit = 1000;
    store_->list(query, Done<storage::ListPage>(
                            loop_, [&](result<storage::ListPage> page) { messages = std::move(page->messages); }));
    turn();
    return messages;
  }
  std::size_t count_of(RecipientState state) {
    std::size_t count = 0;
    for (const MessageRecord& message : all()) count += message.recipients.at(0).state == state ? 1 : 0;
    return count;
  }
  std::vector<Event> history_of(const MessageId& id) {
    std::vector<Event> events;
    store_->history(
        id, Done<std::vector<Event>>(loop_, [&](result<std::vector<Event>> history) { events = std::move(*history); }));
    turn();
    return events;
  }
  // The principal is a key that may send to so many; what it has left.
  void limit(std::uint32_t per_minute) {
    storage::ApiKeyRecord key;
    key.name = request_.principal.key = "shop";
    key.per_minute = per_minute;
    tasks_.spawn("add a key", add_key(*keys_, std::move(key)));
    turn();
  }
  static asio::awaitable<void> add_key(KeyRing& keys, storage::ApiKeyRecord key) {
    const auto added = co_await keys.add(std::move(key));
    EXPECT_TRUE(added);
  }
  std::string left() {
    for (const auto& [name, value] : limits_->headers(request_.principal))
      if (name == "RateLimit-Remaining") return value;
    return "none";
  }
};

TEST_F(SendDoorFailures, OneFateEndsAtTheFirstFailureAndTakesBackWhatWasStored) {
  limit(500);
  std::vector<Letter> what = letters(300);
  what[40] = too_large();
  const SendOutcome outcome = send(std::move(what));
  ASSERT_TRUE(outcome.refusal.has_value());
  EXPECT_EQ(outcome.refusal->type, ProblemType::payload_too_large);
  for (const Sent& sent : outcome.letters) {
    EXPECT_FALSE(sent.id);
    EXPECT_EQ(sent.refusal.type, ProblemType::payload_too_large);
  }
  const std::vector<MessageRecord> messages = all();
  ASSERT_GT(messages.size(), 0u);
  EXPECT_LE(messages.size(), 40u + SendDoor::kWindow) << "what was under way, and nothing after it";
  EXPECT_EQ(count_of(RecipientState::cancelled), messages.size());
  const Event last = history_of(messages.front().id).back();
  EXPECT_EQ(last.type, EventType::cancelled);
  EXPECT_EQ(last.actor, "shop");
  EXPECT_EQ(last.reason.cause, Cause::policy);
  EXPECT_EQ(last.reason.text, "its call was refused as a whole: " + outcome.refusal->detail);
  EXPECT_EQ(left(), "500");
}

TEST_F(SendDoorFailures, ASpoolThatFillsLeavesNothingOfACallToBeSent) {
  storage::MemoryStoreOptions small;
  small.high_water_bytes = 200'000;
  use_store(small);
  std::vector<Letter> what;
  for (int i = 0; i < 100; ++i) what.push_back(letter_to("u@example.net", std::string(8'000, 'x')));
  const SendOutcome outcome = send(std::move(what));
  ASSERT_TRUE(outcome.refusal.has_value());
  EXPECT_EQ(outcome.refusal->type, ProblemType::spool_full);
  EXPECT_GT(stored(), 0u);
  EXPECT_EQ(count_of(RecipientState::cancelled), stored());
}

TEST_F(SendDoorFailures, WhatIsBeingSentStaysAndKeepsItsId) {
  limit(500);
  store_->pause_commits(true);
  std::vector<Letter> what = letters(40);
  what[35] = too_large();
  std::optional<SendOutcome> outcome;
  begin(std::move(what), {}, outcome);
  turn();
  store_->pause_commits(false);  // a window of letters is stored; the door has not heard of it
  std::vector<MessageId> claimed;
  store_->list({}, Done<storage::ListPage>(loop_, [&](result<storage::ListPage> page) {
                 storage::ClaimRequest request;
                 request.id = page->messages.at(0).id;
                 request.upstream = "up";
                 request.now = loop_.clock().now();
                 claimed.push_back(request.id);
                 store_->claim({request}, Done<std::vector<storage::Claimed>>(loop_, [](auto) {}));
               }));
  turn();
  ASSERT_TRUE(outcome.has_value());
  EXPECT_TRUE(outcome->refusal.has_value());
  ASSERT_EQ(claimed.size(), 1u);
  std::size_t with_id = 0;
  for (const Sent& sent : outcome->letters) {
    if (!sent.id) continue;
    ++with_id;
    EXPECT_EQ(*sent.id, claimed[0]);
  }
  EXPECT_EQ(with_id, 1u);
  EXPECT_TRUE(found(claimed[0]).recipients.at(0).cancel_requested);
  EXPECT_EQ(count_of(RecipientState::cancelled), stored() - 1);
  EXPECT_EQ(left(), "499");
}

TEST_F(SendDoorFailures, WithAKeyNothingIsCancelledAndTheSameCallCompletesTheRest) {
  constexpr std::size_t kLetters = 80;
  store_->pause_commits(true);
  std::optional<SendOutcome> cut;
  begin(letters(kLetters), keyed("newsletter"), cut);
  turn();
  store_->pause_commits(false);
  store_->pause_commits(true);
  turn();
  store_->fail_writes(true);
  store_->pause_commits(false);
  turn();
  ASSERT_TRUE(cut.has_value());
  EXPECT_TRUE(cut->refusal.has_value());
  ASSERT_GT(stored(), 0u);
  EXPECT_EQ(count_of(RecipientState::cancelled), 0u);
  store_->fail_writes(false);
  EXPECT_FALSE(send(letters(kLetters), keyed("newsletter")).refusal.has_value());
  EXPECT_EQ(count_of(RecipientState::queued), kLetters);
}

TEST_F(SendDoorFailures, WhatCannotBeCancelledIsLogged) {
  store_->pause_commits(true);
  std::optional<SendOutcome> outcome;
  std::vector<Letter> what = letters(40);
  what[35] = too_large();
  begin(std::move(what), {}, outcome);
  turn();
  store_->pause_commits(false);
  store_->fail_writes(true);
  turn();
  ASSERT_TRUE(outcome.has_value());
  EXPECT_TRUE(outcome->refusal.has_value());
  EXPECT_TRUE(log_.has("http.not_cancelled\nrequest_id=request-1\n"));
}

TEST_F(SendDoorFailures, AnErrorInOneLetterIsLoggedAndIsItsOwn) {
  limit(100);
  TiredSubmission tired(*submission_);
  open_door(tired);
  const SendOutcome outcome = send(letters(50), batch());
  EXPECT_FALSE(outcome.refusal.has_value());
  EXPECT_FALSE(outcome.letters[2].id);
  EXPECT_EQ(outcome.letters[2].refusal.type, ProblemType::internal);
  EXPECT_EQ(stored(), 49u);
  EXPECT_EQ(left(), "51");
  EXPECT_TRUE(log_.has("http.letter_failed\nrequest_id=request-1\nerror=tired\n"));
}

TEST_F(SendDoorFailures, AnErrorInOneLetterEndsACallOfOneFate) {
  limit(100);
  TiredSubmission tired(*submission_);
  open_door(tired);
  const SendOutcome outcome = send(letters(50));
  ASSERT_TRUE(outcome.refusal.has_value());
  EXPECT_EQ(outcome.refusal->type, ProblemType::internal);
  EXPECT_EQ(count_of(RecipientState::cancelled), stored());
  EXPECT_EQ(left(), "100");
}

// ---- keys in the header of a raw message --------------------------------------------------------------------------

TEST_F(SendDoorFailures, ARawMessagesOwnKeyDoesNotTakeTheBatchOver) {
  const auto both = [] {
    std::vector<Letter> what = letters(1);
    what.push_back(raw_letter());
    return what;
  };
  const SendOutcome first = send(both(), batch());
  const SendOutcome second = send(both(), batch());
  EXPECT_EQ(second.letters[1].id, first.letters[1].id);
  EXPECT_TRUE(second.letters[1].duplicate);
  EXPECT_NE(second.batch, first.batch);
  EXPECT_EQ(found(*second.letters[0].id).envelope.batch, second.batch);
}

TEST_F(SendDoorFailures, ARawMessagesOwnKeyIsForWhatWasAskedAroundItToo) {
  const auto send_one = [this](Letter letter) {
    std::vector<Letter> one;
    one.push_back(std::move(letter));
    return send(std::move(one)).letters.at(0);
  };
  Letter letter = raw_letter();
  letter.metadata = {{"order", "1"}};
  letter.tags = {"invoice"};
  const Sent first = send_one(letter);
  ASSERT_TRUE(first.id);
  EXPECT_EQ(send_one(letter).id, first.id);
  std::vector<Letter> others(6, letter);
  others[0].metadata[0].second = "2";
  others[1].tags.clear();
  others[2].send_at = loop_.clock().now() + std::chrono::hours(1);
  others[3].lane = Lane::high;
  others[4].notify.failure = true;
  others[5].expires_in = std::chrono::hours(1);
  for (const Letter& other : others) {
    const Sent refused = send_one(other);
    EXPECT_FALSE(refused.id);
    EXPECT_EQ(refused.refusal.type, ProblemType::key_reused) << refused.refusal.detail;
  }
  EXPECT_EQ(stored(), 1u);
}

}  // namespace
}  // namespace postrider::mgmt::test
