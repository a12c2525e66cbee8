#include "mgmt/dialects/mailgun_form.h"

#include <boost/beast/core/string.hpp>
#include <optional>
#include <utility>

#include "core/header_fields.h"
#include "mgmt/field_rules.h"
#include "mgmt/header_text.h"
#include "mgmt/mailboxes.h"

namespace postrider::mgmt {

namespace {

using boost::beast::iequals;

constexpr std::string_view kNoTemplates = "Postrider keeps no templates: render the message and send text and html";
constexpr std::string_view kPartOfMime = "is part of the message that is given; leave it out";
constexpr std::size_t kMaxSteeringFields = 1000;  // header fields of a raw message that are looked at

// The fields of a header, unfolded.
std::vector<std::pair<std::string, std::string>> fields_of(std::string_view raw) {
  std::vector<std::pair<std::string, std::string>> fields;
  const std::string text = with_crlf(raw.substr(0, kMaxRawHeader));
  std::string_view rest = header_fields(text);
  while (!rest.empty() && fields.size() < kMaxSteeringFields) {
    const auto end = std::min(rest.find("\r\n"), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 2, rest.size()));
    if (line.empty()) break;
    const auto colon = line.find(':');
    if (line.front() == ' ' || line.front() == '\t') {
      if (!fields.empty()) fields.back().second += line;
    } else if (colon != std::string_view::npos) {
      const auto begin = std::min(line.find_first_not_of(" \t", colon + 1), line.size());
      fields.emplace_back(line.substr(0, colon), line.substr(begin));
    }
  }
  return fields;
}

class FormReader {
 public:
  FormReader(MailgunForm form, MailgunFields& fields, Faults& faults)
      : form_(form), fields_(fields), letter_(fields.letter), faults_(faults), options_(fields.letter, faults) {
    letter_.places.headers = "/h:";
    letter_.places.metadata = "/v:";
    letter_.places.tags = "/o:tag";
    letter_.places.send_at = "/o:deliverytime";
    letter_.places.raw = "/message";
    letter_.places.attachments = "/attachment";
  }

  void read(std::vector<FormPart> parts) {
    for (FormPart& part : parts) take(part);
    if (form_ == MailgunForm::mime) return finish_mime();
    if (letter_.from.email.empty() && !has_fault("/from")) add_fault(faults_, "/from", "parameter is missing");
    if (letter_.to.empty() && !has_fault("/to")) add_fault(faults_, "/to", "parameter is missing");
  }

 private:
  void take(FormPart& part) {
    const std::string at = member_of("", part.name);
    if (part.name.starts_with("o:")) return options_.take(std::string_view(part.name).substr(2), part.value, at);
    if (part.name.starts_with("v:")) return options_.variable(part.name.substr(2), std::move(part.value));
    if (part.name.starts_with("h:")) return header(part.name.substr(2), std::move(part.value), at);
    if (part.name.starts_with("t:") || part.name == "template")
      return add_fault(faults_, at, std::string(kNoTemplates));
    if (part.name == "recipient-variables") return once(fields_.recipient_variables, part, at);
    if (part.name == "from") return from(part, at);
    if (part.name == "to") return parties(letter_.to, part, at);
    if (form_ == MailgunForm::mime ? take_for_mime(part, at) : take_for_fields(part, at)) return;
    add_fault(faults_, at, "there is no such parameter");
  }

  bool take_for_fields(FormPart& part, const std::string& at) {
    if (part.name == "cc")
      parties(letter_.cc, part, at);
    else if (part.name == "bcc")
      parties(letter_.bcc, part, at);
    else if (part.name == "subject")
      once(letter_.subject, part, at);
    else if (part.name == "text")
      once(letter_.text, part, at);
    else if (part.name == "html")
      once(letter_.html, part, at);
    else if (part.name == "amp-html")
      letter_.alternatives.push_back({"text/x-amp-html", std::move(part.value), at});
    else if (part.name == "attachment" || part.name == "inline")
      file(part, at);
    else
      return false;
    return true;
  }

  bool take_for_mime(FormPart& part, const std::string& at) {
    if (part.name == "message")
      once(letter_.raw, part, at);
    else if (part.name == "subject")
      once(subject_, part, at);
    else if (part.name == "cc" || part.name == "bcc")
      add_fault(faults_, at, "all recipients of a MIME message are named by to");
    else if (part.name == "text" || part.name == "html" || part.name == "amp-html" || part.name == "attachment" ||
             part.name == "inline")
      add_fault(faults_, at, std::string(kPartOfMime));
    else
      return false;
    return true;
  }

  bool has_fault(std::string_view at) const {
    for (const FieldFault& fault : faults_)
      if (fault.pointer == at) return true;
    return false;
  }

  void once(std::string& text, FormPart& part, const std::string& at) {
    if (!text.empty()) return add_fault(faults_, at, "is given more than once");
    text = std::move(part.value);
  }

  void from(const FormPart& part, const std::string& at) {
    if (!letter_.from.email.empty()) return add_fault(faults_, at, "is given more than once");
    if (auto party = read_mailbox(part.value, at, faults_)) letter_.from = std::move(*party);
  }

  // Some clients send cc and bcc always, and empty.
  void parties(std::vector<Party>& list, const FormPart& part, const std::string& at) {
    if (part.value.find_first_not_of(" ,") == std::string::npos) return;
    for (Party& party : read_mailboxes(part.value, at, faults_)) list.push_back(std::move(party));
  }

  void file(FormPart& part, const std::string& at) {
    if (!part.is_file) return add_fault(faults_, at, "must be a file: a part with a filename, in multipart/form-data");
    LetterPart attachment;
    attachment.at = at;
    attachment.is_inline = part.name == "inline";
    if (attachment.is_inline) attachment.content_id = part.filename;  // <img src="cid:filename">
    attachment.filename = std::move(part.filename);
    attachment.content_type = std::move(part.content_type);
    attachment.octets = std::move(part.value);
    letter_.attachments.push_back(std::move(attachment));
  }

  void header(std::string name, std::string value, const std::string& at) {
    if (form_ == MailgunForm::mime) return add_fault(faults_, at, std::string(kPartOfMime));
    if (options_.take_header(name, value, at)) return;
    if (iequals(name, "Reply-To")) {
      for (Party& party : read_mailboxes(value, at, faults_)) letter_.reply_to.push_back(std::move(party));
    } else if (iequals(name, "Sender")) {
      letter_.sender = read_mailbox(value, at, faults_);
    } else if (value.size() > kMaxHeaderValue) {  // told here, before it is there once for each recipient
      add_fault(faults_, at, "may have at most " + std::to_string(kMaxHeaderValue) + " octets");
    } else if (letter_.headers.size() <= kMaxLetterHeaders) {
      letter_.headers.emplace_back(std::move(name), std::move(value));
    }
  }

  void finish_mime() {
    if (letter_.raw.empty()) return add_fault(faults_, "/message", "parameter is missing");
    if (letter_.to.empty() && !has_fault("/to")) add_fault(faults_, "/to", "parameter is missing");
    if (!fields_.recipient_variables.empty())
      add_fault(faults_, "/recipient-variables", "cannot be used with a MIME message: its texts may be encoded");
    for (const auto& [name, value] : fields_of(letter_.raw)) {
      options_.take_header(name, value, "/message/" + name);
      // The SDKs' examples give the subject twice; one that says something else would be lost.
      if (iequals(name, "Subject") && !subject_.empty() && subject_ != decoded_words(value))
        add_fault(faults_, "/subject", std::string(kPartOfMime));
    }
  }

  MailgunForm form_;
  MailgunFields& fields_;
  Letter& letter_;
  Faults& faults_;
  MailgunOptions options_;
  std::string subject_;  // beside a MIME message
};

bool has_message_id(const Letter& letter) {
  for (const auto& field : letter.headers)
    if (iequals(field.first, "Message-ID")) return true;
  return false;
}

}  // namespace

std::variant<MailgunCall, Refusal> read_mailgun_form(std::vector<FormPart> parts, MailgunForm form,
                                                     std::string_view message_id) {
  MailgunFields fields;
  Faults faults;
  FormReader(form, fields, faults).read(std::move(parts));
  if (form == MailgunForm::fields && !has_message_id(fields.letter))
    fields.letter.headers.emplace_back("Message-ID", message_id);
  return expand_recipients(std::move(fields), std::move(faults));
}

}  // namespace postrider::mgmt
