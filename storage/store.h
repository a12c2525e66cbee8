// Any thread may call any verb; each answers through its Done on the Done's own Mailbox, never from inside the call.
// Writes are atomic one by one, applied in call order, and answered only after the commit that holds them is on stable
// storage. Implementations: storage/memory (tests, no durability) and storage/lmdb; tests/store_conformance runs on both.
//
// The durable store of messages that are not finished, and of the history of those that are. Verbs are of the domain: no
// key, cursor or view of the database is seen above this line. Owned by cmd/serve; lives longer than every caller.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/done.h"
#include "core/message.h"
#include "core/network.h"
#include "core/scopes.h"
#include "core/upstream_config.h"

namespace postrider::storage {

// Payload of one body chunk: with its record header it fills whole pages (docs/decisions/0003-bodies-in-chunks.md).
inline constexpr std::size_t kChunkRecordHeader = 32;
inline constexpr std::size_t kChunkPayload = 12 * 4096 - 16 - kChunkRecordHeader;

// ---- accept -------------------------------------------------------------------------------------------------------

struct IdempotencyKey {
  std::string scope_and_key;      // scoped by the caller: credential, or client address and sender
  std::uint64_t fingerprint = 0;  // of the message: the same key with another fingerprint is refused
  Duration lifetime = std::chrono::hours(24);
};

// With an intent the accept also claims: recipients go straight to `sending` for `upstream`, no second commit is needed.
// Those on the suppression list are suppressed instead.
struct Intent {
  std::string upstream;
  bool notify_sender = true;  // delivery.dsn
};

// The new message is the notice that an older one owes its sender: accept writes the one and clears the other's debts, or
// neither. Recipients that owe nothing any more are a conflict: another notice was faster.
struct Notifies {
  MessageId id;
  std::vector<std::uint32_t> recipients;
  bool remove_body = true;  // as Settlement::remove_sent_body: a body that was only kept for this notice goes
};

struct NewMessage {
  MessageRecord record;  // id, envelope, recipients (all queued, with due and age_from), body_size, body_chunks
  Body body;             // chunks from `first_chunk` on; those before were staged under the same id
  std::uint32_t first_chunk = 0;
  std::optional<Intent> intent;
  std::optional<IdempotencyKey> idempotency;
  std::optional<Notifies> notifies;
  Time now{};
};

struct Accepted {
  enum class Kind : std::uint8_t { stored, duplicate, key_conflict };
  Kind kind = Kind::stored;
  MessageId id;                           // of the stored message, or of the one the key already names
  std::shared_ptr<MessageRecord> record;  // as stored (with history rows), only with `stored`
};

struct StagedChunk {
  MessageId id;             // the id the message will have if it is accepted
  std::uint32_t index = 0;  // from 0, in order
  std::shared_ptr<const std::string> bytes;
};

// ---- claim and settle ---------------------------------------------------------------------------------------------

// The due index, in order: what waits for the same thing, then lane, then time. Bucket 0 waits for nothing but its time;
// other buckets are routes or pauses (a hash of their name), so that what they hold never stands in front of the rest.
struct DueKey {
  std::uint32_t bucket = 0;
  Lane lane = Lane::high;
  Time due{};
  MessageId id;
  // NOLINTNEXTLINE(modernize-use-nullptr): the zero is in the generated comparison
  auto operator<=>(const DueKey&) const = default;
};

struct DueEntry {
  DueKey key;
  std::uint64_t sender_hash = 0;  // for fairness between senders in a window
};

struct DueQuery {
  std::uint32_t bucket = 0;
  Lane lane = Lane::normal;
  std::optional<DueKey> after;  // exclusive
  std::size_t limit = 256;
  std::uint32_t shard = 0, shards = 1;  // only ids with shard_of(id, shards) == shard
};
std::uint32_t shard_of(const MessageId& id, std::uint32_t shards);

struct DuePage {
  std::vector<DueEntry> entries;  // in key order, due or not yet due
  bool more = false;
};

struct DueHead {
  std::uint32_t bucket = 0;
  Lane lane = Lane::normal;
  Time earliest = kNever;
  bool operator==(const DueHead&) const = default;
};

struct ClaimRequest {
  MessageId id;
  std::string upstream;       // the intent: who will be asked
  Time now{};                 // recipients queued or deferred with due <= now are claimed, or suppressed; others stay
  bool notify_sender = true;  // delivery.dsn: a recipient that is suppressed may owe a notice
};

struct Claimed {
  std::shared_ptr<MessageRecord> record;  // null: gone, not due any more, or already claimed: nothing to do
  std::vector<std::uint32_t> recipients;  // indices now in `sending`; none: all that was due is suppressed
  std::vector<std::uint32_t> suppressed;  // indices that this claim found on the suppression list
};

struct RecipientUpdate {
  std::uint32_t recipient = 0;
  Trigger trigger = Trigger::defer;  // applied to `sending` by core's transition function
  bool spends_try = false;
  bool route_caused = false;  // with give_up: the upstream's fault
  bool takes_notice = false;  // with hand_over: the hop took NOTIFY over (RFC 3461 5.2.2), no notice is owed from here
  Time due{};                 // with defer and unclaim
  Reason reason;
  std::string upstream;
  std::string remote_id;
  bool provider_id = false;  // remote_id is the provider's id: find_by_provider_id() will know it
};

// Ends a claim, whole or in part: attempts made, what became of each recipient, in ONE transaction. A recipient that was
// asked to cancel or hold while sending goes there instead of deferred/queued/failed. May wait up to settle_delay for company.
struct Settlement {
  MessageId id;
  std::vector<Attempt> attempts;
  std::vector<RecipientUpdate> updates;
  std::uint32_t wait_bucket = 0;
  bool remove_sent_body = true;  // retention.sent_bodies = 0: body goes with the last live recipient if none failed
  bool notify_sender = true;     // delivery.dsn: what core/notice.h says is owed is noted
  Time now{};
};

struct Settled {
  RecipientState state = RecipientState::sent;  // the message's, after
  Time next_due = kNever;
  bool owes_notice = false;  // see owing()
};

// ---- steering -----------------------------------------------------------------------------------------------------

enum class SteerVerb : std::uint8_t { retry, hold, release, cancel };

Trigger trigger_of(SteerVerb verb);
bool starts_anew(SteerVerb verb);  // tries and age: retry and release

struct SteerRequest {
  MessageId id;
  SteerVerb verb = SteerVerb::retry;
  std::optional<std::uint32_t> recipient;  // none: all it applies to
  std::string actor;
  std::string tenant;  // empty: any; else a message of another tenant is not_found
  Reason reason;
  Time now{};
};

struct Steered {
  std::shared_ptr<MessageRecord> record;  // after
  std::uint32_t changed = 0;              // recipients changed or marked (cancel/hold while sending)
};                                        // faults: not_found; conflict naming the state when no recipient could change

// ---- another time -------------------------------------------------------------------------------------------------

// A message whose history has so many entries is not amended any more: nobody makes it longer without end.
inline constexpr std::size_t kMaxHistoryToAmend = 1000;

// Before the first try only: every recipient must be queued, untried (an attempt that was cut off is one) and due after `now`,
// else it is a conflict that names the state. age_from follows send_at. So does the end of its time to live, which counts from
// the release, by the same span, when expires_at is not named; a message that would not outlive its release is invalid. One
// event, `rescheduled`, which says what changed; when nothing did, none, and the record stays as it was.
struct AmendRequest {
  MessageId id;
  std::string actor;
  std::string tenant;           // as in SteerRequest
  std::optional<Time> send_at;  // a time that has passed means now
  std::optional<Lane> lane;
  std::optional<Time> expires_at;  // kNever: takes it away
  Time now{};
};  // faults: not_found, conflict, invalid

// ---- time to live -------------------------------------------------------------------------------------------------

// One bounded step over the messages whose Envelope::expires_at is not after `now`: every recipient that is queued, deferred or
// held becomes `expired` (reason policy, event), one that is `sending` waits for its settlement, which does the same with what
// would be deferred, queued or held. The body goes as after any end (remove_body as Settlement::remove_sent_body does).
struct ExpireRequest {
  Time now{};
  std::size_t limit = 100;
  bool remove_body = true;
  bool notify_sender = true;  // delivery.dsn
};
struct Expired {
  std::uint64_t messages = 0;
  bool more = false;
  bool owes_notice = false;
  Time next = kNever;  // the earliest expires_at that is left
};

// ---- revival ------------------------------------------------------------------------------------------------------

// One bounded step over the messages with a recipient that is `failed` by the route and whose body is there, oldest first. Such
// a recipient that is younger than max_age (from age_from) becomes queued, due now: tries start anew, its age does not
// (event `revived`). Older ones stay.
struct ReviveRequest {
  std::optional<MessageId> after;  // exclusive
  std::size_t limit = 100;         // rows looked at
  Duration max_age{};
  Reason reason;  // which upstream works again
  Time now{};
};
struct Revived {
  std::uint64_t messages = 0;
  std::optional<MessageId> next;  // pass as `after`; none: the end
};

// ---- what providers report ----------------------------------------------------------------------------------------

// What a provider says of mail it took. The message is the one of `id`, else the newest that this upstream's provider knows by
// `provider_id`; it must have a recipient whose `upstream` it is, or it is not_found: a provider has no say in others' mail.
struct Report {
  std::string upstream;
  std::optional<MessageId> id;
  std::string provider_id;
  // processed, delivered, deferred, bounced, opened, clicked, complained, unsubscribed
  EventType type = EventType::delivered;
  // As the provider writes it: letter case does not count, nor how the domain is written. Empty: all that this upstream took under
  // `provider_id`, or, without one, all that it took.
  std::string recipient;
  Time at{};
  Reason reason;
  // Not 0; another report of this upstream with it on the same message and recipient changes nothing.
  std::uint64_t key = 0;
  bool notify_sender = true;  // delivery.dsn: a recipient that bounced may owe a notice
};
// `delivered` and `bounced` move a recipient that is sent or delivered, by core's transition function; whatever else it is in, and
// for every other type, the report goes into the history and changes no state. One event a recipient, Event::at is the provider's.
struct Reported {
  MessageId id;
  std::uint32_t events = 0;  // written; 0: all were known
  bool owes_notice = false;  // see owing()
};
// Faults of one report that pass, ask again: conflict: one of its recipients is still `sending`, the settlement that says who took it
// is on its way; full: the spool is over its high-water mark; unavailable: too many of one message at once. Others: not_found; invalid:
// no key, another type, or the message has kMaxHistoryToReport rows of history (twice as many for complaints and unsubscriptions) and
// the report moves nobody.
inline constexpr std::size_t kMaxHistoryToReport = 2000;

// ---- suppression --------------------------------------------------------------------------------------------------

// Addresses that get no mail. Looked up when a recipient is due: by accept() with an intent and by claim(), which put it into
// `suppressed` with an event and a reason that says why. Letter case of an address does not count, and its domain is in A-labels.
struct Suppression {
  std::string address;
  std::string reason;  // printable UTF-8, at most kMaxReasonText octets; for people
  std::string actor;   // who put it there
  Time created_at{};
};
inline constexpr std::size_t kMaxSuppressedAddress = 320;
struct SuppressionQuery {
  std::string after;  // an address, exclusive; in the order of the addresses
  std::size_t limit = 100;
};
struct SuppressionPage {
  std::vector<Suppression> entries;
  bool more = false;
};

// ---- upstreams ----------------------------------------------------------------------------------------------------

// What must be known of an upstream after a restart. Its meaning is relay/outbound's; the store keeps it as it is.
struct UpstreamState {
  std::string name;
  std::uint8_t health = 0;        // relay::Health
  std::uint8_t opened_stage = 0;  // core Stage of the failure that opened it
  Time changed_at{};
  std::string last_error;
  Time paused_until{};   // learned; zero: none
  bool stopped = false;  // paused by an operator
  std::string stopped_by;
  bool preferred = false;            // hot swap
  std::uint32_t canary_percent = 0;  // 0: none; with canary_messages the first so many instead
  std::uint32_t canary_messages = 0;
  std::string preferred_by;
  Time day_start{}, month_start{};               // of the quota periods that the counts are of
  std::uint64_t day_count = 0, month_count = 0;  // never less than what was handed over
};

// What waits in the due index, by bucket and lane.
struct Waiting {
  std::uint32_t bucket = 0;
  Lane lane = Lane::normal;
  std::uint64_t messages = 0;
  Time earliest = kNever;
};

// ---- reading ------------------------------------------------------------------------------------------------------

struct ListQuery {
  std::optional<RecipientState> state;  // the message's derived state
  std::optional<std::string> sender;    // whole address or "@domain" (any case)
  std::optional<std::string> recipient;
  std::optional<std::string> tenant;
  std::optional<std::string> tag;
  std::optional<MessageId> batch;    // by an index: nothing else is looked at
  std::optional<Time> since, until;  // created_at, since inclusive, until exclusive
  std::optional<MessageId> before;   // cursor: strictly older than this id
  std::size_t limit = 50;            // 1..1000
  std::size_t max_scanned = 20'000;  // a page may be short, with `next` set, when filters match little
};

struct ListPage {
  std::vector<MessageRecord> messages;  // newest first; history rows not loaded
  std::optional<MessageId> next;        // pass as `before`; none: the end
};

struct EventQuery {
  std::uint64_t after = 0;  // sequence number, exclusive
  std::size_t limit = 100;
};

struct OwingQuery {
  std::optional<MessageId> after;  // exclusive
  std::size_t limit = 100;
};
struct OwingPage {
  std::vector<MessageId> ids;  // ascending
  bool more = false;
};

struct BodyQuery {
  MessageId id;
  std::uint32_t first_chunk = 0;
  std::uint32_t count = 8;
};

struct SpoolStats {
  std::uint64_t messages[kRecipientStates] = {};  // by derived state
  std::uint64_t live_messages = 0;
  std::uint64_t live_bytes = 0;      // counted in whole pages: bodies and records of live messages, staged chunks
  std::uint64_t finished_bytes = 0;  // bodies, records and events of finished messages
  std::uint64_t max_bytes = 0;
  std::uint64_t high_water_bytes = 0;
  std::uint64_t file_bytes = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t commits = 0, synced_operations = 0;
  std::uint64_t last_commit_us = 0;
  std::uint64_t oldest_due_ms = 0;  // due time of the oldest entry of all buckets and lanes; 0: none
  std::uint64_t last_seq = 0;
  std::uint32_t epoch = 0;
  bool accepting = true;   // false over the high-water mark, with the reserve given back, or after a failed sync
  bool can_settle = true;  // false while a settle cannot be committed: claim nothing
  std::string trouble;     // why, for people
};

struct VerifyQuery {
  std::optional<MessageId> after;
  std::size_t limit = 200;
};
struct VerifyPage {
  std::uint64_t records = 0, chunks = 0, events = 0;
  std::vector<std::string> faults;  // one sentence each, with the id
  std::optional<MessageId> next;
};

// ---- retention ----------------------------------------------------------------------------------------------------

struct RetirePolicy {
  Duration history = std::chrono::hours(24 * 30);
  std::uint64_t history_max_bytes = 2ull << 30;
  Duration sent_bodies{0};
  Duration failed_bodies = std::chrono::hours(24 * 7);
};

struct RetireRequest {
  RetirePolicy policy;
  Time now{};
  std::size_t max_rows = 500;  // work of one step: rows looked at
  bool notify_sender = true;   // delivery.dsn: a failed body that goes unrevived leaves a notice owed
};

struct Retired {
  std::uint64_t messages = 0, bodies = 0, bytes = 0;
  std::uint64_t owing = 0;  // messages that now owe a notice
  bool more = false;        // another step would do more
};

// ---- credentials --------------------------------------------------------------------------------------------------

struct UserRecord {
  std::string name;
  std::string role;                  // "sender" (default), "operator", "admin"
  std::string password_hash;         // "scrypt$..." (relay/inbound/password.h writes it)
  std::string scram;                 // "SCRAM-SHA-256$iterations:salt$stored:server" or empty
  std::vector<std::string> senders;  // patterns it may send as; empty: any
  RecipientGuard guard;              // for systems that must not mail the world
  Time created_at{}, changed_at{};
};

// There are at most this many keys, so that all of them can be held in memory; more are refused.
inline constexpr std::size_t kMaxApiKeys = 10'000;

// A key for programs. Its secret is 256 random bits that nobody keeps: only their digest is stored.
struct ApiKeyRecord {
  std::string name;  // unique among keys
  std::string id;    // 16 characters of a-z and 2-7, random: names the key where its secret must not be seen
  std::array<unsigned char, 32> digest{};  // SHA-256 of the key as the client sends it
  std::string tenant;                      // who owns what it submits; several keys may share one
  Scopes scopes;
  std::vector<std::string> senders;  // patterns it may send as; empty: any
  RecipientGuard guard;
  std::vector<Network> networks;              // where it may come from; empty: anywhere
  std::uint32_t per_minute = 0, per_day = 0;  // recipients it may send to; 0: no limit. The day is UTC's
  Time created_at{}, expires_at = kNever;
};

// What a key did; kept apart so that it can be written without the record, now and then.
struct ApiKeyUsage {
  std::string name;
  Time last_used_at{};
  Time day{};  // start of the UTC day that `recipients` is of
  std::uint64_t recipients = 0;
};

// ---- the store ----------------------------------------------------------------------------------------------------

class Store {
 public:
  virtual ~Store() = default;

  // Atomic: record, remaining chunks, due entry or claim, `accepted` event, idempotency key. Faults: full (452),
  // unavailable (451). After a fault nothing is kept, staged chunks included.
  virtual void accept(NewMessage message, Done<Accepted> done) = 0;
  // A chunk of a message that is still being received. Collected at start if the process dies; see unstage.
  virtual void stage(StagedChunk chunk, Done<Nothing> done) = 0;
  virtual void unstage(MessageId id) = 0;  // forget staged chunks; no answer, best effort now, certain at start

  // Durable intent for later tries: one Claimed per request, in order. Two claimers never both get a recipient.
  virtual void claim(std::vector<ClaimRequest> requests, Done<std::vector<Claimed>> done) = 0;
  // Never refused for want of space as long as the reserve lasts. Fault `unavailable`: not durable, claim it stays; the
  // caller keeps the settlement and offers it again.
  virtual void settle(Settlement settlement, Done<Settled> done) = 0;
  virtual void steer(std::vector<SteerRequest> requests, Done<std::vector<result<Steered>>> done) = 0;

  virtual void amend(AmendRequest request, Done<std::shared_ptr<MessageRecord>> done) = 0;  // the record as it is after

  virtual void find(MessageId id, Done<MessageRecord> done) = 0;          // faults: not_found, damaged
  virtual void history(MessageId id, Done<std::vector<Event>> done) = 0;  // ascending seq; faults as find
  virtual void list(ListQuery query, Done<ListPage> done) = 0;
  virtual void events(EventQuery query, Done<std::vector<Event>> done) = 0;  // commit order
  virtual void read_body(
      BodyQuery query,
      Done<std::vector<std::shared_ptr<const std::string>>> done) = 0;  // faults: not_found (removed), damaged
  virtual void due(DueQuery query, Done<DuePage> done) = 0;
  virtual void verify(VerifyQuery query, Done<VerifyPage> done) = 0;

  // The message that a provider knows by that id; several: the newest. not_found. Rows go when the message is retired.
  virtual void find_by_provider_id(std::string upstream, std::string provider_id, Done<MessageId> done) = 0;

  // One answer a report, in order; one transaction for all of them.
  virtual void report(std::vector<Report> reports, Time now, Done<std::vector<result<Reported>>> done) = 0;

  // Replaces the entry of that address. Faults: invalid (no address, or one that is too long), full (a new one).
  virtual void put_suppression(Suppression entry, Done<Nothing> done) = 0;
  virtual void remove_suppression(std::string address, Done<Nothing> done) = 0;  // not_found
  // Of each address its entry, or nothing.
  virtual void find_suppressions(std::vector<std::string> addresses,
                                 Done<std::vector<std::optional<Suppression>>> done) = 0;
  virtual void list_suppressions(SuppressionQuery query, Done<SuppressionPage> done) = 0;

  virtual void expire(ExpireRequest request, Done<Expired> done) = 0;
  virtual void revive(ReviveRequest request, Done<Revived> done) = 0;

  // State and its events (upstream_*, without seq) in one transaction; replaces the state of that name.
  virtual void put_upstream_state(UpstreamState state, std::vector<Event> events, Done<Nothing> done) = 0;
  virtual void upstream_states(Done<std::vector<UpstreamState>> done) = 0;

  // Counts the due index; with many waiting messages a long walk, on a reader thread. Buckets in order.
  virtual void waiting(Done<std::vector<Waiting>> done) = 0;
  // What stands first in each bucket and lane that holds an entry, in their order: one seek each.
  virtual void due_heads(Done<std::vector<DueHead>> done) = 0;

  // Messages that owe their sender a notice, by id.
  virtual void owing(OwingQuery query, Done<OwingPage> done) = 0;

  // One bounded step; never touches a message with a live recipient.
  virtual void retire(RetireRequest request, Done<Retired> done) = 0;
  // What retire() would do from here on if it ran to its end now; looks at max_rows rows at most (`more`: there are others)
  // and changes nothing.
  virtual void preview_retire(RetireRequest request, Done<Retired> done) = 0;

  virtual void put_user(UserRecord user, bool must_be_new, Done<Nothing> done) = 0;  // conflict if it exists
  virtual void remove_user(std::string name, Done<Nothing> done) = 0;                // not_found
  virtual void find_user(std::string name, Done<UserRecord> done) = 0;               // not_found
  virtual void list_users(Done<std::vector<UserRecord>> done) = 0;

  // Faults: conflict (must_be_new and the name exists, or there are kMaxApiKeys), invalid (a name of no or over 255 octets).
  virtual void put_api_key(ApiKeyRecord key, bool must_be_new, Done<Nothing> done) = 0;
  virtual void remove_api_key(std::string name, Done<Nothing> done) = 0;  // its usage too; not_found
  virtual void list_api_keys(Done<std::vector<ApiKeyRecord>> done) = 0;   // by name
  // Replaces what was put for those keys; of keys that are gone it is ignored.
  virtual void put_api_key_usage(std::vector<ApiKeyUsage> usage, Done<Nothing> done) = 0;
  virtual void list_api_key_usage(Done<std::vector<ApiKeyUsage>> done) = 0;  // by name; only of keys that were used

  virtual SpoolStats stats() const = 0;  // a snapshot, any thread
  // The two of its numbers that are asked for with every message; lock-free, any thread.
  virtual bool accepting() const = 0;
  virtual bool can_settle() const = 0;

  // After each commit that put or moved due entries other than by settle: the earliest due time among them, delivered
  // through `where`. Steering, unclaimed accepts and recovery come this way: nobody polls. Call before the first verb.
  virtual void on_due_changed(Mailbox& where, std::function<void(Time earliest)> call) = 0;
  // After each commit since which a message waits that did not and has an expires_at, or waits with another one: the earliest of
  // them. An accept is one, and so is a settlement after which one waits again: expire() knows only those that wait. One listener.
  // Call before the first verb.
  virtual void on_expiry_changed(Mailbox& where, std::function<void(Time earliest)> call) = 0;

  // Commits what was taken, answers everything, stops the threads. Later calls fail with `unavailable`.
  virtual void close() = 0;
};

}  // namespace postrider::storage
