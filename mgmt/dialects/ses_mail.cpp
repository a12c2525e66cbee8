#include "mgmt/dialects/ses_mail.h"

#include <algorithm>
#include <array>
#include <boost/beast/core/string.hpp>
#include <utility>

#include "mgmt/base64.h"
#include "mgmt/dialects/raw_header.h"
#include "mgmt/field_rules.h"
#include "mgmt/header_text.h"
#include "mgmt/mailboxes.h"

namespace postrider::mgmt {

namespace {

constexpr std::size_t kMaxText = 50u << 20;  // the body that holds it is bounded as well
constexpr std::size_t kMaxAddress = 2048;
constexpr std::size_t kMaxHeaderValue = 995;  // as SES has it
constexpr std::size_t kMaxTagCount = 50;
constexpr std::size_t kMaxTagText = 256;
constexpr std::string_view kConfigurationSet = "ses:configuration-set";  // as SES names it in events

struct Refused {
  std::string_view member, why;
};
constexpr std::string_view kNoArn =
    "cannot be used here: AWS's sending authorization does not apply; the API key says which senders it may use";
constexpr std::array<Refused, 5> kRefused{
    {{"FromEmailAddressIdentityArn", kNoArn},
     {"FeedbackForwardingEmailAddressIdentityArn", kNoArn},
     {"ListManagementOptions", "cannot be used here: Postrider keeps no contact lists; add a List-Unsubscribe header"},
     {"EndpointId", "cannot be used here: Postrider has no multi-region endpoints; its routes choose the upstream"},
     {"TenantName", "cannot be used here: the tenant is that of the API key that signs"}}};

bool is_tag_text(std::string_view text) {
  return !text.empty() && text.size() <= kMaxTagText &&
         text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") == text.npos;
}

bool is_of_ses(std::string_view field_name) {
  return boost::beast::iequals(field_name.substr(0, 6), "x-ses-");
}

// The domain that RFC 2606 2 keeps free of mail for ever. nodemailer's verify() sends from it, and takes SES's refusal of the
// sender for a yes.
bool is_nobodys(std::string_view email) {
  const std::string_view domain = email.substr(std::min(email.rfind('@'), email.size() - 1) + 1);
  return boost::beast::iequals(domain, "invalid");
}

class MailReader {
 public:
  MailReader(const boost::json::value& document, Faults& faults) : mail_(document, "", faults), faults_(faults) {}

  Letter read() {
    read_envelope();
    read_tags();
    for (const auto& [member, why] : kRefused)
      if (mail_.has(member)) mail_.fault(member, std::string(why));
    read_content();
    mail_.finish();
    set_places();
    return std::move(letter_);
  }

 private:
  void read_envelope() {
    if (const auto from = mail_.text("FromEmailAddress", kMaxAddress))
      if (auto party = read_mailbox(*from, mail_.at("FromEmailAddress"), faults_)) letter_.from = std::move(*party);
    if (const auto destination = mail_.object("Destination")) {
      JsonFields fields(*destination->value, destination->at, faults_);
      read_parties(fields, "ToAddresses", letter_.to);
      read_parties(fields, "CcAddresses", letter_.cc);
      read_parties(fields, "BccAddresses", letter_.bcc);
      fields.finish();
    }
    read_parties(mail_, "ReplyToAddresses", letter_.reply_to);
    if (const auto bounces = mail_.text("FeedbackForwardingEmailAddress", kMaxAddress))
      if (auto party = read_mailbox(*bounces, mail_.at("FeedbackForwardingEmailAddress"), faults_)) {
        letter_.envelope_sender = std::move(party->email);
        letter_.notify.failure = true;  // whoever names an address for bounces wants them
      }
  }

  void read_parties(JsonFields& fields, std::string_view name, std::vector<Party>& parties) {
    for (const Placed& one : fields.array(name, kMaxLetterRecipients))
      if (const auto text = text_of(one, kMaxAddress, faults_))
        if (auto party = read_mailbox(*text, one.at, faults_)) parties.push_back(std::move(*party));
  }

  void read_tags() {
    if (auto set = mail_.text("ConfigurationSetName", kMaxTagText); set && !set->empty())
      letter_.metadata.emplace_back(kConfigurationSet, std::move(*set));
    for (const Placed& placed : mail_.array("EmailTags", kMaxTagCount)) {
      JsonFields fields(*placed.value, placed.at, faults_);
      std::string name = fields.text("Name").value_or("");
      std::string value = fields.text("Value").value_or("");
      fields.finish();
      tags_given_ = true;
      if (is_tag_text(name) && is_tag_text(value))
        letter_.metadata.emplace_back(std::move(name), std::move(value));
      else
        add_fault(faults_, placed.at,
                  "must have a Name and a Value of ASCII letters, digits, '_' and '-', at most 256");
    }
  }

  void read_content() {
    const auto content = mail_.object("Content");
    if (!content) {
      if (!mail_.has("Content")) mail_.fault("Content", "must be given");
      return;
    }
    JsonFields fields(*content->value, content->at, faults_);
    if (fields.has("Template"))
      fields.fault("Template", "cannot be used here: Postrider keeps and renders no templates; send Simple or Raw");
    const auto simple = fields.object("Simple");
    const auto raw = fields.object("Raw");
    if (simple && raw)
      add_fault(faults_, content->at, "must have Simple or Raw, not both");
    else if (simple)
      read_simple(*simple);
    else if (raw)
      read_raw(*raw);
    else if (!fields.has("Template") && !fields.has("Simple") && !fields.has("Raw"))
      add_fault(faults_, content->at, "must have Simple or Raw");
    fields.finish();
  }

  // ---- Simple

  void read_simple(const Placed& simple) {
    JsonFields fields(*simple.value, simple.at, faults_);
    if (!fields.has("Subject")) fields.fault("Subject", "must be given");
    letter_.subject = decoded_words(read_text(fields, "Subject"));
    if (const auto placed = fields.object("Body")) {
      JsonFields body(*placed->value, placed->at, faults_);
      letter_.text = read_text(body, "Text");
      letter_.html = read_text(body, "Html");
      body.finish();
    }
    for (const Placed& header : fields.array("Headers", kMaxLetterHeaders)) read_header(header);
    for (const Placed& attachment : fields.array("Attachments", kMaxLetterAttachments)) read_attachment(attachment);
    fields.finish();
  }

  // What JSON holds is Unicode, whatever Charset it was meant to be sent in; it goes out as UTF-8, which has every character.
  std::string read_text(JsonFields& parent, std::string_view name) {
    const auto placed = parent.object(name);
    if (!placed) return {};
    JsonFields fields(*placed->value, placed->at, faults_);
    if (!fields.has("Data")) fields.fault("Data", "must be given");
    std::string text = fields.text("Data", kMaxText).value_or("");
    fields.text("Charset", kMaxTagText);
    fields.finish();
    return text;
  }

  void read_header(const Placed& placed) {
    JsonFields fields(*placed.value, placed.at, faults_);
    for (const std::string_view member : {"Name", "Value"})
      if (!fields.has(member)) fields.fault(member, "must be given");
    std::string name = fields.text("Name", 126).value_or("");
    std::string value = fields.text("Value", kMaxHeaderValue).value_or("");
    if (is_of_ses(name)) fields.fault("Name", "is for SES: use ConfigurationSetName and EmailTags");
    fields.finish();
    letter_.headers.emplace_back(std::move(name), std::move(value));
  }

  void read_attachment(const Placed& placed) {
    JsonFields fields(*placed.value, placed.at, faults_);
    LetterPart part;
    part.at = placed.at;
    for (const std::string_view member : {"FileName", "RawContent"})
      if (!fields.has(member)) fields.fault(member, "must be given");
    part.filename = fields.text("FileName", kMaxTagText).value_or("");
    part.octets = read_octets(fields, "RawContent");
    part.content_type = fields.text("ContentType", kMaxTagText).value_or("");
    part.content_id = fields.text("ContentId", kMaxTagText).value_or("");
    part.is_inline = read_choice(fields, "ContentDisposition", {"ATTACHMENT", "INLINE"}) == "INLINE";
    // Which encoding the octets travel in changes nothing of them: it is base64 always.
    read_choice(fields, "ContentTransferEncoding", {"BASE64", "QUOTED_PRINTABLE", "SEVEN_BIT"});
    if (fields.has("ContentDescription"))
      fields.fault("ContentDescription", "cannot be used here: attachments have no description; leave it out");
    fields.finish();
    letter_.attachments.push_back(std::move(part));
  }

  std::string read_octets(JsonFields& fields, std::string_view member) {
    const auto text = fields.text(member, kMaxText);
    if (!text) return {};
    auto octets = base64_decode(*text);
    if (!octets) fields.fault(member, "must be base64");
    return std::move(octets).value_or("");
  }

  std::string read_choice(JsonFields& fields, std::string_view member, std::initializer_list<std::string_view> known) {
    std::string choice = fields.text(member).value_or("");
    if (choice.empty() || std::find(known.begin(), known.end(), choice) != known.end()) return choice;
    std::string all;
    for (const std::string_view one : known) all.append(all.empty() ? "" : ", ").append(one);
    fields.fault(member, "must be one of " + all);
    return {};
  }

  // ---- Raw

  void read_raw(const Placed& raw) {
    JsonFields fields(*raw.value, raw.at, faults_);
    const bool given = fields.has("Data");
    letter_.raw = read_octets(fields, "Data");
    fields.finish();
    if (!given || letter_.raw.empty()) {
      add_fault(faults_, member_of(raw.at, "Data"), "must be a message (RFC 5322) in base64");
      return;
    }
    const std::vector<RawField> header = raw_fields(letter_.raw);
    read_ses_fields(header, member_of(raw.at, "Data"));
    if (!letter_.from.email.empty()) replace_mailboxes(header, "From", {letter_.from});
    if (!letter_.reply_to.empty()) replace_mailboxes(header, "Reply-To", checked(std::exchange(letter_.reply_to, {})));
  }

  // Of raw octets check_letter sees the envelope only.
  std::vector<Party> checked(std::vector<Party> parties) {
    for (const Party& party : parties)
      if (auto wrong = wrong_address(party.email)) add_fault(faults_, party.at, std::move(*wrong));
    return parties;
  }

  // The X-SES-* fields are for SES and go no further; those of the call come before those of the header.
  void read_ses_fields(const std::vector<RawField>& header, const std::string& at) {
    for (const RawField& field : header) {
      if (!is_of_ses(field.name)) continue;
      if (boost::beast::iequals(field.name, "X-SES-CONFIGURATION-SET"))
        add_metadata(kConfigurationSet, field.value);
      else if (boost::beast::iequals(field.name, "X-SES-MESSAGE-TAGS"))
        read_header_tags(field.value, at);
      else
        add_fault(faults_, at, "the field " + field.name.substr(0, kMaxTagText) + " cannot be used here");
    }
    for (const std::string_view name : {"X-SES-CONFIGURATION-SET", "X-SES-MESSAGE-TAGS"})
      if (std::any_of(header.begin(), header.end(),
                      [&](const auto& field) { return boost::beast::iequals(field.name, name); }))
        replace_raw_field(letter_.raw, name, "");
  }

  void add_metadata(std::string_view name, std::string_view value) {
    for (const auto& [known, unused] : letter_.metadata)
      if (known == name) return;
    letter_.metadata.emplace_back(name, value);
  }

  // "name=value, other=value"; not looked at when the call has EmailTags.
  void read_header_tags(std::string_view text, const std::string& at) {
    if (tags_given_) return;
    while (!text.empty()) {
      const auto comma = std::min(text.find(','), text.size());
      std::string_view tag = text.substr(0, comma);
      text.remove_prefix(std::min(comma + 1, text.size()));
      while (tag.starts_with(' ')) tag.remove_prefix(1);
      while (tag.ends_with(' ')) tag.remove_suffix(1);
      const auto equals = std::min(tag.find('='), tag.size());
      const std::string_view name = tag.substr(0, equals), value = tag.substr(std::min(equals + 1, tag.size()));
      if (!is_tag_text(name) || !is_tag_text(value) || letter_.metadata.size() > kMaxTagCount) {
        add_fault(faults_, at, "the field X-SES-MESSAGE-TAGS must be at most 50 of name=value, with commas between");
        return;
      }
      add_metadata(name, value);
    }
  }

  // Only where it says something else: a field that is as asked for keeps its octets, and a signature over it holds.
  void replace_mailboxes(const std::vector<RawField>& header, std::string_view name, const std::vector<Party>& wanted) {
    const auto is_named = [&](const RawField& field) { return boost::beast::iequals(field.name, name); };
    const auto found = std::find_if(header.begin(), header.end(), is_named);
    if (found != header.end() && std::find_if(found + 1, header.end(), is_named) == header.end()) {
      Faults unreadable;
      const std::vector<Party> there = read_mailboxes(found->value, "", unreadable);
      const auto same = [](const Party& a, const Party& b) { return a.email == b.email && a.name == b.name; };
      if (std::equal(there.begin(), there.end(), wanted.begin(), wanted.end(), same)) return;
    }
    replace_raw_field(letter_.raw, name, address_field(name, wanted));
  }

  void set_places() {
    LetterPlaces& places = letter_.places;
    places.from = "/FromEmailAddress";
    places.to = "/Destination/ToAddresses";
    places.cc = "/Destination/CcAddresses";
    places.bcc = "/Destination/BccAddresses";
    places.reply_to = "/ReplyToAddresses";
    places.subject = "/Content/Simple/Subject/Data";
    places.text = "/Content/Simple/Body/Text/Data";
    places.html = "/Content/Simple/Body/Html/Data";
    places.attachments = "/Content/Simple/Attachments";
    places.headers = "/Content/Simple/Headers";
    places.metadata = "/EmailTags";
    places.raw = "/Content/Raw/Data";
  }

  JsonFields mail_;
  Faults& faults_;
  Letter letter_;
  bool tags_given_ = false;
};

}  // namespace

std::variant<Letter, Refusal> read_ses_mail(std::string_view body) {
  Faults faults;
  const auto document = parse_document(body, faults);
  if (!document) return invalid_fields(std::move(faults));
  Letter letter = MailReader(*document, faults).read();
  letter.faults = std::move(faults);
  if (letter.faults.empty() && !letter.from.email.empty() && is_nobodys(letter.from.email)) {
    Refusal refusal;
    refusal.type = ProblemType::sender_not_allowed;
    refusal.detail = "nobody can send as " + letter.from.email;
    return refusal;
  }
  return letter;
}

}  // namespace postrider::mgmt
