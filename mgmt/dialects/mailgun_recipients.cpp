// Recipient variables of Mailgun's API: one call, one message for each recipient.
#include <boost/json/serialize.hpp>
#include <unordered_map>
#include <utility>

#include "core/ascii.h"
#include "mgmt/dialects/mailgun_form.h"
#include "mgmt/dialects/replacements.h"
#include "mgmt/dialects/vendor.h"
#include "mgmt/json_fields.h"

namespace postrider::mgmt {

namespace {

namespace json = boost::json;

constexpr std::string_view kAt = "/recipient-variables";
constexpr std::size_t kMaxEntries = 1000;

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string text_of(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  return value.is_null() ? std::string() : json::serialize(value);
}

// Address in lower case to %recipient.name% and value.
std::unordered_map<std::string, Pairs> read_variables(std::string_view text, Faults& faults) {
  std::unordered_map<std::string, Pairs> all;
  Faults unreadable;
  const auto document = parse_document(text, unreadable);
  const auto* object = document ? document->if_object() : nullptr;
  if (object == nullptr || object->size() > kMaxEntries) {
    add_fault(faults, std::string(kAt),
              "must be a JSON object of at most 1000 recipients, each once and with an object");
    return all;
  }
  for (const auto& member : *object) {
    const auto* values = member.value().if_object();
    if (values == nullptr || values->size() > Replacements::kMaxCount) {
      add_fault(faults, member_of(kAt, member.key()), "must be an object of at most 200 variables");
      continue;
    }
    Pairs& pairs = all[lowered(member.key())];
    for (const auto& value : *values)
      pairs.emplace_back("%recipient." + std::string(value.key()) + "%", text_of(value.value()));
  }
  return all;
}

// Everything of a letter that may hold a variable.
std::vector<std::string*> texts_of(Letter& letter) {
  std::vector<std::string*> texts{&letter.subject, &letter.text, &letter.html};
  for (LetterText& alternative : letter.alternatives) texts.push_back(&alternative.text);
  for (auto& header : letter.headers) texts.push_back(&header.second);
  for (auto& variable : letter.metadata) texts.push_back(&variable.second);
  return texts;
}

// False: the call has become too large.
bool fill_in(Letter& letter, const Replacements& replacements, CallBudget& budget) {
  for (std::string* text : texts_of(letter))
    if (!budget.fill_in(*text, replacements)) return false;
  return true;
}

// Placeholders that Mailgun fills in with links of its own; a recipient must not get them as they stand.
void refuse_links(const Letter& letter, Faults& faults) {
  for (const std::string_view link : {"%unsubscribe_url%", "%tag_unsubscribe_url%", "%mailing_list_unsubscribe_url%"}) {
    const std::string why = std::string(link) + " is not filled in here: put your own link in its place";
    if (letter.text.find(link) != std::string::npos) add_fault(faults, "/text", why);
    if (letter.html.find(link) != std::string::npos) add_fault(faults, "/html", why);
  }
}

}  // namespace

std::variant<MailgunCall, Refusal> expand_recipients(MailgunFields fields, Faults faults) {
  MailgunCall call;
  call.faults = std::move(faults);
  refuse_links(fields.letter, call.faults);
  std::unordered_map<std::string, Pairs> variables;
  if (!fields.recipient_variables.empty()) {
    variables = read_variables(fields.recipient_variables, call.faults);
    if (fields.letter.to.size() > kMaxLetterRecipients)
      add_fault(call.faults, "/to", "a batch has at most 1000 recipients");
  }
  // Where something could not be read the letter is checked as it stands: nothing will be sent.
  if (fields.recipient_variables.empty() || !call.faults.empty()) {
    call.letters.push_back(std::move(fields.letter));
    return call;
  }
  const std::vector<Party> recipients = std::exchange(fields.letter.to, {});
  CallBudget budget;
  for (const Party& recipient : recipients) {
    if (recipients.size() > 1 && !budget.take(size_of(fields.letter))) return CallBudget::refusal();
    Letter letter = fields.letter;
    letter.to.push_back(recipient);
    const auto own = variables.find(lowered(recipient.email));
    if (own != variables.end() && !fill_in(letter, Replacements(own->second), budget)) return CallBudget::refusal();
    call.letters.push_back(std::move(letter));
  }
  return call;
}

}  // namespace postrider::mgmt
