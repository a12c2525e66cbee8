// The nouns of the spool: envelope, recipient, attempt, event, and the record that holds them. Plain values.
// Layout on disk is storage's business (storage/record_codec.h); rules over them are in storage/record_rules.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/address.h"
#include "core/delivery.h"
#include "core/id.h"
#include "core/outcome.h"
#include "core/time.h"

namespace postrider {

enum class Lane : std::uint8_t { high, normal, low };
enum class Door : std::uint8_t { smtp, http, sendmail, bounce };
enum class DsnReturn : std::uint8_t { unset, full, headers };  // RFC 3461 4.3 RET

// RFC 3461 4.1 NOTIFY; all false: not given (which means failure, and delay at our discretion).
struct Notify {
  bool never = false, success = false, failure = false, delay = false;
  bool given() const { return never || success || failure || delay; }
  bool operator==(const Notify&) const = default;
};

// What the sender is still to be told of a recipient (RFC 3461). The debt is written with the state that causes it and
// cleared with the notice that pays it, so none is lost or sent twice; see core/notice.h for who gets one.
enum class Notice : std::uint8_t { none, failed, relayed, delayed };

struct Recipient {
  Address address;  // after aliases and origin; what RCPT TO will say
  // RFC 3461 4.2, still in xtext, as received, or what an alias stood for ("rfc822;user@example.com"); empty: none
  std::string orcpt;
  Notify notify;
  RecipientState state = RecipientState::queued;
  std::uint32_t tries = 0;          // tries that counted since acceptance or the last release
  std::uint32_t interruptions = 0;  // crashes of ours that hit it while sending, since then
  Time due{};                       // queued, deferred: next try; held: what it was. Else: no meaning
  Time age_from{};                  // first due time since acceptance or the last release: max_age counts from here
  Time changed_at{};
  Reason reason;                  // why it is in this state
  std::string upstream;           // who took it, or who was asked last
  std::string remote_id;          // the provider's id or the final reply text of the hand-over
  bool provider_id = false;       // it is the provider's id: events that carry it are found by it
  bool cancel_requested = false;  // asked while sending: takes effect when the attempt ends without success
  bool hold_requested = false;    // the same for hold
  bool failed_by_route = false;   // failed: because of the upstream, not of the recipient or the message
  Notice owed = Notice::none;     // a notice to the sender that is not written yet
  bool delay_told = false;        // a notice of delay was written since acceptance or the last release
  std::string redirected_from;    // the recipient as submitted, when a credential's guard put another in its place
};

// What the submitter asked for instead of delivery.retries and retry_interval, within the configured bounds.
struct MessageRetry {
  std::optional<std::uint32_t> retries;
  std::optional<Duration> interval;
  bool operator==(const MessageRetry&) const = default;
};
inline constexpr std::size_t kMaxTags = 16;
inline constexpr std::size_t kMaxTagOctets = 128;

// What the submitter wants to find again with the message: given back in the API and with events, never put into the mail. In the
// order given, each name once; at most kMaxMetadata of them, names and values together at most kMaxMetadataOctets.
using Metadata = std::vector<std::pair<std::string, std::string>>;
inline constexpr std::size_t kMaxMetadata = 50;
inline constexpr std::size_t kMaxMetadataOctets = 10'000;

struct Envelope {
  Address sender;     // null for bounces
  std::string envid;  // RFC 3461 4.4, xtext as received
  DsnReturn ret = DsnReturn::unset;
  bool eight_bit = false;     // the body has octets over 127
  bool smtputf8 = false;      // the client asked for SMTPUTF8 (RFC 6531) and an address or header needs it
  bool requires_tls = false;  // reserved for RFC 8689
  Lane lane = Lane::normal;
  Door door = Door::smtp;
  std::string tenant;             // credential that submitted it; empty: trusted network
  std::vector<std::string> tags;  // at most kMaxTags, for routes, listings and the provider's statistics
  MessageRetry retry;
  Time expires_at = kNever;  // its own time to live: what is not handed over then becomes `expired`
  Metadata metadata;
  MessageId batch;            // of the API call that made it and others; nil: none
  bool capture_only = false;  // by the credential's guard: it goes to an upstream of type capture and to no other
  std::string client;         // address of the client, for the trace; empty if left out
  std::string helo;
  std::string subject;            // decoded as far as it is UTF-8, at most 256 octets, for listings only
  std::string message_id_header;  // with angle brackets, as sent
  Time created_at{};
};

enum class BodyState : std::uint8_t { present, removed };

struct MessageRecord {
  MessageId id;
  Envelope envelope;
  std::vector<Recipient> recipients;  // at least one
  std::uint64_t body_size = 0;        // octets, as it will be sent before dot-stuffing
  std::uint32_t body_chunks = 0;
  BodyState body = BodyState::present;
  std::string headers;                 // the body's header, once the body is removed; at most kMaxKeptHeaders octets
  std::uint32_t wait_bucket = 0;       // see storage::DueKey
  std::vector<std::uint64_t> history;  // sequence numbers of its rows in the event feed, ascending
  std::string idempotency_key;         // scope and key as one opaque string; empty: none

  RecipientState state() const;  // derived
  bool live() const;             // any live recipient
  bool owes_notice() const;      // to the sender, of any recipient
  Time due() const;              // minimum of queued and deferred recipients; kNever if none
};
inline constexpr std::size_t kMaxKeptHeaders = 16 * 1024;

struct RecipientOutcome {
  std::uint32_t recipient = 0;  // index in MessageRecord::recipients
  OutcomeKind kind = OutcomeKind::deferred;
  Reason reason;
};

// One contact with one upstream. Durations in milliseconds.
struct Attempt {
  std::string upstream;
  std::string peer;  // host[address]:port
  std::string tls;   // "TLSv1.3", or empty
  Time started_at{};
  std::uint32_t duration_ms = 0;
  Stage stage = Stage::none;                    // furthest stage reached
  OutcomeKind outcome = OutcomeKind::deferred;  // worst over its recipients
  Reason reason;                                // of that outcome
  std::string remote_id;
  std::string why;            // why this upstream was asked: the route's own words
  bool provider_id = false;   // remote_id is an id that the provider's events will carry, not a reply's text
  bool counted = true;        // spent a try
  bool lossy = false;         // the transport rebuilt the MIME structure
  bool hop_notifies = false;  // the hop speaks DSN and was given NOTIFY (RFC 3461); not kept in the history
  std::vector<RecipientOutcome> recipients;
};

enum class EventType : std::uint8_t {
  accepted,
  attempted,
  sent,
  deferred,
  bounced,
  failed,
  held,
  released,
  retried,
  cancelled,
  cancel_requested,
  expired,
  suppressed,
  interrupted,
  revived,
  delivered,
  opened,
  clicked,
  complained,
  unsubscribed,
  body_removed,
  quarantined,
  rescheduled,  // another time, lane or expiry before the first try
  notified,     // the sender was written a notice; the reason's text has its id
  // Of an upstream, not of a message: Event::message is nil and Event::upstream names it.
  upstream_opened,       // out of service, with the failure that did it
  upstream_closed,       // in service again
  upstream_paused,       // by a throttle, a quota or an operator; the reason says until when
  upstream_resumed,      // by an operator
  upstream_preferred,    // hot swap, whole or as a canary
  upstream_promoted,     // the canary did well: it is preferred for all mail
  upstream_rolled_back,  // the canary did worse, or an operator took the preference back
  processed,             // of a message again: the provider has taken it up
};
inline bool is_upstream_event(EventType type) {
  return type >= EventType::upstream_opened && type <= EventType::upstream_rolled_back;
}
inline constexpr std::uint32_t kAllRecipients = 0xffffffff;

struct Event {
  std::uint64_t seq = 0;  // assigned at commit: global, ascending in commit order, no reuse
  MessageId message;
  EventType type = EventType::accepted;
  Time at{};
  std::uint32_t recipient = kAllRecipients;
  Reason reason;
  std::string actor;                 // user or "operator"; empty: Postrider itself
  std::string upstream;              // with upstream_*, and with what a provider reported: who
  std::uint64_t report = 0;          // hash of the provider's own name of its report; 0: no provider reported it
  std::shared_ptr<Attempt> attempt;  // only with `attempted`
};

std::string_view to_string(Lane);
std::string_view to_string(Door);
std::string_view to_string(Notice);
std::string_view to_string(EventType);

// A body in memory: chunks of at most storage::kChunkPayload octets, all full but the last.
struct Body {
  std::vector<std::shared_ptr<const std::string>> chunks;
  std::uint64_t size = 0;
};

}  // namespace postrider
