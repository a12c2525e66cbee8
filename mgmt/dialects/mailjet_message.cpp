#include "mgmt/dialects/mailjet_message.h"

#include <array>
#include <boost/beast/core/string.hpp>
#include <utility>

#include "mgmt/base64.h"
#include "mgmt/mailboxes.h"

namespace postrider::mgmt {

namespace {

// X-MJ-CustomID and the like steer Mailjet, which takes them out.
bool is_of_mailjet(std::string_view name) {
  const auto begins_with = [&](std::string_view prefix) {
    return boost::beast::iequals(name.substr(0, prefix.size()), prefix);
  };
  return begins_with("X-MJ-") || begins_with("X-Mailjet-");
}

}  // namespace

namespace mailjet {

LetterPart read_file(const Placed& placed, const FileMembers& members, bool is_inline, Faults& faults) {
  JsonFields fields(*placed.value, placed.at, faults);
  LetterPart part;
  part.at = placed.at;
  part.is_inline = is_inline;
  for (const std::string_view member : {members.name, members.content})
    if (!fields.has(member)) fields.fault(member, std::string(kMissing));
  part.content_type = fields.text(members.type).value_or("");
  part.filename = fields.text(members.name).value_or("");
  if (const auto text = fields.text(members.content, kMaxText)) {
    auto octets = base64_decode(*text);
    if (!octets) fields.fault(members.content, "must be base64");
    part.octets = std::move(octets).value_or("");
  }
  if (!members.content_id.empty()) part.content_id = fields.text(members.content_id).value_or("");
  if (is_inline && part.content_id.empty()) part.content_id = part.filename;
  fields.finish();
  return part;
}

void read_headers(JsonFields& fields, Letter& letter, Faults& faults) {
  for (auto& [name, value] : fields.texts_by_name("Headers", kMaxLetterHeaders, kMaxValue)) {
    const std::string at = member_of(fields.at("Headers"), name);
    if (is_of_mailjet(name))
      add_fault(faults, at, "is for Mailjet and means nothing here: use the property of the message");
    else if (boost::beast::iequals(name, "Reply-To") && letter.reply_to.empty())
      letter.reply_to = read_mailboxes(value, at, faults);
    else
      letter.headers.emplace_back(std::move(name), std::move(value));
  }
}

Lane lane_of(std::int64_t priority) {
  return priority >= 3 ? Lane::high : priority == 2 ? Lane::normal : Lane::low;
}

}  // namespace mailjet

namespace {

using namespace mailjet;

constexpr std::size_t kMaxParties = 50;  // of each of To, Cc and Bcc, as Mailjet has it
constexpr FileMembers kAttachment{"ContentType", "Filename", "Base64Content", ""};
constexpr FileMembers kInlined{"ContentType", "Filename", "Base64Content", "ContentID"};

struct Refused {
  std::string_view member, why;
};
constexpr std::array<Refused, 4> kRefused{
    {{"TemplateID", kNoTemplates},
     {"TemplateErrorReporting", kNoTemplates},
     {"URLTags", "cannot be used here: Postrider changes no links; give them their parameters yourself"},
     {"MonitoringCategory", "cannot be used here: Postrider has no such monitoring; see its metrics and tags"}}};

class MessageReader {
 public:
  MessageReader(const Placed& message, Faults& faults) : fields_(*message.value, message.at, faults), faults_(faults) {
    out_.letter.at = message.at;
  }

  MailjetMessage read() {
    Letter& letter = out_.letter;
    read_addresses();
    letter.subject = fields_.text("Subject", kMaxSubject).value_or("");
    letter.text = fields_.text("TextPart", kMaxText).value_or("");
    letter.html = fields_.text("HTMLPart", kMaxText).value_or("");
    for (const Placed& file : fields_.array("Attachments", kMaxLetterAttachments))
      letter.attachments.push_back(read_file(file, kAttachment, false, faults_));
    for (const Placed& file : fields_.array("InlinedAttachments", kMaxLetterAttachments))
      letter.attachments.push_back(read_file(file, kInlined, true, faults_));
    read_headers(fields_, letter, faults_);
    read_own();
    read_templates();
    read_tracking();
    fields_.finish();
    set_places();
    return std::move(out_);
  }

 private:
  void read_addresses() {
    Letter& letter = out_.letter;
    if (const auto from = fields_.object("From"))
      letter.from = read_party(*from);
    else if (!fields_.has("From"))
      fields_.fault("From", std::string(kMissing));
    if (const auto sender = fields_.object("Sender")) letter.sender = read_party(*sender);
    for (const Placed& one : fields_.array("To", kMaxParties)) letter.to.push_back(read_party(one));
    for (const Placed& one : fields_.array("Cc", kMaxParties)) letter.cc.push_back(read_party(one));
    for (const Placed& one : fields_.array("Bcc", kMaxParties)) letter.bcc.push_back(read_party(one));
    if (const auto reply_to = fields_.object("ReplyTo")) letter.reply_to.push_back(read_party(*reply_to));
  }

  Party read_party(const Placed& placed) {
    JsonFields fields(*placed.value, placed.at, faults_);
    Party party;
    party.at = member_of(placed.at, "Email");
    if (!fields.has("Email")) fields.fault("Email", std::string(kMissing));
    party.email = fields.text("Email", kMaxAddress).value_or("");
    party.name = fields.text("Name", kMaxAddress).value_or("");
    fields.finish();
    return party;
  }

  // What the application wants to find again.
  void read_own() {
    Letter& letter = out_.letter;
    out_.custom_id = fields_.text("CustomID", kMaxValue).value_or("");
    if (!out_.custom_id.empty()) letter.metadata.emplace_back("CustomID", out_.custom_id);
    if (auto payload = fields_.text("EventPayload", kMaxValue); payload && !payload->empty())
      letter.metadata.emplace_back("EventPayload", std::move(*payload));
    if (auto campaign = fields_.text("CustomCampaign", kMaxTagOctets); campaign && !campaign->empty())
      letter.tags.push_back(std::move(*campaign));
    if (fields_.flag("DeduplicateCampaign").value_or(false))
      fields_.fault("DeduplicateCampaign",
                    "cannot be used here: campaigns are tags and nothing more; use Idempotency-Key");
    if (const auto priority = fields_.number("Priority", 0, 3)) letter.lane = lane_of(*priority);
  }

  void read_templates() {
    for (const auto& [member, why] : kRefused)
      if (fields_.has(member)) fields_.fault(member, std::string(why));
    if (fields_.flag("TemplateLanguage").value_or(false)) fields_.fault("TemplateLanguage", std::string(kNoTemplates));
    if (fields_.flag("TemplateErrorDeliver").value_or(false))
      fields_.fault("TemplateErrorDeliver", std::string(kNoTemplates));
    if (const auto variables = fields_.object("Variables"); variables && !variables->value->get_object().empty())
      fields_.fault("Variables", std::string(kNoTemplates));
  }

  void read_tracking() {
    for (const std::string_view member : {"TrackOpens", "TrackClicks"}) {
      const auto text = fields_.text(member);
      if (text && *text == "enabled")
        fields_.fault(member, "cannot be enabled: Postrider tracks nothing and changes no HTML");
      else if (text && *text != "disabled" && *text != "account_default")
        fields_.fault(member, "must be account_default or disabled");
    }
  }

  void set_places() {
    LetterPlaces& places = out_.letter.places;
    places.from = "/From";
    places.to = "/To";
    places.cc = "/Cc";
    places.bcc = "/Bcc";
    places.reply_to = "/ReplyTo";
    places.subject = "/Subject";
    places.text = "/TextPart";
    places.html = "/HTMLPart";
    places.attachments = "/Attachments";
    places.headers = "/Headers";
    places.tags = "/CustomCampaign";
    places.metadata = "/EventPayload";
  }

  JsonFields fields_;
  Faults& faults_;
  MailjetMessage out_;
};

}  // namespace

MailjetMessage read_mailjet_message(const Placed& message, Faults& faults) {
  return MessageReader(message, faults).read();
}

}  // namespace postrider::mgmt
