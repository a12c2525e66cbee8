#include "mgmt/letter_json.h"

#include <array>
#include <boost/json/value.hpp>
#include <limits>

#include "mgmt/base64.h"
#include "mgmt/field_rules.h"
#include "mgmt/mailboxes.h"

namespace postrider::mgmt {

namespace {

namespace json = boost::json;

// How much of each is read at all; what a letter may have is check_letter's to say.
constexpr std::size_t kMaxParties = kMaxLetterRecipients;
constexpr std::size_t kMaxText = 64u << 20;

class LetterReader {
 public:
  LetterReader(JsonFields& fields, Letter& letter, Faults& faults)
      : fields_(fields), letter_(letter), faults_(faults) {}

  void run() {
    take_places();
    if (const auto from = fields_.any("from"))
      if (auto party = read_party(*from, faults_)) letter_.from = std::move(*party);
    read_parties("to", letter_.to);
    read_parties("cc", letter_.cc);
    read_parties("bcc", letter_.bcc);
    read_parties("reply_to", letter_.reply_to);
    read_text("subject", letter_.subject);
    read_text("text", letter_.text);
    read_text("html", letter_.html);
    read_text("raw", letter_.raw);
    read_attachments();
    if (fields_.has("headers")) letter_.headers = fields_.texts_by_name("headers", kMaxLetterHeaders, kMaxHeaderValue);
    if (fields_.has("metadata")) letter_.metadata = fields_.texts_by_name("metadata", kMaxMetadata, kMaxMetadataOctets);
    read_tags();
    read_steering();
    read_notify();
  }

 private:
  // What the object has is there; what it has not is where the defaults had it, or would be here.
  void take_places() {
    using Place = std::string LetterPlaces::*;
    letter_.places.filename = "/filename";
    letter_.places.content_type = "/content_type";
    letter_.places.content_id = "/cid";
    static constexpr std::array<std::pair<std::string_view, Place>, 16> kPlaces = {
        {{"from", &LetterPlaces::from},
         {"to", &LetterPlaces::to},
         {"cc", &LetterPlaces::cc},
         {"bcc", &LetterPlaces::bcc},
         {"reply_to", &LetterPlaces::reply_to},
         {"subject", &LetterPlaces::subject},
         {"text", &LetterPlaces::text},
         {"html", &LetterPlaces::html},
         {"attachments", &LetterPlaces::attachments},
         {"headers", &LetterPlaces::headers},
         {"tags", &LetterPlaces::tags},
         {"metadata", &LetterPlaces::metadata},
         {"send_at", &LetterPlaces::send_at},
         {"expires_in", &LetterPlaces::expires_in},
         {"retries", &LetterPlaces::retries},
         {"raw", &LetterPlaces::raw}}};
    for (const auto& [name, place] : kPlaces) {
      if (fields_.has(name) || !has_default(name)) letter_.places.*place = fields_.at(name);
    }
  }

  bool has_default(std::string_view name) const {
    if (name == "from") return !letter_.from.email.empty();
    if (name == "to") return !letter_.to.empty();
    if (name == "cc") return !letter_.cc.empty();
    if (name == "bcc") return !letter_.bcc.empty();
    if (name == "reply_to") return !letter_.reply_to.empty();
    if (name == "subject") return !letter_.subject.empty();
    if (name == "text") return !letter_.text.empty();
    if (name == "html") return !letter_.html.empty();
    if (name == "headers") return !letter_.headers.empty();
    if (name == "tags") return !letter_.tags.empty();
    if (name == "metadata") return !letter_.metadata.empty();
    if (name == "send_at") return letter_.send_at != Time{};
    if (name == "expires_in") return letter_.expires_in != Duration{};
    if (name == "retries") return letter_.retry != MessageRetry{};
    return false;
  }

  void read_parties(std::string_view name, std::vector<Party>& parties) {
    if (!fields_.has(name)) return;
    parties.clear();
    for (const Placed& placed : fields_.one_or_many(name, kMaxParties))
      if (auto party = read_party(placed, faults_)) parties.push_back(std::move(*party));
  }

  void read_text(std::string_view name, std::string& text) {
    if (!fields_.has(name)) return;
    text = fields_.text(name, kMaxText).value_or("");
  }

  void read_attachments() {
    if (!fields_.has("attachments")) return;
    letter_.attachments.clear();
    for (const Placed& placed : fields_.array("attachments", kMaxLetterAttachments)) {
      JsonFields part(*placed.value, placed.at, faults_);
      letter_.attachments.push_back(read_part(part));
      part.finish();
    }
  }

  LetterPart read_part(JsonFields& fields) {
    LetterPart part;
    part.at = fields.at();
    part.filename = fields.text("filename", kMaxLineText).value_or("");
    part.content_type = fields.text("content_type", kMaxLineText).value_or("");
    part.content_id = fields.text("cid", kMaxLineText).value_or("");
    part.is_inline = !part.content_id.empty();
    if (const auto disposition = fields.text("disposition")) {
      if (*disposition != "attachment" && *disposition != "inline")
        fields.fault("disposition", "must be attachment or inline");
      part.is_inline = *disposition == "inline";
    }
    if (part.filename.empty() && part.content_id.empty()) fields.fault("filename", "is needed");
    const auto content = fields.any("content");
    auto octets = content && content->value->is_string() ? base64_decode(view_of(content->value->get_string()))
                                                         : std::optional<std::string>();
    if (!octets) fields.fault("content", "is needed, in base64");
    part.octets = std::move(octets).value_or("");
    return part;
  }

  void read_tags() {
    if (!fields_.has("tags")) return;
    letter_.tags.clear();
    for (const Placed& placed : fields_.array("tags", kMaxTags))
      if (auto tag = text_of(placed, kMaxTagOctets, faults_)) letter_.tags.push_back(std::move(*tag));
  }

  void read_steering() {
    if (const auto lane = fields_.text("lane")) {
      const auto known = parse_lane(*lane);
      if (!known) fields_.fault("lane", "must be high, normal or low");
      letter_.lane = known;
    }
    if (const auto at = fields_.time("send_at")) letter_.send_at = *at;
    if (const auto span = fields_.duration("expires_in")) {
      if (*span <= Duration::zero()) fields_.fault("expires_in", "must be a time span such as 10m or 2h");
      letter_.expires_in = *span;
    }
    read_retries();
  }

  void read_retries() {
    constexpr std::int64_t kMost = std::numeric_limits<std::uint32_t>::max();
    const auto retries = fields_.any("retries");
    if (!retries) return;
    letter_.retry = {};
    if (!retries->value->is_object()) {
      if (const auto count = fields_.number("retries", 0, kMost))
        letter_.retry.retries = static_cast<std::uint32_t>(*count);
      return;
    }
    JsonFields fields(*retries->value, retries->at, faults_);
    letter_.places.retries = fields.at("count");
    letter_.places.retry_interval = fields.at("interval");
    if (const auto count = fields.number("count", 0, kMost)) letter_.retry.retries = static_cast<std::uint32_t>(*count);
    letter_.retry.interval = fields.duration("interval");
    fields.finish();
  }

  void read_notify() {
    const auto notify = fields_.any("notify");
    if (!notify) return;
    letter_.notify = {};
    constexpr std::string_view kForms = "must be \"never\", or an array of success, failure and delay";
    if (notify->value->is_string() && view_of(notify->value->get_string()) == "never") {
      letter_.notify.never = true;
      return;
    }
    if (!notify->value->is_array()) return fields_.fault("notify", std::string(kForms));
    for (const Placed& placed : fields_.array("notify", 3)) {
      const auto when = text_of(placed, 16, faults_);
      if (!when) continue;
      if (*when == "success")
        letter_.notify.success = true;
      else if (*when == "failure")
        letter_.notify.failure = true;
      else if (*when == "delay")
        letter_.notify.delay = true;
      else
        add_fault(faults_, placed.at, std::string(kForms));
    }
    if (!letter_.notify.given()) fields_.fault("notify", std::string(kForms));
  }

  JsonFields& fields_;
  Letter& letter_;
  Faults& faults_;
};

}  // namespace

void read_letter(JsonFields& fields, Letter& letter, Faults& faults) {
  LetterReader(fields, letter, faults).run();
}

std::optional<Party> read_party(const Placed& placed, Faults& faults) {
  if (placed.value->is_string()) return read_mailbox(view_of(placed.value->get_string()), placed.at, faults);
  if (!placed.value->is_object()) {
    add_fault(faults, placed.at, "must be an address such as \"Name <user@example.com>\", or {\"email\", \"name\"}");
    return std::nullopt;
  }
  JsonFields fields(*placed.value, placed.at, faults);
  Party party;
  party.at = placed.at;
  const auto email = fields.text("email");
  if (email ? email->empty() : !fields.has("email")) fields.fault("email", "is needed");
  party.email = email.value_or("");
  party.name = fields.text("name", kMaxLineText).value_or("");
  fields.finish();
  if (party.email.empty()) return std::nullopt;
  return party;
}

std::optional<Lane> parse_lane(std::string_view text) {
  for (const Lane lane : {Lane::high, Lane::normal, Lane::low})
    if (to_string(lane) == text) return lane;
  return std::nullopt;
}

}  // namespace postrider::mgmt
