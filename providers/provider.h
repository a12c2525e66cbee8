// Provider: what Postrider must know of one mail vendor's HTTP API to hand a message over: what it can take, the request, and what
// an answer means. One file a vendor, pure: no network, no clock but the time given. The transport that carries requests is
// relay/outbound/http_transport.h. Facts and their sources: docs/providers.md.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/message.h"
#include "core/result.h"
#include "core/upstream_config.h"

namespace postrider::providers {

using Headers = std::vector<std::pair<std::string, std::string>>;

// One message for some of its recipients, as the transport has it: the whole body in memory.
struct Mail {
  const MessageRecord& message;
  std::span<const std::uint32_t> recipients;  // indices; at least one, at most Provider::max_recipients
  std::string_view body;                      // the RFC 5322 octets, CRLF lines
};

struct Request {
  std::string method = "POST";
  std::string url;
  Headers headers;  // Content-Type among them; never Content-Length, Host
  std::string body;
};

// A finished answer. `headers` have names in lower case.
struct Answer {
  int status = 0;
  Headers headers;
  std::string body;

  std::string_view header(std::string_view lower_case_name) const;  // the first of that name, or empty
};

// What an answer means for all recipients of the call, or for single ones.
struct Reading {
  OutcomeKind kind = OutcomeKind::deferred;
  Reason reason;            // code is the HTTP status, text what the provider said; stage final_dot
  Time throttled_until{};   // Cause::throttle, where the provider said until when; zero: it did not
  std::string provider_id;  // sent: the id its events will carry; may be empty
  // The call was refused because of one or some of its recipients, which it does not say for certain: ask again in halves. Never
  // with a single recipient.
  bool split = false;
  // Recipients that fare otherwise: place in Mail::recipients.
  struct Single {
    std::size_t place = 0;
    OutcomeKind kind = OutcomeKind::deferred;
    Reason reason;
    std::string provider_id;
  };
  std::vector<Single> singles;
  // The same for recipients that the answer names by address, perhaps in other letter case; place_named() makes singles of them.
  struct Named {
    std::string address;
    OutcomeKind kind = OutcomeKind::deferred;
    Reason reason;
    std::string provider_id;
  };
  std::vector<Named> named;
};

// To be called with what Provider::read gave, by whoever knows the call's recipients.
void place_named(Reading& reading, const Mail& mail);

struct Provider {
  UpstreamType type;
  std::string_view name;       // as in the configuration
  std::size_t max_recipients;  // of one call
  std::uint64_t max_octets;    // of one body, as the vendor documents it
  bool lossy;                  // see core is_lossy()

  // Faults: `invalid` with a sentence for people: this message cannot be expressed (capability: another upstream may take it).
  // `conflict`: not for all these recipients in one call, since they would see each other; ask again in halves (as Reading::split).
  result<Request> (*build)(const UpstreamConfig& upstream, const Mail& mail, Time now);
  // A request that shows whether key and domain are good, without sending anything; the answer is read by read_probe.
  result<Request> (*build_probe)(const UpstreamConfig& upstream, Time now);
  // Of an answer to what build() made. A 2xx that cannot be read as the vendor's is `uncertain`: the message may be on its way.
  Reading (*read)(const UpstreamConfig& upstream, const Answer& answer, std::size_t recipients, Time now);
  // OutcomeKind::sent when the upstream would take mail; never uncertain.
  Reading (*read_probe)(const Answer& answer, Time now);
};

extern const Provider mailgun, ses, sendgrid, mailjet, postmark, resend;

const Provider* provider_for(UpstreamType type);        // null for smtp and capture
const Provider* provider_named(std::string_view name);  // null for any other name

// Where the API is: api_base if configured (no trailing slash), else the vendor's own.
std::string api_base(const UpstreamConfig& upstream, std::string_view vendor);

// ---- what the outcome tables share ----------------------------------------------------------------------------------

enum class Meaning : std::uint8_t {
  accepted,
  bad_message,    // permanent, this message or its recipient: bounced
  bad_recipient,  // permanent, one of the recipients
  bad_sender,     // sender not verified or not allowed: route failure
  bad_login,      // route failure
  misconfigured,  // unknown domain, suspended account, wrong endpoint: route failure
  throttled,      // slow down
  quota_used_up,  // pause until the quota is new
  too_big,        // capability
  transient,      // 5xx and what nobody knows: deferred, the upstream's fault
  uncertain,      // 2xx without what the vendor documents: it may have taken the message
};

// A row matches when all it gives do: status 0 and empty texts match anything. `code` is the vendor's own error code or name,
// `text` a part of its message in lower case.
struct OutcomeRow {
  int status = 0;
  std::string_view code;
  std::string_view text;
  Meaning meaning = Meaning::transient;
};

// The first row that matches; otherwise by status: 2xx uncertain, 408, 425 and 5xx transient, 401 and 403 bad_login, 413 too_big, 429
// throttled, 400 and 422 bad_message, 3xx and any other 4xx misconfigured.
Meaning look_up(std::span<const OutcomeRow> table, int status, std::string_view code, std::string_view text);
Reading reading_of(Meaning meaning, int status, std::string_view text, std::size_t recipients);
// The same with the pause that the answer's fields ask for. A quota without one: an hour. bad_message without JSON, and uncertain with
// a page for browsers: misconfigured.
Reading reading_of(Meaning meaning, const Answer& answer, std::string_view text, std::size_t recipients, Time now);
// For read_probe: a request that hands nothing over leaves nothing uncertain.
Reading of_probe(Reading reading);
// Retry-After (seconds or HTTP date, RFC 9110 10.2.3), X-RateLimit-Reset (epoch seconds), RateLimit-Reset (seconds): the latest
// time of them, zero without any. Never later than a day from now; what is past or cannot be read is ignored.
Time throttle_end(const Answer& answer, Time now);
// When a quota by calendar day is new, for vendors that count so.
Time next_utc_midnight(Time now);

// The answer's JSON; null when it is none.
boost::json::value json_of(const Answer& answer);
// A member of a JSON object that is a string, else empty. The view lives as long as the value.
std::string_view text_at(const boost::json::value& value, std::string_view member);
// A page for browsers: no vendor's API answers with one, so it was asked somewhere else.
bool is_page(const Answer& answer);
// What an answer without JSON says, for a reason: its first line, or nothing when it is a page for browsers.
std::string_view plain_text(const Answer& answer);

// ---- what the requests share ----------------------------------------------------------------------------------------

std::string base64(std::string_view octets);  // RFC 4648 4
// RFC 3986 2.1: all octets but the unreserved ones and those of `also_kept`.
std::string percent_encoded(std::string_view text, std::string_view also_kept = {});
std::string basic_login(std::string_view user, std::string_view password);  // the value of Authorization (RFC 7617)
// Of a recipient of the call, by its place: the domain in A-labels, since these APIs know no others.
std::string address_text(const Mail& mail, std::size_t place);

}  // namespace postrider::providers
