#include "mgmt/send_door.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <memory>
#include <new>
#include <random>

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

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// The request as it came: what a client changed is another payload, what we would make of it another day is not.
std::uint64_t fingerprint(const Request& request) {
  const std::unique_ptr<EVP_MD_CTX, FreeDigest> context(EVP_MD_CTX_new());
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) throw std::bad_alloc();
  const auto add = [&](std::string_view octets) { EVP_DigestUpdate(context.get(), octets.data(), octets.size()); };
  const std::string_view method = http::to_string(request.method);
  add(std::string(method) + "\n" + request.target + "\n");
  add(request.body);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  EVP_DigestFinal_ex(context.get(), digest.data(), nullptr);
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) value = value << 8 | digest[i];
  return value;
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

// An RFC 8941 3.3.3 string, without the quotes.
std::optional<std::string> unquoted(std::string_view text) {
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
  SendOutcome outcome;

  std::uint64_t recipients(std::size_t index) const { return plans[index].recipients.size(); }
};

SendDoor::SendDoor(SendDoorParts parts) : parts_(std::move(parts)), batches_(random_seed()) {}

asio::awaitable<SendOutcome> SendDoor::send(const Request& request, std::vector<Letter> letters, SendTerms terms) {
  Call call(request, std::move(letters), std::move(terms));
  if (!call.terms.idempotency_key.empty()) {
    call.scope = scope_of(request);
    call.fingerprint = fingerprint(request);
  }
  const Flight flight(in_flight_, call.scope.empty() ? "" : call.scope + "\n" + call.terms.idempotency_key);
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
  std::uint64_t recipients = 0;
  Faults faults;
  for (std::size_t i = 0; i < call.letters.size(); ++i) {
    if (i % kBreath == kBreath - 1) co_await asio::post(parts_.loop.io(), asio::use_awaitable);
    SendPlan& plan = call.plans[i] = plan_letter(call.letters[i], call.request, parts_.submission, parts_.clock.now());
    if (!plan.refusal) {
      call.accepted.push_back(i);
      recipients += call.recipients(i);
      continue;
    }
    outcome.letters[i].refusal = *plan.refusal;
    if (!call.terms.all_or_nothing && !is_ours(plan.refusal->type)) continue;
    if (!outcome.refusal) outcome.refusal = *plan.refusal;
    if (plan.refusal->type == ProblemType::validation)
      for (const FieldFault& fault : plan.refusal->faults) add_fault(faults, fault.pointer, fault.detail);
  }
  if (outcome.refusal && !faults.empty() && call.terms.all_or_nothing)
    outcome.refusal = invalid_fields(std::move(faults));
  if (outcome.refusal || recipients == 0) co_return;
  outcome.refusal = parts_.limits.take(call.request.principal, recipients);
  if (call.terms.dry_run && !outcome.refusal) parts_.limits.give_back(call.request.principal, recipients);
}

asio::awaitable<void> SendDoor::accept(Call& call) {
  SendOutcome& outcome = call.outcome;
  for (const std::size_t index : call.accepted)
    outcome.letters[index].refusal = refusal(ProblemType::internal, "the message could not be made");
  if (call.terms.batch) outcome.batch = batches_.next(parts_.clock.now());
  if (!call.scope.empty()) co_await lead(call);
  net::TaskGroup workers(parts_.loop, [](std::string_view, const std::exception&) {});
  const std::size_t left = call.accepted.size() - call.next;
  for (std::size_t i = 0; i < std::min(left, kWindow); ++i) workers.spawn("send letters", work(call));
  co_await workers.drain();

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
}

// With a key one letter goes before the others: if it is there already, from a call whose answer was lost, its record names the batch
// that all are of. Where it cannot be stored now, none is: the same call again then begins with it.
asio::awaitable<void> SendDoor::lead(Call& call) {
  while (call.next < call.accepted.size()) {
    const std::size_t index = call.accepted[call.next++];
    co_await accept_one(call, index);
    const Sent& sent = call.outcome.letters[index];
    if (sent.id) co_return;
    if (is_of_the_letter(sent.refusal.type)) continue;
    for (; call.next < call.accepted.size(); ++call.next) {
      const std::size_t other = call.accepted[call.next];
      call.outcome.letters[other].refusal = sent.refusal;
      parts_.limits.give_back(call.request.principal, call.recipients(other));
    }
  }
}

asio::awaitable<void> SendDoor::work(Call& call) {
  while (call.next < call.accepted.size()) {
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
  if (!call.scope.empty()) {
    envelope.idempotency_scope = call.scope;
    envelope.idempotency_key = call.terms.idempotency_key + "\n" + std::to_string(index);
    envelope.fingerprint = call.fingerprint;
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
  if (!result.id || result.duplicate) parts_.limits.give_back(call.request.principal, call.recipients(index));
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
  if (call.terms.batch && !found->envelope.batch.is_nil()) call.outcome.batch = found->envelope.batch;
}

result<std::string> SendDoor::idempotency_key(const Request& request) {
  if (request.header_count("idempotency-key") == 0) return std::string();
  if (request.header_count("idempotency-key") > 1) return invalid("give one Idempotency-Key");
  const std::string_view text = request.header("idempotency-key");
  std::optional<std::string> key(text);
  if (text.starts_with('"')) key = unquoted(text);
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  if (!key || key->empty() || key->size() > kMaxKey || !std::all_of(key->begin(), key->end(), printable))
    return invalid("an Idempotency-Key has 1 to " + std::to_string(kMaxKey) + " octets of printable ASCII");
  return std::move(*key);
}

}  // namespace postrider::mgmt
