// Mailjet, Send API v3.1: the message taken apart (lossy), one message a call, since valid messages of a call are sent although
// others of it are refused. Mailjet writes Message-ID and Date itself. Events carry our id as CustomID.
// https://dev.mailjet.com/email/guides/send-api-v31/
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "providers/json_mail.h"

namespace postrider::providers {

namespace {

namespace json = boost::json;

constexpr std::string_view kVendor = "https://api.mailjet.com";
constexpr std::size_t kMaxRecipients = 50;
constexpr std::uint64_t kMaxOctets = 15ull * 1000 * 1000;  // attachments; the text is counted with them here
constexpr std::size_t kMaxSubject = 255;                   // characters

// "Add Email Headers" lists them: the request is refused with them (send-0011). Those of the X-MJ kind steer Mailjet itself.
constexpr std::array<std::string_view, 12> kLeftOut = {
    "sender",        "user-agent", "x-mailer", "x-mj-*",     "x-mailjet-*",      "domainkey-status",
    "x-feedback-id", "list-id",    "date",     "message-id", "x-csa-complaints", "received-spf"};
constexpr JsonRules kRules{"mailjet", false, false, kLeftOut};

// The text ends in what the error is related to: "... [To[0].Email]".
constexpr OutcomeRow kOutcomes[] = {
    {0, "mj-0001", "", Meaning::misconfigured},  // the key is suspended
    {0, "mj-0002", "", Meaning::transient},      // JSON that it cannot read: ours to mend, and no reason to bounce mail
    {0, "mj-0015", "", Meaning::bad_login},
    {0, "mj-0011", "", Meaning::too_big},
    {0, "mj-0013", "[to[", Meaning::bad_recipient},  // an invalid address
    {0, "mj-0013", "[cc[", Meaning::bad_recipient},
    {0, "mj-0013", "[bcc[", Meaning::bad_recipient},
    {0, "send-0006", "", Meaning::bad_sender},
    {0, "send-0007", "", Meaning::bad_sender},
    {0, "send-0008", "", Meaning::bad_sender},
    {0, "send-0015", "", Meaning::bad_recipient},  // too many recipients: fewer may do
    {401, "", "", Meaning::bad_login},
    {403, "", "", Meaning::bad_login},
    {404, "", "", Meaning::misconfigured},
    {405, "", "", Meaning::misconfigured},
    {413, "", "", Meaning::too_big},
    {429, "", "", Meaning::throttled},  // in plain text
    {400, "", "", Meaning::bad_message},
};

json::object mailbox_of(const Mailbox& mailbox) {
  json::object object{{"Email", mailbox.email}};
  if (!mailbox.name.empty()) object.emplace("Name", mailbox.name);
  return object;
}

void add_mailboxes(json::object& object, std::string_view name, const std::vector<Mailbox>& mailboxes) {
  if (mailboxes.empty()) return;
  json::array list;
  for (const Mailbox& mailbox : mailboxes) list.push_back(mailbox_of(mailbox));
  object.emplace(name, std::move(list));
}

void add_attachments(json::object& object, const JsonMail& mail) {
  json::array files, inlined;
  for (const Attachment& attachment : mail.attachments) {
    json::object file{{"ContentType", attachment.content_type},
                      {"Filename", file_name(attachment)},
                      {"Base64Content", base64(attachment.octets)}};
    if (attachment.is_inline) file.emplace("ContentID", attachment.content_id);
    (attachment.is_inline ? inlined : files).push_back(std::move(file));
  }
  if (!files.empty()) object.emplace("Attachments", std::move(files));
  if (!inlined.empty()) object.emplace("InlinedAttachments", std::move(inlined));
}

std::size_t characters(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

Headers fields_of(const UpstreamConfig& upstream) {
  return {{"Authorization", basic_login(upstream.api_key, upstream.api_secret)}, {"Content-Type", "application/json"}};
}

result<Request> build(const UpstreamConfig& upstream, const Mail& mail, Time) {
  const result<JsonMail> taken = take_apart(mail, kRules);
  if (!taken) return taken.error();
  if (taken->reply_to.size() > 1)
    return invalid("mailjet cannot express this message: it has several addresses in Reply-To");
  if (characters(taken->subject) > kMaxSubject)
    return invalid("mailjet cannot express this message: its subject is longer than 255 characters");
  json::object letter{{"From", mailbox_of(taken->from)}, {"CustomID", taken->id}};
  add_mailboxes(letter, "To", taken->to);
  add_mailboxes(letter, "Cc", taken->cc);
  add_mailboxes(letter, "Bcc", taken->bcc);
  if (!taken->reply_to.empty()) letter.emplace("ReplyTo", mailbox_of(taken->reply_to.front()));
  if (!taken->subject.empty()) letter.emplace("Subject", taken->subject);
  if (!taken->plain.empty()) letter.emplace("TextPart", taken->plain);
  if (!taken->html.empty()) letter.emplace("HTMLPart", taken->html);
  add_attachments(letter, *taken);
  if (json::object headers = header_object(*taken); !headers.empty()) letter.emplace("Headers", std::move(headers));
  const std::vector<std::string>& tags = mail.message.envelope.tags;
  if (!tags.empty()) letter.emplace("CustomCampaign", tags.front());
  json::object object{{"Messages", json::array{std::move(letter)}}};
  if (upstream.sandbox) object.emplace("SandboxMode", true);
  return Request{"POST", api_base(upstream, kVendor) + "/v3.1/send", fields_of(upstream), json::serialize(object)};
}

// The only message of the answer; null: the answer has none.
const json::object* letter_of(const json::value& value) {
  const json::object* object = value.if_object();
  const json::value* member = object == nullptr ? nullptr : object->if_contains("Messages");
  const json::array* messages = member == nullptr ? nullptr : member->if_array();
  return messages == nullptr || messages->empty() ? nullptr : messages->front().if_object();
}

// Exactly, as decimal digits: ids are beyond 2^53, where a double has gaps.
std::string id_of(const json::object& recipient) {
  const json::value* id = recipient.if_contains("MessageID");
  if (id == nullptr) return {};
  if (const std::int64_t* number = id->if_int64()) return std::to_string(*number);
  if (const std::uint64_t* number = id->if_uint64()) return std::to_string(*number);
  if (const json::string* text = id->if_string()) return std::string(*text);
  return {};
}

Reading accepted(const Answer& answer, const json::object& letter, std::size_t recipients, Time now) {
  Reading reading = reading_of(Meaning::accepted, answer, "", recipients, now);
  for (const std::string_view field : {"To", "Cc", "Bcc"}) {
    const json::value* member = letter.if_contains(field);
    const json::array* list = member == nullptr ? nullptr : member->if_array();
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
      const json::object* recipient = (*list)[i].if_object();
      std::string id = recipient == nullptr ? std::string() : id_of(*recipient);
      if (id.empty()) continue;
      if (reading.provider_id.empty()) reading.provider_id = id;
      reading.named.push_back(
          {std::string(text_at((*list)[i], "Email")), OutcomeKind::sent, reading.reason, std::move(id)});
    }
  }
  return reading;
}

struct Said {
  std::string code, text;
};

// Of the message, or of the whole request.
Said error_of(const Answer& answer, const json::value& value) {
  const json::object* letter = letter_of(value);
  const json::value* member = letter == nullptr ? nullptr : letter->if_contains("Errors");
  const json::array* errors = member == nullptr ? nullptr : member->if_array();
  const json::value& error = errors == nullptr || errors->empty() ? value : errors->front();
  Said said{std::string(text_at(error, "ErrorCode")), std::string(text_at(error, "ErrorMessage"))};
  if (said.text.empty()) said.text = plain_text(answer);
  const json::value* related = error.is_object() ? error.get_object().if_contains("ErrorRelatedTo") : nullptr;
  if (related != nullptr && related->is_array())
    for (const json::value& field : related->get_array())
      if (field.is_string()) said.text.append(" [").append(field.get_string()).append("]");
  return said;
}

Reading read(const UpstreamConfig&, const Answer& answer, std::size_t recipients, Time now) {
  const json::value value = json_of(answer);
  const json::object* letter = letter_of(value);
  bool refused = false;
  if (answer.status >= 200 && answer.status < 300 && letter != nullptr) {
    const json::value* status = letter->if_contains("Status");
    if (status != nullptr && *status == "success") return accepted(answer, *letter, recipients, now);
    refused = status != nullptr && *status == "error";
  }
  const Said said = error_of(answer, value);
  Meaning meaning = look_up(kOutcomes, answer.status, said.code, said.text);
  if (refused && meaning == Meaning::uncertain) meaning = Meaning::transient;  // it says that it took nothing
  return reading_of(meaning, answer, said.text, recipients, now);
}

result<Request> build_probe(const UpstreamConfig& upstream, Time) {
  return Request{"GET", api_base(upstream, kVendor) + "/v3/REST/apikey?Limit=1", fields_of(upstream), ""};
}

Reading read_probe(const Answer& answer, Time now) {
  const json::value value = json_of(answer);
  if (answer.status == 200 && value.is_object() && value.get_object().contains("Data"))
    return reading_of(Meaning::accepted, answer, "", 1, now);
  const Said said = error_of(answer, value);
  return of_probe(reading_of(look_up(kOutcomes, answer.status, said.code, said.text), answer, said.text, 1, now));
}

}  // namespace

constexpr Provider mailjet{UpstreamType::mailjet, "mailjet", kMaxRecipients, kMaxOctets, true, build,
                           build_probe,           read,      read_probe};

}  // namespace postrider::providers
