// What providers report: found by our id or theirs, written once, moving only what they took.
#include "tests/store_conformance/harness.h"

namespace postrider::storage::conformance {
namespace {

class ReportTest : public StoreTest {
 protected:
  // Handed over to `primary`, whose provider calls recipient i ids[i].
  MessageId sent(const std::vector<std::string>& recipients, const std::vector<std::string>& ids) {
    const MessageId id = claimed(message(recipients));
    std::vector<RecipientUpdate> updates;
    for (std::uint32_t i = 0; i < ids.size(); ++i) {
      updates.push_back(update(i, Trigger::hand_over));
      updates.back().remote_id = ids[i];
      updates.back().provider_id = true;
    }
    EXPECT_TRUE(settle(settlement(id, updates)).has_value());
    return id;
  }
  MessageId sent() { return sent({"user@example.com"}, {"id-1"}); }
  static Report by_provider_id(const std::string& provider_id, EventType type, std::uint64_t key) {
    Report report = report_of(MessageId(), type, key);
    report.id.reset();
    report.provider_id = provider_id;
    return report;
  }
  static Report about(Report report, const std::string& recipient) {
    report.recipient = recipient;
    return report;
  }
  std::vector<RecipientState> states(const MessageId& id) {
    std::vector<RecipientState> all;
    const MessageRecord record = find(id).value();
    for (const Recipient& recipient : record.recipients) all.push_back(recipient.state);
    return all;
  }
};

using S = RecipientState;

TEST_P(ReportTest, ADeliveryIsAStateAndAnEventWithItsProvidersTime) {
  const MessageId id = sent();
  const Time said_at = now_ + std::chrono::seconds(3);
  advance(std::chrono::minutes(1));
  Report report = report_of(id, EventType::delivered, 7);
  report.at = said_at;
  report.reason = {Cause::none, Stage::none, 250, "2.0.0", "OK from mx"};
  const auto reported = StoreTest::report(report);
  ASSERT_TRUE(reported.has_value());
  EXPECT_EQ(reported->id, id);
  EXPECT_EQ(reported->events, 1u);
  const Recipient recipient = find(id)->recipients[0];
  EXPECT_EQ(recipient.state, S::delivered);
  EXPECT_EQ(recipient.changed_at, now_);
  EXPECT_EQ(recipient.reason, report.reason);
  EXPECT_EQ(recipient.remote_id, "id-1");
  const Event event = history(id).back();
  EXPECT_EQ(event.type, EventType::delivered);
  EXPECT_EQ(event.at, said_at);
  EXPECT_EQ(event.recipient, 0u);
  EXPECT_EQ(event.upstream, "primary");
  EXPECT_EQ(event.report, 7u);
  EXPECT_EQ(event.reason, report.reason);
  EXPECT_EQ(all_events().back().seq, event.seq);
  EXPECT_EQ(store().stats().messages[static_cast<int>(S::delivered)], 1u);
  EXPECT_EQ(store().stats().messages[static_cast<int>(S::sent)], 0u);
}

TEST_P(ReportTest, WhatSaysNothingOfDeliveryMovesNothing) {
  const MessageId id = sent();
  std::uint64_t key = 1;
  for (const EventType type : {EventType::processed, EventType::deferred, EventType::opened, EventType::clicked,
                               EventType::complained, EventType::unsubscribed}) {
    EXPECT_EQ(report(report_of(id, type, key++))->events, 1u);
    EXPECT_EQ(history(id).back().type, type);
    EXPECT_EQ(history(id).back().upstream, "primary");
    EXPECT_EQ(state(id), S::sent);
  }
  EXPECT_TRUE(due_ids().empty());
}

TEST_P(ReportTest, ALateBounceCountsAfterADeliveryAndNothingAfterABounce) {
  const MessageId id = sent();
  EXPECT_EQ(report(report_of(id, EventType::delivered, 1))->events, 1u);
  EXPECT_EQ(report(report_of(id, EventType::bounced, 2))->events, 1u);
  EXPECT_EQ(state(id), S::bounced);
  const Time bounced_at = find(id)->recipients[0].changed_at;
  advance(std::chrono::minutes(1));
  EXPECT_EQ(report(report_of(id, EventType::delivered, 3))->events, 1u) << "it is in the history";
  EXPECT_EQ(state(id), S::bounced);
  EXPECT_EQ(find(id)->recipients[0].changed_at, bounced_at);
  EXPECT_EQ(history(id).back().type, EventType::delivered);
}

TEST_P(ReportTest, ARepeatedReportChangesNothing) {
  const MessageId id = sent();
  EXPECT_EQ(report(report_of(id, EventType::opened, 5))->events, 1u);
  const auto repeated = report(report_of(id, EventType::opened, 5));
  ASSERT_TRUE(repeated.has_value());
  EXPECT_EQ(repeated->events, 0u);
  EXPECT_EQ(repeated->id, id);
  EXPECT_EQ(history(id).size(), 4u);
  EXPECT_EQ(report(report_of(id, EventType::opened, 6))->events, 1u) << "another one of the same kind";

  const std::vector<Report> batch{report_of(id, EventType::clicked, 8), report_of(id, EventType::clicked, 8)};
  const auto answers = report(batch);
  EXPECT_EQ(answers.at(0)->events, 1u);
  EXPECT_EQ(answers.at(1)->events, 0u) << "of the same request";
  reopen(Ending::crash);
  EXPECT_EQ(report(report_of(id, EventType::opened, 5))->events, 0u);
}

TEST_P(ReportTest, OneEventARecipientAndEachIsKnownByItself) {
  const MessageId id = sent({"a@example.com", "b@example.com"}, {"id-1", "id-1"});
  EXPECT_EQ(report(about(report_of(id, EventType::delivered, 5), "a@example.com"))->events, 1u);
  EXPECT_EQ(states(id), (std::vector<S>{S::delivered, S::sent}));
  EXPECT_EQ(report(report_of(id, EventType::delivered, 5))->events, 1u) << "b had it not yet";
  EXPECT_EQ(states(id), (std::vector<S>{S::delivered, S::delivered}));
  EXPECT_EQ(report(report_of(id, EventType::opened, 6))->events, 2u);
  const std::vector<Event> events = history(id);
  EXPECT_EQ(events[events.size() - 2].recipient, 0u);
  EXPECT_EQ(events.back().recipient, 1u);
}

TEST_P(ReportTest, TheRecipientIsMeantHoweverItIsWritten) {
  const MessageId id = sent({"Ann.Example@b\xc3\xbc"
                             "cher.example",
                             "b@example.com"},
                            {"id-1", "id-1"});
  EXPECT_EQ(report(about(report_of(id, EventType::delivered, 1), "ann.example@XN--BCHER-KVA.example"))->events, 1u);
  EXPECT_EQ(states(id), (std::vector<S>{S::delivered, S::sent}));
  const auto other = report(about(report_of(id, EventType::bounced, 2), "c@example.com"));
  EXPECT_EQ(other.error().kind, FaultKind::not_found);
  EXPECT_EQ(report(about(report_of(id, EventType::bounced, 3), "not an address")).error().kind, FaultKind::not_found);
  EXPECT_EQ(states(id), (std::vector<S>{S::delivered, S::sent}));
}

TEST_P(ReportTest, WithoutOurIdTheProvidersOwnFindsTheNewest) {
  const MessageId older = sent({"user@example.com"}, {"same"}), newer = sent({"user@example.com"}, {"same"});
  const MessageId longer = sent({"user@example.com"}, {"same.1"});
  const auto reported = report(by_provider_id("same", EventType::delivered, 1));
  ASSERT_TRUE(reported.has_value());
  EXPECT_EQ(reported->id, newer);
  EXPECT_EQ(state(older), S::sent);
  EXPECT_EQ(state(longer), S::sent) << "an id that only begins so";
  EXPECT_EQ(report(by_provider_id("same.1", EventType::bounced, 2))->id, longer);
  EXPECT_EQ(report(by_provider_id("sam", EventType::bounced, 3)).error().kind, FaultKind::not_found);
  EXPECT_EQ(report(by_provider_id("", EventType::bounced, 3)).error().kind, FaultKind::not_found);
}

// A provider that was handed a message in parts reports on each.
TEST_P(ReportTest, WithoutARecipientAllOfThatProvidersIdAreMeant) {
  const MessageId id = sent({"a@example.com", "b@example.com", "c@example.com"}, {"one", "two", "one"});
  EXPECT_EQ(report(by_provider_id("one", EventType::delivered, 1))->events, 2u);
  EXPECT_EQ(states(id), (std::vector<S>{S::delivered, S::sent, S::delivered}));
  Report both_ids = report_of(id, EventType::bounced, 2);
  both_ids.provider_id = "two";
  EXPECT_EQ(report(both_ids)->events, 1u);
  EXPECT_EQ(states(id), (std::vector<S>{S::delivered, S::bounced, S::delivered}));
  EXPECT_EQ(report(report_of(id, EventType::opened, 3))->events, 3u);
}

TEST_P(ReportTest, NobodyHasASayInWhatAnotherUpstreamTook) {
  const MessageId id = sent();
  Report foreign = report_of(id, EventType::bounced, 1);
  foreign.upstream = "backup";
  EXPECT_EQ(report(foreign).error().kind, FaultKind::not_found);
  Report by_id = by_provider_id("id-1", EventType::bounced, 1);
  by_id.upstream = "backup";
  EXPECT_EQ(report(by_id).error().kind, FaultKind::not_found);
  EXPECT_EQ(report(report_of(ids_.next(now_), EventType::bounced, 1)).error().kind, FaultKind::not_found);
  EXPECT_EQ(state(id), S::sent);
  EXPECT_EQ(history(id).size(), 3u);
}

TEST_P(ReportTest, WhatIsStillSendingIsAskedForAgain) {
  const MessageId id = claimed();
  for (const std::string upstream : {"primary", "backup"}) {  // which of them it will be is not known yet
    Report early = report_of(id, EventType::delivered, 1);
    early.upstream = upstream;
    EXPECT_EQ(report(early).error().kind, FaultKind::conflict);
    EXPECT_EQ(report(about(early, "USER@example.com")).error().kind, FaultKind::conflict);
    EXPECT_EQ(report(about(early, "other@example.com")).error().kind, FaultKind::not_found);
  }
  EXPECT_EQ(state(id), S::sending);
  ASSERT_TRUE(settle(id, Trigger::hand_over).has_value());
  EXPECT_EQ(report(report_of(id, EventType::delivered, 1))->events, 1u);
  EXPECT_EQ(state(id), S::delivered);
}

// Of a hand-over whose answer was lost the provider may know more than we do: it is on record, and our retries go on.
TEST_P(ReportTest, WhatWaitsAgainHearsAndGoesOnWaiting) {
  const MessageId id = claimed();
  ASSERT_TRUE(settle(id, Trigger::defer, now_ + std::chrono::minutes(10)).has_value());
  EXPECT_EQ(report(about(report_of(id, EventType::delivered, 1), "user@example.com"))->events, 1u);
  EXPECT_EQ(state(id), S::deferred);
  EXPECT_EQ(due_ids(), std::vector<MessageId>{id});
  EXPECT_EQ(history(id).back().type, EventType::delivered);
  EXPECT_EQ(report(report_of(id, EventType::delivered, 2)).error().kind, FaultKind::not_found)
      << "nobody is named, and it took nobody";
}

TEST_P(ReportTest, ReportsOfOneCallAreTakenOrRefusedOneByOne) {
  const MessageId first = sent(), second = sent({"user@example.com"}, {"id-2"}), sending = claimed();
  const auto answers = report({report_of(first, EventType::delivered, 1), report_of(sending, EventType::delivered, 2),
                               by_provider_id("id-2", EventType::bounced, 3), report_of(first, EventType::opened, 4),
                               report_of(first, EventType::accepted, 5), report_of(first, EventType::opened, 0)});
  ASSERT_EQ(answers.size(), 6u);
  EXPECT_TRUE(answers[0].has_value());
  EXPECT_EQ(answers[1].error().kind, FaultKind::conflict);
  EXPECT_EQ(answers[2]->id, second);
  EXPECT_TRUE(answers[3].has_value());
  EXPECT_EQ(answers[4].error().kind, FaultKind::invalid) << "no provider reports that";
  EXPECT_EQ(answers[5].error().kind, FaultKind::invalid) << "without a key it could not be known again";
  EXPECT_EQ(types(history(first)), (std::vector<EventType>{EventType::accepted, EventType::attempted, EventType::sent,
                                                           EventType::delivered, EventType::opened}));
  EXPECT_EQ(state(second), S::bounced);
  EXPECT_TRUE(verify_faults().empty());
}

TEST_P(ReportTest, ASpoolWithoutRoomTakesNone) {
  StoreLimits limits;
  limits.max_bytes = 16ull << 20;
  limits.high_water_bytes = 1ull << 20;
  open(limits);
  const MessageId id = sent();
  while (accept(message({"user@example.com"}, 100'000)).has_value()) continue;
  while (accept(message()).has_value()) continue;
  EXPECT_EQ(report(report_of(id, EventType::opened, 1)).error().kind, FaultKind::full);
  EXPECT_EQ(history(id).size(), 3u);
}

TEST_P(ReportTest, ABounceOwesTheSenderANotice) {
  const auto kept = [this](bool notify_sender) {
    const MessageId id = sent();
    Report bounced = report_of(id, EventType::bounced, 1);
    bounced.notify_sender = notify_sender;
    const auto reported = report(bounced);
    EXPECT_EQ(reported->owes_notice, notify_sender);
    return find(id)->recipients[0].owed;
  };
  EXPECT_EQ(kept(true), Notice::failed);
  EXPECT_EQ(kept(false), Notice::none);
  const MessageId told = sent();
  EXPECT_FALSE(report(report_of(told, EventType::delivered, 1))->owes_notice);
  NewMessage api = message();
  api.record.envelope.door = Door::http;
  const MessageId http = claimed(std::move(api));
  ASSERT_TRUE(settle(http, Trigger::hand_over).has_value());
  EXPECT_FALSE(report(report_of(http, EventType::bounced, 1))->owes_notice) << "over HTTP only who asked";
}

// ---- what hangs on the history ------------------------------------------------------------------------------------

TEST_P(ReportTest, RetentionCountsFromTheLastReport) {
  RetirePolicy policy;
  policy.history = std::chrono::hours(24);
  const MessageId id = sent();
  advance(std::chrono::hours(20));
  Report opened = report_of(id, EventType::opened, 1);
  opened.at = now_ - std::chrono::hours(19);  // by the provider's clock
  ASSERT_TRUE(report(opened).has_value());
  retire_all(policy);
  EXPECT_TRUE(find(id).has_value());
  EXPECT_EQ(history(id).size(), 4u);
  advance(std::chrono::hours(25));
  EXPECT_EQ(retire_all(policy).messages, 1u);
  EXPECT_EQ(find(id).error().kind, FaultKind::not_found);
  EXPECT_TRUE(all_events().empty());
  EXPECT_EQ(report(opened).error().kind, FaultKind::not_found);
}

TEST_P(ReportTest, ABodyGoesOnTimeWhateverWasReportedLast) {
  RetirePolicy policy;
  policy.sent_bodies = std::chrono::hours(2);
  for (const EventType type : {EventType::deferred, EventType::processed, EventType::delivered, EventType::clicked}) {
    const MessageId id = claimed();
    Settlement s = settlement(id, {update(0, Trigger::hand_over)});
    s.remove_sent_body = false;
    ASSERT_TRUE(settle(std::move(s)).has_value());
    retire_all(policy);
    advance(std::chrono::minutes(1));
    ASSERT_TRUE(report(report_of(id, type, 1)).has_value());
    retire_all(policy);
    EXPECT_EQ(find(id)->body, BodyState::present) << to_string(type);
    advance(std::chrono::hours(3));
    EXPECT_EQ(retire_all(policy).bodies, 1u) << to_string(type);
    EXPECT_EQ(find(id)->body, BodyState::removed) << to_string(type);
  }
}

TEST_P(ReportTest, AReportDoesNotEndAMessageThatIsLive) {
  const MessageId id = claimed(message({"a@example.com", "b@example.com"}));
  ASSERT_TRUE(settle(settlement(id, {update(0, Trigger::hand_over), update(1, Trigger::defer, now_)})).has_value());
  ASSERT_TRUE(report(about(report_of(id, EventType::delivered, 1), "a@example.com")).has_value());
  RetirePolicy greedy;
  greedy.history = greedy.sent_bodies = greedy.failed_bodies = Duration(0);
  greedy.history_max_bytes = 0;
  advance(std::chrono::hours(1));
  retire_all(greedy);
  EXPECT_EQ(body_of(id).size(), 100u);
  EXPECT_EQ(claim(id).recipients, std::vector<std::uint32_t>{1});
}

TEST_P(ReportTest, EverythingIsThereAfterACrash) {
  const MessageId id = sent({"a@example.com", "b@example.com"}, {"one", "two"});
  ASSERT_TRUE(report(by_provider_id("one", EventType::delivered, 1)).has_value());
  ASSERT_TRUE(report(by_provider_id("two", EventType::bounced, 2)).has_value());
  const std::vector<Event> before = history(id);
  reopen(Ending::crash);
  EXPECT_EQ(states(id), (std::vector<S>{S::delivered, S::bounced}));
  const std::vector<Event> after = history(id);
  ASSERT_EQ(after.size(), before.size());
  EXPECT_EQ(after.back().report, 2u);
  EXPECT_EQ(after.back().upstream, "primary");
  EXPECT_TRUE(verify_faults().empty());
}

POSTRIDER_STORE_SUITE(ReportTest);

}  // namespace
}  // namespace postrider::storage::conformance
