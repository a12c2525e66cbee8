// Amazon SES, API v2: the octets as they are, as Content.Raw in JSON, signed with Signature Version 4. SES puts its own Message-ID,
// Date and return path in; events carry our id in the tag postrider_id.
// https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html
#include <algorithm>
#include <boost/json/serialize.hpp>

#include "providers/ses_parts.h"

namespace postrider::providers {

namespace {

constexpr std::size_t kMaxRecipients = 50;                         // SES quotas
constexpr std::uint64_t kMaxOctets = 40ull * 1024 * 1024 / 4 * 3;  // 40 MB after base64
constexpr Duration kRatePause = std::chrono::seconds(2);           // the sending rate counts by the second

// Names as in the service model of SES v2 and in "Common Errors" of AWS; texts where a name means several things. Names decide: the
// HTTP status of one name differs between services.
constexpr OutcomeRow kOutcomes[] = {
    {0, "", "maximum sending rate exceeded", Meaning::throttled},
    {0, "", "daily message quota exceeded", Meaning::quota_used_up},
    {0, "MessageRejected", "email address is not verified", Meaning::bad_sender},
    {0, "MessageRejected", "sending paused", Meaning::misconfigured},
    {0, "MessageRejected", "", Meaning::bad_message},
    {0, "BadRequestException", "message length is more than", Meaning::too_big},
    {0, "BadRequestException", "address", Meaning::bad_recipient},  // "Illegal address", "Local address contains ..."
    {0, "BadRequestException", "", Meaning::bad_message},
    {0, "ValidationException", "", Meaning::bad_message},
    {0, "ValidationError", "", Meaning::bad_message},
    {0, "InvalidParameterValue", "", Meaning::bad_message},
    {0, "MailFromDomainNotVerifiedException", "", Meaning::bad_sender},
    {0, "AccountSuspendedException", "", Meaning::misconfigured},
    {0, "SendingPausedException", "", Meaning::misconfigured},
    {0, "NotFoundException", "", Meaning::misconfigured},  // the configuration set
    {0, "UnknownOperationException", "", Meaning::misconfigured},
    {0, "SerializationException", "", Meaning::misconfigured},  // not the API we know
    // Slow down.
    {0, "TooManyRequestsException", "", Meaning::throttled},
    {0, "LimitExceededException", "", Meaning::throttled},
    {0, "ThrottlingException", "", Meaning::throttled},
    {0, "Throttling", "", Meaning::throttled},
    {0, "ThrottledException", "", Meaning::throttled},
    {0, "RequestThrottled", "", Meaning::throttled},
    {0, "RequestThrottledException", "", Meaning::throttled},
    {0, "RequestLimitExceeded", "", Meaning::throttled},
    {0, "BandwidthLimitExceeded", "", Meaning::throttled},
    {0, "SlowDown", "", Meaning::throttled},
    // Keys, signature, permission.
    {0, "AccessDeniedException", "", Meaning::bad_login},
    {0, "AccessDenied", "", Meaning::bad_login},
    {0, "ExpiredTokenException", "", Meaning::bad_login},
    {0, "ExpiredToken", "", Meaning::bad_login},
    {0, "IncompleteSignature", "", Meaning::bad_login},
    {0, "IncompleteSignatureException", "", Meaning::bad_login},
    {0, "InvalidClientTokenId", "", Meaning::bad_login},
    {0, "InvalidSignatureException", "", Meaning::bad_login},
    {0, "SignatureDoesNotMatch", "", Meaning::bad_login},
    {0, "UnrecognizedClientException", "", Meaning::bad_login},
    {0, "MissingAuthenticationToken", "", Meaning::bad_login},
    {0, "MissingAuthenticationTokenException", "", Meaning::bad_login},
    {0, "NotAuthorized", "", Meaning::bad_login},
    {0, "OptInRequired", "", Meaning::bad_login},
    {0, "RequestExpired", "", Meaning::misconfigured},  // one of the two clocks is over 15 minutes off
    // Their trouble.
    {0, "InternalServiceErrorException", "", Meaning::transient},
    {0, "InternalServiceError", "", Meaning::transient},
    {0, "InternalServerError", "", Meaning::transient},
    {0, "InternalFailure", "", Meaning::transient},
    {0, "ServiceUnavailable", "", Meaning::transient},
    {0, "ServiceUnavailableException", "", Meaning::transient},
    {0, "RequestTimeout", "", Meaning::transient},
    {0, "RequestTimeoutException", "", Meaning::transient},
    // Names that bounce a message are listed: any other is no reason to.
    {400, "", "", Meaning::transient},
    {422, "", "", Meaning::transient},
};

std::string quoted(std::string_view text) {
  return boost::json::serialize(boost::json::string_view(text.data(), text.size()));
}

// The envelope's recipients are given as Destination, which SES does not write into the header. FromEmailAddress is left out, since
// it would replace the From field.
std::string body_of(const UpstreamConfig& upstream, const Mail& mail) {
  std::string recipients;
  for (std::size_t i = 0; i < mail.recipients.size(); ++i)
    recipients.append(i == 0 ? "" : ",").append(quoted(address_text(mail, i)));
  const std::string octets = base64(mail.body);
  std::string text;
  text.reserve(octets.size() + recipients.size() + 512);
  text.append(R"({"Content":{"Raw":{"Data":")").append(octets);
  text.append(R"("}},"Destination":{"ToAddresses":[)").append(recipients);
  text.append(R"(]},"EmailTags":[{"Name":"postrider_id","Value":)").append(quoted(mail.message.id.str())).append("}]");
  if (!upstream.configuration_set.empty())
    text.append(R"(,"ConfigurationSetName":)").append(quoted(upstream.configuration_set));
  return text.append("}");
}

bool needs_smtputf8(const Mail& mail) {
  return mail.message.envelope.smtputf8 ||
         std::any_of(mail.recipients.begin(), mail.recipients.end(),
                     [&](std::uint32_t index) { return mail.message.recipients[index].address.needs_smtputf8(); });
}

result<Request> build(const UpstreamConfig& upstream, const Mail& mail, Time now) {
  if (needs_smtputf8(mail)) return invalid("Amazon SES does not take internationalised addresses (SMTPUTF8)");
  Request request;
  request.url = ses_base(upstream) + "/v2/email/outbound-emails";
  request.body = body_of(upstream, mail);
  request.headers = ses_headers(upstream, request, now);
  return request;
}

// GetAccount: says whether sending is enabled.
result<Request> build_probe(const UpstreamConfig& upstream, Time now) {
  Request request;
  request.method = "GET";
  request.url = ses_base(upstream) + "/v2/email/account";
  request.headers = ses_headers(upstream, request, now);
  return request;
}

Reading read_error(const Answer& answer, const boost::json::value& json, std::size_t recipients, Time now) {
  const AwsError error = aws_error(answer, json);
  const Meaning meaning = look_up(kOutcomes, answer.status, error.name, error.message);
  Reading reading = reading_of(meaning, answer, error.text(), recipients, now);
  // One address that SES dislikes fails the whole call, and its texts do not always say so.
  if (reading.kind == OutcomeKind::bounced && error.name != "MessageRejected" && recipients > 1) reading.split = true;
  if (meaning == Meaning::throttled && reading.throttled_until == Time{}) reading.throttled_until = now + kRatePause;
  return reading;
}

Reading read(const UpstreamConfig&, const Answer& answer, std::size_t recipients, Time now) {
  const boost::json::value json = json_of(answer);
  const std::string_view id = text_at(json, "MessageId");
  if (answer.status != 200 || id.empty()) return read_error(answer, json, recipients, now);
  Reading reading = reading_of(Meaning::accepted, answer, "MessageId " + std::string(id), recipients, now);
  reading.provider_id = id;
  return reading;
}

bool is_false(const boost::json::value& json, std::string_view member) {
  const boost::json::object* object = json.if_object();
  const boost::json::value* found = object == nullptr ? nullptr : object->if_contains(member);
  return found != nullptr && found->is_bool() && !found->get_bool();
}

Reading read_probe(const Answer& answer, Time now) {
  const boost::json::value json = json_of(answer);
  // The signature was good: a key that may send and nothing else is a good one.
  if (aws_error(answer, json).name.starts_with("AccessDenied"))
    return reading_of(Meaning::accepted, answer, "the key is known; it may not ask for the account (ses:GetAccount)", 1,
                      now);
  if (answer.status != 200 || !json.is_object()) return of_probe(read_error(answer, json, 1, now));
  if (is_false(json, "SendingEnabled"))
    return reading_of(Meaning::misconfigured, answer, "sending is paused for this account", 1, now);
  return reading_of(Meaning::accepted, answer, "the account may send", 1, now);
}

}  // namespace

constexpr Provider ses{UpstreamType::ses, "ses", kMaxRecipients, kMaxOctets, false, build,
                       build_probe,       read,  read_probe};

}  // namespace postrider::providers
