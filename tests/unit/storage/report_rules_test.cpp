#include "storage/report_rules.h"

#include <gtest/gtest.h>

namespace postrider::storage {
namespace {

using S = RecipientState;
const Time kNow = from_ms(1'800'000'000'000);

MessageRecord sent(std::size_t recipients = 1) {
  static MessageIdSource ids(1);
  MessageRecord r;
  r.id = ids.next(kNow);
  r.envelope.sender = parse_address("app@example.org").value();
  for (std::size_t i = 0; i < recipients; ++i) {
    Recipient& recipient = r.recipients.emplace_back();
    recipient.address = parse_address("user" + std::to_string(i) + "@example.com").value();
    recipient.state = S::sent;
    recipient.upstream = "primary";
    recipient.remote_id = "id-1";
    recipient.provider_id = true;
  }
  return r;
}

Report report(EventType type, std::uint64_t key = 1) {
  Report one;
  one.upstream = "primary";
  one.type = type;
  one.key = key;
  return one;
}

TEST(CheckReport, TakesWhatProvidersReportAndNothingElse) {
  std::size_t taken = 0;
  for (int i = 0; i <= static_cast<int>(EventType::processed); ++i)
    taken += check_report(report(static_cast<EventType>(i))).has_value() ? 1 : 0;
  EXPECT_EQ(taken, 8u);
  EXPECT_EQ(check_report(report(EventType::delivered, 0)).error().kind, FaultKind::invalid);
}

TEST(ReportRecord, ATimeThatIsMissingOrToComeIsNow) {
  MessageRecord r = sent();
  KnownReports known;
  Report one = report(EventType::opened, 1);
  EXPECT_EQ(report_record(r, one, known, kNow)->at(0).at, kNow);
  one.key = 2;
  one.at = kNow + std::chrono::hours(1);
  EXPECT_EQ(report_record(r, one, known, kNow)->at(0).at, kNow);
  one.key = 3;
  one.at = kNow - std::chrono::hours(1);
  EXPECT_EQ(report_record(r, one, known, kNow)->at(0).at, kNow - std::chrono::hours(1));
}

TEST(ReportRecord, WhatAStrangerSaidIsMadePrintableAndBounded) {
  MessageRecord r = sent();
  KnownReports known;
  Report one = report(EventType::bounced);
  one.reason.text = "no\r\nsuch user " + std::string(4000, 'x');
  const std::string text = report_record(r, one, known, kNow)->at(0).reason.text;
  EXPECT_LE(text.size(), kMaxReasonText);
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_EQ(r.recipients[0].reason.text, text);
}

TEST(ReportRecord, AReportIsKnownByKeyRecipientAndUpstreamTogether) {
  MessageRecord r = sent(2);
  r.recipients[1].upstream = "backup";
  KnownReports known;
  Event before;
  before.report = 1;
  before.recipient = 0;
  before.upstream = "backup";
  known.add(before);
  EXPECT_EQ(report_record(r, report(EventType::opened), known, kNow)->size(), 1u) << "another upstream's key";
  EXPECT_TRUE(report_record(r, report(EventType::opened), known, kNow)->empty());
  Report backup = report(EventType::opened);
  backup.upstream = "backup";
  EXPECT_EQ(report_record(r, backup, known, kNow)->size(), 1u) << "another recipient";
  before.report = 0;
  known.add(before);
  EXPECT_FALSE(known.has(report(EventType::opened, 0), 0)) << "what we did ourselves is no report";
}

TEST(ReportRecord, ALongHistoryIsNotMadeLonger) {
  MessageRecord r = sent();
  KnownReports known;
  r.history.resize(kMaxHistoryToReport - 1);
  EXPECT_TRUE(report_record(r, report(EventType::opened, 1), known, kNow).has_value());
  r.history.resize(kMaxHistoryToReport);
  EXPECT_EQ(report_record(r, report(EventType::opened, 2), known, kNow).error().kind, FaultKind::invalid);
  EXPECT_TRUE(report_record(r, report(EventType::opened, 1), known, kNow)->empty()) << "what is known is answered so";
}

TEST(ReportRecord, ALongHistoryStillHearsWhatCounts) {
  MessageRecord r = sent();
  KnownReports known;
  r.history.resize(kMaxHistoryToReport);
  EXPECT_EQ(report_record(r, report(EventType::complained, 1), known, kNow)->size(), 1u);
  EXPECT_EQ(report_record(r, report(EventType::delivered, 2), known, kNow)->size(), 1u);
  EXPECT_EQ(r.recipients[0].state, S::delivered);
  EXPECT_EQ(report_record(r, report(EventType::delivered, 3), known, kNow).error().kind, FaultKind::invalid);
  EXPECT_EQ(report_record(r, report(EventType::bounced, 4), known, kNow)->size(), 1u);
  EXPECT_EQ(r.recipients[0].state, S::bounced);
  r.history.resize(2 * kMaxHistoryToReport);
  EXPECT_EQ(report_record(r, report(EventType::complained, 5), known, kNow).error().kind, FaultKind::invalid);
}

TEST(ReportRecord, AFaultLeavesTheRecordAsItWas) {
  MessageRecord r = sent(2);
  r.recipients[1].state = S::sending;
  KnownReports known;
  EXPECT_EQ(report_record(r, report(EventType::bounced), known, kNow).error().kind, FaultKind::conflict);
  EXPECT_EQ(r.recipients[0].state, S::sent);
  EXPECT_FALSE(known.has(report(EventType::bounced), 0));
}

// Only what was handed over is moved, whatever else is reported of.
TEST(ReportRecord, MovesByTheTransitionFunctionAlone) {
  for (int i = 0; i < kRecipientStates; ++i) {
    const auto state = static_cast<S>(i);
    if (state == S::sending) continue;
    for (const EventType type : {EventType::delivered, EventType::bounced, EventType::deferred}) {
      MessageRecord r = sent();
      r.recipients[0].state = state;
      KnownReports known;
      ASSERT_EQ(report_record(r, report(type), known, kNow)->size(), 1u);
      const auto trigger = trigger_of_report(type);
      const auto next = trigger ? transition(state, *trigger) : std::nullopt;
      EXPECT_EQ(r.recipients[0].state, next.value_or(state)) << to_string(state) << " " << to_string(type);
      const bool handed_over = state == S::sent || state == S::delivered;
      const bool moves = type == EventType::bounced || (type == EventType::delivered && state == S::sent);
      EXPECT_EQ(r.recipients[0].state != state, handed_over && moves) << to_string(state) << " " << to_string(type);
    }
  }
}

TEST(ReportRecord, OnlyABounceOwesANoticeAndReplacesWhatWasOwed) {
  MessageRecord r = sent();
  r.recipients[0].notify = {false, true, true, false};
  r.recipients[0].owed = Notice::relayed;
  KnownReports known;
  ASSERT_TRUE(report_record(r, report(EventType::delivered, 1), known, kNow).has_value());
  EXPECT_EQ(r.recipients[0].owed, Notice::relayed);
  ASSERT_TRUE(report_record(r, report(EventType::bounced, 2), known, kNow).has_value());
  EXPECT_EQ(r.recipients[0].owed, Notice::failed);
}

}  // namespace
}  // namespace postrider::storage
