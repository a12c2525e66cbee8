// Resend, email API: the message taken apart (lossy). It writes Message-ID and Date itself. The only one of the vendors that knows
// idempotency keys: a call whose answer was lost can be made again within a day without a second mail. Events carry our id in the
// tag postrider_id. https://resend.com/docs/api-reference/emails/send-email
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "providers/json_mail.h"

namespace postrider::providers {

namespace {

namespace json = boost::json;

constexpr std::string_view kVendor = "https://api.resend.com";
constexpr std::size_t kMaxRecipients = 50;
constexpr std::uint64_t kMaxOctets = 40ull * 1000 * 1000;  // after base64
constexpr std::size_t kMaxTag = 256;

constexpr std::array<std::string_view, 2> kLeftOut = {"message-id", "date"};
constexpr JsonRules kRules{"resend", false, false, kLeftOut};

// The code is the error's name. "too_big" stands for whatever another upstream may still take: Resend refuses display names and
// characters that are right.
constexpr OutcomeRow kOutcomes[] = {
    {0, "rate_limit_exceeded", "", Meaning::throttled},
    {0, "daily_quota_exceeded", "", Meaning::quota_used_up},
    {0, "monthly_quota_exceeded", "", Meaning::quota_used_up},
    {0, "missing_api_key", "", Meaning::bad_login},
    {0, "invalid_api_key", "", Meaning::bad_login},
    {0, "restricted_api_key", "", Meaning::bad_login},
    {0, "invalid_access", "", Meaning::bad_login},
    {0, "validation_error", "testing emails",
     Meaning::bad_sender},  // only to one's own address before a domain is verified
    {0, "validation_error", "not verified", Meaning::bad_sender},
    {0, "validation_error", "`to`", Meaning::bad_recipient},
    {0, "validation_error", "`cc`", Meaning::bad_recipient},
    {0, "validation_error", "`bcc`", Meaning::bad_recipient},
    {0, "validation_error", "`from`", Meaning::too_big},
    {403, "validation_error", "", Meaning::bad_sender},
    {0, "invalid_from_address", "", Meaning::too_big},
    {0, "invalid_attachment", "", Meaning::too_big},
    {0, "security_error", "", Meaning::too_big},
    {0, "validation_error", "", Meaning::bad_message},
    {0, "missing_required_field", "", Meaning::bad_message},
    {0, "invalid_parameter", "", Meaning::bad_message},
    // The first request of that key is still under way, or was another one: ask again later.
    {0, "concurrent_idempotent_requests", "", Meaning::transient},
    {0, "invalid_idempotent_request", "", Meaning::transient},
    {0, "invalid_idempotency_key", "", Meaning::transient},
    {0, "invalid_region", "", Meaning::misconfigured},
    {0, "not_found", "", Meaning::misconfigured},
    {0, "method_not_allowed", "", Meaning::misconfigured},
    {0, "application_error", "", Meaning::transient},
    {0, "internal_server_error", "", Meaning::transient},
};

// The author's name goes unencoded: an encoded word in `from` is refused (security_error).
std::string author(const Mailbox& mailbox) {
  const bool plain = mailbox.name.empty() || !has_specials(mailbox.name);
  return plain && !mailbox.name.empty() ? mailbox.name + " <" + mailbox.email + ">" : mailbox_text(mailbox);
}

// A quoted name is refused elsewhere, so that names with specials are encoded although they need not be.
std::string recipient(const Mailbox& mailbox) {
  if (!has_specials(mailbox.name)) return mailbox_text(mailbox);
  return encoded_word(mailbox.name) + " <" + mailbox.email + ">";
}

void add_mailboxes(json::object& object, std::string_view name, const std::vector<Mailbox>& mailboxes) {
  if (mailboxes.empty()) return;
  json::array list;
  for (const Mailbox& mailbox : mailboxes) list.push_back(json::value(recipient(mailbox)));
  object.emplace(name, std::move(list));
}

json::array attachments(const JsonMail& mail) {
  json::array list;
  for (const Attachment& attachment : mail.attachments) {
    json::object file{{"filename", file_name(attachment)},
                      {"content", base64(attachment.octets)},
                      {"content_type", attachment.content_type}};
    if (attachment.is_inline) file.emplace("content_id", attachment.content_id);
    list.push_back(std::move(file));
  }
  return list;
}

// Letters, digits, '_' and '-' of ASCII; anything else becomes '_'.
std::string tag_value(std::string_view text) {
  std::string value(text.substr(0, kMaxTag));
  std::replace_if(
      value.begin(), value.end(),
      [](char c) { return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'); },
      '_');
  return value;
}

// Its events name some of the recipients and do not say which of them they are about: with one there is no doubt.
json::array tags(const JsonMail& mail, const std::vector<std::string>& tags) {
  json::array list{json::object{{"name", "postrider_id"}, {"value", mail.id}}};
  const std::size_t recipients = mail.to.size() + mail.cc.size() + mail.bcc.size();
  if (recipients > 1)
    list.push_back(json::object{{"name", "postrider_recipients"}, {"value", std::to_string(recipients)}});
  for (std::size_t i = 0; i < tags.size(); ++i)
    if (!tags[i].empty())
      list.push_back(
          json::object{{"name", i == 0 ? "tag" : "tag_" + std::to_string(i + 1)}, {"value", tag_value(tags[i])}});
  return list;
}

// The same for every try of the same recipients of the same message, whatever became of the tries before: only what was sent is
// remembered under it.
std::string idempotency_key(const Mail& mail) {
  constexpr std::size_t kDigestOctets = 16;
  std::string text;
  for (std::size_t place = 0; place < mail.recipients.size(); ++place)
    text.append(address_text(mail, place)).append("\n");
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  std::string key = mail.message.id.str() + "-";
  for (std::size_t i = 0; i < kDigestOctets; ++i) {
    key += "0123456789abcdef"[digest[i] >> 4];
    key += "0123456789abcdef"[digest[i] & 15];
  }
  return key;
}

Headers fields_of(const UpstreamConfig& upstream) {
  return {{"Authorization", "Bearer " + upstream.api_key}, {"Content-Type", "application/json"}};
}

result<Request> build(const UpstreamConfig& upstream, const Mail& mail, Time) {
  const result<JsonMail> taken = take_apart(mail, kRules);
  if (!taken) return taken.error();
  json::object object{{"from", author(taken->from)},
                      {"subject", taken->subject.empty() ? kNoSubject : std::string_view(taken->subject)},
                      {"tags", tags(*taken, mail.message.envelope.tags)}};
  add_mailboxes(object, "to", taken->to);
  add_mailboxes(object, "cc", taken->cc);
  add_mailboxes(object, "bcc", taken->bcc);
  add_mailboxes(object, "reply_to", taken->reply_to);
  if (!taken->plain.empty()) object.emplace("text", taken->plain);
  if (!taken->html.empty()) object.emplace("html", taken->html);
  if (!taken->attachments.empty()) object.emplace("attachments", attachments(*taken));
  if (json::object headers = header_object(*taken); !headers.empty()) object.emplace("headers", std::move(headers));
  Request request{"POST", api_base(upstream, kVendor) + "/emails", fields_of(upstream), json::serialize(object)};
  request.headers.emplace_back("Idempotency-Key", idempotency_key(mail));
  return request;
}

Reading refused(const Answer& answer, const json::value& value, std::size_t recipients, Time now) {
  const std::string_view text = value.is_object() ? text_at(value, "message") : plain_text(answer);
  return reading_of(look_up(kOutcomes, answer.status, text_at(value, "name"), text), answer, text, recipients, now);
}

Reading read(const UpstreamConfig&, const Answer& answer, std::size_t recipients, Time now) {
  const json::value value = json_of(answer);
  const std::string_view id = text_at(value, "id");
  if (answer.status < 200 || answer.status >= 300 || id.empty()) return refused(answer, value, recipients, now);
  Reading reading = reading_of(Meaning::accepted, answer, "", recipients, now);
  reading.provider_id = id;
  return reading;
}

// A key that may only send is refused here by a name of its own, which is all that a probe wants to know.
result<Request> build_probe(const UpstreamConfig& upstream, Time) {
  return Request{"GET", api_base(upstream, kVendor) + "/domains", fields_of(upstream), ""};
}

Reading read_probe(const Answer& answer, Time now) {
  const json::value value = json_of(answer);
  const bool listed = answer.status == 200 && value.is_object() && value.get_object().contains("data");
  if (listed || text_at(value, "name") == "restricted_api_key")
    return reading_of(Meaning::accepted, answer, "", 1, now);
  return of_probe(refused(answer, value, 1, now));
}

}  // namespace

constexpr Provider resend{UpstreamType::resend, "resend", kMaxRecipients, kMaxOctets, true, build,
                          build_probe,          read,     read_probe};

}  // namespace postrider::providers
