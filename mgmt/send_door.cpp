#include "mgmt/send_door.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <memory>
#include <new>

#include "mgmt/compose.h"
#include "mgmt/send_plan.h"
#include "mgmt/sending_limits.h"
#include "net/await.h"
#include "net/task_group.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;

constexpr std::size_t kMaxKey = 256;
constexpr std::size_t kBreath = 32;  // letters that are checked before others get their turn on the thread

// 64 bits of SHA-256.
class Digest {
 public:
  Digest() : context_(EVP_MD_CTX_new()) {
    if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) throw std::bad_alloc();
  }
  void add(std::string_view octets) { EVP_DigestUpdate(context_.get(), octets.data(), octets.size()); }
  void add_item(std::string_view octets) {  // of its own: its length counts too
    add(std::to_string(octets.size()) + ":");
    add(octets);
  }
  void add_number(std::int64_t number) { add_item(std::to_string(number)); }
  std::uint64_t finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    EVP_DigestFinal_ex(context_.get(), digest.data(), nullptr);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < sizeof value; ++i) value = value << 8 | digest[i];
    return value;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

// The request as it came: what a client changed is another payload, what we would make of it another day is not.
std::uint64_t fingerprint(const Request& request) {
  Digest digest;
  digest.add(std::string(http::to_string(request.method)) + "\n" + request.target + "\n");
  digest.add(request.body);
  return digest.finish();
}

// What a letter asks for beside its message and its addresses. A raw message may have a key of its own in its header; the submission
// compares the message, its sender and its recipients by itself.
std::uint64_t fingerprint(const Letter& letter) {
  Digest digest;
  const std::optional<Lane> lane = letter.lane;
  digest.add_number(lane ? static_cast<int>(*lane) : -1);
  digest.add_number(letter.send_at.time_since_epoch().count());
  digest.add_number(letter.expires_in.count());
  digest.add_number(letter.retry.retries ? std::int64_t{*letter.retry.retries} : -1);
  digest.add_number(letter.retry.interval ? letter.retry.interval->count() : -1);
  const Notify& notify = letter.notify;
  for (const bool asked : {notify.never, notify.success, notify.failure, notify.delay, letter.capture_only})
    digest.add_number(asked ? 1 : 0);
  digest.add_number(static_cast<std::int64_t>(letter.tags.size()));
  for (const std::string& tag : letter.tags) digest.add_item(tag);
  for (const auto& [name, value] : letter.metadata) {
    digest.add_item(name);
    digest.add_item(value);
  }
  return digest.finish();
}

// Keys of one credential never meet those of another, nor those of mail that came by SMTP.
std::string scope_of(const Request& request) {
  const Principal& principal = request.principal;
  return principal.tenant.empty() ? "http\nactor\n" + principal.actor : "http\ntenant\n" + principal.tenant;
}

Refusal refusal_of_reply(const relay::SubmissionResult& result, const Letter& letter) {
  const Reply& reply = result.reply;
  if (result.key_conflict) return refusal(ProblemType::key_reused, "this Idempotency-Key was used for another request");
  if (reply.code == 552) return refusal(ProblemType::payload_too_large, reply.text());
  if (reply.code == 452) return refusal(ProblemType::spool_full, "the spool is full; try again later");
  if (!reply.permanent()) return refusal(ProblemType::unavailable, "the message cannot be stored now; try again later");
  return invalid_fields({{letter.at + letter.places.raw, reply.text()}});
}

bool is_ours(ProblemType type) {
  return status_of(type) == http::status::service_unavailable;
}

bool is_of_the_letter(ProblemType type) {
  return type == ProblemType::validation || type == ProblemType::payload_too_large;
}

bool is_cancelled(const MessageRecord& message) {
  return std::all_of(message.recipients.begin(), message.recipients.end(),
                     [](const Recipient& recipient) { return recipient.state == RecipientState::cancelled; });
}

// An RFC 8941 3.3.3 string, without the quotes.
std::optional<std::string> unquoted_key(std::string_view text) {
  std::string out;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1 == text.size() ? std::optional(out) : std::nullopt;
    if (text[i] == '\\' && (++i == text.size() || (text[i] != '"' && text[i] != '\\'))) return std::nullopt;
    out += text[i];
  }
  return std::nullopt;
}

// Says that a request with this key is under way, for as long as it lives.
class Flight {
 public:
  Flight(std::unordered_set<std::string>& all, std::string key) : all_(all), key_(std::move(key)) {
    taken_ = key_.empty() || all_.insert(key_).second;
  }
  ~Flight() {
    if (taken_) all_.erase(key_);
  }
  Flight(const Flight&) = delete;
  Flight& operator=(const Flight&) = delete;
  bool taken() const { return taken_; }

 private:
  std::unordered_set<std::string>& all_;
  std::string key_;
  bool taken_ = false;
};

}  // namespace

// One call of send(), for as long as it takes.
struct SendDoor::Call {
  Call(const Request& r, std::vector<Letter> l, SendTerms t)
      : request(r), letters(std::move(l)), terms(std::move(t)), plans(letters.size()) {
    outcome.letters.resize(letters.size());
  }

  const Request& request;
  std::vector<Letter> letters;
  SendTerms terms;
  std::vector<SendPlan> plans;
  std::uint64_t fingerprint = 0;
  std::string scope;
  std::vector<std::size_t> accepted;  // letters that passed the checks, in their order
  std::size_t next = 0;               // in `accepted`
  std::optional<Refusal> stopped;     // why the letters from there on are not tried
  std::vector<std::size_t> fresh;     // letters that this call stored and may take back
  SendOutcome outcome;

  std::uint64_t recipients(std::size_t index) const { return plans[index].recipients.size(); }
  bool has_key() const { return !scope.empty(); }
};

// When the letters were tried, however that ended: what the limits gave for those that made no new message goes back.
class SendDoor::GiveBack {
 public:
  GiveBack(SendingLimits& limits, const Call& call) : limits_(limits), call_(call) {}
  ~GiveBack() {
    std::uint64_t unused = 0;
    for (const std::size_t index : call_.accepted) {
      const Sent& sent = call_.outcome.letters[index];
      if (!sent.id || sent.duplicate) unused += call_.recipients(index);
    }
    if (unused > 0) limits_.give_back(call_.request.principal, unused);
  }
  GiveBack(const GiveBack&) = delete;
  GiveBack& operator=(const GiveBack&) = delete;

 private:
  SendingLimits& limits_;
  const Call& call_;
};

SendDoor::SendDoor(SendDoorParts parts) : parts_(std::move(parts)) {}

asio::awaitable<SendOutcome> SendDoor::send(const Request& request, std::vector<Letter> letters, SendTerms terms) {
  Call call(request, std::move(letters), std::move(terms));
  if (!call.terms.idempotency_key.empty()) {
    call.scope = scope_of(request);
    call.fingerprint = fingerprint(request);
  }
  const Flight flight(in_flight_, call.has_key() ? call.scope + "\n" + call.terms.idempotency_key : "");
  if (!flight.taken()) {
    call.outcome.refusal =
        refusal(ProblemType::key_in_flight, "the first request with this Idempotency-Key is still under way");
    co_return std::move(call.outcome);
  }
  co_await check(call);
  if (!call.outcome.refusal && !call.terms.dry_run && !call.accepted.empty()) co_await accept(call);
  co_return std::move(call.outcome);
}

asio::awaitable<void> SendDoor::check(Call& call) {
  SendOutcome& outcome = call.outcome;
  const bool one_fate = call.terms.all_or_nothing || !call.terms.faults.empty();
  std::uint64_t recipients = 0;
  Faults faults = call.terms.faults;
  for (std::size_t i = 0; i < call.letters.size(); ++i) {
    if (i % kBreath == kBreath - 1) co_await asio::post(parts_.loop.io(), asio::use_awaitable);
    SendPlan& plan = call.plans[i] =
        plan_letter(call.letters[i], call.request, parts_.submission, parts_.clock.now(), call.terms.faults);
    if (!plan.refusal) {
      call.accepted.push_back(i);
      recipients += call.recipients(i);
      continue;
    }
    outcome.letters[i].refusal = *plan.refusal;
    if (!one_fate && !is_ours(plan.refusal->type)) continue;
    if (!outcome.refusal) outcome.refusal = *plan.refusal;
    if (plan.refusal->type == ProblemType::validation)
      for (const FieldFault& fault : plan.refusal->faults) add_fault(faults, fault.pointer, fault.detail);
  }
  if (one_fate && !faults.empty()) outcome.refusal = invalid_fields(std::move(faults));
  if (outcome.refusal || recipients == 0) co_return;
  outcome.refusal = parts_.limits.take(call.request.principal, recipients);
  if (call.terms.dry_run && !outcome.refusal) parts_.limits.give_back(call.request.principal, recipients);
}

asio::awaitable<void> SendDoor::accept(Call& call) {
  SendOutcome& outcome = call.outcome;
  const Refusal not_made = refusal(ProblemType::internal, "the message could not be made");
  for (const std::size_t index : call.accepted) outcome.letters[index].refusal = not_made;
  const GiveBack give_back(parts_.limits, call);
  if (call.terms.batch) outcome.batch = batches_.next(parts_.clock.now());
  if (call.has_key()) co_await lead(call);
  net::TaskGroup workers(parts_.loop, [&](std::string_view, const std::exception& error) {
    parts_.log.error("http.letter_failed", {{"request_id", call.request.id}, {"error", error.what()}});
    if (call.terms.all_or_nothing && !call.stopped) call.stopped = not_made;
  });
  const std::size_t left = call.accepted.size() - call.next;
  for (std::size_t i = 0; i < std::min(left, kWindow); ++i) workers.spawn("send letters", work(call));
  co_await workers.drain();
  if (call.stopped)
    for (; call.next < call.accepted.size(); ++call.next)
      outcome.letters[call.accepted[call.next]].refusal = *call.stopped;

  bool any = false;
  outcome.replayed = true;
  for (const std::size_t index : call.accepted) {
    const Sent& sent = outcome.letters[index];
    any = any || sent.id;
    outcome.replayed = outcome.replayed && sent.duplicate;
  }
  if (any && !call.terms.all_or_nothing) co_return;
  for (const std::size_t index : call.accepted)
    if (!outcome.letters[index].id && !outcome.refusal) outcome.refusal = outcome.letters[index].refusal;
  if (outcome.refusal && !call.has_key()) co_await undo(call);
}

// With a key one letter goes before the others: if it is there already, from a call whose answer was lost, its record names the batch
// that all are of. Where it cannot be stored now, none is: the same call again then begins with it.
asio::awaitable<void> SendDoor::lead(Call& call) {
  while (!call.stopped && call.next < call.accepted.size()) {
    const std::size_t index = call.accepted[call.next++];
    co_await accept_one(call, index);
    const Sent& sent = call.outcome.letters[index];
    if (sent.id) co_return;
    if (!is_of_the_letter(sent.refusal.type)) call.stopped = sent.refusal;
  }
}

asio::awaitable<void> SendDoor::work(Call& call) {
  while (!call.stopped && call.next < call.accepted.size()) {
    const std::size_t index = call.accepted[call.next++];
    co_await accept_one(call, index);
  }
}

asio::awaitable<void> SendDoor::accept_one(Call& call, std::size_t index) {
  Sent& sent = call.outcome.letters[index];
  const Letter letter = std::move(call.letters[index]);
  SendPlan& plan = call.plans[index];
  relay::EnvelopeSpec envelope = std::move(plan.envelope);
  envelope.batch = call.outcome.batch;
  envelope.declared_size = plan.least_size;
  envelope.fingerprint = call.has_key() ? call.fingerprint : fingerprint(letter);
  if (call.has_key()) {
    envelope.idempotency_scope = call.scope;
    envelope.idempotency_key = call.terms.idempotency_key + "\n" + std::to_string(index);
  }
  const std::unique_ptr<relay::Intake> intake = parts_.submission.begin(std::move(envelope));
  const std::string ours = "<" + intake->id().str() + "@" + parts_.hostname + ">";
  relay::SubmissionResult result;
  {
    const auto octets = compose(letter, ours, parts_.clock.now());
    if (octets) {
      co_await intake->write(*octets);
      result = co_await intake->commit();
    }
  }
  sent.id = result.id;
  sent.duplicate = result.duplicate;
  sent.message_id = plan.message_id.empty() ? ours : plan.message_id;
  if (result.reply.code != 0 && !result.id) sent.refusal = refusal_of_reply(result, letter);
  if (!result.id && call.terms.all_or_nothing && !call.stopped) call.stopped = sent.refusal;
  // A raw message may have a key of its own: then the same call finds it again, and must not find it cancelled.
  if (result.id && !result.duplicate && letter.raw.empty()) call.fresh.push_back(index);
  if (result.id && !result.duplicate && parts_.accepted) parts_.accepted->add();
  if (result.duplicate) co_await look_up(call, index);
}

// What an earlier call made under the same key.
asio::awaitable<void> SendDoor::look_up(Call& call, std::size_t index) {
  Sent& sent = call.outcome.letters[index];
  auto start = [&](Done<MessageRecord> done) { parts_.store.find(*sent.id, std::move(done)); };
  const auto found = co_await net::await_done<MessageRecord>(parts_.loop, start);
  if (!found) co_return;  // gone since: its id is all there is to say
  sent.message_id = found->envelope.message_id_header;
  // Of the whole call: what a raw message's own key found is another call's.
  if (call.has_key() && call.terms.batch && !found->envelope.batch.is_nil()) call.outcome.batch = found->envelope.batch;
}

// One fate, and no key by which the same call would find what it has stored: the client, who is told that nothing was accepted, may
// send all of it again. Cancels what can still be cancelled; what was sent or is being sent stays, and keeps its id.
asio::awaitable<void> SendDoor::undo(Call& call) {
  const Refusal& why = *call.outcome.refusal;
  std::vector<storage::SteerRequest> requests;
  for (const std::size_t index : call.fresh) {
    storage::SteerRequest& cancel = requests.emplace_back();
    cancel.id = *call.outcome.letters[index].id;
    cancel.verb = storage::SteerVerb::cancel;
    cancel.actor = call.request.principal.actor;
    cancel.reason.cause = Cause::policy;
    cancel.reason.text = sanitize_reason_text("its call was refused as a whole: " + why.detail);
    cancel.now = parts_.clock.now();
  }
  if (requests.empty()) co_return;
  using Answer = std::vector<result<storage::Steered>>;
  auto start = [&](Done<Answer> done) { parts_.store.steer(std::move(requests), std::move(done)); };
  const auto answer = co_await net::await_done<Answer>(parts_.loop, start);
  if (!answer) {
    parts_.log.error("http.not_cancelled", {{"request_id", call.request.id},
                                            {"messages", std::to_string(call.fresh.size())},
                                            {"error", answer.error().text}});
    co_return;
  }
  for (std::size_t i = 0; i < call.fresh.size(); ++i) {
    const auto& steered = answer->at(i);
    if (!steered || !is_cancelled(*steered->record)) continue;
    Sent& sent = call.outcome.letters[call.fresh[i]];
    sent.id.reset();
    sent.refusal = why;
  }
}

result<std::string> SendDoor::idempotency_key(const Request& request) {
  if (request.header_count("idempotency-key") == 0) return std::string();
  if (request.header_count("idempotency-key") > 1) return invalid("give one Idempotency-Key");
  const std::string_view text = request.header("idempotency-key");
  std::optional<std::string> key(text);
  if (text.starts_with('"')) key = unquoted_key(text);
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  if (!key || key->empty() || key->size() > kMaxKey || !std::all_of(key->begin(), key->end(), printable))
    return invalid("an Idempotency-Key has 1 to " + std::to_string(kMaxKey) + " octets of printable ASCII");
  return std::move(*key);
}

}  // namespace postrider::mgmt
