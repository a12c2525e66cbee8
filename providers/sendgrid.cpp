// SendGrid, Web API v3: the message taken apart (lossy). Who sees whom is said by personalizations, one for each letter. Events carry
// our id in the custom argument postrider_id. https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "providers/json_mail.h"

namespace postrider::providers {

namespace {

namespace json = boost::json;

constexpr std::string_view kVendor = "https://api.sendgrid.com";
constexpr std::size_t kMaxRecipients = 1000;               // to, cc and bcc of a request; personalizations too
constexpr std::uint64_t kMaxOctets = 30ull * 1000 * 1000;  // of a request with its attachments
constexpr std::size_t kMaxCategories = 10;

// Reserved, besides those that are not among the other fields anyway: the request is refused with them.
constexpr std::array<std::string_view, 2> kLeftOut = {"x-sg-id", "x-sg-eid"};
constexpr JsonRules kRules{"sendgrid", true, true, kLeftOut};

// The code is the first word of the field that the error names ("personalizations.0.to").
constexpr OutcomeRow kOutcomes[] = {
    {400, "personalizations", "", Meaning::bad_recipient},
    {0, "", "maximum credits exceeded", Meaning::quota_used_up},  // with 401
    {0, "", "sender identity", Meaning::bad_sender},              // with 403: From is not verified
    {403, "", "too many bad requests", Meaning::throttled},       // a block for a while
    {400, "", "authorization", Meaning::bad_login},
    {400, "", "", Meaning::bad_message},
    {401, "", "", Meaning::bad_login},
    {403, "", "", Meaning::bad_login},  // the key lacks the scope mail.send
    {404, "", "", Meaning::misconfigured},
    {406, "", "", Meaning::misconfigured},
    {413, "", "", Meaning::too_big},
    {429, "", "", Meaning::throttled},
};

// SendGrid does not quote a name with a comma or semicolon in recipients, and takes it for two (sendgrid-python issue 291).
json::object recipient(const Mailbox& mailbox) {
  json::object object{{"email", mailbox.email}};
  if (mailbox.name.empty()) return object;
  std::string name = mailbox.name;
  if (name.find_first_of(",;") != std::string::npos) {
    name = "\"";
    for (const char c : mailbox.name) name.append(c == '"' || c == '\\' ? "\\" : "").append(1, c);
    name += '"';
  }
  object.emplace("name", name);
  return object;
}

json::object author(const Mailbox& mailbox) {
  json::object object{{"email", mailbox.email}};
  if (!mailbox.name.empty()) object.emplace("name", mailbox.name);
  return object;
}

json::array recipients_of(const std::vector<Mailbox>& mailboxes) {
  json::array list;
  for (const Mailbox& mailbox : mailboxes) list.push_back(recipient(mailbox));
  return list;
}

json::array personalizations(const JsonMail& mail) {
  json::array letters;
  if (mail.to.empty()) {
    for (const Mailbox& mailbox : mail.bcc) letters.push_back(json::object{{"to", json::array{recipient(mailbox)}}});
    return letters;
  }
  json::object letter{{"to", recipients_of(mail.to)}};
  if (!mail.cc.empty()) letter.emplace("cc", recipients_of(mail.cc));
  if (!mail.bcc.empty()) letter.emplace("bcc", recipients_of(mail.bcc));
  letters.push_back(std::move(letter));
  return letters;
}

json::array content(const JsonMail& mail) {
  json::array list;  // in this order, or it is refused
  const auto add = [&](const std::string& type, const std::string& text) {
    if (!text.empty()) list.push_back(json::object{{"type", type}, {"value", text}});
  };
  add("text/plain", mail.plain);
  add("text/html", mail.html);
  for (const TextPart& part : mail.others)
    add(part.method.empty() ? part.content_type : part.content_type + "; method=" + part.method, part.text);
  return list;
}

json::array attachments(const JsonMail& mail) {
  json::array list;
  for (const Attachment& attachment : mail.attachments) {
    json::object object{{"content", base64(attachment.octets)},
                        {"type", attachment.content_type},
                        {"filename", file_name(attachment)},
                        {"disposition", attachment.is_inline ? "inline" : "attachment"}};
    if (!attachment.content_id.empty()) object.emplace("content_id", attachment.content_id);
    list.push_back(std::move(object));
  }
  return list;
}

void add_reply_to(const JsonMail& mail, json::object& object) {
  if (mail.reply_to.size() == 1) object.emplace("reply_to", author(mail.reply_to.front()));
  if (mail.reply_to.size() < 2) return;
  json::array list;
  for (const Mailbox& mailbox : mail.reply_to) list.push_back(author(mailbox));
  object.emplace("reply_to_list", std::move(list));
}

json::array categories(const std::vector<std::string>& tags) {
  json::array list;
  for (const std::string& tag : tags)
    if (list.size() < kMaxCategories && std::find(list.begin(), list.end(), json::value(tag)) == list.end())
      list.push_back(json::value(tag));
  return list;
}

Headers fields_of(const UpstreamConfig& upstream) {
  return {{"Authorization", "Bearer " + upstream.api_key},
          {"Content-Type", "application/json"},
          {"Accept", "application/json"}};
}

result<Request> build(const UpstreamConfig& upstream, const Mail& mail, Time) {
  const result<JsonMail> taken = take_apart(mail, kRules);
  if (!taken) return taken.error();
  const auto is_empty = [](const Attachment& attachment) { return attachment.octets.empty(); };
  if (std::any_of(taken->attachments.begin(), taken->attachments.end(), is_empty))
    return invalid("sendgrid cannot express this message: a file in it is empty");
  json::object object{{"personalizations", personalizations(*taken)},
                      {"from", author(taken->from)},
                      {"subject", taken->subject.empty() ? kNoSubject : std::string_view(taken->subject)},
                      {"content", content(*taken)},
                      {"custom_args", json::object{{"postrider_id", taken->id}}}};
  add_reply_to(*taken, object);
  if (!taken->attachments.empty()) object.emplace("attachments", attachments(*taken));
  if (json::object headers = header_object(*taken); !headers.empty()) object.emplace("headers", std::move(headers));
  if (json::array list = categories(mail.message.envelope.tags); !list.empty())
    object.emplace("categories", std::move(list));
  if (upstream.sandbox) object.emplace("mail_settings", json::object{{"sandbox_mode", json::object{{"enable", true}}}});
  return Request{"POST", api_base(upstream, kVendor) + "/v3/mail/send", fields_of(upstream), json::serialize(object)};
}

struct Said {
  std::string_view field, text;
};

// Of several errors one that is not about a recipient, if there is one: without it, asking in halves would help nobody.
Said error_of(const Answer& answer, const json::value& value) {
  const json::object* object = value.if_object();
  const json::value* member = object == nullptr ? nullptr : object->if_contains("errors");
  const json::array* errors = member == nullptr ? nullptr : member->if_array();
  Said said;
  for (std::size_t i = 0; errors != nullptr && i < errors->size(); ++i) {
    const std::string_view field = text_at((*errors)[i], "field");
    const Said one{field.substr(0, field.find('.')), text_at((*errors)[i], "message")};
    if (said.text.empty()) said = one;
    if (one.field != "personalizations") return one;
  }
  if (said.text.empty()) said.text = plain_text(answer);
  return said;
}

// 202 is the answer to mail that was taken, its body empty. 200 is the sandbox's, which checks and sends nothing; without the sandbox
// it is not documented: in the shape of a 202 it leaves doubt, anything else is another server's.
Meaning meaning_of(const UpstreamConfig& upstream, const Answer& answer, const json::value& value, const Said& said) {
  const bool own_shape = answer.body.empty() || !answer.header("x-message-id").empty();
  if (answer.status == 202 && (own_shape || !is_page(answer))) return Meaning::accepted;
  if (answer.status == 200 && upstream.sandbox && (own_shape || value.is_object())) return Meaning::accepted;
  if (answer.status == 200 && !own_shape) return Meaning::misconfigured;
  return look_up(kOutcomes, answer.status, said.field, said.text);
}

Reading read(const UpstreamConfig& upstream, const Answer& answer, std::size_t recipients, Time now) {
  const json::value value = json_of(answer);
  const Said said = error_of(answer, value);
  const Meaning meaning = meaning_of(upstream, answer, value, said);
  const bool accepted = meaning == Meaning::accepted;
  Reading reading = reading_of(meaning, answer, accepted ? std::string_view() : said.text, recipients, now);
  if (accepted) reading.provider_id = answer.header("x-message-id");
  return reading;
}

// Any key may ask for its own scopes.
result<Request> build_probe(const UpstreamConfig& upstream, Time) {
  return Request{"GET", api_base(upstream, kVendor) + "/v3/scopes", fields_of(upstream), ""};
}

Reading read_probe(const Answer& answer, Time now) {
  const json::value value = json_of(answer);
  const json::object* object = value.if_object();
  const json::value* member = object == nullptr ? nullptr : object->if_contains("scopes");
  const json::array* scopes = member == nullptr ? nullptr : member->if_array();
  if (answer.status == 200 && scopes != nullptr) {
    const bool may_send = std::find(scopes->begin(), scopes->end(), json::value("mail.send")) != scopes->end();
    return may_send ? reading_of(Meaning::accepted, answer, "", 1, now)
                    : reading_of(Meaning::bad_login, answer, "the key has not the scope mail.send", 1, now);
  }
  const Said said = error_of(answer, value);
  return of_probe(reading_of(look_up(kOutcomes, answer.status, said.field, said.text), answer, said.text, 1, now));
}

}  // namespace

constexpr Provider sendgrid{
    UpstreamType::sendgrid, "sendgrid", kMaxRecipients, kMaxOctets, true, build, build_probe, read, read_probe};

}  // namespace postrider::providers
