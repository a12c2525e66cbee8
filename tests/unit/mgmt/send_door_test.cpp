// The door for letters by itself: races of idempotency keys, crashes and disks that fill in the middle.
#include "tests/unit/mgmt/send_door_fixture.h"

namespace postrider::mgmt::test {
namespace {

TEST_F(SendDoorTest, TheSecondRequestIsToldWhileTheFirstIsUnderWay) {
  store_->pause_commits(true);
  std::optional<SendOutcome> first, second, other;
  begin(letters(1), keyed("k"), first);
  turn();
  begin(letters(1), keyed("k"), second);
  begin(letters(1), keyed("another"), other);
  turn();
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->refusal.value().type, ProblemType::key_in_flight);
  EXPECT_FALSE(first.has_value());
  EXPECT_FALSE(other.has_value());
  store_->pause_commits(false);
  turn();
  ASSERT_TRUE(first.has_value() && other.has_value());
  ASSERT_TRUE(first->letters[0].id && other->letters[0].id);
  const SendOutcome again = send(letters(1), keyed("k"));
  EXPECT_EQ(again.letters[0].id, first->letters[0].id);
  EXPECT_EQ(again.letters[0].message_id, first->letters[0].message_id);
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(stored(), 2u);
}

TEST_F(SendDoorTest, NothingIsAnsweredBeforeItIsDurable) {
  store_->pause_commits(true);
  std::optional<SendOutcome> outcome;
  begin(letters(3), {}, outcome);
  turn();
  EXPECT_FALSE(outcome.has_value());
  store_->pause_commits(false);
  turn();
  EXPECT_TRUE(outcome.has_value());
}

// What a crash leaves as well: some letters of a batch are stored, and the client, who has no good answer, sends the same call again.
TEST_F(SendDoorTest, ACallThatWasCutInTheMiddleIsCompletedByTheSameCall) {
  constexpr std::size_t kLetters = 80;  // more than the window
  const SendOutcome before = send(letters(kLetters), batch("unrelated"));
  store_->pause_commits(true);
  std::optional<SendOutcome> cut;
  begin(letters(kLetters), batch("newsletter"), cut);
  for (int commits = 0; commits < 2; ++commits) {  // the first letter by itself, then a window of them
    turn();
    store_->pause_commits(false);
    store_->pause_commits(true);
  }
  turn();
  store_->fail_writes(true);
  store_->pause_commits(false);
  turn();
  ASSERT_TRUE(cut.has_value());
  EXPECT_EQ(stored(), kLetters + 1 + SendDoor::kWindow);

  store_->fail_writes(false);
  const SendOutcome after = send(letters(kLetters), batch("newsletter"));
  EXPECT_FALSE(after.refusal.has_value());
  EXPECT_FALSE(after.replayed) << "some of it is new";
  EXPECT_EQ(after.batch, cut->batch);
  EXPECT_NE(after.batch, before.batch);
  EXPECT_EQ(stored(), 2 * kLetters);
  EXPECT_EQ(stored_of(after.batch), kLetters);
}

TEST_F(SendDoorTest, WhenTheDiskFillsTheAnswerSaysWhichAreStored) {
  storage::MemoryStoreOptions small;
  small.high_water_bytes = 400'000;
  use_store(small);
  std::vector<Letter> what;
  for (int i = 0; i < 60; ++i)
    what.push_back(letter_to("u" + std::to_string(i) + "@example.net", std::string(20'000, 'x')));
  const SendOutcome outcome = send(std::move(what), batch());
  EXPECT_FALSE(outcome.refusal.has_value()) << "some are stored, and each letter has its own answer";
  std::size_t accepted = 0, refused = 0;
  for (const Sent& sent : outcome.letters) {
    sent.id ? ++accepted : ++refused;
    if (!sent.id) {
      EXPECT_EQ(sent.refusal.type, ProblemType::spool_full) << sent.refusal.detail;
    }
  }
  EXPECT_GT(accepted, 0u);
  EXPECT_GT(refused, 0u);
  EXPECT_EQ(stored(), accepted);
}

TEST_F(SendDoorTest, OneFateForAll) {
  std::vector<Letter> what = letters(3);
  what[1].to[0].email = "nobody";
  const SendOutcome outcome = send(std::move(what));
  ASSERT_TRUE(outcome.refusal.has_value());
  EXPECT_EQ(outcome.refusal->faults.size(), 1u);
  EXPECT_EQ(stored(), 0u);
}

TEST_F(SendDoorTest, ADryRunChecksAndStoresNothing) {
  SendTerms terms;
  terms.dry_run = true;
  const SendOutcome fine = send(letters(2), terms);
  EXPECT_FALSE(fine.refusal.has_value());
  EXPECT_FALSE(fine.letters[0].id.has_value());
  std::vector<Letter> wrong = letters(1);
  wrong[0].subject = "a\nb";
  EXPECT_TRUE(send(std::move(wrong), terms).refusal.has_value());
  EXPECT_EQ(stored(), 0u);
}

TEST_F(SendDoorTest, APayloadIsTheWholeRequest) {
  EXPECT_FALSE(send(letters(1), keyed("k")).refusal.has_value());
  request_.target = "/v3/mail/send";
  EXPECT_EQ(send(letters(1), keyed("k")).refusal.value().type, ProblemType::key_reused);
  request_.target = "/v1/messages";
  request_.body += " ";
  EXPECT_EQ(send(letters(1), keyed("k")).refusal.value().type, ProblemType::key_reused);
  request_.principal.tenant = "bank";
  EXPECT_FALSE(send(letters(1), keyed("k")).refusal.has_value()) << "another tenant's key";
  EXPECT_EQ(stored(), 2u);
}

TEST_F(SendDoorTest, ASandboxCapturesAndNotifyIsTheSubmittersWish) {
  Letter letter = letter_to("u@example.net");
  letter.capture_only = true;
  letter.notify.failure = true;
  letter.envelope_sender = "";
  std::vector<Letter> what;
  what.push_back(std::move(letter));
  const SendOutcome outcome = send(std::move(what));
  ASSERT_TRUE(outcome.letters[0].id.has_value());
  const MessageRecord record = found(*outcome.letters[0].id);
  EXPECT_TRUE(record.envelope.capture_only);
  EXPECT_TRUE(record.envelope.sender.is_null());
  EXPECT_TRUE(record.recipients.at(0).notify.failure);
  EXPECT_EQ(record.envelope.client, "192.0.2.1");
}

TEST_F(SendDoorTest, DomainsOfAnyScriptNeedNoExtensionOfTheUpstream) {
  std::vector<Letter> what;
  what.push_back(letter_to("user@bücher.example"));
  what[0].from.email = "shop@bücher.example";
  what[0].subject = "Größe";
  const SendOutcome outcome = send(std::move(what));
  ASSERT_TRUE(outcome.letters[0].id.has_value());
  const MessageRecord record = found(*outcome.letters[0].id);
  EXPECT_EQ(record.recipients.at(0).address.domain, "xn--bcher-kva.example");
  EXPECT_EQ(record.envelope.sender.domain, "xn--bcher-kva.example");
  EXPECT_FALSE(record.envelope.smtputf8);
  EXPECT_FALSE(record.envelope.eight_bit);
}

TEST_F(SendDoorTest, LocalPartsInUtf8DoNeedIt) {
  std::vector<Letter> what;
  what.push_back(letter_to("müller@example.net"));
  const SendOutcome outcome = send(std::move(what));
  ASSERT_TRUE(outcome.letters[0].id.has_value());
  EXPECT_TRUE(found(*outcome.letters[0].id).envelope.smtputf8);
}

TEST(IdempotencyKey, IsAStringOfStructuredFieldsOrBare) {
  Request request;
  const auto key = [&](std::string value) {
    request.fields = {{"idempotency-key", std::move(value)}};
    return SendDoor::idempotency_key(request);
  };
  EXPECT_EQ(SendDoor::idempotency_key(request).value(), "");
  EXPECT_EQ(key("abc-1").value(), "abc-1");
  EXPECT_EQ(key("\"a b\"").value(), "a b");
  EXPECT_EQ(key("\"a\\\"\\\\b\"").value(), "a\"\\b");
  for (const std::string& wrong :
       std::vector<std::string>{"", "\"\"", "\"a", "\"a\"b", "\"\\n\"", "a\tb", std::string(257, 'x')})
    EXPECT_FALSE(key(wrong)) << wrong;
  request.fields = {{"idempotency-key", "a"}, {"idempotency-key", "a"}};
  EXPECT_FALSE(SendDoor::idempotency_key(request));
}

}  // namespace
}  // namespace postrider::mgmt::test
