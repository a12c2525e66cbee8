#include "relay/inbound/intake.h"

#include <algorithm>

#include "net/await.h"
#include "relay/inbound/replies.h"
#include "relay/smtp/ascii.h"
#include "relay/smtp/newline.h"

namespace postrider::relay {
namespace {

constexpr std::size_t kMaxIdempotencyKey = 256;
constexpr std::size_t kMaxRedirectedFrom = 512;  // octets of addresses; "..." stands for the rest

// Keys of one submitter never meet those of another.
std::string scoped_key(const EnvelopeSpec& envelope, std::string_view key) {
  if (!envelope.idempotency_scope.empty()) return envelope.idempotency_scope + '\n' + std::string(key);
  std::string scope = envelope.tenant.empty() ? "client\n" + envelope.client_address + "\n" + envelope.sender.str()
                                              : "tenant\n" + envelope.tenant;
  scope += '\n';
  scope += key;
  return scope;
}

bool names_sender(std::string_view field) {
  for (const std::string_view name : {"From", "Sender", "Resent-From", "Resent-Sender"})
    if (smtp::iequals(field, name)) return true;
  return false;
}

void add_origin(Recipient& recipient, const std::string& address) {
  constexpr std::string_view kMore = ", ...";
  std::string& all = recipient.redirected_from;
  if (all.ends_with(kMore)) return;
  if (all.size() + 2 + address.size() > kMaxRedirectedFrom)
    all += kMore;
  else
    all.append(", ").append(address);
}

}  // namespace

MessageIntake::MessageIntake(const SubmissionParts& parts, std::shared_ptr<const SubmissionOptions> options,
                             const AddressBook& addresses, MessageId id, EnvelopeSpec envelope)
    : parts_(parts),
      options_(std::move(options)),
      addresses_(addresses),
      id_(id),
      now_(parts.clock.now()),
      envelope_(std::move(envelope)),
      scanner_(std::make_unique<smtp::HeaderScanner>(options_->max_header_size)),
      body_(parts.loop, parts.store, parts.body_memory, options_->memory_chunks, id, envelope_.declared_size) {}

std::size_t MessageIntake::write_now(std::string_view octets) {
  if (failed_) return octets.size();
  std::size_t taken = 0;
  if (scanner_) {
    auto step = scanner_->feed(octets);
    taken = step.consumed;
    if (step.status == smtp::HeaderScanner::Status::too_big) fail(replies::kHeaderTooBig);
    if (step.status == smtp::HeaderScanner::Status::complete) finish_header(!scanner_->separator());
  }
  if (!scanner_ && put_header()) {
    std::string_view body = octets.substr(taken);
    body = body.substr(0, body_.append(body));
    taken += body.size();
    if (!eight_bit_) eight_bit_ = smtp::has_eight_bit(body);
    if (fingerprint_) fingerprint_->add(body);
  }
  received_ += taken;
  // Not of our own notices: nobody else would tell the sender, and what they return has a limit of its own.
  if (received_ > options_->max_message_size && envelope_.door != Door::bounce) fail(replies::kTooBig);
  return failed_ ? octets.size() : taken;
}

boost::asio::awaitable<void> MessageIntake::write(std::string_view octets) {
  for (;;) {
    octets.remove_prefix(write_now(octets));
    if (octets.empty()) co_return;
    co_await make_room();
  }
}

boost::asio::awaitable<SubmissionResult> MessageIntake::commit() {
  co_await finish_body();
  if (failed_) {
    SubmissionResult refused;
    refused.reply = *failed_;
    co_return refused;
  }
  SubmissionResult done = co_await store(make_message(body_.take()));
  co_return done;
}

void MessageIntake::finish_header(bool body_follows) {
  std::string received = envelope_.door == Door::bounce
                             ? std::string()
                             : make_received(envelope_, options_->hostname, options_->hide_client, id_, now_);
  header_ = edit_header(*scanner_, body_follows, received, options_->hostname, id_, now_);
  header_eight_bit_ = eight_bit_ = smtp::has_eight_bit(header_.text);
  check_shown_senders();
  if (envelope_.may_steer) take_steering();
  take_key();
  header_.text += scanner_->body_prefix();
  scanner_.reset();
  if (header_.received > options_->max_received) return fail(replies::kMailLoop);
}

// Whoever is bound to senders may name no others in the header either: that is what people see, and what an upstream that rebuilds
// the message sends as.
void MessageIntake::check_shown_senders() {
  if (envelope_.bound_senders.empty() || parts_.read_senders == nullptr) return;
  std::string fields;
  for (const smtp::HeaderField& field : scanner_->fields())
    if (names_sender(field.name)) fields += field.raw;
  if (!fields.empty() && !fields.ends_with("\r\n")) fields += "\r\n";  // cut off by the end of the message
  const auto shown = parts_.read_senders(fields);
  if (!shown) return fail(replies::kShownSenderUnreadable);
  for (const std::string& text : *shown) {
    auto address = parse_address(text);
    if (address) addresses_.apply_to_sender(*address);
    if (!address || !may_send_as(envelope_.bound_senders, *address)) return fail(shown_sender_refused(text));
  }
}

// The one given outside the message was bounded where it was read.
void MessageIntake::take_key() {
  const bool outside = !envelope_.idempotency_key.empty();
  if (outside) header_.idempotency_key = envelope_.idempotency_key;
  if (!outside && header_.idempotency_keys > 1) return fail(replies::kSeveralKeys);
  if (!outside && header_.idempotency_key.size() > kMaxIdempotencyKey) return fail(replies::kKeyTooLong);
  const bool compare_content = !outside || !envelope_.fingerprint;
  if (!header_.idempotency_key.empty() && compare_content) start_fingerprint();
  if (compare_content) envelope_.fingerprint.reset();  // it is part of what is compared
}

void MessageIntake::take_steering() {
  const auto read = read_steering(scanner_->fields(), options_->steering, now_, envelope_.steering);
  if (!read) fail(bad_steering(read.error().text));
}

void MessageIntake::start_fingerprint() {
  using smtp::FieldKind;
  fingerprint_ = std::make_unique<Fingerprint>();
  // With a key in the header: what was asked for around the message.
  if (envelope_.fingerprint) fingerprint_->add_item(std::to_string(*envelope_.fingerprint));
  fingerprint_->add_item(envelope_.sender.str());
  for (const RecipientSpec& recipient : envelope_.recipients)
    fingerprint_->add_item(recipient.redirected_from.empty() ? recipient.address.str() : recipient.redirected_from);
  for (const smtp::HeaderField& field : scanner_->fields()) {
    bool made_anew = field.kind == FieldKind::received || field.kind == FieldKind::date ||
                     field.kind == FieldKind::message_id || field.kind == FieldKind::dropped ||
                     field.kind == FieldKind::steering || field.kind == FieldKind::idempotency_key ||
                     field.kind == FieldKind::mailbox_line;
    if (!made_anew) fingerprint_->add_item(field.raw);
  }
  fingerprint_->add_item("");  // header and body stay apart
  fingerprint_->add(scanner_->body_prefix());
}

bool MessageIntake::put_header() {
  if (header_put_ < header_.text.size()) {
    header_put_ += body_.append(std::string_view(header_.text).substr(header_put_));
    if (header_put_ < header_.text.size()) return false;
    header_.text = std::string();
    header_put_ = 0;
  }
  return true;
}

boost::asio::awaitable<void> MessageIntake::make_room() {
  result<Nothing> done = co_await body_.make_room();
  if (!done) fail(done.error());
}

boost::asio::awaitable<void> MessageIntake::finish_body() {
  if (!failed_ && scanner_) {
    scanner_->finish();
    finish_header(!scanner_->body_prefix().empty());
  }
  while (!failed_ && !put_header()) co_await make_room();
}

MessageRecord MessageIntake::make_record() const {
  MessageRecord record;
  record.id = id_;
  Envelope& envelope = record.envelope;
  envelope.sender = envelope_.sender;
  envelope.envid = envelope_.envid;
  envelope.ret = envelope_.ret;
  envelope.eight_bit = eight_bit_;
  envelope.door = envelope_.door;
  envelope.tenant = envelope_.tenant;
  if (!options_->hide_client) envelope.client = envelope_.client_address;
  envelope.helo = envelope_.helo;
  envelope.subject = header_.subject;
  envelope.message_id_header = header_.message_id;
  envelope.created_at = now_;
  envelope.lane = lane_of(envelope_, *options_);
  envelope.tags = envelope_.steering.tags;
  envelope.retry = envelope_.steering.retry;
  envelope.metadata = envelope_.metadata;
  envelope.batch = envelope_.batch;
  add_recipients(record);
  // What all recipients need; an address of one of them is looked at where that one is offered.
  envelope.smtputf8 = envelope_.smtputf8 && (header_eight_bit_ || envelope_.sender.needs_smtputf8());
  record.body_size = body_.size();
  return record;
}

// Whoever gets what was meant for others gets it once: the redirected recipients of a message, who all have the one address of
// the guard, are one recipient.
void MessageIntake::add_recipients(MessageRecord& record) const {
  record.recipients.reserve(envelope_.recipients.size());
  std::optional<std::size_t> redirected;
  for (const RecipientSpec& spec : envelope_.recipients) {
    if (spec.captured) record.envelope.capture_only = true;
    if (!spec.redirected_from.empty() && redirected) {
      add_origin(record.recipients[*redirected], spec.redirected_from);
      continue;
    }
    if (!spec.redirected_from.empty()) redirected = record.recipients.size();
    Recipient& recipient = record.recipients.emplace_back();
    recipient.address = spec.address;
    recipient.orcpt = spec.orcpt;
    recipient.notify = spec.notify;
    recipient.redirected_from = spec.redirected_from;
  }
}

// A scheduled message begins to age when it is released.
void MessageIntake::set_times(MessageRecord& record, Time accepted) const {
  const Time release = release_time(envelope_.steering, accepted);
  for (Recipient& recipient : record.recipients) recipient.due = recipient.age_from = release;
  record.envelope.expires_at = expiry_time(envelope_.steering, accepted);
}

storage::NewMessage MessageIntake::make_message(Body body) {
  storage::NewMessage message;
  message.record = make_record();
  message.first_chunk = body_.staged();
  message.record.body_chunks = body_.staged() + static_cast<std::uint32_t>(body.chunks.size());
  message.body = std::move(body);
  message.now = parts_.clock.now();
  message.notifies = envelope_.notifies;
  set_times(message.record, message.now);
  if (!header_.idempotency_key.empty()) {
    message.idempotency.emplace();
    message.idempotency->scope_and_key = scoped_key(envelope_, header_.idempotency_key);
    message.idempotency->fingerprint = envelope_.fingerprint ? *envelope_.fingerprint : fingerprint_->finish();
    message.record.idempotency_key = message.idempotency->scope_and_key;
  }
  return message;
}

// A slot first, so that the accept carries the intent and a crash after it knows who may have been asked.
boost::asio::awaitable<SubmissionResult> MessageIntake::store(storage::NewMessage message) {
  Dispatcher::Offer offer;
  if (parts_.dispatcher) offer = parts_.dispatcher->offer(message.record);
  std::optional<Dispatcher::Reserved>& slot = offer.reserved;
  message.record.wait_bucket = offer.wait_bucket;
  FreshMessage fresh;
  if (slot) {
    message.intent = storage::Intent{slot->upstream, slot->notify_sender};
    fresh.body = message.body;
    fresh.first_chunk = message.first_chunk;
  }
  auto start = [this, &message](Done<storage::Accepted> done) {
    parts_.store.accept(std::move(message), std::move(done));
  };
  result<storage::Accepted> accepted = co_await net::await_done<storage::Accepted>(parts_.loop, start);
  if (slot && accepted && accepted->kind == storage::Accepted::Kind::stored) {
    fresh.record = accepted->record;
    parts_.dispatcher->deliver_fresh(std::move(*slot), std::move(fresh));
  }
  co_return answer(accepted);
}

SubmissionResult MessageIntake::answer(const result<storage::Accepted>& accepted) {
  using Kind = storage::Accepted::Kind;
  SubmissionResult out;
  if (!accepted) {
    fail(accepted.error());
    out.reply = *failed_;
    return out;
  }
  if (accepted->kind == Kind::key_conflict) {
    out.reply = replies::kKeyConflict;
    out.key_conflict = true;
    return out;
  }
  out.reply = queued_as(accepted->id);
  out.id = accepted->id;
  out.duplicate = accepted->kind == Kind::duplicate;
  if (parts_.log.enabled(LogLevel::info)) {
    parts_.log.write(LogLevel::info, out.duplicate ? "message.duplicate" : "message.accepted", &accepted->id,
                     {{"sender", envelope_.sender.str()},
                      {"recipients", std::to_string(envelope_.recipients.size())},
                      {"size", std::to_string(body_.size())},
                      {"client", envelope_.client_address}});
  }
  return out;
}

// Trouble of ours is never permanent; its reason is for the operator.
void MessageIntake::fail(const Fault& fault) {
  if (parts_.log.enabled(LogLevel::warn))
    parts_.log.write(LogLevel::warn, "message.not_stored", &id_, {{"reason", fault.text}});
  fail(fault.kind == FaultKind::full ? replies::kSpoolFull : replies::kTrouble);
}

void MessageIntake::fail(Reply reply) {
  if (!failed_) failed_ = std::move(reply);
  body_.forget();
}

}  // namespace postrider::relay
