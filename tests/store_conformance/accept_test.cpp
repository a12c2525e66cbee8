#include "tests/store_conformance/harness.h"

namespace postrider::storage::conformance {
namespace {

class AcceptTest : public StoreTest {
 protected:
  NewMessage keyed(const std::string& key, std::uint64_t fingerprint, Duration lifetime = std::chrono::hours(24)) {
    NewMessage m = message();
    m.idempotency = IdempotencyKey{key, fingerprint, lifetime};
    return m;
  }
  result<Accepted> accept_staged(const MessageId& id, const std::string& octets, std::uint32_t first_chunk) {
    NewMessage m = message({"user@example.com"}, octets.size());
    m.record.id = id;
    m.body.chunks.erase(m.body.chunks.begin(), m.body.chunks.begin() + first_chunk);
    m.first_chunk = first_chunk;
    return accept(std::move(m));
  }
};

TEST_P(AcceptTest, StoresTheRecordAsGivenAndItIsDue) {
  NewMessage m = message({"one@example.com", "two@example.com"});
  m.record.envelope.tenant = "shop";
  m.record.envelope.subject = "Your order";
  m.record.recipients[1].notify.success = true;
  m.record.recipients[1].orcpt = "rfc822;two@example.com";
  const MessageId id = m.record.id;
  const auto accepted = accept(std::move(m));
  ASSERT_TRUE(accepted.has_value());
  EXPECT_EQ(accepted->kind, Accepted::Kind::stored);
  EXPECT_EQ(accepted->id, id);
  ASSERT_NE(accepted->record, nullptr);
  EXPECT_EQ(accepted->record->history.size(), 1u);

  const auto found = find(id);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(found->envelope.sender.str(), "app@example.org");
  EXPECT_EQ(found->envelope.tenant, "shop");
  EXPECT_EQ(found->envelope.subject, "Your order");
  EXPECT_EQ(found->envelope.created_at, now_);
  ASSERT_EQ(found->recipients.size(), 2u);
  EXPECT_EQ(found->recipients[1].address.str(), "two@example.com");
  EXPECT_EQ(found->recipients[1].orcpt, "rfc822;two@example.com");
  EXPECT_TRUE(found->recipients[1].notify.success);
  EXPECT_EQ(found->recipients[0].state, RecipientState::queued);
  EXPECT_EQ(found->recipients[0].due, now_);
  EXPECT_EQ(found->headers, "") << "they are in the body as long as it is there";
  EXPECT_EQ(due_ids(), std::vector<MessageId>{id});
  EXPECT_EQ(types(history(id)), std::vector<EventType>{EventType::accepted});
}

TEST_P(AcceptTest, AnIntentClaimsAtOnce) {
  NewMessage m = message({"one@example.com", "two@example.com"});
  m.intent = Intent{"primary"};
  const MessageId id = m.record.id;
  const auto accepted = accept(std::move(m));
  ASSERT_TRUE(accepted.has_value());
  for (const Recipient& recipient : accepted->record->recipients) {
    EXPECT_EQ(recipient.state, RecipientState::sending);
    EXPECT_EQ(recipient.upstream, "primary");
  }
  EXPECT_TRUE(due_ids().empty());
  EXPECT_EQ(claim(id).record, nullptr);
  EXPECT_EQ(state(id), RecipientState::sending);
}

TEST_P(AcceptTest, AScheduledMessageIsDueThen) {
  NewMessage m = message();
  m.record.recipients[0].due = now_ + std::chrono::hours(2);
  const MessageId id = stored(std::move(m));
  EXPECT_EQ(find(id)->due(), now_ + std::chrono::hours(2));
  EXPECT_EQ(claim(id).record, nullptr);
  advance(std::chrono::hours(2));
  EXPECT_NE(claim(id).record, nullptr);
}

TEST_P(AcceptTest, RefusesAMessageWithoutRecipientsAndKeepsNothingOfIt) {
  NewMessage m = message();
  m.record.recipients.clear();
  const MessageId id = m.record.id;
  const auto accepted = accept(std::move(m));
  ASSERT_FALSE(accepted.has_value());
  EXPECT_EQ(accepted.error().kind, FaultKind::invalid);
  EXPECT_EQ(find(id).error().kind, FaultKind::not_found);
  EXPECT_TRUE(all_events().empty());
}

// ---- idempotency keys ---------------------------------------------------------------------------------------------

TEST_P(AcceptTest, TheSameKeyAndMessageIsADuplicate) {
  const MessageId first = stored(keyed("shop/1", 7));
  const auto again = accept(keyed("shop/1", 7));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->kind, Accepted::Kind::duplicate);
  EXPECT_EQ(again->id, first);
  EXPECT_EQ(list_all({}).size(), 1u);
  EXPECT_EQ(all_events().size(), 1u);
}

TEST_P(AcceptTest, TheSameKeyWithAnotherMessageIsAConflict) {
  const MessageId first = stored(keyed("shop/1", 7));
  const auto other = accept(keyed("shop/1", 8));
  ASSERT_TRUE(other.has_value());
  EXPECT_EQ(other->kind, Accepted::Kind::key_conflict);
  EXPECT_EQ(other->id, first);
  EXPECT_EQ(list_all({}).size(), 1u);
  stored(keyed("shop/2", 8));
}

TEST_P(AcceptTest, AKeyIsForgottenAfterItsLifetimeAndNotBefore) {
  stored(keyed("shop/1", 7, std::chrono::hours(1)));
  advance(std::chrono::hours(1) - Duration(1));
  retire_all({});
  EXPECT_EQ(accept(keyed("shop/1", 7, std::chrono::hours(1)))->kind, Accepted::Kind::duplicate);
  advance(Duration(1));
  const MessageId second = stored(keyed("shop/1", 8, std::chrono::hours(1)));
  retire_all({});  // the first one's expiry does not take the second one's key
  const auto third = accept(keyed("shop/1", 8, std::chrono::hours(1)));
  EXPECT_EQ(third->kind, Accepted::Kind::duplicate);
  EXPECT_EQ(third->id, second);
}

TEST_P(AcceptTest, KeysSurviveAReopen) {
  const MessageId first = stored(keyed("shop/1", 7));
  reopen(Ending::crash);
  const auto again = accept(keyed("shop/1", 7));
  EXPECT_EQ(again->kind, Accepted::Kind::duplicate);
  EXPECT_EQ(again->id, first);
}

// ---- staged bodies ------------------------------------------------------------------------------------------------

TEST_P(AcceptTest, StagedChunksBecomeTheStartOfTheBody) {
  const std::string octets = body_octets(kChunkPayload * 3 + 10);
  const MessageId id = ids_.next(now_);
  ASSERT_TRUE(stage(id, 0, octets.substr(0, kChunkPayload)).has_value());
  ASSERT_TRUE(stage(id, 1, octets.substr(kChunkPayload, kChunkPayload)).has_value());
  ASSERT_TRUE(accept_staged(id, octets, 2).has_value());
  EXPECT_EQ(body_of(id), octets);
}

TEST_P(AcceptTest, AWhollyStagedBodyNeedsNoMore) {
  const std::string octets = body_octets(kChunkPayload + 1);
  const MessageId id = ids_.next(now_);
  ASSERT_TRUE(stage(id, 0, octets.substr(0, kChunkPayload)).has_value());
  ASSERT_TRUE(stage(id, 1, octets.substr(kChunkPayload)).has_value());
  ASSERT_TRUE(accept_staged(id, octets, 2).has_value());
  reopen(Ending::crash);
  EXPECT_EQ(body_of(id), octets);
}

TEST_P(AcceptTest, StagedChunksAreNoMessageYetAndCount) {
  const auto before = store().stats();
  const MessageId id = ids_.next(now_);
  ASSERT_TRUE(stage(id, 0, std::string(kChunkPayload, 'x')).has_value());
  EXPECT_EQ(find(id).error().kind, FaultKind::not_found);
  EXPECT_TRUE(list_all({}).empty());
  EXPECT_GE(store().stats().live_bytes, before.live_bytes + kChunkPayload);
}

TEST_P(AcceptTest, UnstagedChunksAreForgotten) {
  const std::string octets = body_octets(kChunkPayload * 2);
  const MessageId id = ids_.next(now_);
  ASSERT_TRUE(stage(id, 0, octets.substr(0, kChunkPayload)).has_value());
  store().unstage(id);
  const auto accepted = accept_staged(id, octets, 1);
  ASSERT_FALSE(accepted.has_value());
  EXPECT_EQ(find(id).error().kind, FaultKind::not_found);
  EXPECT_EQ(store().stats().live_bytes, 0u);
}

TEST_P(AcceptTest, ADuplicateLeavesNoStagedChunksBehind) {
  stored(keyed("shop/1", 7));
  const auto before = store().stats().live_bytes;
  const std::string octets = body_octets(kChunkPayload + 5);
  NewMessage m = keyed("shop/1", 7);
  ASSERT_TRUE(stage(m.record.id, 0, octets.substr(0, kChunkPayload)).has_value());
  m.body = make_body(octets.substr(kChunkPayload));
  m.first_chunk = 1;
  m.record.body_size = octets.size();
  m.record.body_chunks = 2;
  EXPECT_EQ(accept(std::move(m))->kind, Accepted::Kind::duplicate);
  EXPECT_EQ(store().stats().live_bytes, before);
}

TEST_P(AcceptTest, OrphansOfStagingAreCollectedAtTheStart) {
  const MessageId id = ids_.next(now_);
  ASSERT_TRUE(stage(id, 0, std::string(kChunkPayload, 'x')).has_value());
  reopen(Ending::crash);
  EXPECT_FALSE(accept_staged(id, body_octets(kChunkPayload + 5), 1).has_value());
  EXPECT_EQ(store().stats().live_bytes, 0u);
}

// ---- limits and order ---------------------------------------------------------------------------------------------

TEST_P(AcceptTest, OverTheHighWaterMarkItIsFullUntilSomethingWasSent) {
  open({32ull << 20, 8ull << 20});
  std::vector<MessageId> in;
  std::optional<Fault> refused;
  while (!refused && in.size() < 200) {
    NewMessage m = message({"user@example.com"}, 300'000);
    m.intent = Intent{"primary"};
    const MessageId id = m.record.id;
    const auto accepted = accept(std::move(m));
    if (accepted)
      in.push_back(id);
    else
      refused = accepted.error();
  }
  ASSERT_TRUE(refused.has_value());
  EXPECT_EQ(refused->kind, FaultKind::full);
  EXPECT_GT(in.size(), 10u);
  EXPECT_EQ(list_all({}).size(), in.size());
  EXPECT_EQ(store().stats().can_settle, true);
  for (const MessageId& id : in) ASSERT_TRUE(settle(id, Trigger::hand_over).has_value());
  stored(message({"user@example.com"}, 300'000));
}

TEST_P(AcceptTest, AMessageRefusedAsFullLeavesNoStagedChunks) {
  open({32ull << 20, 4ull << 20});
  const std::string chunk(kChunkPayload, 'x');
  NewMessage m = message({"user@example.com"}, kChunkPayload * 100);
  m.body.chunks.erase(m.body.chunks.begin());
  m.first_chunk = 1;
  ASSERT_TRUE(stage(m.record.id, 0, chunk).has_value());
  const auto accepted = accept(std::move(m));
  ASSERT_FALSE(accepted.has_value());
  EXPECT_EQ(accepted.error().kind, FaultKind::full);
  EXPECT_EQ(store().stats().live_bytes, 0u);
}

TEST_P(AcceptTest, WritesAreAnsweredInTheOrderOfTheCalls) {
  std::vector<int> order;
  int calls = 0;
  const auto note = [&order](int call) { return [&order, call](const auto&) { order.push_back(call); }; };
  for (int i = 0; i < 50; ++i) {
    NewMessage m = message();
    m.intent = Intent{"primary"};
    const MessageId id = m.record.id;
    store().accept(std::move(m), Done<Accepted>(mailbox_, note(calls++)));
    store().settle(settlement(id, {update(0, Trigger::defer, now_)}), Done<Settled>(mailbox_, note(calls++)));
    store().claim({{id, "primary", now_}}, Done<std::vector<Claimed>>(mailbox_, note(calls++)));
    store().settle(settlement(id, {update(0, Trigger::hand_over)}), Done<Settled>(mailbox_, note(calls++)));
  }
  EXPECT_TRUE(order.empty());  // never from inside the call
  mailbox_.run_until([&] { return order.size() == static_cast<std::size_t>(calls); });
  for (int i = 0; i < calls; ++i) ASSERT_EQ(order[static_cast<std::size_t>(i)], i);
  EXPECT_EQ(store().stats().messages[static_cast<int>(RecipientState::sent)], 50u);
}

TEST_P(AcceptTest, AClosedStoreAnswersUnavailable) {
  store().close();
  EXPECT_EQ(accept(message()).error().kind, FaultKind::unavailable);
  EXPECT_EQ(find(ids_.next(now_)).error().kind, FaultKind::unavailable);
  EXPECT_FALSE(store().stats().accepting);
}

POSTRIDER_STORE_SUITE(AcceptTest);

}  // namespace
}  // namespace postrider::storage::conformance
