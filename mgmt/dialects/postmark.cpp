// Postmark's API as its SDKs call it: POST /email and /email/batch. Templates are refused. docs/dialects/postmark.md.
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <utility>
#include <variant>

#include "mgmt/answers.h"
#include "mgmt/auth.h"
#include "mgmt/base64.h"
#include "mgmt/dialects/dialect.h"
#include "mgmt/dialects/vendor.h"
#include "mgmt/mailboxes.h"
#include "mgmt/media_type.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::size_t kMaxBatch = 500;
constexpr std::size_t kMaxText = 50u << 20;  // the body that holds it is bounded as well
constexpr std::size_t kMaxAddresses = 100'000;
constexpr std::size_t kMaxValue = 10'000;
constexpr std::string_view kStream = "outbound", kStreamPlace = "/MessageStream";
constexpr std::string_view kContentIdScheme = "cid:";

// Postmark's own numbers of errors.
constexpr int kBadToken = 10, kMaintenance = 100, kInvalidRequest = 300, kSender = 400, kInvalidJson = 402,
              kNotAllowed = 405, kJsonRequired = 409, kTooManyMessages = 410, kTemplate = 1101, kUnknownStream = 1235;

// ---- answers ----

json::object error_json(int code, std::string_view message) {
  return {{"ErrorCode", code}, {"Message", message}};
}

struct Row {
  http::status status;
  int code;
};

Row row(ProblemType type) {
  const auto status = vendor_status(type);
  switch (type) {
    case ProblemType::unauthorized:
      return {status, kBadToken};
    case ProblemType::invalid_body:
      return {http::status::unprocessable_entity, kInvalidJson};
    case ProblemType::sender_not_allowed:
      return {http::status::unprocessable_entity, kSender};
    case ProblemType::forbidden:
    case ProblemType::forbidden_origin:
    case ProblemType::recipient_not_allowed:
      return {http::status::unprocessable_entity, kNotAllowed};
    case ProblemType::unsupported_media_type:
    case ProblemType::not_acceptable:
      return {http::status::unprocessable_entity, kJsonRequired};
    case ProblemType::spool_full:
    case ProblemType::unavailable:
      return {status, kMaintenance};
    case ProblemType::payload_too_large:
      return {status, kInvalidRequest};
    default:
      break;
  }
  if (status == http::status::bad_request) return {http::status::unprocessable_entity, kInvalidRequest};
  return {status, static_cast<int>(status)};
}

// A code of its own, unless more is wrong.
bool is_of_stream_alone(const std::vector<FieldFault>& faults) {
  return faults.size() == 1 && faults.front().pointer == kStreamPlace;
}

json::object error_json(const Refusal& refusal) {
  const int code = is_of_stream_alone(refusal.faults) ? kUnknownStream : row(refusal.type).code;
  return error_json(code, refusal_sentence(refusal));
}

Response refuse(const Refusal& refusal) {
  const auto status = row(refusal.type).status;
  // Postmark's clients have no Authorization.
  if (refusal.detail == kKeyNeeded)
    return vendor_refusal(refusal, status, error_json(kBadToken, "a key is needed: X-Postmark-Server-Token: <key>"));
  return vendor_refusal(refusal, status, error_json(refusal));
}

Response refuse(int code, std::string_view message) {
  return vendor_refusal({}, http::status::unprocessable_entity, error_json(code, message));
}

// ---- one message ----

struct Item {
  Letter letter;
  std::string to;  // as given: the answer repeats it
};

std::vector<Party> parties(JsonFields& fields, std::string_view name, Faults& faults) {
  const auto text = fields.text(name, kMaxAddresses);
  if (!text || text->find_first_not_of(' ') == std::string::npos) return {};
  return read_mailboxes(*text, fields.at(name), faults);
}

LetterPart attachment(const Placed& placed, Faults& faults) {
  JsonFields fields(*placed.value, placed.at, faults);
  LetterPart part;
  part.at = placed.at;
  part.filename = fields.text("Name").value_or("");
  part.content_type = fields.text("ContentType").value_or("");
  if (part.filename.empty()) fields.fault("Name", "must be given");
  const auto content = fields.text("Content", kMaxText);
  auto octets = content ? base64_decode(*content) : std::nullopt;
  if (!octets) fields.fault("Content", "must be the octets in base64");
  part.octets = std::move(octets).value_or("");
  std::string id = fields.text("ContentID").value_or("");
  if (id.starts_with(kContentIdScheme)) id.erase(0, kContentIdScheme.size());
  part.is_inline = !id.empty();
  part.content_id = std::move(id);
  fields.ignore("ContentLength");  // of attachments as Postmark's inbound hook gives them; the octets say it
  const auto disposition = fields.text("Disposition");
  if (disposition && *disposition != (part.is_inline ? "inline" : "attachment"))
    fields.fault("Disposition", "is inline for attachments with a ContentID and attachment for others");
  fields.finish();
  return part;
}

void read_headers(JsonFields& fields, Letter& letter, Faults& faults) {
  for (const Placed& placed : fields.array("Headers", kMaxLetterHeaders)) {
    JsonFields header(*placed.value, placed.at, faults);
    letter.headers.emplace_back(header.text("Name").value_or(""), header.text("Value", kMaxValue).value_or(""));
    header.finish();
  }
}

void refuse_tracking(JsonFields& fields) {
  if (fields.flag("TrackOpens").value_or(false))
    fields.fault("TrackOpens", "opens are not tracked here: leave it out or give false");
  if (const auto links = fields.text("TrackLinks"); links && !links->empty() && *links != "None")
    fields.fault("TrackLinks", "links are not tracked here: leave it out or give None");
}

LetterPlaces places() {
  LetterPlaces places;
  places.from = "/From";
  places.to = "/To";
  places.subject = "/Subject";
  places.text = "/TextBody";
  places.html = "/HtmlBody";
  places.attachments = "/Attachments";
  places.headers = "/Headers";
  places.tags = "/Tag";
  places.metadata = "/Metadata";
  return places;
}

void read_letter(JsonFields& fields, Letter& letter, Faults& faults) {
  letter.places = places();
  if (const auto from = fields.text("From", kMaxValue); from && !from->empty())
    letter.from = read_mailbox(*from, fields.at("From"), faults).value_or(Party{});
  else
    fields.fault("From", "must be given");
  letter.to = parties(fields, "To", faults);
  letter.cc = parties(fields, "Cc", faults);
  letter.bcc = parties(fields, "Bcc", faults);
  letter.reply_to = parties(fields, "ReplyTo", faults);
  letter.subject = fields.text("Subject", kMaxValue).value_or("");
  letter.text = fields.text("TextBody", kMaxText).value_or("");
  letter.html = fields.text("HtmlBody", kMaxText).value_or("");
  if (letter.text.empty() && letter.html.empty())
    fields.fault("TextBody", "Provide either email TextBody or HtmlBody or both.");
  read_headers(fields, letter, faults);
  for (const Placed& placed : fields.array("Attachments", kMaxLetterAttachments))
    letter.attachments.push_back(attachment(placed, faults));
  if (auto tag = fields.text("Tag"); tag && !tag->empty()) letter.tags.push_back(std::move(*tag));
  letter.metadata = fields.texts_by_name("Metadata", kMaxMetadata, kMaxMetadataOctets);
}

Item read_item(const json::value& value) {
  Item item;
  Faults faults;
  JsonFields fields(value, "", faults);
  item.to = fields.text("To", kMaxAddresses).value_or("");
  read_letter(fields, item.letter, faults);
  refuse_tracking(fields);
  const std::string stream = fields.text("MessageStream").value_or("");
  fields.finish();
  if (!stream.empty() && stream != kStream)
    add_fault(faults, std::string(kStreamPlace),
              "The message stream '" + stream + "' does not exist here: the only one is 'outbound'.");
  item.letter.faults = std::move(faults);
  return item;
}

json::object sent_json(const Item& item, const Sent& sent, Time now) {
  return {{"To", item.to},
          {"SubmittedAt", format_rfc3339(now)},
          {"MessageID", sent.id->uuid()},
          {"ErrorCode", 0},
          {"Message", "OK"}};
}

// ---- routes ----

// Why a whole call is refused.
struct Refused {
  int code;
  std::string message;
};

Refused unreadable(Faults faults) {
  return {kInvalidJson, refusal_sentence(invalid_fields(std::move(faults)))};
}

// A document ends before its letters are sent: it takes as much room as they do.
std::variant<Item, Refused> read_one(std::string_view body) {
  Faults faults;
  const auto document = parse_document(body, faults);
  if (!faults.empty()) return unreadable(std::move(faults));
  return read_item(*document);
}

std::variant<std::vector<Item>, Refused> read_batch(std::string_view body) {
  Faults faults;
  const auto document = parse_document(body, faults);
  if (!faults.empty()) return unreadable(std::move(faults));
  const json::array* messages = document->if_array();
  if (messages == nullptr) return Refused{kInvalidRequest, "The body must be an array of messages."};
  if (messages->size() > kMaxBatch) return Refused{kTooManyMessages, "A batch has at most 500 messages."};
  std::vector<Item> items;
  for (const json::value& message : *messages) items.push_back(read_item(message));
  return items;
}

asio::awaitable<Response> send_one(const DialectParts& parts, const Request& request) {
  auto read = read_one(request.body);
  if (const auto* refused = std::get_if<Refused>(&read)) co_return refuse(refused->code, refused->message);
  Item& item = std::get<Item>(read);
  auto key = SendDoor::idempotency_key(request);
  if (!key) co_return refuse(refusal_of(key.error()));
  SendTerms terms;
  terms.idempotency_key = std::move(*key);
  std::vector<Letter> letters;
  letters.push_back(std::move(item.letter));
  const SendOutcome outcome = co_await parts.door.send(request, std::move(letters), std::move(terms));
  if (const auto refusal = first_refusal(outcome)) co_return refuse(*refusal);
  co_return json_response(sent_json(item, outcome.letters.front(), parts.clock.now()));
}

Response batch_answer(const std::vector<Item>& items, const SendOutcome& outcome, Time now) {
  json::array results;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const Sent& sent = outcome.letters[i];
    results.emplace_back(sent.id ? sent_json(items[i], sent, now) : error_json(sent.refusal));
  }
  Response response;
  response.content_type = kJson;
  response.body = json::serialize(results);
  return response;
}

// Each message has its own result; the call as a whole is refused only when it cannot be read, or none can be taken now.
asio::awaitable<Response> send_batch(const DialectParts& parts, const Request& request) {
  auto read = read_batch(request.body);
  if (const auto* refused = std::get_if<Refused>(&read)) co_return refuse(refused->code, refused->message);
  auto& items = std::get<std::vector<Item>>(read);
  auto key = SendDoor::idempotency_key(request);
  if (!key) co_return refuse(refusal_of(key.error()));
  std::vector<Letter> letters;
  letters.reserve(items.size());
  for (Item& item : items) letters.push_back(std::move(item.letter));
  SendTerms terms;
  terms.all_or_nothing = false;
  terms.idempotency_key = std::move(*key);
  terms.batch = true;
  const SendOutcome outcome = co_await parts.door.send(request, std::move(letters), std::move(terms));
  if (outcome.refusal) co_return refuse(*outcome.refusal);
  co_return batch_answer(items, outcome, parts.clock.now());
}

asio::awaitable<Response> refuse_template(const Request&) {
  co_return refuse(kTemplate, "Postrider keeps no templates: render the message and send it with /email.");
}

void add(Router& router, std::string_view path, Handler handler) {
  router.add(sending_route(path, &refuse, std::move(handler)));
}

}  // namespace

void add_postmark(Router& router, const DialectParts& parts) {
  add(router, "/email", [&parts](const Request& request) { return send_one(parts, request); });
  add(router, "/email/batch", [&parts](const Request& request) { return send_batch(parts, request); });
  for (const std::string_view path : {"/email/withTemplate", "/email/batchWithTemplates", "/email/bulk"})
    add(router, path, [](const Request& request) { return refuse_template(request); });
}

}  // namespace postrider::mgmt
