// Mailgun: the octets as they are, to messages.mime, as multipart/form-data. Events carry our id in the variable v:postrider_id.
// https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages
#include <algorithm>

#include "providers/provider.h"

namespace postrider::providers {

namespace {

constexpr std::string_view kVendor = "https://api.mailgun.net";
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

// A domain becomes a part of the path: with a slash in it Mailgun answers 200 and sends nothing.
bool is_domain(std::string_view domain) {
  return !domain.empty() && std::all_of(domain.begin(), domain.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  });
}

// Mailgun takes tags in ASCII.
bool is_tag(std::string_view tag) {
  return !tag.empty() && std::all_of(tag.begin(), tag.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

class Form {
 public:
  Form(std::string boundary, std::size_t room) : boundary_(std::move(boundary)) { text_.reserve(room); }

  void field(std::string_view name, std::string_view value) {
    open(name);
    text_.append("\r\n\r\n").append(value).append("\r\n");
  }
  void file(std::string_view name, std::string_view filename, std::string_view type, std::string_view octets) {
    open(name);
    text_.append("; filename=\"").append(filename).append("\"\r\nContent-Type: ").append(type);
    text_.append("\r\n\r\n").append(octets).append("\r\n");
  }
  std::string end() && {
    text_.append("--").append(boundary_).append("--\r\n");
    return std::move(text_);
  }

 private:
  void open(std::string_view name) {
    text_.append("--")
        .append(boundary_)
        .append("\r\nContent-Disposition: form-data; name=\"")
        .append(name)
        .append("\"");
  }

  std::string boundary_;
  std::string text_;
};

// One that does not occur in the body (RFC 2046 5.1.1). The id makes it rare from the start.
std::string boundary_for(std::string_view id, std::string_view body) {
  std::string boundary = "postrider-" + std::string(id);
  for (unsigned n = 0; body.find(boundary) != std::string_view::npos; ++n)
    boundary = "postrider-" + std::string(id) + "-" + std::to_string(n);
  return boundary;
}

result<Request> request_to(const UpstreamConfig& upstream, std::string_view boundary) {
  if (!is_domain(upstream.domain)) return invalid("\"" + upstream.domain + "\" is not a domain name");
  Request request;
  request.url = api_base(upstream, kVendor) + "/v3/" + upstream.domain + "/messages.mime";
  request.headers = {{"Authorization", basic_login("api", upstream.api_key)},
                     {"Content-Type", "multipart/form-data; boundary=" + std::string(boundary)}};
  return request;
}

result<Request> build(const UpstreamConfig& upstream, const Mail& mail, Time) {
  const MessageRecord& message = mail.message;
  const std::string id = message.id.str();
  const std::string boundary = boundary_for(id, mail.body);
  result<Request> request = request_to(upstream, boundary);
  if (!request) return request;
  constexpr std::size_t kRoomForField = 512;
  Form form(boundary, mail.body.size() + (mail.recipients.size() + 8) * kRoomForField);
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
  request->body = std::move(form).end();
  return request;
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
  constexpr std::string_view kBoundary = "postrider-probe";
  result<Request> request = request_to(upstream, kBoundary);
  if (!request) return request;
  Form form{std::string(kBoundary), 256};
  form.field("o:testmode", "yes");
  request->body = std::move(form).end();
  return request;
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
