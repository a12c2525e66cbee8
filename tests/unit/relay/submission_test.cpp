#include "relay/inbound/submission.h"

#include <gmock/gmock.h>

#include "tests/unit/relay/inbound_fixture.h"

namespace postrider::relay {
namespace {

class SubmissionTest : public InboundTest {
 protected:
  void SetUp() override {
    options_->hostname = "relay.example";
    make();
  }
  // Stands for the reader of the API: what is between the angle brackets of each field.
  static result<std::vector<std::string>> read_senders(std::string_view fields) {
    std::vector<std::string> found;
    for (std::size_t at = 0; (at = fields.find('<', at)) != std::string_view::npos;) {
      const std::size_t end = fields.find('>', at);
      if (end == std::string_view::npos) return Fault{FaultKind::invalid, "no end"};
      found.emplace_back(fields.substr(at + 1, end - at - 1));
      at = end;
    }
    return found;
  }
  void make() {
    SubmissionParts parts{loop_, loop_.clock(), *store_, &dispatcher_, memory_, log_, &read_senders};
    submission_ = make_submission(parts, options_);
  }
  static EnvelopeSpec envelope() {
    EnvelopeSpec out;
    out.sender = {"a", "example.com"};
    out.recipients.push_back({{"b", "example.com"}, "", {}});
    out.client_address = "192.0.2.1";
    out.helo = "client.example";
    out.protocol = "ESMTP";
    return out;
  }
  boost::asio::awaitable<SubmissionResult> submit(EnvelopeSpec spec, std::string octets) {
    std::unique_ptr<Intake> intake = submission_->begin(std::move(spec));
    co_await intake->write(octets);
    SubmissionResult done = co_await intake->commit();
    co_return done;
  }
  boost::asio::awaitable<SubmissionResult> submit_cut(std::string octets, std::size_t cut) {
    std::unique_ptr<Intake> intake = submission_->begin(envelope());
    co_await intake->write(std::string_view(octets).substr(0, cut));
    co_await intake->write(std::string_view(octets).substr(cut));
    SubmissionResult done = co_await intake->commit();
    co_return done;
  }
  boost::asio::awaitable<int> abandon(std::string octets) {
    std::unique_ptr<Intake> intake = submission_->begin(envelope());
    co_await intake->write(octets);
    co_return 0;
  }
  static std::string message(std::size_t body_octets) {
    return "Subject: x\r\n\r\n" + std::string(body_octets, 'x') + "\r\n";
  }

  std::shared_ptr<SubmissionOptions> options_ = std::make_shared<SubmissionOptions>();
  RememberingDispatcher dispatcher_;
  std::unique_ptr<Submission> submission_;
};

TEST_F(SubmissionTest, AnswersWithTheIdUnderWhichTheMessageIsStored) {
  auto done = run(submit(envelope(), message(10)));
  ASSERT_TRUE(done.id);
  EXPECT_EQ(done.reply.wire(), "250 2.0.0 Ok: queued as " + done.id->str() + "\r\n");
  EXPECT_EQ(stored(*done.id).envelope.sender, (Address{"a", "example.com"}));
}

TEST_F(SubmissionTest, TheAcceptCarriesTheIntentAndTheFirstAttemptHasTheBodyInMemory) {
  auto done = run(submit(envelope(), message(10)));
  ASSERT_EQ(dispatcher_.messages.size(), 1u);
  const FreshMessage& fresh = dispatcher_.messages[0];
  EXPECT_EQ(fresh.record->id, *done.id);
  EXPECT_EQ(fresh.record->recipients[0].state, RecipientState::sending);
  EXPECT_EQ(fresh.record->recipients[0].upstream, "primary");
  ASSERT_EQ(fresh.body.chunks.size(), 1u);
  EXPECT_EQ(*fresh.body.chunks[0], stored_body(stored(*done.id)));
}

TEST_F(SubmissionTest, WithoutAFreeSlotTheMessageWaitsInTheSpool) {
  dispatcher_.free = false;
  auto done = run(submit(envelope(), message(10)));
  EXPECT_TRUE(dispatcher_.messages.empty());
  EXPECT_EQ(stored(*done.id).recipients[0].state, RecipientState::queued);
}

TEST_F(SubmissionTest, WhatCouldNotBeStoredIsInTheLogUnderItsId) {
  class Lines final : public Log {
   public:
    bool enabled(LogLevel) const override { return true; }
    void write(LogLevel, std::string_view event, const MessageId* id, std::initializer_list<LogField>) override {
      if (event == "message.not_stored") ids.push_back(id != nullptr ? id->str() : "none");
    }
    std::vector<std::string> ids;
  } log;
  submission_ = make_submission({loop_, loop_.clock(), *store_, &dispatcher_, memory_, log}, options_);
  store_->fail_writes(true);
  run(submit(envelope(), message(10)));
  ASSERT_EQ(dispatcher_.offered.size(), 1u);
  EXPECT_EQ(log.ids, std::vector<std::string>{dispatcher_.offered[0].id.str()});
  submission_.reset();  // before its log
}

TEST_F(SubmissionTest, ARefusedStoreIsTemporaryAndDeliversNothing) {
  store_->fail_writes(true);
  auto done = run(submit(envelope(), message(10)));
  EXPECT_EQ(done.reply.code, 451);
  EXPECT_FALSE(done.id);
  EXPECT_TRUE(dispatcher_.messages.empty());
}

TEST_F(SubmissionTest, BodyMemoryIsCountedUntilTheLastReaderIsDone) {
  run(submit(envelope(), message(3 * storage::kChunkPayload)));
  EXPECT_GT(memory_.used(), 3 * storage::kChunkPayload);
  EXPECT_EQ(dispatcher_.messages[0].first_chunk, 0u);
  dispatcher_.messages.clear();
  store_.reset();  // it holds the chunks, too
  EXPECT_EQ(memory_.used(), 0u);
}

TEST_F(SubmissionTest, WhenMemoryIsShortFullChunksGoToTheSpoolAndNoneIsKept) {
  memory_.set_limit(storage::kChunkPayload);
  const std::string octets = message(3 * storage::kChunkPayload);
  auto done = run(submit(envelope(), octets));
  ASSERT_TRUE(done.id) << done.reply.wire();
  EXPECT_EQ(dispatcher_.messages[0].first_chunk, 3u);
  EXPECT_EQ(dispatcher_.messages[0].body.chunks.size(), 1u);
  MessageRecord record = stored(*done.id);
  EXPECT_EQ(record.body_chunks, 4u);
  std::string body = stored_body(record);
  EXPECT_EQ(body.size(), record.body_size);
  EXPECT_TRUE(body.ends_with(octets.substr(octets.find("\r\n\r\n"))));
}

TEST_F(SubmissionTest, AnAbandonedMessageTakesItsStagedChunksAlong) {
  memory_.set_limit(1);
  const auto before = store_->stats().live_bytes;
  run(abandon(message(3 * storage::kChunkPayload)));
  EXPECT_EQ(store_->stats().live_bytes, before);
  EXPECT_EQ(memory_.used(), 0u);
}

TEST_F(SubmissionTest, NoStagedChunkRemainsOfAMessageThatGrewTooBig) {
  memory_.set_limit(1);
  options_->max_message_size = 2 * storage::kChunkPayload;
  make();
  auto done = run(submit(envelope(), message(3 * storage::kChunkPayload)));
  EXPECT_EQ(done.reply.code, 552);
  EXPECT_EQ(store_->stats().live_bytes, 0u);
}

TEST_F(SubmissionTest, TroubleWhileStagingIsTemporary) {
  memory_.set_limit(1);
  store_->fail_writes(true);
  auto done = run(submit(envelope(), message(3 * storage::kChunkPayload)));
  EXPECT_EQ(done.reply.code, 451);
}

TEST_F(SubmissionTest, AKeyFromOutsideTheMessageWorksLikeTheHeader) {
  EnvelopeSpec spec = envelope();
  spec.tenant = "shop";
  spec.idempotency_key = "order-1";
  auto first = run(submit(spec, message(10)));
  auto again = run(submit(spec, message(10)));
  auto other = run(submit(spec, message(11)));
  spec.tenant = "another";
  auto foreign = run(submit(spec, message(11)));
  EXPECT_EQ(again.id, first.id);
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(other.reply.code, 550);
  EXPECT_TRUE(foreign.id && foreign.id != first.id);
  EXPECT_EQ(dispatcher_.messages.size(), 2u) << "a duplicate is not delivered again";
}

TEST_F(SubmissionTest, WhatIsTakenOutOfTheHeaderDoesNotMakeAnotherMessage) {
  const auto first = run(submit(envelope(), "X-Idempotency-Key: order 1\r\nSubject: s\r\n\r\nb\r\n"));
  const auto folded = run(submit(envelope(), "x-idempotency-key:order\r\n 1\r\nSubject: s\r\n\r\nb\r\n"));
  const auto mailbox = run(
      submit(envelope(), "From x Sun Nov 22 20:00:01 2026\r\nX-Idempotency-Key: order 1\r\nSubject: s\r\n\r\nb\r\n"));
  const auto other = run(submit(envelope(), "X-Idempotency-Key: order 2\r\nSubject: s\r\n\r\nb\r\n"));
  const auto several =
      run(submit(envelope(), "X-Idempotency-Key: a\r\nX-Idempotency-Key: b\r\nSubject: s\r\n\r\nb\r\n"));
  EXPECT_EQ(folded.id, first.id);
  EXPECT_EQ(mailbox.id, first.id);
  EXPECT_TRUE(other.id && other.id != first.id);
  EXPECT_EQ(several.reply.code, 550);
}

TEST_F(SubmissionTest, TheFingerprintOfARequestDecidesInsteadOfWhatWasMadeOfIt) {
  EnvelopeSpec spec = envelope();
  spec.door = Door::http;
  spec.protocol = "HTTPS";
  spec.idempotency_scope = "http\ntenant\nshop";
  spec.idempotency_key = std::string(256, 'k') + "\n0";  // bounded by the door, and longer than a header's may be
  spec.fingerprint = 7;
  auto first = run(submit(spec, message(10)));
  auto again = run(submit(spec, message(11)));
  spec.fingerprint = 8;
  auto other = run(submit(spec, message(10)));
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.id, first.id);
  EXPECT_TRUE(other.key_conflict);
  EXPECT_FALSE(other.id);
  spec.tenant = "shop";
  spec.idempotency_scope.clear();
  EXPECT_FALSE(run(submit(spec, message(10))).duplicate) << "the same tenant's key of another door";
  const MessageRecord record = stored(*first.id);
  EXPECT_NE(stored_body(record).find("by relay.example with HTTPS id " + first.id->str()), std::string::npos);
}

TEST_F(SubmissionTest, MetadataAndBatchAreKeptWithTheMessage) {
  EnvelopeSpec spec = envelope();
  spec.metadata = {{"order", "4711"}, {"note", "zwei\nZeilen"}};
  spec.batch = MessageId::first_at(from_ms(1'770'000'000'000));
  const MessageRecord record = stored(*run(submit(spec, message(10))).id);
  EXPECT_EQ(record.envelope.metadata, spec.metadata);
  EXPECT_EQ(record.envelope.batch, spec.batch);
  EXPECT_EQ(stored_body(record).find("4711"), std::string::npos);
}

TEST_F(SubmissionTest, OurOwnBouncesCarryNoTraceOfAClient) {
  EnvelopeSpec spec = envelope();
  spec.door = Door::bounce;
  spec.sender = {};
  auto done = run(submit(spec, message(10)));
  EXPECT_TRUE(stored_body(stored(*done.id)).starts_with("Subject: x\r\n"));
}

TEST_F(SubmissionTest, TheCutOfTheInputMakesNoDifference) {
  const std::string octets = "From: a@example.com\r\nSubject: cut\r\n folded\r\nBcc: x\r\n\r\nline\r\n.\r\nlast";
  auto whole = run(submit(envelope(), octets));
  auto tail = [this](const SubmissionResult& done) {
    std::string body = stored_body(stored(*done.id));
    return body.substr(body.find("From:"), body.find("Message-ID:") - body.find("From:")) +
           body.substr(body.find("\r\n\r\n"));
  };
  for (std::size_t cut = 1; cut < octets.size(); ++cut) {
    auto done = run(submit_cut(octets, cut));
    ASSERT_EQ(tail(done), tail(whole)) << "cut at " << cut;
  }
}

TEST_F(SubmissionTest, WhatWaitsIsFiledInTheBucketThatTheDispatcherNames) {
  dispatcher_.free = false;
  dispatcher_.wait_bucket = 4711;
  auto done = run(submit(envelope(), message(10)));
  EXPECT_EQ(stored(*done.id).wait_bucket, 4711u);
}

TEST_F(SubmissionTest, TheDispatcherIsAskedForTheWholeRecord) {
  EnvelopeSpec spec = envelope();
  spec.may_steer = true;
  auto done = run(submit(spec, "X-Postrider-Lane: low\r\nX-Postrider-Tag: a\r\nX-Postrider-Send-At: +1h\r\n\r\n"));
  ASSERT_EQ(dispatcher_.offered.size(), 1u);
  const MessageRecord& offered = dispatcher_.offered[0];
  EXPECT_EQ(offered.id, *done.id);
  EXPECT_EQ(offered.envelope.lane, Lane::low);
  EXPECT_EQ(offered.envelope.tags, std::vector<std::string>{"a"});
  ASSERT_EQ(offered.recipients.size(), 1u);
  EXPECT_EQ(offered.recipients[0].due, stored(*done.id).recipients[0].due);
}

TEST_F(SubmissionTest, OfAStrangerSteeringFieldsAskForNothingAndDoNotLeave) {
  auto done = run(submit(envelope(), "X-Postrider-Lane: high\r\nX-Postrider-Send-At: never\r\nTo: t\r\n\r\n"));
  ASSERT_TRUE(done.id) << done.reply.wire();
  const MessageRecord record = stored(*done.id);
  EXPECT_EQ(record.envelope.lane, Lane::normal);
  EXPECT_EQ(stored_body(record).find("X-Postrider"), std::string::npos);
}

TEST_F(SubmissionTest, ABadSteeringFieldStoresNothing) {
  EnvelopeSpec spec = envelope();
  spec.may_steer = true;
  auto done = run(submit(spec, "X-Postrider-Retries: many\r\n\r\ntext\r\n"));
  EXPECT_EQ(done.reply.wire(), "554 5.6.0 X-Postrider-Retries: 'many': give a number from 0 to 100\r\n");
  EXPECT_FALSE(done.id);
  EXPECT_TRUE(dispatcher_.offered.empty());
}

TEST_F(SubmissionTest, WhatIsAskedOutsideTheMessageIsDoneForEveryDoor) {
  EnvelopeSpec spec = envelope();
  spec.steering.lane = Lane::high;
  spec.steering.expires_in = std::chrono::hours(1);
  auto done = run(submit(spec, message(10)));
  const MessageRecord record = stored(*done.id);
  EXPECT_EQ(record.envelope.lane, Lane::high);
  EXPECT_EQ(record.envelope.expires_at, record.recipients[0].due + std::chrono::hours(1));
}

// ---- lanes by rule --------------------------------------------------------------------------------------------------

class SubmissionLanes : public SubmissionTest {
 protected:
  void SetUp() override {
    UpstreamMatch news, partners;
    news.tag = {"news"};
    partners.recipient_domain = {"partner.example"};
    options_->lanes = {{Lane::low, news}, {Lane::high, partners}};
    options_->addresses.aliases = {{"desk@example.com", "desk@partner.example"}};
    SubmissionTest::SetUp();
  }
  Lane lane(EnvelopeSpec spec, const std::string& fields = "") {
    const Lane foretold = lane_of(spec, *options_);
    const auto done = run(submit(std::move(spec), fields + message(10)));
    const Lane given = stored(*done.id).envelope.lane;
    if (fields.empty()) {
      EXPECT_EQ(given, foretold);
    }
    return given;
  }
  EnvelopeSpec to(const char* local, const char* domain) {
    EnvelopeSpec spec = envelope();
    spec.may_steer = true;
    spec.recipients[0].address = {local, domain};
    EXPECT_FALSE(submission_->check_recipient(spec, spec.recipients[0]));
    return spec;
  }
};

TEST_F(SubmissionLanes, HoldForEveryDoorAndWhoeverSends) {
  for (const Door door : {Door::smtp, Door::http, Door::sendmail, Door::bounce})
    for (const bool may_steer : {false, true}) {
      EnvelopeSpec spec = to("b", "partner.example");
      spec.door = door;
      spec.may_steer = may_steer;
      EXPECT_EQ(lane(spec), Lane::high) << to_string(door) << may_steer;
    }
  EXPECT_EQ(lane(to("b", "example.com")), Lane::normal);
}

TEST_F(SubmissionLanes, AreForMailThatNamesNone) {
  EnvelopeSpec named = to("b", "partner.example");
  EXPECT_EQ(lane(named, "X-Postrider-Lane: normal\r\n"), Lane::normal);
  named.steering.lane = Lane::normal;
  EXPECT_EQ(lane(named), Lane::normal);
  named.may_steer = false;
  named.steering.lane.reset();
  EXPECT_EQ(lane(named, "X-Postrider-Lane: normal\r\n"), Lane::high) << "who may not steer has named none";
}

TEST_F(SubmissionLanes, SeeTheTagsOfTheHeader) {
  EXPECT_EQ(lane(to("b", "partner.example"), "X-Postrider-Tag: news\r\n"), Lane::low);
}

TEST_F(SubmissionLanes, SeeRecipientsAsTheyWillBeAsked) {
  EXPECT_EQ(lane(to("desk", "example.com")), Lane::high);
  EnvelopeSpec guarded = envelope();
  guarded.guard.redirect_to = "qa@partner.example";
  EXPECT_FALSE(submission_->check_recipient(guarded, guarded.recipients[0]));
  EXPECT_EQ(lane(guarded), Lane::high);
}

TEST_F(SubmissionLanes, AreThoseOfTheTimeWhenTheMessageBegan) {
  std::unique_ptr<Intake> before = submission_->begin(to("b", "partner.example"));
  auto changed = std::make_shared<SubmissionOptions>(*options_);
  changed->lanes = {{Lane::low, {}}};
  submission_->use(changed);
  EXPECT_EQ(stored(*run(submit(to("b", "partner.example"), message(10))).id).envelope.lane, Lane::low);
  const MessageId id = before->id();
  EXPECT_EQ(before->write_now(message(10)), message(10).size());
  EXPECT_TRUE(run(before->commit()).id);
  EXPECT_EQ(stored(id).envelope.lane, Lane::high);
}

TEST_F(SubmissionTest, ARedirectedMessageIsTheSameOnlyForTheSameRecipient) {
  EnvelopeSpec spec = envelope();
  spec.tenant = "shop";
  spec.idempotency_key = "order-1";
  spec.guard.redirect_to = "qa@example.net";
  const auto to = [&](const char* local) {
    EnvelopeSpec out = spec;
    out.recipients[0].address.local = local;
    EXPECT_FALSE(submission_->check_recipient(out, out.recipients[0]));
    return out;
  };
  auto first = run(submit(to("b"), message(10)));
  EXPECT_EQ(stored(*first.id).recipients[0].address, (Address{"qa", "example.net"}));
  EXPECT_EQ(stored(*first.id).recipients[0].redirected_from, "b@example.com");
  EXPECT_TRUE(run(submit(to("b"), message(10))).duplicate);
  EXPECT_EQ(run(submit(to("c"), message(10))).reply.code, 550);
}

TEST_F(SubmissionTest, WhoIsBoundToSendersShowsNoOthers) {
  options_->addresses.origin = "example.org";
  make();
  const auto answer = [this](const std::string& fields) {
    EnvelopeSpec spec = envelope();
    spec.sender = {};  // a null sender unbinds nobody
    spec.bound_senders = {"*@example.com", "root@example.org"};
    return run(submit(std::move(spec), fields + "Subject: x\r\n\r\nbody\r\n")).reply.wire();
  };
  EXPECT_THAT(answer("From: Ann <a@example.com>\r\n"), testing::StartsWith("250 "));
  EXPECT_THAT(answer("From: Ann <a@example.com>\r\nReply-To: <b@example.net>\r\n"), testing::StartsWith("250 "));
  EXPECT_THAT(answer("From: cron <root>\r\n"), testing::StartsWith("250 "));
  EXPECT_THAT(answer(""), testing::StartsWith("250 "));
  EXPECT_EQ(answer("From: <c@example.net>\r\n"), "550 5.7.1 This login may not send as <c@example.net>\r\n");
  for (const std::string field : {"from", "Sender", "Resent-From", "Resent-Sender"})
    EXPECT_THAT(answer("From: <a@example.com>\r\n" + field + ":\r\n <c@example.net>\r\n"),
                testing::StartsWith("550 5.7.1 "));
  EXPECT_THAT(answer("From: <a@example.com\r\n"), testing::HasSubstr("cannot be read"));
  EXPECT_EQ(run(submit(envelope(), "From: <c@example.net>\r\n\r\n")).reply.code, 250);  // bound to nobody
}

TEST_F(SubmissionTest, OneRecipientsAddressAsksNoSmtputf8OfTheOthers) {
  const auto asks = [this](const Address& sender, const std::string& field) {
    EnvelopeSpec spec = envelope();
    spec.smtputf8 = true;
    spec.sender = sender;
    spec.recipients.push_back({{"josé", "example.com"}, "", {}});
    return stored(*run(submit(std::move(spec), field + "\r\n\r\n")).id).envelope.smtputf8;
  };
  EXPECT_FALSE(asks({"a", "example.com"}, "Subject: x"));
  EXPECT_TRUE(asks({"a", "example.com"}, "Subject: é"));
  EXPECT_TRUE(asks({"josé", "example.com"}, "Subject: x"));
}

TEST_F(SubmissionTest, SaysBeforehandWhatCannotBeTaken) {
  options_->max_message_size = 1000;
  make();
  EXPECT_FALSE(submission_->can_accept(1000));
  EXPECT_EQ(submission_->can_accept(1001)->code, 552);
  store_ = storage::make_memory_store({.max_bytes = 4096, .high_water_bytes = 1});
  make();
  run(submit(envelope(), message(10)));
  auto full = run(submit(envelope(), message(10)));
  EXPECT_EQ(full.reply.code, 452);
}

}  // namespace
}  // namespace postrider::relay
