// The byte layouts: what is written is what is read, the bytes are those of the grammar and stay so, and no bytes at all
// make a decoder do worse than answer `damaged`.
#include <gtest/gtest.h>

#include <random>

#include "storage/record_codec.h"
#include "storage/record_frame.h"

namespace postrider::storage {
namespace {

MessageId test_id() {
  std::array<std::uint8_t, MessageId::kBytes> bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i + 1);
  return MessageId(bytes);
}

std::string hex(std::string_view bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

StoredMessage full_message() {
  StoredMessage stored;
  stored.history_bytes = 300;
  MessageRecord& r = stored.record;
  r.id = test_id();
  r.envelope.sender = {"app", "example.org"};
  r.envelope.envid = "env";
  r.envelope.ret = DsnReturn::headers;
  r.envelope.eight_bit = true;
  r.envelope.requires_tls = true;
  r.envelope.lane = Lane::low;
  r.envelope.door = Door::bounce;
  r.envelope.tenant = "shop";
  r.envelope.client = "192.0.2.1";
  r.envelope.helo = "client";
  r.envelope.subject = "hello";
  r.envelope.message_id_header = "<1@example.org>";
  r.envelope.created_at = from_ms(1'800'000'000'000);
  r.envelope.tags = {"invoice", "eu"};
  r.envelope.metadata = {{"order", "4711"}, {"note", ""}};
  std::array<std::uint8_t, MessageId::kBytes> batch;
  batch.fill(0xba);
  r.envelope.batch = MessageId(batch);
  r.envelope.retry = {5, std::chrono::minutes(2)};
  r.envelope.expires_at = from_ms(1'800'000'600'000);
  r.envelope.capture_only = true;
  r.body_size = 50'000;
  r.body_chunks = 2;
  r.body = BodyState::removed;
  r.headers = "Subject: hello\r\n";
  r.wait_bucket = 0xdeadbeef;
  r.history = {5, 200, 70'000};
  r.idempotency_key = "key";
  Recipient& a = r.recipients.emplace_back();
  a.address = {"user", "example.com"};
  a.orcpt = "rfc822;user@example.com";
  a.notify = {false, true, true, false};
  a.state = RecipientState::suppressed;
  a.tries = 3;
  a.interruptions = 1;
  a.due = kNever;
  a.age_from = from_ms(1);
  a.changed_at = from_ms(-2);
  a.reason = {Cause::operator_, Stage::local, 550, "5.1.1", "no such user"};
  a.upstream = "primary";
  a.remote_id = "2.0.0 Ok";
  a.provider_id = true;
  a.redirected_from = "real@example.net";
  a.cancel_requested = true;
  a.failed_by_route = true;
  a.owed = Notice::relayed;
  Recipient& b = r.recipients.emplace_back();
  b.hold_requested = true;
  b.delay_told = true;
  return stored;
}

FeedRow full_row() {
  FeedRow row;
  row.first_seq = 77;
  row.events.reserve(2);
  row.message = test_id();
  const Reason said{Cause::none, Stage::final_dot, 250, "2.0.0", "Ok"};
  Event& attempted = row.events.emplace_back();
  attempted.type = EventType::attempted;
  attempted.at = from_ms(1'800'000'000'000);
  attempted.reason = said;
  attempted.attempt = std::make_shared<Attempt>();
  attempted.attempt->upstream = "primary";
  attempted.attempt->peer = "mx[192.0.2.1]:25";
  attempted.attempt->tls = "TLSv1.3";
  attempted.attempt->started_at = from_ms(1'799'999'999'000);
  attempted.attempt->duration_ms = 1000;
  attempted.attempt->stage = Stage::final_dot;
  attempted.attempt->outcome = OutcomeKind::sent;
  attempted.attempt->reason = said;
  attempted.attempt->remote_id = "x";
  attempted.attempt->why = "preferred";
  attempted.attempt->provider_id = true;
  attempted.attempt->recipients = {{0, OutcomeKind::sent, said}, {1, OutcomeKind::deferred, {}}};
  Event& sent = row.events.emplace_back();
  sent.type = EventType::quarantined;
  sent.at = attempted.at;
  sent.recipient = 1;
  sent.reason = said;
  sent.actor = "alice";
  return row;
}

FeedRow upstream_row() {
  FeedRow row;
  row.first_seq = 78;
  Event& opened = row.events.emplace_back();
  opened.type = EventType::upstream_opened;
  opened.at = from_ms(1'800'000'000'000);
  opened.upstream = "primary";
  opened.reason = {Cause::route, Stage::connect, 0, "", "refused"};
  opened.actor = "alice";
  return row;
}

FeedRow reported_row() {
  FeedRow row;
  row.first_seq = 79;
  row.message = test_id();
  Event& event = row.events.emplace_back();
  event.type = EventType::processed;
  event.at = from_ms(1'800'000'000'000);
  event.recipient = 0;
  event.reason = {Cause::none, Stage::none, 250, "2.0.0", "Ok"};
  event.upstream = "primary";
  event.report = 0xfedcba9876543210;
  return row;
}

Suppression full_suppression() {
  return {"user@example.com", "complained", "alice", from_ms(4)};
}

UserRecord full_user() {
  UserRecord user;
  user.name = "alice";
  user.role = "sender";
  user.password_hash = "scrypt$x";
  user.senders = {"*@example.com", ""};
  user.guard = {{"@example.com"}, "catch@example.com", "sink"};
  user.created_at = from_ms(1);
  user.changed_at = from_ms(2);
  return user;
}

StoredApiKey full_api_key() {
  StoredApiKey stored;
  stored.written_at = 8;
  ApiKeyRecord& key = stored.key;
  key.name = "app";
  key.id = "abcdefghijklmnop";
  for (std::size_t i = 0; i < key.digest.size(); ++i) key.digest[i] = static_cast<unsigned char>(0xf0 + i);
  key.tenant = "shop";
  key.scopes = {Scope::send, Scope::steer};
  key.senders = {"*@example.com"};
  key.guard = {{"@example.com"}, "catch@example.com", "sink"};
  key.networks = {parse_network("10.0.0.0/8").value(), parse_network("2001:db8::1").value()};
  key.per_minute = 60;
  key.per_day = 70'000;
  key.created_at = from_ms(1);
  key.expires_at = from_ms(2);
  return stored;
}

ApiKeyUsage full_usage() {
  return {"app", from_ms(3), from_ms(2), 70'000};
}

StoredUpstream full_upstream() {
  StoredUpstream upstream;
  upstream.written_at = 9;
  UpstreamState& state = upstream.state;
  state.name = "primary";
  state.health = 1;
  state.opened_stage = static_cast<std::uint8_t>(Stage::connect);
  state.changed_at = from_ms(3);
  state.last_error = "refused";
  state.paused_until = from_ms(4);
  state.stopped = true;
  state.stopped_by = "alice";
  state.preferred = true;
  state.canary_percent = 5;
  state.canary_messages = 100;
  state.preferred_by = "bob";
  state.day_start = from_ms(5);
  state.month_start = from_ms(6);
  state.day_count = 300;
  state.month_count = 70'000;
  return upstream;
}

// ---- round trips --------------------------------------------------------------------------------------------------

TEST(MessageCodec, KeepsEveryField) {
  const StoredMessage before = full_message();
  std::string bytes, again;
  encode_message(before, bytes);
  const auto after = decode_message(bytes, test_id());
  ASSERT_TRUE(after.has_value()) << after.error().text;
  EXPECT_EQ(after->history_bytes, 300u);
  const MessageRecord &x = before.record, &y = after->record;
  EXPECT_EQ(y.envelope.sender.str(), x.envelope.sender.str());
  EXPECT_EQ(y.envelope.ret, x.envelope.ret);
  EXPECT_EQ(y.envelope.eight_bit, x.envelope.eight_bit);
  EXPECT_EQ(y.envelope.smtputf8, x.envelope.smtputf8);
  EXPECT_EQ(y.envelope.requires_tls, x.envelope.requires_tls);
  EXPECT_EQ(y.envelope.lane, x.envelope.lane);
  EXPECT_EQ(y.envelope.door, x.envelope.door);
  EXPECT_EQ(y.envelope.subject, x.envelope.subject);
  EXPECT_EQ(y.envelope.created_at, x.envelope.created_at);
  EXPECT_EQ(y.envelope.tags, x.envelope.tags);
  EXPECT_EQ(y.envelope.metadata, x.envelope.metadata);
  EXPECT_EQ(y.envelope.retry, x.envelope.retry);
  EXPECT_EQ(y.envelope.batch, x.envelope.batch);
  EXPECT_EQ(y.envelope.expires_at, x.envelope.expires_at);
  EXPECT_TRUE(y.envelope.capture_only);
  EXPECT_EQ(y.history, x.history);
  EXPECT_EQ(y.wait_bucket, x.wait_bucket);
  EXPECT_EQ(y.body, x.body);
  EXPECT_EQ(y.headers, x.headers);
  ASSERT_EQ(y.recipients.size(), 2u);
  EXPECT_EQ(y.recipients[0].notify, x.recipients[0].notify);
  EXPECT_EQ(y.recipients[0].due, kNever);
  EXPECT_EQ(y.recipients[0].changed_at, x.recipients[0].changed_at);
  EXPECT_EQ(y.recipients[0].reason, x.recipients[0].reason);
  EXPECT_TRUE(y.recipients[0].cancel_requested);
  EXPECT_TRUE(y.recipients[1].hold_requested);
  EXPECT_TRUE(y.recipients[1].delay_told);
  EXPECT_TRUE(y.recipients[0].failed_by_route);
  EXPECT_EQ(y.recipients[0].owed, Notice::relayed);
  EXPECT_TRUE(y.recipients[0].provider_id);
  EXPECT_FALSE(y.recipients[1].provider_id);
  EXPECT_EQ(y.recipients[0].redirected_from, "real@example.net");
  encode_message(*after, again);  // and whatever has no line above
  EXPECT_EQ(hex(again), hex(bytes));
}

TEST(MessageCodec, TellsWhatWasNotGivenFromZero) {
  StoredMessage stored = full_message();
  std::string bytes;
  for (const MessageRetry& retry : {MessageRetry{}, MessageRetry{0, {}}, MessageRetry{{}, Duration(0)}}) {
    stored.record.envelope.retry = retry;
    stored.record.envelope.expires_at = kNever;
    stored.record.envelope.batch = MessageId();
    encode_message(stored, bytes);
    const auto after = decode_message(bytes, test_id());
    ASSERT_TRUE(after.has_value());
    EXPECT_EQ(after->record.envelope.retry, retry);
    EXPECT_EQ(after->record.envelope.expires_at, kNever);
    EXPECT_TRUE(after->record.envelope.batch.is_nil());
  }
}

TEST(MessageCodec, TakesEveryEnumerator) {
  StoredMessage stored = full_message();
  Recipient& recipient = stored.record.recipients[0];
  std::string bytes;
  for (int state = 0; state < kRecipientStates; ++state) {
    for (int cause = 0; cause <= static_cast<int>(Cause::operator_); ++cause) {
      recipient.state = static_cast<RecipientState>(state);
      recipient.reason.cause = static_cast<Cause>(cause);
      encode_message(stored, bytes);
      const auto after = decode_message(bytes, test_id());
      ASSERT_TRUE(after.has_value()) << state << " " << cause;
      EXPECT_EQ(after->record.recipients[0].reason.cause, recipient.reason.cause);
    }
  }
}

TEST(EventCodec, KeepsEveryFieldAndNumbersTheEvents) {
  std::string bytes, again;
  encode_feed_row(full_row(), bytes);
  const auto row = decode_feed_row(bytes, 77);
  ASSERT_TRUE(row.has_value()) << row.error().text;
  EXPECT_EQ(row->message, test_id());
  ASSERT_EQ(row->events.size(), 2u);
  EXPECT_EQ(row->events[0].seq, 77u);
  EXPECT_EQ(row->events[1].seq, 78u);
  EXPECT_EQ(row->events[1].message, test_id());
  EXPECT_EQ(row->events[0].recipient, kAllRecipients);
  EXPECT_EQ(row->events[1].recipient, 1u);
  EXPECT_EQ(row->events[1].reason.text, "Ok");
  EXPECT_EQ(row->events[1].actor, "alice");
  ASSERT_NE(row->events[0].attempt, nullptr);
  EXPECT_EQ(row->events[0].attempt->recipients[0].reason.enhanced, "2.0.0");
  EXPECT_EQ(row->events[0].attempt->recipients[1].reason, Reason{});
  EXPECT_EQ(row->events[0].attempt->why, "preferred");
  EXPECT_TRUE(row->events[0].attempt->provider_id);
  encode_feed_row(*row, again);
  EXPECT_EQ(hex(again), hex(bytes));
}

TEST(EventCodec, KeepsEventsOfAnUpstream) {
  std::string bytes, again;
  FeedRow before = upstream_row();
  EventType& type = before.events[0].type;
  for (;; type = static_cast<EventType>(static_cast<int>(type) + 1)) {
    encode_feed_row(before, bytes);
    const auto row = decode_feed_row(bytes, 78);
    ASSERT_TRUE(row.has_value()) << row.error().text;
    EXPECT_TRUE(row->events[0].message.is_nil());
    EXPECT_EQ(row->events[0].type, type);
    EXPECT_EQ(row->events[0].upstream, "primary");
    EXPECT_EQ(row->events[0].actor, "alice");
    EXPECT_EQ(row->events[0].reason.text, "refused");
    encode_feed_row(*row, again);
    EXPECT_EQ(hex(again), hex(bytes));
    if (type == EventType::upstream_rolled_back) break;
  }
}

TEST(EventCodec, KeepsWhatAProviderReported) {
  std::string bytes, again;
  encode_feed_row(reported_row(), bytes);
  const auto row = decode_feed_row(bytes, 79);
  ASSERT_TRUE(row.has_value()) << row.error().text;
  EXPECT_EQ(row->events[0].type, EventType::processed);
  EXPECT_EQ(row->events[0].upstream, "primary");
  EXPECT_EQ(row->events[0].report, 0xfedcba9876543210);
  EXPECT_EQ(row->events[0].recipient, 0u);
  encode_feed_row(*row, again);
  EXPECT_EQ(hex(again), hex(bytes));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    ASSERT_EQ(decode_feed_row(bytes.substr(0, size), 79).error().kind, FaultKind::damaged) << size;
}

TEST(EventCodec, WritesWhatWasSaidOnce) {
  FeedRow row = full_row();
  const std::string said(400, 's');
  std::string bytes;
  for (Reason* reason : {&row.events[0].reason, &row.events[0].attempt->reason,
                         &row.events[0].attempt->recipients[0].reason, &row.events[1].reason}) {
    reason->text = said;
  }
  encode_feed_row(row, bytes);
  EXPECT_LT(bytes.size(), 2 * said.size());
}

TEST(ChunkCodec, GivesThePayloadBackAndKnowsItsPlace) {
  const std::string payload = "octets";
  std::string bytes(kChunkRecordHeader + payload.size(), '\0');
  encode_chunk(test_id(), 9, payload, bytes.data());
  EXPECT_EQ(decode_chunk(bytes, test_id(), 9).value(), payload);
  EXPECT_EQ(decode_chunk(bytes, test_id(), 8).error().kind, FaultKind::damaged);
  EXPECT_EQ(decode_chunk(bytes, MessageId(), 9).error().kind, FaultKind::damaged);
}

TEST(UserCodec, KeepsEveryField) {
  const UserRecord user = full_user();
  std::string bytes, again;
  encode_user(user, bytes);
  const auto after = decode_user(bytes);
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->name, "alice");
  EXPECT_EQ(after->senders, user.senders);
  EXPECT_EQ(after->guard, user.guard);
  EXPECT_EQ(after->changed_at, user.changed_at);
  encode_user(*after, again);
  EXPECT_EQ(hex(again), hex(bytes));
}

TEST(ApiKeyCodec, KeepsEveryField) {
  const StoredApiKey key = full_api_key();
  std::string bytes, again;
  encode_api_key(key, bytes);
  const auto after = decode_api_key(bytes);
  ASSERT_TRUE(after.has_value()) << after.error().text;
  EXPECT_EQ(after->written_at, 8u);
  EXPECT_EQ(after->key.name, "app");
  EXPECT_EQ(after->key.digest, key.key.digest);
  EXPECT_EQ(after->key.scopes, key.key.scopes);
  EXPECT_EQ(after->key.guard, key.key.guard);
  EXPECT_EQ(after->key.networks, key.key.networks);
  EXPECT_EQ(after->key.expires_at, from_ms(2));
  encode_api_key(*after, again);  // and whatever has no line above
  EXPECT_EQ(hex(again), hex(bytes));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    ASSERT_EQ(decode_api_key(bytes.substr(0, size)).error().kind, FaultKind::damaged) << size;
}

TEST(ApiKeyCodec, RefusesScopesAndNetworksThatThereAreNot) {
  std::string bytes;
  encode_api_key(full_api_key(), bytes);
  const auto replaced = [&bytes](std::size_t at, char octet) {
    std::string changed = bytes;
    changed[at] = octet;
    seal_frame(changed.data(), changed.size());
    return decode_api_key(changed);
  };
  const std::size_t scopes = bytes.find("shop") + 4, network = bytes.find("10.0.0.0/8");
  ASSERT_LT(network, bytes.size());
  EXPECT_TRUE(replaced(scopes, 8).has_value());
  EXPECT_EQ(replaced(scopes, 16).error().kind, FaultKind::damaged);
  EXPECT_EQ(replaced(network, 'x').error().kind, FaultKind::damaged);
}

TEST(ApiKeyCodec, KeepsEveryFieldOfItsUsage) {
  std::string bytes, again;
  encode_api_key_usage(full_usage(), bytes);
  const auto after = decode_api_key_usage(bytes);
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->name, "app");
  EXPECT_EQ(after->last_used_at, from_ms(3));
  EXPECT_EQ(after->day, from_ms(2));
  EXPECT_EQ(after->recipients, 70'000u);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    ASSERT_EQ(decode_api_key_usage(bytes.substr(0, size)).error().kind, FaultKind::damaged) << size;
}

TEST(UpstreamCodec, KeepsEveryField) {
  std::string bytes, again;
  encode_upstream(full_upstream(), bytes);
  const auto after = decode_upstream(bytes);
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->written_at, 9u);
  EXPECT_EQ(after->state.name, "primary");
  EXPECT_EQ(after->state.health, 1);
  EXPECT_TRUE(after->state.stopped);
  EXPECT_TRUE(after->state.preferred);
  EXPECT_EQ(after->state.paused_until, from_ms(4));
  EXPECT_EQ(after->state.day_count, 300u);
  EXPECT_EQ(after->state.month_count, 70'000u);
  encode_upstream(*after, again);
  EXPECT_EQ(hex(again), hex(bytes));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    ASSERT_EQ(decode_upstream(bytes.substr(0, size)).error().kind, FaultKind::damaged) << size;
}

TEST(SuppressionCodec, KeepsEveryField) {
  std::string bytes;
  encode_suppression(full_suppression(), bytes);
  const auto after = decode_suppression(bytes);
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->address, "user@example.com");
  EXPECT_EQ(after->reason, "complained");
  EXPECT_EQ(after->actor, "alice");
  EXPECT_EQ(after->created_at, from_ms(4));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    ASSERT_EQ(decode_suppression(bytes.substr(0, size)).error().kind, FaultKind::damaged) << size;
}

// ---- the format on disk -------------------------------------------------------------------------------------------
// A change of these bytes is a change of the format: raise kSpoolFormat in record_frame.h, and go on reading those before.

constexpr char kGoldenMessage[] =
    "24d0276e54e78fe950526d04000000000102030405060708090a0b0c0d0e0f10036170700b6578616d706c652e6f7267"
    "03656e76027d02030473686f70093139322e302e322e3106636c69656e740568656c6c6f0f3c31406578616d706c652e"
    "6f72673e00505c18a3010000c0776518a30100000207696e766f69636502657502056f726465720434373131046e6f74"
    "650005c0d4010000000000babababababababababababababababad086030201efbeaddeac020305c301a8a104036b65"
    "79105375626a6563743a2068656c6c6f0d0a0204757365720b6578616d706c652e636f6d177266633832323b75736572"
    "406578616d706c652e636f6d060a15020301ffffffffffffff7f0100000000000000feffffffffffffff010c0da60405"
    "352e312e310c6e6f20737563682075736572077072696d61727908322e302e30204f6b107265616c406578616d706c65"
    "2e6e657400000000000a00000000000000000000000000000000000000000000000000000000000000";
constexpr char kGoldenRow[] =
    "8f5ded38b4d08f2050526504020000000102030405060708090a0b0c0d0e0f104d000000000000000100505c18a30100"
    "000001000cfa0105322e302e30024f6b0001077072696d617279106d785b3139322e302e322e315d3a323507544c5376"
    "312e33184c5c18a3010000e8070c000201780970726566657272656405020000020101001500505c18a3010000020205"
    "616c69636500";
constexpr char kRowOfFormat3[] =
    "5300f6b772ebdabc50526503020000000102030405060708090a0b0c0d0e0f104d000000000000000100505c18a30100"
    "000001000cfa0105322e302e30024f6b0001077072696d617279106d785b3139322e302e322e315d3a323507544c5376"
    "312e33184c5c18a3010000e8070c000201780970726566657272656405020000020101001500505c18a3010000020205"
    "616c69636500";
constexpr char kGoldenChunk[] = "3f3fa6e53e135de750526304090000000102030405060708090a0b0c0d0e0f10616263";
constexpr char kGoldenUser[] =
    "8eeb5ab1a36c9e1a50527504000000000000000000000000000000000000000005616c6963650673656e646572087363"
    "72797074247800020d2a406578616d706c652e636f6d00010c406578616d706c652e636f6d116361746368406578616d"
    "706c652e636f6d0473696e6b01000000000000000200000000000000";

constexpr char kGoldenApiKey[] =
    "5117e6d8d7914fb050526b04000000000000000000000000000000000000000003617070080000000000000010616263"
    "6465666768696a6b6c6d6e6f70f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff000102030405060708090a0b0c0d0e0f047368"
    "6f7005010d2a406578616d706c652e636f6d010c406578616d706c652e636f6d116361746368406578616d706c652e63"
    "6f6d0473696e6b020a31302e302e302e302f380f323030313a6462383a3a312f3132383cf0a204010000000000000002"
    "00000000000000";
constexpr char kGoldenUsage[] =
    "3b073534e62e9ccf50526704000000000000000000000000000000000000000003617070030000000000000002000000"
    "00000000f0a204";

constexpr char kGoldenUpstreamRow[] =
    "6ac7617b6df9f9dc5052650401000000000000000000000000000000000000004e000000000000001800505c18a30100"
    "00000103030000077265667573656405616c696365077072696d61727900";
constexpr char kGoldenUpstream[] =
    "760ee054e29a5a84505273040000000000000000000000000000000000000000077072696d6172790900000000000000"
    "01030303000000000000000772656675736564040000000000000005616c696365056403626f62050000000000000006"
    "00000000000000ac02f0a204";

constexpr char kGoldenReportedRow[] =
    "38cf6a45fdc85fd350526504010000000102030405060708090a0b0c0d0e0f104f000000000000001f00505c18a30100"
    "0001010000fa0105322e302e30024f6b0002077072696d6172791032547698badcfe";
constexpr char kGoldenSuppression[] =
    "3db8a2260aa5c3d55052700400000000000000000000000000000000000000001075736572406578616d706c652e636f"
    "6d0a636f6d706c61696e656405616c6963650400000000000000";

TEST(GoldenBytes, OfARowOfReports) {
  std::string bytes;
  encode_feed_row(reported_row(), bytes);
  EXPECT_EQ(hex(bytes), kGoldenReportedRow);
}

TEST(GoldenBytes, OfASuppression) {
  std::string bytes;
  encode_suppression(full_suppression(), bytes);
  EXPECT_EQ(hex(bytes), kGoldenSuppression);
}

TEST(GoldenBytes, OfAMessage) {
  std::string bytes;
  encode_message(full_message(), bytes);
  EXPECT_EQ(hex(bytes), kGoldenMessage);
}

TEST(GoldenBytes, OfARowOfEvents) {
  std::string bytes;
  encode_feed_row(full_row(), bytes);
  EXPECT_EQ(hex(bytes), kGoldenRow);
}

TEST(GoldenBytes, OfAChunk) {
  std::string bytes(kChunkRecordHeader + 3, '\0');
  encode_chunk(test_id(), 9, "abc", bytes.data());
  EXPECT_EQ(hex(bytes), kGoldenChunk);
}

TEST(GoldenBytes, OfAUser) {
  std::string bytes;
  encode_user(full_user(), bytes);
  EXPECT_EQ(hex(bytes), kGoldenUser);
}

TEST(GoldenBytes, OfAnApiKey) {
  std::string bytes;
  encode_api_key(full_api_key(), bytes);
  EXPECT_EQ(hex(bytes), kGoldenApiKey);
}

TEST(GoldenBytes, OfTheUsageOfAnApiKey) {
  std::string bytes;
  encode_api_key_usage(full_usage(), bytes);
  EXPECT_EQ(hex(bytes), kGoldenUsage);
}

TEST(GoldenBytes, OfARowOfAnUpstream) {
  std::string bytes;
  encode_feed_row(upstream_row(), bytes);
  EXPECT_EQ(hex(bytes), kGoldenUpstreamRow);
}

TEST(GoldenBytes, OfAnUpstream) {
  std::string bytes;
  encode_upstream(full_upstream(), bytes);
  EXPECT_EQ(hex(bytes), kGoldenUpstream);
}

// ---- damage -------------------------------------------------------------------------------------------------------

TEST(Damage, EveryTruncationAndEveryFlippedBitIsFound) {
  std::string message, row;
  encode_message(full_message(), message);
  encode_feed_row(full_row(), row);
  for (std::size_t size = 0; size < message.size(); ++size) {
    ASSERT_EQ(decode_message(message.substr(0, size), test_id()).error().kind, FaultKind::damaged) << size;
  }
  for (std::size_t size = 0; size < row.size(); ++size) {
    ASSERT_EQ(decode_feed_row(row.substr(0, size), 77).error().kind, FaultKind::damaged) << size;
  }
  for (std::size_t bit = 0; bit < message.size() * 8; ++bit) {
    std::string flipped = message;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    ASSERT_FALSE(decode_message(flipped, test_id()).has_value()) << bit;
  }
  EXPECT_FALSE(decode_message(message + '\0', test_id()).has_value());
  EXPECT_FALSE(decode_message(message, MessageId()).has_value());
  EXPECT_FALSE(decode_feed_row(row, 78).has_value());
}

TEST(Damage, AValueOfAnotherFormatIsNotReadAsOneOfThis) {
  std::string bytes;
  encode_user(full_user(), bytes);
  EXPECT_EQ(other_format(bytes), std::nullopt);
  for (const int format : {kOldestFormat - 1, kSpoolFormat + 1}) {
    bytes[11] = static_cast<char>(format);
    EXPECT_EQ(other_format(bytes), std::nullopt) << "it is not whole";
    seal_frame(bytes.data(), bytes.size());
    EXPECT_EQ(other_format(bytes), format);
    EXPECT_EQ(peek_frame(bytes), std::nullopt);
    EXPECT_EQ(decode_user(bytes).error().kind, FaultKind::damaged);
  }
}

TEST(GoldenBytes, ThoseOfFormat3AreReadAsTheyWereWritten) {
  const auto octets = [](std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i < text.size(); i += 2)
      bytes.push_back(static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
    return bytes;
  };
  const std::string before = octets(kRowOfFormat3);
  EXPECT_EQ(other_format(before), std::nullopt);
  EXPECT_TRUE(peek_frame(before).has_value());
  const auto row = decode_feed_row(before, 77);
  ASSERT_TRUE(row.has_value()) << row.error().text;
  std::string again;
  encode_feed_row(*row, again);
  EXPECT_EQ(hex(again), kGoldenRow) << "what it says is the same";
}

// Past the checksum: what a mistake of ours, or a collision, could put there.
TEST(Damage, BytesThatPassTheChecksumAreReadWithinBounds) {
  std::mt19937_64 dice(11);
  std::string originals[2];
  encode_message(full_message(), originals[0]);
  encode_feed_row(full_row(), originals[1]);
  int refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = originals[round % 2];
    for (std::uint64_t n = dice() % 4; n > 0; --n) {
      bytes[kRecordHeader + dice() % (bytes.size() - kRecordHeader)] = static_cast<char>(dice());
    }
    if (dice() % 3 == 0) bytes.resize(kRecordHeader + dice() % (bytes.size() - kRecordHeader));
    seal_frame(bytes.data(), bytes.size());
    std::string again;
    if (round % 2 == 0) {
      const auto message = decode_message(bytes, test_id());
      if (message) encode_message(*message, again);
    } else {
      const auto row = decode_feed_row(bytes, 77);
      if (row) encode_feed_row(*row, again);
    }
    refused += again.empty() ? 1 : 0;
  }
  EXPECT_GT(refused, 1000);
  EXPECT_LT(refused, 20'000);
}

TEST(Damage, CountsThatTheValueCannotHoldAllocateNothing) {
  FeedRow row = full_row();
  std::string bytes;
  encode_feed_row(row, bytes);
  bytes[12] = bytes[13] = bytes[14] = bytes[15] = '\xff';  // 4 milliard events
  seal_frame(bytes.data(), bytes.size());
  EXPECT_EQ(decode_feed_row(bytes, 77).error().kind, FaultKind::damaged);
}

}  // namespace
}  // namespace postrider::storage
