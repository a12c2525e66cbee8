// Mailgun: the octets as they are, to messages.mime, as multipart/form-data. Events carry our id in the variable v:postrider_id.
// https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages
#include <algorithm>

#include "providers/mailgun_form.h"

namespace postrider::providers {

namespace {

constexpr std::size_t kMaxRecipients = 1000;               // batch sending
constexpr std::uint64_t kMaxOctets = 25ull * 1024 * 1024;  // "25 MB"; read widely: the answer 413 says the rest
constexpr std::size_t kMaxTagsOfMessage = 3;

constexpr OutcomeRow kOutcomes[] = {
    {200, "", "mailgun magnificent api", Meaning::misconfigured},  // its answer to a path that is not the API's
    {400, "", "'to' parameter is not a valid address", Meaning::bad_recipient},
    // Mailgun says 400 to an account or domain that may not send as well; the message is not at fault.
    {400, "", "test purposes only", Meaning::misconfigured},  // sandbox domains, free accounts
    {400, "", "is not allowed to send", Meaning::bad_sender},
    {400, "", "probation", Meaning::throttled},
    {400, "", "", Meaning::bad_message},
    {401, "", "", Meaning::bad_login},
    {402, "", "", Meaning::misconfigured},  // "the parameters were valid but the request failed": the account
    {403, "", "test purposes only", Meaning::misconfigured},
    {403, "", "is not allowed to send", Meaning::bad_sender},
    {403, "", "", Meaning::bad_login},
    {404, "", "", Meaning::misconfigured},  // "Domain not found"; also a domain of the other region
    {413, "", "", Meaning::too_big},
    {429, "", "", Meaning::throttled},
};

// Mailgun takes tags in ASCII.
bool is_tag(std::string_view tag) {
  return !tag.empty() && std::all_of(tag.begin(), tag.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// One that does not occur in the body (RFC 2046 5.1.1). The id makes it rare from the start.
std::string boundary_for(std::string_view id, std::string_view body) {
  std::string boundary = "postrider-" + std::string(id);
  for (unsigned n = 0; body.find(boundary) != std::string_view::npos; ++n)
    boundary = "postrider-" + std::string(id) + "-" + std::to_string(n);
  return boundary;
}

result<Request> build(const UpstreamConfig& upstream, const Mail& mail, Time) {
  const MessageRecord& message = mail.message;
  const std::string id = message.id.str();
  constexpr std::size_t kRoomForField = 512;
  MailgunForm form(boundary_for(id, mail.body), mail.body.size() + (mail.recipients.size() + 8) * kRoomForField);
  for (std::size_t i = 0; i < mail.recipients.size(); ++i) form.field("to", address_text(mail, i));
  form.field("v:postrider_id", id);
  std::size_t tags = 0;
  for (const std::string& tag : message.envelope.tags) {
    if (tags == kMaxTagsOfMessage) break;
    if (!is_tag(tag)) continue;
    form.field("o:tag", tag);
    ++tags;
  }
  if (upstream.sandbox) form.field("o:testmode", "yes");
  form.file("message", "message.mime", "application/octet-stream", mail.body);
  return std::move(form).request(upstream, "POST", "/v3/", "/messages.mime");
}

std::string_view said(const Answer& answer, const boost::json::value& json) {
  const std::string_view message = text_at(json, "message");
  return message.empty() ? plain_text(answer) : message;
}

Reading read_answer(const Answer& answer, std::size_t recipients, Time now) {
  const boost::json::value json = json_of(answer);
  const std::string_view id = text_at(json, "id"), text = said(answer, json);
  if (answer.status == 200 && !id.empty()) {
    Reading reading = reading_of(Meaning::accepted, answer, text, recipients, now);
    // Events carry the id without its angle brackets.
    const bool bracketed = id.size() > 2 && id.front() == '<' && id.back() == '>';
    reading.provider_id = bracketed ? id.substr(1, id.size() - 2) : id;
    return reading;
  }
  Reading reading = reading_of(look_up(kOutcomes, answer.status, "", text), answer, text, recipients, now);
  // One address that Mailgun dislikes fails the whole call, and its texts do not always say so.
  if (reading.kind == OutcomeKind::bounced && recipients > 1) reading.split = true;
  return reading;
}

Reading read(const UpstreamConfig&, const Answer& answer, std::size_t recipients, Time now) {
  return read_answer(answer, recipients, now);
}

// The request of a message, without recipient and message: a key that may only send (Mailgun's "domain sending key") is refused
// everywhere else. Test mode, so that nothing could leave in any case.
result<Request> build_probe(const UpstreamConfig& upstream, Time) {
  MailgunForm form("postrider-probe", 256);
  form.field("o:testmode", "yes");
  return std::move(form).request(upstream, "POST", "/v3/", "/messages.mime");
}

Reading read_probe(const Answer& answer, Time now) {
  Reading reading = of_probe(read_answer(answer, 1, now));
  // Key and domain were found good, and then the recipient was missing.
  if (reading.kind == OutcomeKind::bounced) {
    reading.kind = OutcomeKind::sent;
    reading.reason.cause = Cause::none;
  }
  return reading;
}

}  // namespace

constexpr Provider mailgun{UpstreamType::mailgun, "mailgun", kMaxRecipients, kMaxOctets, false, build,
                           build_probe,           read,      read_probe};

}  // namespace postrider::providers
