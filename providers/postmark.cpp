// Postmark, email API: the message taken apart (lossy). Postmark writes Message-ID and Date itself. It knows which recipients it no
// longer delivers to ("inactive") and says so by address, also while it takes the message for the others. Events carry our id in
// Metadata.postrider_id. https://postmarkapp.com/developer/api/email-api
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "providers/json_mail.h"

namespace postrider::providers {

namespace {

namespace json = boost::json;

constexpr std::string_view kVendor = "https://api.postmarkapp.com";
constexpr std::size_t kMaxRecipients = 50;                 // To, Cc and Bcc together
constexpr std::uint64_t kMaxOctets = 10ull * 1000 * 1000;  // with attachments
constexpr std::size_t kMaxText = 5u * 1000 * 1000;         // TextBody and HtmlBody, each

constexpr std::array<std::string_view, 2> kLeftOut = {"message-id", "date"};
constexpr JsonRules kRules{"postmark", false, false, kLeftOut};

// The code is ErrorCode, which decides; the status is mostly 422. "too_big" stands for whatever another upstream may still take.
constexpr OutcomeRow kOutcomes[] = {
    {0, "10", "", Meaning::bad_login},
    {0, "100", "", Meaning::transient},  // maintenance
    {0, "300", "sender signature", Meaning::bad_sender},
    {0, "300", "'to'", Meaning::bad_recipient},
    {0, "300", "'cc'", Meaning::bad_recipient},
    {0, "300", "'bcc'", Meaning::bad_recipient},
    {0, "300", "", Meaning::bad_message},
    {0, "400", "", Meaning::bad_sender},  // sender signature not found
    {0, "401", "", Meaning::bad_sender},  // not confirmed
    {0, "402", "", Meaning::transient},   // JSON that it cannot read: ours to mend, and no reason to bounce mail
    {0, "403", "", Meaning::transient},
    {0, "405", "", Meaning::quota_used_up},  // no credits
    {0, "406", "", Meaning::bad_recipient},  // inactive
    {0, "409", "", Meaning::misconfigured},
    {0, "410", "", Meaning::misconfigured},
    {0, "411", "", Meaning::too_big},        // a type of attachment that it forbids
    {0, "412", "", Meaning::misconfigured},  // the account is pending
    {0, "413", "", Meaning::misconfigured},  // the account may not send
    {0, "429", "", Meaning::throttled},
    {0, "", "message stream", Meaning::misconfigured},
    {0, "", "messagestream", Meaning::misconfigured},
    {401, "", "", Meaning::bad_login},
    {403, "", "", Meaning::bad_login},
    {404, "", "", Meaning::misconfigured},
    {413, "", "", Meaning::too_big},
    {415, "", "", Meaning::misconfigured},
    {429, "", "", Meaning::throttled},
    {422, "", "", Meaning::transient},  // codes that bounce a message are listed: any other is no reason to
};

json::array fields_list(const JsonMail& mail) {
  json::array list;  // an array: repeated fields stay
  for (const auto& [name, value] : mail.headers) list.push_back(json::object{{"Name", name}, {"Value", value}});
  return list;
}

json::array attachments(const JsonMail& mail) {
  json::array list;
  for (const Attachment& attachment : mail.attachments) {
    json::object file{{"Name", file_name(attachment)},
                      {"Content", base64(attachment.octets)},
                      {"ContentType", attachment.content_type}};
    if (attachment.is_inline) file.emplace("ContentID", "cid:" + attachment.content_id);
    list.push_back(std::move(file));
  }
  return list;
}

Headers fields_of(const UpstreamConfig& upstream) {
  return {{"X-Postmark-Server-Token", upstream.server_token},
          {"Content-Type", "application/json"},
          {"Accept", "application/json"}};
}

result<Request> build(const UpstreamConfig& upstream, const Mail& mail, Time) {
  const result<JsonMail> taken = take_apart(mail, kRules);
  if (!taken) return taken.error();
  if (taken->plain.size() > kMaxText || taken->html.size() > kMaxText)
    return invalid("postmark cannot express this message: its text is longer than 5 MB");
  json::object object{{"From", mailbox_text(taken->from)},
                      {"To", mailboxes_text(taken->to)},
                      {"Subject", taken->subject},
                      {"Metadata", json::object{{"postrider_id", taken->id}}}};
  if (!taken->cc.empty()) object.emplace("Cc", mailboxes_text(taken->cc));
  if (!taken->bcc.empty()) object.emplace("Bcc", mailboxes_text(taken->bcc));
  if (!taken->reply_to.empty()) object.emplace("ReplyTo", mailboxes_text(taken->reply_to));
  if (!taken->plain.empty()) object.emplace("TextBody", taken->plain);
  if (!taken->html.empty()) object.emplace("HtmlBody", taken->html);
  if (!taken->headers.empty()) object.emplace("Headers", fields_list(*taken));
  if (!taken->attachments.empty()) object.emplace("Attachments", attachments(*taken));
  const std::vector<std::string>& tags = mail.message.envelope.tags;
  if (!tags.empty()) object.emplace("Tag", tags.front());
  if (!upstream.message_stream.empty()) object.emplace("MessageStream", upstream.message_stream);
  return Request{"POST", api_base(upstream, kVendor) + "/email", fields_of(upstream), json::serialize(object)};
}

// ErrorCode as text: "0", "406"; empty without one.
std::string code_of(const json::value& value) {
  const json::object* object = value.if_object();
  const json::value* code = object == nullptr ? nullptr : object->if_contains("ErrorCode");
  const std::int64_t* number = code == nullptr ? nullptr : code->if_int64();
  return number == nullptr ? std::string() : std::to_string(*number);
}

// "... to these inactive addresses: one@example.com, two@example.com. Inactive recipients are ones that ..."
std::vector<std::string> inactive_addresses(std::string_view text) {
  constexpr std::string_view kBefore = "inactive addresses:", kAfter = ". Inactive";
  std::vector<std::string> addresses;
  const std::size_t begin = text.find(kBefore);
  if (begin == std::string_view::npos) return addresses;
  text.remove_prefix(begin + kBefore.size());
  text = text.substr(0, text.find(kAfter));
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    std::string_view address = text.substr(0, end);
    while (!address.empty() && address.front() <= ' ') address.remove_prefix(1);
    while (!address.empty() && (address.back() <= ' ' || address.back() == '.')) address.remove_suffix(1);
    if (!address.empty()) addresses.emplace_back(address);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return addresses;
}

Reading read(const UpstreamConfig&, const Answer& answer, std::size_t recipients, Time now) {
  const json::value value = json_of(answer);
  const std::string code = code_of(value);
  const std::string_view text = value.is_object() ? text_at(value, "Message") : plain_text(answer);
  const std::string_view id = text_at(value, "MessageID");
  const bool says_no = !code.empty() && code != "0";
  if (answer.status != 200 || id.empty() || says_no) {
    Meaning meaning = look_up(kOutcomes, answer.status, code, text);
    if (says_no && meaning == Meaning::uncertain) meaning = Meaning::transient;  // it says that it took nothing
    return reading_of(meaning, answer, text, recipients, now);
  }
  Reading reading = reading_of(Meaning::accepted, answer, text, recipients, now);
  reading.provider_id = id;
  const Reading refused = reading_of(Meaning::bad_recipient, answer, text, 1, now);
  for (std::string& address : inactive_addresses(text))
    reading.named.push_back({std::move(address), refused.kind, refused.reason, ""});
  return reading;
}

result<Request> build_probe(const UpstreamConfig& upstream, Time) {
  return Request{"GET", api_base(upstream, kVendor) + "/server", fields_of(upstream), ""};
}

Reading read_probe(const Answer& answer, Time now) {
  const json::value value = json_of(answer);
  if (answer.status == 200 && value.is_object() && value.get_object().contains("ID"))
    return reading_of(Meaning::accepted, answer, "", 1, now);
  const std::string_view text = value.is_object() ? text_at(value, "Message") : plain_text(answer);
  return of_probe(reading_of(look_up(kOutcomes, answer.status, code_of(value), text), answer, text, 1, now));
}

}  // namespace

constexpr Provider postmark{
    UpstreamType::postmark, "postmark", kMaxRecipients, kMaxOctets, true, build, build_probe, read, read_probe};

}  // namespace postrider::providers
