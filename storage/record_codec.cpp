// Layouts of message records, chunks, users, API keys, states of upstreams and the suppression list, each after the header of record_frame.h:
//
//   message   := envelope body wait_bucket:u32 history idempotency_key:string headers:string recipients
//   envelope  := sender:address envid:string ret:u8 flags:u8 lane:u8 door:u8 tenant:string client:string helo:string
//                subject:string message_id_header:string created_at:i64 expires_at:i64 tags:strings metadata
//                [retries:varint] [retry_interval_ms:i64] [batch:16 octets]
//                flags: 1 eight_bit, 2 smtputf8, 4 requires_tls, 8 capture_only, 16 retries is given, 32 retry_interval_ms is,
//                64 batch is
//   metadata  := count:varint (name:string value:string)*count
//   body      := size:varint chunks:varint state:u8
//   history   := bytes:varint count:varint delta:varint*count      each the distance from the one before, the first from 0
//   recipients:= count:varint recipient*count
//   recipient := address orcpt:string notify:u8 state:u8 flags:u8 owed:u8 tries:varint interruptions:varint due:i64 age_from:i64
//                changed_at:i64 reason upstream:string remote_id:string redirected_from:string
//                notify: 1 never, 2 success, 4 failure, 8 delay; flags: 1 cancel_requested, 2 hold_requested,
//                4 failed_by_route, 8 delay_told, 16 provider_id; owed: core's Notice
//   address   := local:string domain:string
//   reason    := 0 | 1 cause:u8 stage:u8 code:varint enhanced:string text:string      0: the empty reason
//
//   chunk     := the body's octets
//   user      := name:string role:string password_hash:string scram:string senders:strings guard created_at:i64 changed_at:i64
//   guard     := allow_recipients:strings redirect_to:string capture:string
//   api_key   := name:string written_at:u64 id:string digest:32 octets tenant:string scopes:u8 senders:strings guard
//                networks:strings per_minute:varint per_day:varint created_at:i64 expires_at:i64
//                written_at: the next event number then, or more (StoredApiKey); scopes: bits of core's Scope; networks: as 10.0.0.0/8
//   usage     := name:string last_used_at:i64 day:i64 recipients:varint
//   upstream  := name:string written_at:u64 health:u8 opened_stage:u8 flags:u8 changed_at:i64 last_error:string
//                paused_until:i64 stopped_by:string canary_percent:varint canary_messages:varint preferred_by:string
//                day_start:i64 month_start:i64 day_count:varint month_count:varint      flags: 1 stopped, 2 preferred
//   suppression := address:string reason:string actor:string created_at:i64
//
//   strings   := count:varint string*count
//   string    := size:varint octets          i64: milliseconds since 1970, INT64_MAX: never
#include "storage/record_codec.h"

#include <cstring>

#include "storage/reason_codec.h"
#include "storage/record_frame.h"
#include "storage/wire.h"

namespace postrider::storage {

namespace {

using wire::Put;
using wire::Take;

// The least a recipient can take: used to refuse counts that the value cannot hold.
constexpr std::size_t kLeastRecipient = 37;

void put(Put& out, const std::vector<std::string>& strings) {
  out.varint(strings.size());
  for (const std::string& text : strings) out.string(text);
}

void put(Put& out, const Address& address) {
  out.string(address.local);
  out.string(address.domain);
}

void put(Put& out, const Metadata& metadata) {
  out.varint(metadata.size());
  for (const auto& [name, value] : metadata) {
    out.string(name);
    out.string(value);
  }
}

void put(Put& out, const Envelope& envelope) {
  put(out, envelope.sender);
  out.string(envelope.envid);
  out.u8(static_cast<std::uint8_t>(envelope.ret));
  out.u8(static_cast<std::uint8_t>((envelope.eight_bit ? 1 : 0) | (envelope.smtputf8 ? 2 : 0) |
                                   (envelope.requires_tls ? 4 : 0) | (envelope.capture_only ? 8 : 0) |
                                   (envelope.retry.retries ? 16 : 0) | (envelope.retry.interval ? 32 : 0) |
                                   (envelope.batch.is_nil() ? 0 : 64)));
  out.u8(static_cast<std::uint8_t>(envelope.lane));
  out.u8(static_cast<std::uint8_t>(envelope.door));
  out.string(envelope.tenant);
  out.string(envelope.client);
  out.string(envelope.helo);
  out.string(envelope.subject);
  out.string(envelope.message_id_header);
  out.i64(to_ms(envelope.created_at));
  out.i64(to_ms(envelope.expires_at));
  put(out, envelope.tags);
  put(out, envelope.metadata);
  if (envelope.retry.retries) out.varint(*envelope.retry.retries);
  if (envelope.retry.interval) out.i64(envelope.retry.interval->count());
  if (!envelope.batch.is_nil()) out.octets(envelope.batch.bytes());
}

void put(Put& out, const Recipient& recipient) {
  const Notify& notify = recipient.notify;
  put(out, recipient.address);
  out.string(recipient.orcpt);
  out.u8(static_cast<std::uint8_t>((notify.never ? 1 : 0) | (notify.success ? 2 : 0) | (notify.failure ? 4 : 0) |
                                   (notify.delay ? 8 : 0)));
  out.u8(static_cast<std::uint8_t>(recipient.state));
  out.u8(static_cast<std::uint8_t>((recipient.cancel_requested ? 1 : 0) | (recipient.hold_requested ? 2 : 0) |
                                   (recipient.failed_by_route ? 4 : 0) | (recipient.delay_told ? 8 : 0) |
                                   (recipient.provider_id ? 16 : 0)));
  out.u8(static_cast<std::uint8_t>(recipient.owed));
  out.varint(recipient.tries);
  out.varint(recipient.interruptions);
  out.i64(to_ms(recipient.due));
  out.i64(to_ms(recipient.age_from));
  out.i64(to_ms(recipient.changed_at));
  put_reason(out, recipient.reason);
  out.string(recipient.upstream);
  out.string(recipient.remote_id);
  out.string(recipient.redirected_from);
}

void put(Put& out, const RecipientGuard& guard) {
  put(out, guard.allow_recipients);
  out.string(guard.redirect_to);
  out.string(guard.capture);
}

std::vector<std::string> take_strings(Take& in) {
  std::vector<std::string> strings(in.count(1));
  for (std::string& text : strings) text = in.string();
  return strings;
}

Address take_address(Take& in) {
  Address address;
  address.local = in.string();
  address.domain = in.string();
  return address;
}

std::uint8_t take_flags(Take& in, std::uint8_t known) {
  const std::uint8_t flags = in.u8();
  if ((flags & ~known) != 0) in.fail();
  return flags;
}

Metadata take_metadata(Take& in) {
  Metadata metadata(in.count(2));
  for (auto& [name, value] : metadata) {
    name = in.string();
    value = in.string();
  }
  return metadata;
}

MessageId take_id(Take& in) {
  std::array<std::uint8_t, MessageId::kBytes> bytes{};
  in.octets(bytes);
  return MessageId(bytes);
}

Envelope take_envelope(Take& in) {
  Envelope envelope;
  envelope.sender = take_address(in);
  envelope.envid = in.string();
  envelope.ret = in.enumerator<DsnReturn>(3);
  const std::uint8_t flags = take_flags(in, 127);
  envelope.eight_bit = (flags & 1) != 0;
  envelope.smtputf8 = (flags & 2) != 0;
  envelope.requires_tls = (flags & 4) != 0;
  envelope.capture_only = (flags & 8) != 0;
  envelope.lane = in.enumerator<Lane>(3);
  envelope.door = in.enumerator<Door>(4);
  envelope.tenant = in.string();
  envelope.client = in.string();
  envelope.helo = in.string();
  envelope.subject = in.string();
  envelope.message_id_header = in.string();
  envelope.created_at = from_ms(in.i64());
  envelope.expires_at = from_ms(in.i64());
  envelope.tags = take_strings(in);
  envelope.metadata = take_metadata(in);
  if ((flags & 16) != 0) envelope.retry.retries = static_cast<std::uint32_t>(in.varint());
  if ((flags & 32) != 0) envelope.retry.interval = Duration(in.i64());
  if ((flags & 64) != 0) envelope.batch = take_id(in);
  return envelope;
}

Recipient take_recipient(Take& in) {
  Recipient recipient;
  recipient.address = take_address(in);
  recipient.orcpt = in.string();
  const std::uint8_t notify = take_flags(in, 15);
  recipient.notify = {(notify & 1) != 0, (notify & 2) != 0, (notify & 4) != 0, (notify & 8) != 0};
  recipient.state = in.enumerator<RecipientState>(kRecipientStates);
  const std::uint8_t flags = take_flags(in, 31);
  recipient.cancel_requested = (flags & 1) != 0;
  recipient.hold_requested = (flags & 2) != 0;
  recipient.failed_by_route = (flags & 4) != 0;
  recipient.delay_told = (flags & 8) != 0;
  recipient.provider_id = (flags & 16) != 0;
  recipient.owed = in.enumerator<Notice>(4);
  recipient.tries = static_cast<std::uint32_t>(in.varint());
  recipient.interruptions = static_cast<std::uint32_t>(in.varint());
  recipient.due = from_ms(in.i64());
  recipient.age_from = from_ms(in.i64());
  recipient.changed_at = from_ms(in.i64());
  recipient.reason = take_reason(in);
  recipient.upstream = in.string();
  recipient.remote_id = in.string();
  recipient.redirected_from = in.string();
  return recipient;
}

RecipientGuard take_guard(Take& in) {
  RecipientGuard guard;
  guard.allow_recipients = take_strings(in);
  guard.redirect_to = in.string();
  guard.capture = in.string();
  return guard;
}

std::vector<std::string> network_strings(const std::vector<Network>& networks) {
  std::vector<std::string> strings;
  strings.reserve(networks.size());
  for (const Network& network : networks) strings.push_back(network.str());
  return strings;
}

std::vector<Network> take_networks(Take& in) {
  std::vector<Network> networks;
  for (const std::string& text : take_strings(in)) {
    const auto network = parse_network(text);
    if (network)
      networks.push_back(*network);
    else
      in.fail();
  }
  return networks;
}

void begin(std::string& out, const Frame& frame) {
  out.resize(kRecordHeader);
  write_frame(frame, out.data());
}

}  // namespace

void encode_message(const StoredMessage& message, std::string& out) {
  const MessageRecord& record = message.record;
  begin(out, {Magic::message, 0, record.id});
  Put to(out);
  put(to, record.envelope);
  to.varint(record.body_size);
  to.varint(record.body_chunks);
  to.u8(static_cast<std::uint8_t>(record.body));
  to.u32(record.wait_bucket);
  to.varint(message.history_bytes);
  to.varint(record.history.size());
  std::uint64_t last = 0;
  for (std::uint64_t seq : record.history) {
    to.varint(seq - last);
    last = seq;
  }
  to.string(record.idempotency_key);
  to.string(record.headers);
  to.varint(record.recipients.size());
  for (const Recipient& recipient : record.recipients) put(to, recipient);
  seal_frame(out.data(), out.size());
}

result<StoredMessage> decode_message(std::string_view value, const MessageId& id) {
  auto opened = open_frame(value, Magic::message, id);
  if (!opened) return opened.error();
  Take in(opened->payload);
  StoredMessage message;
  MessageRecord& record = message.record;
  record.id = id;
  record.envelope = take_envelope(in);
  record.body_size = in.varint();
  record.body_chunks = static_cast<std::uint32_t>(in.varint());
  record.body = in.enumerator<BodyState>(2);
  record.wait_bucket = in.u32();
  message.history_bytes = in.varint();
  record.history.resize(in.count(1));
  std::uint64_t last = 0;
  for (std::uint64_t& seq : record.history) seq = last += in.varint();
  record.idempotency_key = in.string();
  record.headers = in.string();
  const std::size_t recipients = in.count(kLeastRecipient);
  record.recipients.reserve(recipients);
  for (std::size_t i = 0; i < recipients; ++i) record.recipients.push_back(take_recipient(in));
  if (!in.ok_and_empty() || recipients == 0) return damaged("the record's fields do not fill it");
  return message;
}

void encode_chunk(const MessageId& id, std::uint32_t index, std::string_view payload, char* out) {
  write_frame({Magic::chunk, index, id}, out);
  std::memcpy(out + kRecordHeader, payload.data(), payload.size());
  seal_frame(out, kRecordHeader + payload.size());
}

result<std::string_view> decode_chunk(std::string_view value, const MessageId& id, std::uint32_t index) {
  auto opened = open_frame(value, Magic::chunk, id);
  if (!opened) return opened.error();
  if (opened->aux != index) return damaged("the chunk names another index than its key");
  return opened->payload;
}

void encode_user(const UserRecord& user, std::string& out) {
  begin(out, {Magic::user, 0, {}});
  Put to(out);
  to.string(user.name);
  to.string(user.role);
  to.string(user.password_hash);
  to.string(user.scram);
  put(to, user.senders);
  put(to, user.guard);
  to.i64(to_ms(user.created_at));
  to.i64(to_ms(user.changed_at));
  seal_frame(out.data(), out.size());
}

result<UserRecord> decode_user(std::string_view value) {
  auto opened = open_frame(value, Magic::user, {});
  if (!opened) return opened.error();
  Take in(opened->payload);
  UserRecord user;
  user.name = in.string();
  user.role = in.string();
  user.password_hash = in.string();
  user.scram = in.string();
  user.senders = take_strings(in);
  user.guard = take_guard(in);
  user.created_at = from_ms(in.i64());
  user.changed_at = from_ms(in.i64());
  if (!in.ok_and_empty()) return damaged("the user's fields do not fill the value");
  return user;
}

void encode_api_key(const StoredApiKey& stored, std::string& out) {
  const ApiKeyRecord& key = stored.key;
  begin(out, {Magic::api_key, 0, {}});
  Put to(out);
  to.string(key.name);
  to.u64(stored.written_at);
  to.string(key.id);
  to.octets(key.digest);
  to.string(key.tenant);
  to.u8(key.scopes.bits());
  put(to, key.senders);
  put(to, key.guard);
  put(to, network_strings(key.networks));
  to.varint(key.per_minute);
  to.varint(key.per_day);
  to.i64(to_ms(key.created_at));
  to.i64(to_ms(key.expires_at));
  seal_frame(out.data(), out.size());
}

result<StoredApiKey> decode_api_key(std::string_view value) {
  auto opened = open_frame(value, Magic::api_key, {});
  if (!opened) return opened.error();
  Take in(opened->payload);
  StoredApiKey stored;
  ApiKeyRecord& key = stored.key;
  key.name = in.string();
  stored.written_at = in.u64();
  key.id = in.string();
  in.octets(key.digest);
  key.tenant = in.string();
  key.scopes = Scopes::from_bits(take_flags(in, Scopes::all().bits()));
  key.senders = take_strings(in);
  key.guard = take_guard(in);
  key.networks = take_networks(in);
  key.per_minute = static_cast<std::uint32_t>(in.varint());
  key.per_day = static_cast<std::uint32_t>(in.varint());
  key.created_at = from_ms(in.i64());
  key.expires_at = from_ms(in.i64());
  if (!in.ok_and_empty()) return damaged("the key's fields do not fill the value");
  return stored;
}

void encode_api_key_usage(const ApiKeyUsage& usage, std::string& out) {
  begin(out, {Magic::api_key_usage, 0, {}});
  Put to(out);
  to.string(usage.name);
  to.i64(to_ms(usage.last_used_at));
  to.i64(to_ms(usage.day));
  to.varint(usage.recipients);
  seal_frame(out.data(), out.size());
}

result<ApiKeyUsage> decode_api_key_usage(std::string_view value) {
  auto opened = open_frame(value, Magic::api_key_usage, {});
  if (!opened) return opened.error();
  Take in(opened->payload);
  ApiKeyUsage usage;
  usage.name = in.string();
  usage.last_used_at = from_ms(in.i64());
  usage.day = from_ms(in.i64());
  usage.recipients = in.varint();
  if (!in.ok_and_empty()) return damaged("the usage's fields do not fill the value");
  return usage;
}

void encode_upstream(const StoredUpstream& upstream, std::string& out) {
  const UpstreamState& state = upstream.state;
  begin(out, {Magic::upstream, 0, {}});
  Put to(out);
  to.string(state.name);
  to.u64(upstream.written_at);
  to.u8(state.health);
  to.u8(state.opened_stage);
  to.u8(static_cast<std::uint8_t>((state.stopped ? 1 : 0) | (state.preferred ? 2 : 0)));
  to.i64(to_ms(state.changed_at));
  to.string(state.last_error);
  to.i64(to_ms(state.paused_until));
  to.string(state.stopped_by);
  to.varint(state.canary_percent);
  to.varint(state.canary_messages);
  to.string(state.preferred_by);
  to.i64(to_ms(state.day_start));
  to.i64(to_ms(state.month_start));
  to.varint(state.day_count);
  to.varint(state.month_count);
  seal_frame(out.data(), out.size());
}

result<StoredUpstream> decode_upstream(std::string_view value) {
  auto opened = open_frame(value, Magic::upstream, {});
  if (!opened) return opened.error();
  Take in(opened->payload);
  StoredUpstream upstream;
  UpstreamState& state = upstream.state;
  state.name = in.string();
  upstream.written_at = in.u64();
  state.health = in.u8();
  state.opened_stage = in.u8();
  const std::uint8_t flags = take_flags(in, 3);
  state.stopped = (flags & 1) != 0;
  state.preferred = (flags & 2) != 0;
  state.changed_at = from_ms(in.i64());
  state.last_error = in.string();
  state.paused_until = from_ms(in.i64());
  state.stopped_by = in.string();
  state.canary_percent = static_cast<std::uint32_t>(in.varint());
  state.canary_messages = static_cast<std::uint32_t>(in.varint());
  state.preferred_by = in.string();
  state.day_start = from_ms(in.i64());
  state.month_start = from_ms(in.i64());
  state.day_count = in.varint();
  state.month_count = in.varint();
  if (!in.ok_and_empty()) return damaged("the upstream's fields do not fill the value");
  return upstream;
}

void encode_suppression(const Suppression& entry, std::string& out) {
  begin(out, {Magic::suppression, 0, {}});
  Put to(out);
  to.string(entry.address);
  to.string(entry.reason);
  to.string(entry.actor);
  to.i64(to_ms(entry.created_at));
  seal_frame(out.data(), out.size());
}

result<Suppression> decode_suppression(std::string_view value) {
  auto opened = open_frame(value, Magic::suppression, {});
  if (!opened) return opened.error();
  Take in(opened->payload);
  Suppression entry;
  entry.address = in.string();
  entry.reason = in.string();
  entry.actor = in.string();
  entry.created_at = from_ms(in.i64());
  if (!in.ok_and_empty()) return damaged("the entry's fields do not fill the value");
  return entry;
}

}  // namespace postrider::storage
