#include "mgmt/dialects/sendgrid_mail.h"

#include <algorithm>
#include <array>
#include <boost/beast/core/string.hpp>
#include <set>
#include <span>
#include <utility>

#include "core/address.h"
#include "core/ascii.h"
#include "mgmt/base64.h"
#include "mgmt/dialects/replacements.h"
#include "mgmt/dialects/vendor.h"

namespace postrider::mgmt {

namespace {

constexpr std::size_t kMaxPersonalizations = 1000;
constexpr std::size_t kMaxRecipients = 1000;  // of one call
constexpr std::size_t kMaxReplyTo = 1000;
constexpr std::size_t kMaxContents = 20;
constexpr std::size_t kMaxText = 50u << 20;  // the body that holds it is bounded as well
constexpr std::size_t kMaxValue = 10'000;
constexpr std::int64_t kLastSecond = 253'402'300'799;  // of the year 9999

constexpr std::string_view kNoAddress =
    "must have an email, as in {\"email\": \"user@example.com\", \"name\": \"A name\"}";
constexpr std::string_view kNoSubject =
    "The subject is required: give one for the mail, or one for each personalization.";

// Settings that Postrider has nothing for: off is what it does anyway.
struct Setting {
  std::string_view name, why;
};
constexpr std::array<Setting, 7> kMailSettings{
    {{"bypass_list_management", "The suppression list cannot be bypassed."},
     {"bypass_spam_management", "The suppression list cannot be bypassed."},
     {"bypass_bounce_management", "The suppression list cannot be bypassed."},
     {"bypass_unsubscribe_management", "The suppression list cannot be bypassed."},
     {"bcc", "Name the recipient as bcc of the personalization."},
     {"footer", "Footers are not added here: make it part of the content."},
     {"spam_check", "Content is not checked for spam here."}}};
constexpr std::array<Setting, 4> kTrackingSettings{
    {{"click_tracking", "Clicks are not tracked here: links stay as they are."},
     {"open_tracking", "Opens are not tracked here: nothing is put into the HTML."},
     {"subscription_tracking", "Unsubscribe links are not added here: make them part of the content."},
     {"ganalytics", "Links are not changed here: give them their parameters yourself."}}};
constexpr std::array<Setting, 6> kRefused{
    {{"template_id", "Postrider keeps no templates: render the message and send its content."},
     {"sections", "Sections belong to templates, which Postrider does not have: put them into the content."},
     {"asm", "Postrider has no unsubscribe groups: add a List-Unsubscribe header."},
     {"ip_pool_name", "Postrider has no IP pools: upstreams are chosen by the relay's routes."},
     {"batch_id", "Scheduled sends are cancelled by message id here, not by batch_id."},
     {"dynamic_template_data", "Postrider keeps no templates: render the message and send its content."}}};

// Those of `over` take the place of the same names in `under`; header names have no case.
void lay_over(std::vector<std::pair<std::string, std::string>>& under,
              std::vector<std::pair<std::string, std::string>>&& over, bool ignore_case) {
  for (auto& [name, value] : over) {
    const auto same = [&, &key = name](const auto& pair) {
      return ignore_case ? boost::beast::iequals(pair.first, key) : pair.first == key;
    };
    const auto found = std::find_if(under.begin(), under.end(), same);
    if (found != under.end())
      *found = {std::move(name), std::move(value)};
    else
      under.emplace_back(std::move(name), std::move(value));
  }
}

class MailReader {
 public:
  MailReader(const boost::json::value& document, Faults& faults) : mail_(document, "", faults), faults_(faults) {}

  // False: the call is too large, all its messages together.
  bool read(SendgridMail& mail) {
    read_common();
    mail.sandbox = read_settings();
    const bool fits = read_personalizations(mail.letters);
    for (const Setting& refused : kRefused) refuse(mail_, refused);
    mail_.finish();
    return fits;
  }

 private:
  static void refuse(JsonFields& fields, const Setting& setting) {
    if (fields.any(setting.name)) fields.fault(setting.name, std::string(setting.why));
  }

  // ---- what all personalizations share ----

  void read_common() {
    if (auto from = mail_.object("from")) base_.from = party(*from);
    if (!mail_.has("from")) mail_.fault("from", "The from object must be provided for every email send.");
    base_.places.from = "/from/email";
    base_.places.text = base_.places.html = "/content";
    base_.places.tags = "/categories";
    base_.places.metadata = "/custom_args";
    read_reply_to();
    base_.subject = mail_.text("subject", kMaxValue).value_or("");
    read_contents();
    for (const Placed& file : mail_.array("attachments", kMaxLetterAttachments)) read_attachment(file);
    base_.headers = mail_.texts_by_name("headers", kMaxLetterHeaders, kMaxValue);
    read_categories();
    base_.metadata = mail_.texts_by_name("custom_args", kMaxMetadata, kMaxMetadataOctets);
    base_.send_at = send_at(mail_);
  }

  Party party(const Placed& placed) {
    JsonFields fields(*placed.value, placed.at, faults_);
    Party party;
    party.email = fields.text("email").value_or("");
    party.name = fields.text("name").value_or("");
    party.at = fields.at("email");
    if (!fields.has("email") && placed.value->is_object()) fields.fault("email", std::string(kNoAddress));
    fields.finish();
    return party;
  }

  std::vector<Party> parties(JsonFields& fields, std::string_view name, std::size_t most) {
    std::vector<Party> all;
    for (const Placed& placed : fields.array(name, most)) all.push_back(party(placed));
    return all;
  }

  void read_reply_to() {
    if (auto one = mail_.object("reply_to")) base_.reply_to.push_back(party(*one));
    for (Party& other : parties(mail_, "reply_to_list", kMaxReplyTo)) {
      if (mail_.has("reply_to")) return mail_.fault("reply_to", "Give reply_to or reply_to_list, not both.");
      base_.reply_to.push_back(std::move(other));
    }
  }

  void read_contents() {
    const auto contents = mail_.array("content", kMaxContents);
    if (contents.empty()) mail_.fault("content", "The content array must have at least one object.");
    std::set<std::string> types;
    for (const Placed& placed : contents) {
      JsonFields fields(*placed.value, placed.at, faults_);
      const std::string type = lowered(fields.text("type").value_or(""));
      std::string value = fields.text("value", kMaxText).value_or("");
      if (type.empty()) fields.fault("type", "must be a media type such as text/plain");
      if (value.empty()) fields.fault("value", "must be a text with at least one character");
      if (!types.insert(type).second) fields.fault("type", "there is another content of this type already");
      fields.finish();
      if (type == "text/plain")
        base_.text = std::move(value);
      else if (type == "text/html")
        base_.html = std::move(value);
      else
        base_.alternatives.push_back({type, std::move(value), placed.at});
    }
  }

  void read_attachment(const Placed& placed) {
    JsonFields fields(*placed.value, placed.at, faults_);
    LetterPart part;
    part.at = placed.at;
    part.filename = fields.text("filename").value_or("");
    part.content_type = fields.text("type").value_or("");
    part.content_id = fields.text("content_id").value_or("");
    const std::string disposition = lowered(fields.text("disposition").value_or("attachment"));
    part.is_inline = disposition == "inline";
    if (disposition != "inline" && disposition != "attachment")
      fields.fault("disposition", "must be attachment or inline");
    if (!fields.has("filename")) fields.fault("filename", "must be given");
    const auto content = fields.text("content", kMaxText);
    auto octets = content && !content->empty() ? base64_decode(*content) : std::nullopt;
    if (!octets) fields.fault("content", "must be the octets in base64, at least one");
    part.octets = std::move(octets).value_or("");
    fields.finish();
    base_.attachments.push_back(std::move(part));
  }

  void read_categories() {
    for (const Placed& placed : mail_.array("categories", kMaxTags)) {
      auto tag = text_of(placed, kMaxTagOctets, faults_);
      if (tag && std::find(base_.tags.begin(), base_.tags.end(), *tag) == base_.tags.end())
        base_.tags.push_back(std::move(*tag));
    }
  }

  static Time send_at(JsonFields& fields) {
    const auto seconds = fields.number("send_at", 0, kLastSecond);
    return seconds ? Time(std::chrono::seconds(*seconds)) : Time{};
  }

  // ---- settings ----

  // Whether the setting of that name is there and on.
  bool is_on(JsonFields& group, std::string_view name) {
    const auto placed = group.object(name);
    if (!placed) return false;
    JsonFields setting(*placed->value, placed->at, faults_);
    return setting.flag("enable").value_or(false);  // what else it says has no effect while it is off
  }

  void refuse_what_is_on(JsonFields& group, std::span<const Setting> settings) {
    for (const Setting& setting : settings)
      if (is_on(group, setting.name))
        add_fault(faults_, member_of(group.at(setting.name), "enable"), std::string(setting.why));
  }

  // Whether nothing is to be sent.
  bool read_settings() {
    bool sandbox = false;
    if (auto placed = mail_.object("mail_settings")) {
      JsonFields group(*placed->value, placed->at, faults_);
      sandbox = is_on(group, "sandbox_mode");
      refuse_what_is_on(group, kMailSettings);
      group.finish();
    }
    if (auto placed = mail_.object("tracking_settings")) {
      JsonFields group(*placed->value, placed->at, faults_);
      refuse_what_is_on(group, kTrackingSettings);
      group.finish();
    }
    return sandbox;
  }

  // ---- personalizations ----

  bool read_personalizations(std::vector<Letter>& letters) {
    const auto all = mail_.array("personalizations", kMaxPersonalizations);
    if (all.empty()) {
      mail_.fault("personalizations", "You must have at least one personalization.");
      base_.places.to = "/personalizations";
      letters.push_back(std::move(base_));  // so that the rest of it is checked
      return true;
    }
    std::size_t recipients = 0;
    for (const Placed& placed : all) {
      if (all.size() > 1 && !budget_.take(size_of(base_))) return false;
      JsonFields fields(*placed.value, placed.at, faults_);
      Letter letter = all.size() == 1 ? std::move(base_) : base_;
      if (!personalize(letter, fields)) return false;
      recipients += letter.to.size() + letter.cc.size() + letter.bcc.size();
      letters.push_back(std::move(letter));
    }
    if (recipients > kMaxRecipients)
      mail_.fault("personalizations", "There is a limit of 1000 total recipients (to + cc + bcc) per request.");
    return true;
  }

  bool personalize(Letter& letter, JsonFields& fields) {
    letter.to = parties(fields, "to", kMaxRecipients);
    letter.cc = parties(fields, "cc", kMaxRecipients);
    letter.bcc = parties(fields, "bcc", kMaxRecipients);
    letter.places.to = fields.at("to");
    if (letter.to.empty()) fields.fault("to", "The to array is required for all personalization objects.");
    check_once(letter, fields);
    if (auto from = fields.object("from")) letter.from = party(*from);
    if (auto subject = fields.text("subject", kMaxValue)) letter.subject = std::move(*subject);
    letter.places.subject = fields.has("subject") ? fields.at("subject") : "/subject";
    if (letter.subject.empty()) add_fault(faults_, letter.places.subject, std::string(kNoSubject));
    if (fields.has("headers")) letter.places.headers = fields.at("headers");
    lay_over(letter.headers, fields.texts_by_name("headers", kMaxLetterHeaders, kMaxValue), true);
    if (fields.has("custom_args")) letter.places.metadata = fields.at("custom_args");
    lay_over(letter.metadata, fields.texts_by_name("custom_args", kMaxMetadata, kMaxMetadataOctets), false);
    if (fields.has("send_at")) letter.send_at = send_at(fields);
    letter.places.send_at = fields.has("send_at") ? fields.at("send_at") : "/send_at";
    const bool fits = substitute(letter, fields);
    refuse(fields, kRefused.back());
    fields.finish();
    return fits;
  }

  // SendGrid's own rule; the same mail twice would be the other way to read it.
  static void check_once(const Letter& letter, JsonFields& fields) {
    std::set<std::string> seen;
    for (const auto* list : {&letter.to, &letter.cc, &letter.bcc})
      for (const Party& party : *list)
        if (!party.email.empty() && !seen.insert(lowered(party.email)).second)
          return fields.fault("to",
                              "Each unique email address in the personalizations array should only be included once. "
                              "You have included [" +
                                  party.email + "] more than once.");
  }

  // In subject, texts and reply-to, as SendGrid has it.
  bool substitute(Letter& letter, JsonFields& fields) {
    auto pairs = fields.texts_by_name("substitutions", Replacements::kMaxCount, kMaxValue);
    if (pairs.empty()) return true;
    for (const auto& [placeholder, value] : pairs)
      if (placeholder.empty()) {
        fields.fault("substitutions", "a placeholder cannot be empty");
        return true;
      }
    const Replacements replacements(std::move(pairs));
    std::vector<std::string*> texts{&letter.subject, &letter.text, &letter.html};
    for (LetterText& alternative : letter.alternatives) texts.push_back(&alternative.text);
    for (Party& party : letter.reply_to) texts.insert(texts.end(), {&party.email, &party.name});
    for (std::string* text : texts)
      if (!budget_.fill_in(*text, replacements)) return false;
    return true;
  }

  JsonFields mail_;
  Faults& faults_;
  Letter base_;
  CallBudget budget_;
};

}  // namespace

std::variant<SendgridMail, Refusal> read_sendgrid_mail(std::string_view body) {
  SendgridMail mail;
  bool fits = true;
  if (const auto document = parse_document(body, mail.faults)) fits = MailReader(*document, mail.faults).read(mail);
  if (!fits) return CallBudget::refusal();
  return mail;
}

}  // namespace postrider::mgmt
