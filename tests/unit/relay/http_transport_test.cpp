#include "relay/outbound/http_transport.h"

#include "tests/unit/relay/http_transport_fixture.h"

namespace postrider::relay {
namespace {

using namespace std::chrono_literals;

TEST_F(HttpTransportTest, HandsOverAndKeepsTheProvidersId) {
  serve({answers(200, "id=<1@provider>")});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::sent);
  EXPECT_EQ(attempt.remote_id, "<1@provider>");
  EXPECT_TRUE(attempt.provider_id);
  EXPECT_TRUE(attempt.lossy);
  EXPECT_EQ(attempt.upstream, "primary");
  EXPECT_TRUE(attempt.peer.starts_with("127.0.0.1[127.0.0.1]:")) << attempt.peer;
  EXPECT_EQ(attempt.stage, Stage::final_dot);
  EXPECT_EQ(attempt.reason.code, 200);
  ASSERT_EQ(attempt.recipients.size(), 1u);
  EXPECT_EQ(attempt.recipients[0].kind, OutcomeKind::sent);
  EXPECT_EQ(server->requests().at(0).body, "to: r0\nSubject: x\r\n\r\ntext\r\n");
}

TEST_F(HttpTransportTest, GroupsRecipientsByTheProvidersLimit) {
  provider.max_recipients = 2;
  set_recipients(5);
  serve({answers(200, "id=first"), answers(200, "id=second")});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::sent);
  EXPECT_EQ(attempt.remote_id, "first");
  ASSERT_EQ(server->requests().size(), 3u);
  EXPECT_EQ(asked_for(0), "r0 r1");
  EXPECT_EQ(asked_for(1), "r2 r3");
  EXPECT_EQ(asked_for(2), "r4");
  ASSERT_EQ(attempt.recipients.size(), 5u);
  for (std::uint32_t i = 0; i < 5; ++i) EXPECT_EQ(attempt.recipients[i].recipient, i);
}

TEST_F(HttpTransportTest, FindsTheRefusedOneByHalves) {
  set_recipients(4);
  const HttpReaction refused = answers(400, "bad address"), taken = answers(200, "id=1");
  serve({refused, taken, refused, refused, taken});
  const Attempt attempt = deliver();
  ASSERT_EQ(server->requests().size(), 5u);
  EXPECT_EQ(asked_for(1), "r0 r1");
  EXPECT_EQ(asked_for(2), "r2 r3");
  EXPECT_EQ(asked_for(3), "r2");
  EXPECT_EQ(asked_for(4), "r3");
  ASSERT_EQ(attempt.recipients.size(), 4u);
  for (const RecipientOutcome& outcome : attempt.recipients) {
    EXPECT_EQ(outcome.kind, outcome.recipient == 2 ? OutcomeKind::bounced : OutcomeKind::sent) << outcome.recipient;
  }
  EXPECT_EQ(attempt.outcome, OutcomeKind::bounced);
  EXPECT_EQ(attempt.remote_id, "1");
}

TEST_F(HttpTransportTest, ASearchHasItsBound) {
  set_recipients(300);
  serve({answers(400, "bad address")});
  const Attempt attempt = deliver();
  EXPECT_EQ(server->requests().size(), 1 + kMaxExtraCalls);
  ASSERT_EQ(attempt.recipients.size(), 300u);
  std::size_t bounced = 0;
  for (const RecipientOutcome& outcome : attempt.recipients) {
    const bool found = outcome.kind == OutcomeKind::bounced;
    bounced += found ? 1 : 0;
    EXPECT_EQ(outcome.reason.cause, found ? Cause::recipient : Cause::throttle);
  }
  EXPECT_GT(bounced, 10u);  // so that the next try has fewer
  EXPECT_GT(reports[0].throttled_until, Time{});
}

TEST_F(HttpTransportTest, ThoseWhoCannotShareACallAreAskedForOneByOne) {
  set_recipients(kMaxExtraCalls);
  body = {"Subject: unshareable\r\n\r\n"};
  serve({answers(200, "id=1")});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::sent) << attempt.reason.text;
  ASSERT_EQ(server->requests().size(), kMaxExtraCalls) << "a request that was never sent is no call";
  EXPECT_EQ(asked_for(0), "r0");
  EXPECT_EQ(asked_for(1), "r1");
  EXPECT_EQ(built, kMaxExtraCalls + 1)
      << "taking a message apart is dear: halves that cannot share a call are not tried";
}

TEST_F(HttpTransportTest, SingleRecipientsFareOtherwise) {
  set_recipients(3);
  serve({answers(207, "id=1")});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.recipients.at(0).kind, OutcomeKind::sent);
  EXPECT_EQ(attempt.recipients.at(1).kind, OutcomeKind::bounced);
  EXPECT_EQ(attempt.recipients.at(1).reason.text, "no  such user");
  EXPECT_EQ(attempt.recipients.at(2).kind, OutcomeKind::sent);
}

TEST_F(HttpTransportTest, ABodyThatIsTooLargeGoesElsewhereWithoutACall) {
  serve({answers(200, "id=1")});
  provider.max_octets = 10;
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(attempt.reason.cause, Cause::capability);
  EXPECT_EQ(attempt.reason.text, "a body of 20 octets, and fake takes 10");
  EXPECT_EQ(attempt.stage, Stage::none);
  EXPECT_TRUE(server->requests().empty());
}

TEST_F(HttpTransportTest, WhatCannotBeExpressedTouchesOnlyItsRecipients) {
  provider.max_recipients = 1;
  set_recipients(2);
  body = {"Subject: unmappable\r\n\r\n"};
  serve({answers(200, "id=1")});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.recipients.at(0).reason.cause, Cause::capability);
  EXPECT_EQ(attempt.recipients.at(0).reason.text, "this body cannot be expressed");
  EXPECT_EQ(attempt.recipients.at(1).kind, OutcomeKind::sent);
  EXPECT_EQ(server->requests().size(), 1u);
}

TEST_F(HttpTransportTest, ABodyThatCannotBeReadIsOurOwnTrouble) {
  serve({answers(200, "id=1")});
  body_breaks = true;
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(attempt.reason.cause, Cause::spool);
  EXPECT_EQ(attempt.stage, Stage::local);
  EXPECT_TRUE(server->requests().empty());
}

TEST_F(HttpTransportTest, WaitsForMemoryAndDefersWithoutIt) {
  serve({answers(200, "id=1")});
  memory = std::make_unique<BodyMemory>(100);
  auto taken = memory->budget().reserve(100);
  config.stage_timeout = 100ms;
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.reason.cause, Cause::throttle);
  EXPECT_EQ(attempt.stage, Stage::local);
  EXPECT_GT(reports[0].throttled_until, Time{});
  EXPECT_TRUE(server->requests().empty());
  taken->release();
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  EXPECT_EQ(memory->budget().used(), 0u);
}

TEST_F(HttpTransportTest, MemoryThatBecomesFreeIsUsedByABodyLargerThanAllOfIt) {
  serve({answers(200, "id=1")});
  memory = std::make_unique<BodyMemory>(10);
  auto taken = memory->budget().reserve(10);
  config.stage_timeout = 1h;
  start_delivery();
  loop.post(Task([&taken] { taken->release(); }));
  run();
  EXPECT_EQ(reports.at(0).attempt.outcome, OutcomeKind::sent);
}

TEST_F(HttpTransportTest, TheRequestForALargeBodyIsPutTogetherByTheWorker) {
  worker = std::make_unique<RequestWorker>();
  serve({answers(200, "id=1")});
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  EXPECT_EQ(last_builder.load(), std::this_thread::get_id());
  body.push_back(std::string(RequestWorker::kLargeBody, 'x'));
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  EXPECT_NE(last_builder.load(), std::this_thread::get_id());
  EXPECT_EQ(server->requests().at(1).body.size(), record->body_size + std::string("to: r0\n").size());
}

TEST_F(HttpTransportTest, AWorkerWithoutMemoryIsOurOwnTrouble) {
  worker = std::make_unique<RequestWorker>();
  body = {"Subject: no memory\r\n\r\n", std::string(RequestWorker::kLargeBody, 'x')};
  serve({answers(200, "id=1")});
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(attempt.reason.cause, Cause::throttle);
  EXPECT_EQ(attempt.reason.stage, Stage::local);
  EXPECT_TRUE(server->requests().empty());
}

TEST_F(HttpTransportTest, AStopWhileItWaitsForMemoryIsNoFailure) {
  serve({answers(200, "id=1")});
  memory = std::make_unique<BodyMemory>(10);
  const auto taken = memory->budget().reserve(10);
  config.stage_timeout = 1h;
  start_delivery();
  group.cancel();
  run();
  EXPECT_EQ(reports.at(0).attempt.reason.cause, Cause::interrupted);
}

TEST_F(HttpTransportTest, ASenderThatIsStoppingInterrupts) {
  serve({answers(200, "id=1")});
  sender->close();
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(attempt.reason.cause, Cause::interrupted);
}

TEST_F(HttpTransportTest, AProbeAsksWithoutSending) {
  serve({answers(200, "id="), answers(401, "wrong key")});
  Attempt attempt = probe();
  EXPECT_EQ(attempt.outcome, OutcomeKind::sent);
  EXPECT_TRUE(server->requests().at(0).head.starts_with("GET /probe "));
  attempt = probe();
  EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(attempt.reason.cause, Cause::route);
  EXPECT_EQ(attempt.reason.code, 401);
  EXPECT_EQ(attempt.upstream, "primary");
}

TEST_F(HttpTransportTest, AProbeWithoutAnAnswerIsNeverUncertain) {
  serve({testing_fakes::then(HttpReaction::Then::close)});
  const Attempt attempt = probe();
  EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(attempt.reason.cause, Cause::route);
}

}  // namespace
}  // namespace postrider::relay
