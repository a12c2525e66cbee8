// The events of Amazon SES, which come through SNS: a JSON envelope, signed with a key whose certificate SNS publishes, and in it the
// event as a string of JSON. A signature proves that SNS sent it, and no more: anybody's topic can be pointed at us, so that only
// those of topic_arns are believed. https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html,
// https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>
#include <span>

#include "providers/callback_parts.h"
#include "providers/ses_hooks.h"
#include "providers/ses_parts.h"

namespace postrider::providers {

namespace {

namespace json = boost::json;

// A delivery policy of SNS repeats for an hour at most, with the first signature.
constexpr Duration kMaxAge = kMaxCallbackAge + std::chrono::hours(1);
constexpr std::size_t kMaxUrl = 2048;

// ---- the envelope ---------------------------------------------------------------------------------------------------

constexpr std::string_view kNotification = "Notification";
constexpr std::string_view kConfirmation = "SubscriptionConfirmation";
constexpr std::string_view kEnd = "UnsubscribeConfirmation";

// What a signature is over, in this order. Subject is left out where there is none.
constexpr std::array<std::string_view, 6> kSignedOfNotification = {"Message",   "MessageId", "Subject",
                                                                   "Timestamp", "TopicArn",  "Type"};
constexpr std::array<std::string_view, 7> kSignedOfConfirmation = {"Message", "MessageId", "SubscribeURL", "Timestamp",
                                                                   "Token",   "TopicArn",  "Type"};

// "eu-central-1" of "arn:aws:sns:eu-central-1:123456789012:mail"; empty: it is no such name.
std::string_view region_of(std::string_view topic) {
  for (std::size_t field = 0; field < 3; ++field) {
    const std::size_t colon = topic.find(':');
    if (colon == std::string_view::npos) return {};
    topic.remove_prefix(colon + 1);
  }
  const std::string_view region = topic.substr(0, topic.find(':'));
  const bool is_word = std::all_of(region.begin(), region.end(),
                                   [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
  return is_word ? region : std::string_view();
}

// "https://sns.REGION.amazonaws.com/..." or ".com.cn", in printable ASCII: no other host, port or login, and no region but the topic's:
// "s3-us-west-2" in its place would be a bucket that anybody may have called "sns".
bool is_of_sns(std::string_view url, const json::value& envelope) {
  const std::string_view region = region_of(text_at(envelope, "TopicArn"));
  if (region.empty() || url.size() > kMaxUrl) return false;
  if (std::any_of(url.begin(), url.end(), [](char c) { return c <= ' ' || c > '~'; })) return false;
  const std::string host = "https://sns." + std::string(region) + ".amazonaws.com";
  return url.starts_with(host + "/") || url.starts_with(host + ".cn/");
}

result<void> check_topic(const UpstreamConfig& upstream, const json::value& envelope) {
  const std::string_view topic = text_at(envelope, "TopicArn");
  const std::vector<std::string>& believed = upstream.topic_arns;
  if (std::find(believed.begin(), believed.end(), topic) != believed.end()) return {};
  return invalid("the topic \"" + sanitize_reason_text(topic) + "\" is not in topic_arns");
}

result<std::string> certificate_url(const UpstreamConfig& upstream, const Callback& callback) {
  const result<json::value> envelope = parse_callback(callback.body);
  if (!envelope) return envelope.error();
  if (const result<void> topic = check_topic(upstream, *envelope); !topic) return topic.error();
  const std::string_view url = text_at(*envelope, "SigningCertURL");
  const bool is_plain = url.find_first_of("?#@\\%") == std::string_view::npos;
  if (!is_of_sns(url, *envelope) || !is_plain || !url.ends_with(".pem"))
    return invalid("SigningCertURL is not a certificate of Amazon SNS in the region of the topic");
  return std::string(url);
}

// Nothing: a part of it is missing.
std::optional<std::string> signed_text(const json::value& envelope) {
  const std::string_view type = text_at(envelope, "Type");
  if (type != kNotification && type != kConfirmation && type != kEnd) return std::nullopt;
  const std::span<const std::string_view> names = type == kNotification
                                                      ? std::span<const std::string_view>(kSignedOfNotification)
                                                      : std::span<const std::string_view>(kSignedOfConfirmation);
  std::string text;
  for (const std::string_view name : names) {
    const json::value& value = value_at(envelope, name);
    if (name == "Subject" && value.is_null()) continue;
    if (!value.is_string()) return std::nullopt;
    text.append(name).append("\n").append(text_at(envelope, name)).append("\n");
  }
  return text;
}

template <auto free_it>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    free_it(object);
  }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Free<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Digest = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;

// The RSA key of a certificate that is in its time; null: there is none.
Key key_of(std::string_view pem, Time now) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const Certificate certificate(bio ? PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr) : nullptr);
  if (!certificate) return nullptr;
  std::time_t at = std::chrono::system_clock::to_time_t(now);
  const bool in_time = X509_cmp_time(X509_get0_notBefore(certificate.get()), &at) < 0 &&
                       X509_cmp_time(X509_get0_notAfter(certificate.get()), &at) > 0;
  Key key(X509_get_pubkey(certificate.get()));
  return in_time && key && EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_RSA ? std::move(key) : nullptr;
}

// RSA with PKCS #1 v1.5 (RFC 8017 8.2), as EVP has it unless told otherwise.
bool is_signed(std::string_view text, std::string_view signature, EVP_PKEY* key, const EVP_MD* digest) {
  const Digest context(EVP_MD_CTX_new());
  return context && EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                          reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
}

Verdict forged(std::string text) {
  ERR_clear_error();  // a signature that does not fit leaves one, which another user of OpenSSL on this thread would find
  return {Authenticity::forged, std::move(text)};
}

Verdict verify_signature(const json::value& envelope, std::string_view certificate, Time now) {
  const std::string_view version = text_at(envelope, "SignatureVersion");
  const EVP_MD* digest = version == "1" ? EVP_sha1() : version == "2" ? EVP_sha256() : nullptr;
  const std::optional<std::string> text = signed_text(envelope);
  const std::optional<std::string> signature = base64_octets(text_at(envelope, "Signature"));
  if (digest == nullptr || !text || !signature) return forged("it is no signed message of Amazon SNS");
  const Key key = key_of(certificate, now);
  if (!key) return forged("the certificate of SigningCertURL cannot be read or is out of date");
  if (!is_signed(*text, *signature, key.get(), digest)) return forged("the signature of Amazon SNS does not fit");
  const std::optional<Time> at = parse_rfc3339(text_at(envelope, "Timestamp"));
  if (!at) return forged("its Timestamp cannot be read");
  return fresh(*at, now, kMaxAge);
}

Verdict verify(const UpstreamConfig& upstream, const Callback& callback, std::string_view certificate, Time now) {
  if (upstream.topic_arns.empty())
    return {Authenticity::unconfigured, "topic_arns is not set: its callbacks are refused"};
  if (header_of(callback, "x-amz-sns-rawdelivery") == "true")
    return forged("raw message delivery is switched on for the subscription: such messages carry no signature");
  const result<json::value> envelope = parse_callback(callback.body);
  if (!envelope) return forged(envelope.error().text);
  if (const result<void> topic = check_topic(upstream, *envelope); !topic) return forged(topic.error().text);
  return verify_signature(*envelope, certificate, now);
}

// ---- the event ------------------------------------------------------------------------------------------------------

struct Kind {
  std::string_view name;
  EventType type;
  std::string_view member;      // of the event: what is special to it; empty: nothing
  std::string_view recipients;  // of that; empty: it is about the whole message
  std::string_view text;        // of that
  bool of_content = false;      // a bounce because of what is in the message
};
constexpr Kind kKinds[] = {
    {"Send", EventType::processed, "", "", ""},
    {"Delivery", EventType::delivered, "delivery", "recipients", "smtpResponse"},
    {"DeliveryDelay", EventType::deferred, "deliveryDelay", "delayedRecipients", "delayType"},
    {"Bounce", EventType::bounced, "bounce", "bouncedRecipients", ""},
    {"Reject", EventType::bounced, "reject", "", "reason", true},  // a virus
    {"Rendering Failure", EventType::bounced, "failure", "", "errorMessage", true},
    {"Complaint", EventType::complained, "complaint", "complainedRecipients", "complaintFeedbackType"},
    {"Subscription", EventType::unsubscribed, "subscription", "", "contactList"},
    {"Open", EventType::opened, "open", "", ""},
    {"Click", EventType::clicked, "click", "", "link"},
};

const Kind* kind_of(const json::value& event) {
  std::string_view name = text_at(event, "eventType");
  if (name.empty()) name = text_at(event, "notificationType");  // of an identity, not of a configuration set
  const auto* found =
      std::find_if(std::begin(kKinds), std::end(kKinds), [&](const Kind& one) { return one.name == name; });
  return found == std::end(kKinds) ? nullptr : found;
}

bool opts_out(const json::value& preferences, std::string_view topic) {
  const json::array& topics = array_at(preferences, "topicSubscriptionStatus");
  return std::any_of(topics.begin(), topics.end(), [&](const json::value& one) {
    return text_at(one, "subscriptionStatus") == "OptOut" && text_at(one, "topicName") == topic;
  });
}

// A change of preferences by which something is unsubscribed that was not before.
bool is_unsubscribed(const json::value& subscription) {
  const json::value& before = value_at(subscription, "oldTopicPreferences");
  const json::value& after = value_at(subscription, "newTopicPreferences");
  if (flag_at(after, "unsubscribeAll")) return true;
  const json::array& topics = array_at(after, "topicSubscriptionStatus");
  return std::any_of(topics.begin(), topics.end(), [&](const json::value& one) {
    return text_at(one, "subscriptionStatus") == "OptOut" && !opts_out(before, text_at(one, "topicName"));
  });
}

std::string id_of(const json::value& id) {
  return id_at(json::object{{"id", id}}, "id");
}

// Some lists are of addresses, the others of objects.
std::string address_of(const json::value& recipient) {
  return recipient.is_string() ? id_of(recipient) : id_at(recipient, "emailAddress");
}

Reason reason_of(const Kind& kind, const json::value& detail, const json::value& recipient) {
  Reason reason = bounce_reason(
      kind.type, {text_at(detail, "bounceType"), text_at(detail, "bounceSubType"), text_at(recipient, "status"),
                  text_at(recipient, "diagnosticCode"), text_at(detail, kind.text)});
  if (kind.of_content) reason.cause = Cause::content;
  return reason;
}

// What all reports of one event have in common.
struct Common {
  ReportedEvent event;  // key: without the recipient
  std::string only;  // the message's recipient when it has one; empty: several, and opens and clicks do not say whose
};

std::optional<Common> common_of(const Kind& kind, const json::value& event, const json::value& envelope, Time now) {
  const json::value& mail = value_at(event, "mail");
  const json::value& detail = value_at(event, kind.member);
  const json::array& tags = array_at(value_at(mail, "tags"), "postrider_id");
  const json::array& all = array_at(mail, "destination");
  const json::value& dated = text_at(detail, "timestamp").empty() ? mail : detail;
  Common common;
  common.event.type = kind.type;
  common.event.at = rfc3339_at(dated, "timestamp", now);
  if (!tags.empty()) common.event.message = id_of(tags.front());
  common.event.provider_id = id_at(mail, "messageId");
  if (all.size() == 1) common.only = address_of(all.front());
  if (common.event.message.empty() && common.event.provider_id.empty()) return std::nullopt;
  // By what it says, not by SNS's MessageId: an identity and a configuration set may both publish one event. Nor by our id, which
  // an identity does not give.
  std::string_view when = text_at(dated, "timestamp");
  if (when.empty()) when = text_at(envelope, "MessageId");
  const std::string& id = common.event.provider_id.empty() ? common.event.message : common.event.provider_id;
  for (const std::string_view part :
       {kind.name, std::string_view(id), when, text_at(detail, "link"), text_at(detail, "ipAddress")})
    common.event.key.append(part).append("\n");
  return common;
}

void add(CallbackReading& reading, const Common& common, std::string recipient, Reason reason) {
  ReportedEvent event = common.event;
  event.key.append(recipient);
  event.recipient = std::move(recipient);
  event.reason = std::move(reason);
  reading.events.push_back(std::move(event));
}

CallbackReading ignored() {
  CallbackReading reading;
  reading.ignored = 1;
  return reading;
}

result<CallbackReading> read_event(const json::value& event, const json::value& envelope, Time now) {
  const Kind* kind = kind_of(event);
  if (kind == nullptr) return ignored();
  const json::value& detail = value_at(event, kind->member);
  if (kind->type == EventType::unsubscribed && !is_unsubscribed(detail)) return ignored();
  const std::optional<Common> common = common_of(*kind, event, envelope, now);
  if (!common) return ignored();
  CallbackReading reading;
  if (kind->recipients.empty()) {
    Reason reason = reason_of(*kind, detail, nullptr);
    if (kind->type == EventType::opened && common->only.empty())
      reason.text = "one of the recipients, SES does not say which";
    add(reading, *common, common->only, std::move(reason));
    return reading;
  }
  const json::array& recipients = array_at(detail, kind->recipients);
  if (recipients.empty()) return ignored();
  if (recipients.size() > kMaxReports) return too_many_reports();
  for (const json::value& recipient : recipients) {
    std::string address = address_of(recipient);
    if (address.empty())
      ++reading.ignored;
    else
      add(reading, *common, std::move(address), reason_of(*kind, detail, recipient));
  }
  return reading;
}

result<CallbackReading> read(const UpstreamConfig&, const Callback& callback, Time now) {
  const result<json::value> envelope = parse_callback(callback.body);
  if (!envelope) return envelope.error();
  const std::string_view type = text_at(*envelope, "Type");
  if (type == kConfirmation) {
    CallbackReading reading;
    reading.confirm_url = text_at(*envelope, "SubscribeURL");
    if (!is_of_sns(reading.confirm_url, *envelope))
      return invalid("SubscribeURL is not of Amazon SNS in the region of the topic");
    return reading;
  }
  if (type != kNotification) return ignored();
  // The first message of an event destination is a sentence: "Successfully validated SNS topic for Amazon SES event publishing."
  const result<json::value> event = parse_callback(text_at(*envelope, "Message"));
  return event ? read_event(*event, *envelope, now) : ignored();
}

}  // namespace

constexpr Callbacks ses_callbacks{UpstreamType::ses,   certificate_url, verify,       read,
                                  build_ses_hook_list, plan_ses_hooks,  read_ses_hook};

}  // namespace postrider::providers
