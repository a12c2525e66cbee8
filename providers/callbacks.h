// Callbacks: what Postrider must know of one mail vendor's event callbacks ("webhooks"): whether a request is genuine, what it reports
// in our own words, and how the vendor is told to send them here. One file a vendor, pure: no network, no clock but the time given.
// The receiver that has the sockets is mgmt/hooks_api.h. Facts and their sources: docs/provider-events.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/message.h"
#include "core/result.h"
#include "core/upstream_config.h"
#include "providers/provider.h"

namespace postrider::providers {

// A request as it came in. Signatures are over these octets: nothing may be read and written anew in between.
struct Callback {
  const Headers& headers;  // names in lower case
  std::string_view body;
};

// A report whose time of signature differs more than this from ours is not believed: it may be one that was overheard.
inline constexpr Duration kMaxCallbackAge = std::chrono::minutes(15);
// Of one request. More than a vendor puts into one; what is beyond is refused as a whole.
inline constexpr std::size_t kMaxReports = 10'000;

enum class Authenticity : std::uint8_t {
  genuine,
  forged,        // the signature or login is missing or wrong
  stale,         // genuine once: signed too long ago, or by a clock that is wrong
  unconfigured,  // the upstream has not the key it would be checked with: nothing can be believed
};
struct Verdict {
  Authenticity authenticity = Authenticity::forged;
  std::string text{};  // a sentence for the operator when it is not genuine; no secret is in it
  // Where the signature is not over the event but over a word used once: that word, and what it was used for. The receiver believes it
  // for nothing else. Empty: the signature is over the body, or there is none.
  std::string nonce{};
  std::string content{};  // the same in a repetition
};
// How long a vendor repeats a callback whose signature has a nonce.
inline constexpr Duration kMaxNonceAge = std::chrono::hours(9);

// One thing that became of one message. By whom it is found is the receiver's: by our id first, then by the provider's.
struct ReportedEvent {
  EventType type =
      EventType::processed;  // processed, delivered, deferred, bounced, opened, clicked, complained, unsubscribed
  Time at{};                 // as the provider says; never later than `now`
  std::string message;       // our id as it comes back; empty: the provider gave none
  std::string provider_id;   // as Reading::provider_id has it; empty: none
  std::string recipient;     // address as the provider writes it; empty: it does not say which
  Reason reason;             // text: what the mail server answered, the link that was clicked, why it was dropped
  std::string key;           // the same for a repeated report of the same thing, and for no other of this vendor
};

struct CallbackReading {
  std::vector<ReportedEvent> events;
  std::size_t ignored = 0;  // of kinds that say nothing about a message; counted, not a fault
  std::string confirm_url;  // SNS: to be fetched once so that the topic may send here; empty otherwise
};

struct HookChange {
  Request request;
  std::string what;  // for people: "register the event bounce"
};

struct Callbacks {
  UpstreamType type;
  // SNS: where the certificate is that the signature is checked with, when it is a place of Amazon's and the message of a topic that
  // is believed; invalid: not so, and nothing is fetched for a stranger. Empty: no certificate is needed. Null for vendors without.
  result<std::string> (*certificate_url)(const UpstreamConfig& upstream, const Callback& callback);
  // `certificate`: the PEM text found there; empty where none is needed.
  Verdict (*verify)(const UpstreamConfig& upstream, const Callback& callback, std::string_view certificate, Time now);
  // Of a genuine callback. Faults: invalid, a sentence: it is not what the vendor documents.
  result<CallbackReading> (*read)(const UpstreamConfig& upstream, const Callback& callback, Time now);

  // Registration, in two steps: what the vendor has now, and the requests that make it send to `url` what read() understands (none:
  // it does already). Requests of others' addresses are left as they are. `url` carries no login: what the upstream's configuration
  // has (webhook_username, webhook_password) is put where the vendor wants it.
  // Faults: invalid, with a sentence: the configuration lacks something, or the answer cannot be read.
  result<Request> (*build_hook_list)(const UpstreamConfig& upstream, Time now);
  result<std::vector<HookChange>> (*plan_hooks)(const UpstreamConfig& upstream, const Answer& list,
                                                std::string_view url, Time now);
  // What the answer to the list or to one of the changes means: sent when it was done. A key that the vendor gives for verifying
  // (`note`) is shown to the operator, who puts it into the configuration.
  Reading (*read_hook)(const Answer& answer, Time now, std::string& note);
};

extern const Callbacks mailgun_callbacks, ses_callbacks, sendgrid_callbacks, mailjet_callbacks, postmark_callbacks,
    resend_callbacks;

const Callbacks* callbacks_for(UpstreamType type);  // null for smtp and capture

// ---- what the vendors share -----------------------------------------------------------------------------------------

// Basic login (RFC 7617) of the callback against webhook_username and webhook_password.
Verdict verify_basic(const UpstreamConfig& upstream, const Callback& callback);
// stale when `signed_at` is longer ago than `max_age`, or more than kMaxCallbackAge in the future. Longer than kMaxCallbackAge is right
// where a vendor repeats a callback for hours and does not say that it signs it anew: what is known already changes nothing.
Verdict fresh(Time signed_at, Time now, Duration max_age = kMaxCallbackAge);

}  // namespace postrider::providers
