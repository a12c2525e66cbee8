#include "mgmt/letter.h"

#include <algorithm>
#include <array>
#include <set>

#include "core/utf8.h"
#include "mgmt/field_rules.h"
#include "providers/address_fields.h"

namespace postrider::mgmt {

namespace {

class LetterCheck {
 public:
  LetterCheck(const Letter& letter, const Faults& of_call, Faults& faults)
      : letter_(letter), of_call_(of_call), faults_(faults) {}

  void run() {
    check_parties();
    if (!letter_.raw.empty())
      check_raw();
    else if (!is_unread(places().raw))
      check_content();
    check_tags();
    check_metadata();
    if (letter_.expires_in < Duration::zero()) fault(places().expires_in, "must be a time span in the future");
  }

 private:
  const LetterPlaces& places() const { return letter_.places; }
  std::string at(const std::string& place) const { return letter_.at + place; }
  void fault(const std::string& place, std::string detail) { add_fault(faults_, at(place), std::move(detail)); }
  bool is_unread(const std::string& place) const {
    const auto is_of_it = [&](const FieldFault& fault) { return lies_within(fault.pointer, at(place)); };
    return std::any_of(letter_.faults.begin(), letter_.faults.end(), is_of_it) ||
           std::any_of(of_call_.begin(), of_call_.end(), is_of_it);
  }
  void fault_if(const std::string& pointer, Wrong wrong) {
    if (wrong) add_fault(faults_, pointer, std::move(*wrong));
  }
  std::string where(const Party& party, const std::string& place) const {
    return party.at.empty() ? at(place) : party.at;
  }

  void check_party(const Party& party, const std::string& place) {
    fault_if(where(party, place), wrong_address(party.email));
    if (auto wrong = wrong_line(party.name)) add_fault(faults_, where(party, place), "the name " + *wrong);
  }

  void check_parties(const std::vector<Party>& parties, const std::string& place) {
    for (const Party& party : parties) check_party(party, place);
  }

  void check_parties() {
    const bool header_names_them = !letter_.raw.empty() || is_unread(places().raw);
    if (!letter_.from.email.empty() || !header_names_them) check_party(letter_.from, places().from);
    check_parties(letter_.to, places().to);
    check_parties(letter_.cc, places().cc);
    check_parties(letter_.bcc, places().bcc);
    check_parties(letter_.reply_to, places().reply_to);
    check_parties(letter_.envelope_recipients, places().to);
    if (letter_.sender) check_party(*letter_.sender, places().from);
    if (letter_.envelope_sender && !letter_.envelope_sender->empty())
      fault_if(at(places().from), wrong_address(*letter_.envelope_sender));
    const std::size_t named = letter_.to.size() + letter_.cc.size() + letter_.bcc.size();
    if (std::max(named, letter_.envelope_recipients.size()) > kMaxLetterRecipients)
      fault(places().to, "a message has at most " + std::to_string(kMaxLetterRecipients) + " recipients");
    const bool all_read = !is_unread(places().cc) && !is_unread(places().bcc);
    if (named + letter_.envelope_recipients.size() == 0 && !header_names_them && all_read)
      fault(places().to, "at least one recipient is needed");
  }

  void check_content() {
    fault_if(at(places().subject), wrong_line(letter_.subject));
    fault_if(at(places().text), wrong_text(letter_.text));
    fault_if(at(places().html), wrong_text(letter_.html));
    const bool none_unread = !is_unread(places().html) && !is_unread(places().attachments);
    if (letter_.text.empty() && letter_.html.empty() && letter_.alternatives.empty() && letter_.attachments.empty() &&
        none_unread)
      fault(places().text, "there is nothing to send: give text, html or an attachment");
    check_alternatives();
    check_attachments();
    check_headers();
  }

  void check_alternatives() {
    std::set<std::string> types{"plain", "html"};
    for (const LetterText& alternative : letter_.alternatives) {
      const std::string& pointer = alternative.at.empty() ? at(places().html) : alternative.at;
      fault_if(pointer, wrong_text(alternative.text));
      const auto type = parse_media_type(alternative.content_type);
      if (!type)
        add_fault(faults_, pointer, "the content type " + type.error().text);
      else if (type->type != "text")
        add_fault(faults_, pointer, "an alternative is a text, of a type such as text/calendar");
      else if (!types.insert(type->subtype).second)
        add_fault(faults_, pointer, "there is another text of this type already");
    }
  }

  void check_attachments() {
    const std::size_t count = letter_.attachments.size();
    if (count > kMaxLetterAttachments)
      fault(places().attachments, "a message has at most " + std::to_string(kMaxLetterAttachments) + " attachments");
    std::set<std::string_view> ids;
    for (std::size_t i = 0; i < std::min(count, kMaxLetterAttachments); ++i) {
      const LetterPart& part = letter_.attachments[i];
      const std::string pointer = part.at.empty() ? element_of(at(places().attachments), i) : part.at;
      if (auto wrong = wrong_line(part.filename))
        add_fault(faults_, pointer + places().filename, "the file name " + *wrong);
      check_part_type(part, pointer + places().content_type);
      if (part.content_id.empty()) continue;
      if (auto wrong = wrong_content_id(part.content_id))
        add_fault(faults_, pointer + places().content_id, "the content id " + *wrong);
      if (!ids.insert(part.content_id).second)
        add_fault(faults_, pointer + places().content_id, "another part has this content id");
    }
  }

  // What RFC 2046 does not let base64 be applied to (5.1, 5.2).
  void check_part_type(const LetterPart& part, const std::string& pointer) {
    if (part.content_type.empty()) return;
    const auto type = parse_media_type(part.content_type);
    if (!type)
      add_fault(faults_, pointer, "the content type " + type.error().text);
    else if (type->type == "multipart")
      add_fault(faults_, pointer, "an attachment cannot be a multipart; send the message as raw");
    else if (type->type == "message" && !is_seven_bit(part.octets))
      add_fault(faults_, pointer,
                "a message as an attachment must be 7-bit with lines of at most 998 octets; send others as "
                "application/octet-stream");
  }

  void check_headers() {
    if (letter_.headers.size() > kMaxLetterHeaders)
      fault(places().headers, "a message has at most " + std::to_string(kMaxLetterHeaders) + " further header fields");
    std::set<std::string_view> once;
    for (std::size_t i = 0; i < std::min(letter_.headers.size(), kMaxLetterHeaders); ++i) {
      const auto& [name, value] = letter_.headers[i];
      const std::string pointer = member_of(at(places().headers), is_utf8(name) ? name : "?");
      fault_if(pointer, wrong_header(name, value));
      const std::string_view* const single = find_once(name);
      if (single != nullptr && !once.insert(*single).second)
        add_fault(faults_, pointer, "a message has this field at most once");
    }
  }

  static const std::string_view* find_once(std::string_view name) {  // RFC 5322 3.6
    static constexpr std::array<std::string_view, 4> kOnce = {"date", "message-id", "in-reply-to", "references"};
    const auto* const found =
        std::find_if(kOnce.begin(), kOnce.end(), [&](std::string_view one) { return providers::is_named(name, one); });
    return found == kOnce.end() ? nullptr : found;
  }

  // What comes with raw octets and is no part of the envelope would have to be put into them.
  void check_raw() {
    if (letter_.raw.find('\0') != std::string::npos) fault(places().raw, "must not hold NUL");
    const auto refuse = [&](const std::string& place, bool given) {
      if (given) fault(place, "cannot be given with raw: it is part of it");
    };
    refuse(places().subject, !letter_.subject.empty());
    refuse(places().text, !letter_.text.empty());
    refuse(places().html, !letter_.html.empty() || !letter_.alternatives.empty());
    refuse(places().attachments, !letter_.attachments.empty());
    refuse(places().headers, !letter_.headers.empty());
    refuse(places().reply_to, !letter_.reply_to.empty());
  }

  void check_tags() {
    const auto printable = [](unsigned char c) { return c >= 0x20 && c != 0x7f; };
    if (letter_.tags.size() > kMaxTags)
      fault(places().tags, "a message has at most " + std::to_string(kMaxTags) + " tags");
    for (std::size_t i = 0; i < std::min(letter_.tags.size(), kMaxTags); ++i) {
      const std::string& tag = letter_.tags[i];
      const bool fine =
          !tag.empty() && tag.size() <= kMaxTagOctets && is_utf8(tag) && std::all_of(tag.begin(), tag.end(), printable);
      if (!fine)
        add_fault(faults_, element_of(at(places().tags), i),
                  "a tag has 1 to " + std::to_string(kMaxTagOctets) + " octets of printable UTF-8");
    }
  }

  void check_metadata() {
    std::size_t octets = 0;
    std::set<std::string_view> names;
    for (const auto& [name, value] : letter_.metadata) {
      octets += name.size() + value.size();
      const std::string pointer = member_of(at(places().metadata), is_utf8(name) ? name : "?");
      if (name.empty() || wrong_line(name, kMaxMetadataOctets))
        add_fault(faults_, pointer, "a name is one line of UTF-8 without control characters");
      if (!names.insert(name).second) add_fault(faults_, pointer, "this name is given twice");
      fault_if(pointer, wrong_text(value));
    }
    if (letter_.metadata.size() > kMaxMetadata || octets > kMaxMetadataOctets)
      fault(places().metadata, "has at most " + std::to_string(kMaxMetadata) + " members of at most " +
                                   std::to_string(kMaxMetadataOctets) + " octets together");
  }

  const Letter& letter_;
  const Faults& of_call_;
  Faults& faults_;
};

}  // namespace

void check_letter(const Letter& letter, Faults& faults, const Faults& of_call) {
  Faults more;
  LetterCheck(letter, of_call, more).run();
  for (const FieldFault& fault : letter.faults) add_fault(faults, fault.pointer, fault.detail);
  for (FieldFault& fault : more) {
    const auto told = [&](const FieldFault& other) {
      return lies_within(other.pointer, fault.pointer) || lies_within(fault.pointer, other.pointer);
    };
    if (std::none_of(letter.faults.begin(), letter.faults.end(), told) &&
        std::none_of(of_call.begin(), of_call.end(), told))
      add_fault(faults, std::move(fault.pointer), std::move(fault.detail));
  }
}

}  // namespace postrider::mgmt
