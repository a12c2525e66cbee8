#include "mgmt/dialects/resend_mail.h"

#include <utility>

#include "mgmt/base64.h"
#include "mgmt/mailboxes.h"

namespace postrider::mgmt {

namespace {

constexpr std::size_t kMaxText = 50u << 20;  // the body that holds it is bounded as well
constexpr std::size_t kMaxAddress = 2048;
constexpr std::size_t kMaxSubject = 998;
constexpr std::size_t kMaxValue = 10'000;
constexpr std::size_t kMaxTagText = 256;
constexpr std::size_t kMaxTagCount = 100;

bool is_tag_text(std::string_view text) {
  return !text.empty() && text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") ==
                              std::string_view::npos;
}

// Octets as numbers from 0 to 255: the form of Resend's SDK for Python.
std::optional<std::string> octets_of(const boost::json::array& numbers) {
  std::string octets;
  octets.reserve(numbers.size());
  for (const boost::json::value& number : numbers) {
    if (!number.is_int64() || number.get_int64() < 0 || number.get_int64() > 255) return std::nullopt;
    octets += static_cast<char>(number.get_int64());
  }
  return octets;
}

class EmailReader {
 public:
  EmailReader(const Placed& email, Faults& faults) : email_(*email.value, email.at, faults), faults_(faults) {
    letter_.at = email.at;
  }

  Letter read() {
    read_addresses();
    if (!email_.has("subject")) email_.fault("subject", std::string(kMissingField));
    letter_.subject = email_.text("subject", kMaxSubject).value_or("");
    letter_.text = email_.text("text", kMaxText).value_or("");
    letter_.html = email_.text("html", kMaxText).value_or("");
    letter_.headers = email_.texts_by_name("headers", kMaxLetterHeaders, kMaxValue);
    for (const Placed& attachment : email_.array("attachments", kMaxLetterAttachments)) read_attachment(attachment);
    for (const Placed& tag : email_.array("tags", kMaxTagCount)) read_tag(tag);
    if (const auto at = read_scheduled_at(email_)) letter_.send_at = *at;
    if (email_.has("template"))
      email_.fault("template",
                   "cannot be used here: Postrider keeps no templates; render the email and send html or text");
    if (email_.has("topic_id")) email_.fault("topic_id", "cannot be used here: Postrider keeps no topics");
    email_.finish();
    letter_.places.send_at = "/scheduled_at";
    letter_.places.metadata = "/tags";
    return std::move(letter_);
  }

 private:
  void read_addresses() {
    if (!email_.has("from")) email_.fault("from", std::string(kMissingField));
    if (const auto from = email_.text("from", kMaxAddress))
      if (auto party = read_mailbox(*from, email_.at("from"), faults_)) letter_.from = std::move(*party);
    if (!email_.has("to")) email_.fault("to", std::string(kMissingField));
    read_parties("to", letter_.to);
    read_parties("cc", letter_.cc);
    read_parties("bcc", letter_.bcc);
    read_parties("reply_to", letter_.reply_to);
  }

  void read_parties(std::string_view name, std::vector<Party>& parties) {
    for (const Placed& one : email_.one_or_many(name, kMaxLetterRecipients))
      if (const auto text = text_of(one, kMaxAddress, faults_))
        for (Party& party : read_mailboxes(*text, one.at, faults_)) parties.push_back(std::move(party));
  }

  void read_attachment(const Placed& placed) {
    JsonFields fields(*placed.value, placed.at, faults_);
    LetterPart part;
    part.at = placed.at;
    if (fields.has("path"))
      fields.fault("path", "cannot be used here: Postrider fetches nothing; send the file as content");
    else if (const auto content = fields.any("content"))
      part.octets = read_octets(*content);
    else
      fields.fault("content", std::string(kMissingField));
    part.filename = fields.text("filename").value_or("");
    part.content_type = fields.text("content_type").value_or("");
    part.content_id = fields.text("content_id").value_or("");
    part.is_inline = !part.content_id.empty();
    fields.finish();
    letter_.attachments.push_back(std::move(part));
  }

  // Base64, or octets as numbers, or a Buffer as Node's JSON has it: {"type": "Buffer", "data": [80, 78, 71]}.
  std::string read_octets(const Placed& content) {
    std::optional<std::string> octets;
    if (const auto* text = content.value->if_string())
      octets = base64_decode({text->data(), text->size()});
    else if (const auto* numbers = content.value->if_array())
      octets = octets_of(*numbers);
    else if (const auto* buffer = content.value->if_object(); buffer != nullptr && buffer->size() == 2)
      if (const auto* type = buffer->if_contains("type"); type != nullptr && *type == "Buffer")
        if (const auto* data = buffer->if_contains("data"); data != nullptr && data->is_array())
          octets = octets_of(data->get_array());
    if (!octets) add_fault(faults_, content.at, "must be the file in base64");
    return std::move(octets).value_or("");
  }

  void read_tag(const Placed& placed) {
    JsonFields fields(*placed.value, placed.at, faults_);
    std::string name = read_tag_text(fields, "name");
    std::string value = read_tag_text(fields, "value");
    fields.finish();
    letter_.metadata.emplace_back(std::move(name), std::move(value));
  }

  static std::string read_tag_text(JsonFields& fields, std::string_view member) {
    const bool given = fields.has(member);
    std::string text = fields.text(member, kMaxTagText).value_or("");
    if (!given)
      fields.fault(member, std::string(kMissingField));
    else if (!is_tag_text(text))
      fields.fault(member, "must be ASCII letters, digits, underscores and dashes");
    return text;
  }

  JsonFields email_;
  Faults& faults_;
  Letter letter_;
};

}  // namespace

Letter read_resend_email(const Placed& email, Faults& faults) {
  return EmailReader(email, faults).read();
}

std::optional<Time> read_scheduled_at(JsonFields& fields) {
  const auto text = fields.text("scheduled_at", 100);
  if (!text) return std::nullopt;
  const auto time = parse_rfc3339(*text);
  if (!time)
    fields.fault("scheduled_at", "must be a time such as 2026-01-31T08:15:00Z; times in words are not understood here");
  return time;
}

}  // namespace postrider::mgmt
