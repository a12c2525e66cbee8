#include "mgmt/dialects/mailjet_v3.h"

#include <algorithm>
#include <array>
#include <boost/beast/core/string.hpp>
#include <boost/json/array.hpp>
#include <utility>

#include "mgmt/answers.h"
#include "mgmt/dialects/mailjet_answers.h"
#include "mgmt/dialects/mailjet_message.h"
#include "mgmt/dialects/vendor.h"
#include "mgmt/mailboxes.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using namespace mailjet;

constexpr std::size_t kMaxMessages = 100;  // of one call, as Mailjet has it
constexpr std::size_t kMaxLetters = 1000;  // of one call: each of the Recipients gets a message of its own
constexpr std::size_t kMaxMembers = 100;   // that an object can have and be good for something
constexpr std::size_t kMaxLevels = 3;      // document, message, file or recipient

// This version takes names in any case, and its own libraries make use of that.
constexpr std::string_view kNames[] = {"FromEmail",
                                       "FromName",
                                       "Sender",
                                       "Recipients",
                                       "To",
                                       "Cc",
                                       "Bcc",
                                       "Subject",
                                       "Text-part",
                                       "Html-part",
                                       "Attachments",
                                       "Headers",
                                       "Vars",
                                       "Inline_attachments",
                                       "Messages",
                                       "Mj-TemplateID",
                                       "Mj-prio",
                                       "Mj-campaign",
                                       "Mj-TemplateLanguage",
                                       "Mj-TemplateErrorReporting",
                                       "Mj-trackopen",
                                       "Mj-trackclick",
                                       "Mj-CustomID",
                                       "Mj-EventPayload",
                                       "Mj-TemplateErrorDeliver",
                                       "Email",
                                       "Name",
                                       "Content-type",
                                       "Filename",
                                       "Content",
                                       "Mj-deduplicatecampaign"};
constexpr FileMembers kFile{"Content-type", "Filename", "Content", ""};

constexpr std::string_view kOn[] = {"true", "yes", "y", "1"};
constexpr std::string_view kNoTracking = "cannot be enabled: Postrider tracks nothing and changes no HTML";

// Switches are true, 1, "1", "y" or the like in the examples and libraries of this version.
bool is_on(JsonFields& fields, std::string_view name) {
  const auto placed = fields.any(name);
  if (!placed) return false;
  if (const bool* flag = placed->value->if_bool()) return *flag;
  const std::string text = fields.text_or_number(name).value_or("");
  return std::any_of(std::begin(kOn), std::end(kOn),
                     [&](std::string_view on) { return boost::beast::iequals(text, on); });
}

// Members under the names above; the keys of Headers and Vars are the application's own. Of two that are one name the second
// keeps its own, and is refused as unknown.
void use_known_names(json::value& value, std::size_t levels = kMaxLevels) {
  if (levels == 0) return;
  if (auto* array = value.if_array())
    for (json::value& element : *array) use_known_names(element, levels);
  auto* object = value.if_object();
  if (object == nullptr || object->size() > kMaxMembers) return;
  json::object out;
  out.reserve(object->size());
  for (auto& [key, member] : *object) {
    const std::string_view given(key.data(), key.size());
    const auto* found = std::find_if(std::begin(kNames), std::end(kNames),
                                     [&](std::string_view name) { return boost::beast::iequals(name, given); });
    const std::string_view name = found == std::end(kNames) || out.contains(*found) ? given : *found;
    if (name != "Headers" && name != "Vars") use_known_names(member, levels - 1);
    out.emplace(name, std::move(member));
  }
  *object = std::move(out);
}

// One message of the call, which may be a letter for each of its recipients.
class MessageReader {
 public:
  MessageReader(const Placed& message, Faults& faults) : fields_(*message.value, message.at, faults), faults_(faults) {
    letter_.at = message.at;
  }

  // The letter but for its recipients in `separate`, if it has such.
  Letter read(std::vector<Party>& separate) {
    read_addresses(separate);
    letter_.subject = fields_.text("Subject", kMaxSubject).value_or("");
    letter_.text = fields_.text("Text-part", kMaxText).value_or("");
    letter_.html = fields_.text("Html-part", kMaxText).value_or("");
    for (const Placed& file : fields_.array("Attachments", kMaxLetterAttachments))
      letter_.attachments.push_back(read_file(file, kFile, false, faults_));
    for (const Placed& file : fields_.array("Inline_attachments", kMaxLetterAttachments))
      letter_.attachments.push_back(read_file(file, kFile, true, faults_));
    read_headers(fields_, letter_, faults_);
    read_own();
    read_refused();
    fields_.finish();
    set_places();
    return std::move(letter_);
  }

 private:
  void read_addresses(std::vector<Party>& separate) {
    if (!fields_.has("FromEmail")) fields_.fault("FromEmail", std::string(kMissing));
    letter_.from = {fields_.text("FromEmail", kMaxAddress).value_or(""), fields_.text("FromName").value_or(""),
                    fields_.at("FromEmail")};
    if (fields_.flag("Sender").value_or(false))
      fields_.fault("Sender", "cannot be used here: Postrider has no default sender; FromEmail is the sender");
    for (const Placed& placed : fields_.array("Recipients", kMaxLetters)) separate.push_back(read_recipient(placed));
    read_list("To", letter_.to);
    read_list("Cc", letter_.cc);
    read_list("Bcc", letter_.bcc);
    if (!separate.empty() && !(letter_.to.empty() && letter_.cc.empty() && letter_.bcc.empty()))
      fields_.fault("Recipients", "cannot be used together with To, Cc and Bcc");
  }

  Party read_recipient(const Placed& placed) {
    JsonFields fields(*placed.value, placed.at, faults_);
    Party party;
    party.at = fields.at("Email");
    if (!fields.has("Email")) fields.fault("Email", std::string(kMissing));
    party.email = fields.text("Email", kMaxAddress).value_or("");
    party.name = fields.text("Name", kMaxAddress).value_or("");
    refuse_vars(fields);
    fields.finish();
    return party;
  }

  void read_list(std::string_view name, std::vector<Party>& parties) {
    const auto text = fields_.text(name, kMaxLetterRecipients * 100);
    if (text && !text->empty()) parties = read_mailboxes(*text, fields_.at(name), faults_);
  }

  static void refuse_vars(JsonFields& fields) {
    const auto vars = fields.any("Vars");
    if (!vars) return;
    const auto* object = vars->value->if_object();
    const auto* text = vars->value->if_string();
    if (!(object && object->empty()) && !(text && text->empty())) fields.fault("Vars", std::string(kNoTemplates));
  }

  // What the application wants to find again.
  void read_own() {
    for (const std::string_view name : {"CustomID", "EventPayload"})
      if (auto text = fields_.text_or_number("Mj-" + std::string(name), kMaxValue); text && !text->empty())
        letter_.metadata.emplace_back(name, std::move(*text));
    if (auto campaign = fields_.text("Mj-campaign", kMaxTagOctets); campaign && !campaign->empty())
      letter_.tags.push_back(std::move(*campaign));
    if (const auto priority = fields_.text_or_number("Mj-prio")) {
      if (priority->size() == 1 && priority->front() >= '0' && priority->front() <= '3')
        letter_.lane = lane_of(priority->front() - '0');
      else
        fields_.fault("Mj-prio", "must be a number from 0 to 3");
    }
  }

  void read_refused() {
    for (const std::string_view name : {"Mj-TemplateID", "Mj-TemplateErrorReporting", "Mj-TemplateErrorDeliver"})
      if (fields_.has(name)) fields_.fault(name, std::string(kNoTemplates));
    if (is_on(fields_, "Mj-TemplateLanguage")) fields_.fault("Mj-TemplateLanguage", std::string(kNoTemplates));
    if (is_on(fields_, "Mj-deduplicatecampaign"))
      fields_.fault("Mj-deduplicatecampaign", "cannot be used here: campaigns are tags and nothing more");
    refuse_vars(fields_);
    for (const std::string_view name : {"Mj-trackopen", "Mj-trackclick"}) {  // 0: as the account has it, 1: off, 2: on
      const auto wanted = fields_.text_or_number(name);
      if (wanted && *wanted == "2")
        fields_.fault(name, std::string(kNoTracking));
      else if (wanted && *wanted != "0" && *wanted != "1")
        fields_.fault(name, "must be 0 or 1");
    }
  }

  void set_places() {
    LetterPlaces& places = letter_.places;
    places.from = "/FromEmail";
    places.to = fields_.has("To") ? "/To" : "/Recipients";
    places.cc = "/Cc";
    places.bcc = "/Bcc";
    places.reply_to = "/Headers/Reply-To";
    places.subject = "/Subject";
    places.text = "/Text-part";
    places.html = "/Html-part";
    places.attachments = "/Attachments";
    places.headers = "/Headers";
    places.tags = "/Mj-campaign";
    places.metadata = "/Mj-EventPayload";
  }

  JsonFields fields_;
  Faults& faults_;
  Letter letter_;
};

struct Call {
  std::vector<Letter> letters;
  std::vector<std::vector<std::string>> emails;  // of each letter
  Faults faults;                                 // of reading it: then the letters are there to be checked only
};

std::vector<std::string> emails_of(const Letter& letter) {
  std::vector<std::string> emails;
  for (const auto* parties : {&letter.to, &letter.cc, &letter.bcc})
    for (const Party& party : *parties) emails.push_back(party.email);
  return emails;
}

// The letter's size was taken from the call's budget.
void add_letter(Call& call, Letter letter) {
  call.emails.push_back(emails_of(letter));
  call.letters.push_back(std::move(letter));
}

// False: the call is too large, all its messages together.
bool read_message(const Placed& message, Call& call, CallBudget& budget) {
  std::vector<Party> separate;
  Letter letter = MessageReader(message, call.faults).read(separate);
  if (call.letters.size() + std::max<std::size_t>(separate.size(), 1) > kMaxLetters) {
    add_fault(call.faults, "/Messages", "may have at most " + std::to_string(kMaxLetters) + " Recipients in all");
    return true;
  }
  if (separate.empty()) {
    const bool fits = budget.take(size_of(letter));
    add_letter(call, std::move(letter));
    return fits;
  }
  for (Party& party : separate) {
    letter.to.clear();
    letter.to.push_back(std::move(party));
    if (!budget.take(size_of(letter))) return false;  // before the copy
    add_letter(call, letter);
  }
  return true;
}

std::variant<Call, Refusal> read_call(std::string_view body) {
  Call call;
  auto document = parse_document(body, call.faults);
  if (!document) return call;
  use_known_names(*document);
  std::vector<Placed> messages{{&*document, ""}};
  if (const auto* object = document->if_object(); object != nullptr && object->contains("Messages")) {
    JsonFields fields(*document, "", call.faults);
    messages = fields.array("Messages", kMaxMessages);
    if (messages.empty() && call.faults.empty()) fields.fault("Messages", "must be an array of 1 to 100 messages");
    fields.finish();
  }
  CallBudget budget;
  for (const Placed& message : messages)
    if (!read_message(message, call, budget)) return CallBudget::refusal();
  return call;
}

Response answer(const Call& call, const SendOutcome& outcome) {
  json::array sent;
  for (std::size_t i = 0; i < outcome.letters.size(); ++i) {
    const MessageId& id = *outcome.letters[i].id;
    for (std::size_t k = 0; k < call.emails[i].size(); ++k)
      sent.emplace_back(
          json::object{{"Email", call.emails[i][k]}, {"MessageID", mailjet_number(id, k)}, {"MessageUUID", id.uuid()}});
  }
  return json_response({{"Sent", std::move(sent)}});
}

}  // namespace

asio::awaitable<Response> mailjet_v3_send(const DialectParts& parts, const Request& request) {
  auto read = read_call(request.body);
  if (const auto* refusal = std::get_if<Refusal>(&read)) co_return mailjet_refusal(*refusal);
  auto& call = std::get<Call>(read);
  auto key = SendDoor::idempotency_key(request);
  if (!key) co_return mailjet_refusal(refusal_of(key.error()));
  SendTerms terms;
  terms.idempotency_key = std::move(*key);
  terms.batch = call.letters.size() > 1;
  terms.faults = std::move(call.faults);
  const SendOutcome outcome = co_await parts.door.send(request, std::move(call.letters), std::move(terms));
  if (const auto refusal = first_refusal(outcome)) co_return mailjet_refusal(*refusal);
  co_return answer(call, outcome);
}

}  // namespace postrider::mgmt
