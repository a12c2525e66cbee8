#include "mgmt/dialects/mailjet_answers.h"

#include <algorithm>
#include <utility>

#include "mgmt/dialects/vendor.h"

namespace postrider::mgmt {

namespace {

namespace json = boost::json;

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == text.npos;
}

// "/To/0/Email" is "To[0].Email".
std::string path_of(std::string_view pointer) {
  std::string path;
  const std::string text = dotted(pointer);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t dot = std::min(text.find('.', at), text.size());
    const std::string_view part = std::string_view(text).substr(at, dot - at);
    if (is_number(part))
      path.append("[").append(part).append("]");
    else
      path.append(path.empty() ? "" : ".").append(part);
    at = dot + 1;
  }
  return path;
}

// The codes of Mailjet's list that tell where something is wrong; the rest is "invalid value".
std::string_view code_at(std::string_view path) {
  const std::string_view member = path.substr(0, path.find_first_of(".["));
  if (path.empty()) return "mj-0002";
  if (member == "Headers") return "send-0011";
  if (member.starts_with("Template") || member.starts_with("Mj-Template") || member == "Variables" || member == "Vars")
    return "send-0010";
  if (member == "TextPart" || member == "HTMLPart" || member == "Text-part" || member == "Html-part")
    return "send-0003";
  if (path.ends_with("Email")) return "mj-0013";
  return "mj-0005";
}

std::string_view code_of(ProblemType type) {
  switch (type) {
    case ProblemType::unauthorized:
      return "mj-0015";
    case ProblemType::forbidden:
    case ProblemType::forbidden_origin:
      return "send-0006";
    case ProblemType::sender_not_allowed:
      return "send-0008";
    case ProblemType::recipient_not_allowed:
      return "send-0007";
    case ProblemType::invalid_body:
    case ProblemType::validation:
    case ProblemType::unsupported_media_type:
      return "mj-0002";
    case ProblemType::payload_too_large:
      return "mj-0011";
    default:
      return "";
  }
}

}  // namespace

std::vector<MailjetError> mailjet_errors(const Refusal& refusal, std::string_view at) {
  std::vector<MailjetError> errors;
  MailjetError whole{std::string(code_of(refusal.type)), vendor_status(refusal.type), refusal.detail, {}};
  for (const FieldFault& fault : distinct(refusal.faults)) {
    std::string_view pointer = fault.pointer;
    if (pointer.starts_with(at)) pointer.remove_prefix(at.size());
    const std::string path = path_of(pointer);
    if (!path.empty()) whole.related.push_back(path);
    const std::string text = path.empty() ? fault.detail : path + ": " + fault.detail;
    errors.push_back({std::string(code_at(path)), http::status::bad_request, text, {}});
    if (!path.empty()) errors.back().related.push_back(path);
  }
  if (errors.empty() || refusal.type != ProblemType::validation) {
    errors.clear();
    errors.push_back(std::move(whole));
  }
  return errors;
}

json::object error_json(const MailjetError& error, std::string_view identifier) {
  json::object out{{"ErrorIdentifier", identifier},
                   {"ErrorCode", error.code},
                   {"StatusCode", static_cast<unsigned>(error.status)},
                   {"ErrorMessage", error.text}};
  if (!error.related.empty()) out["ErrorRelatedTo"] = json::array(error.related.begin(), error.related.end());
  return out;
}

Response mailjet_refusal(const Refusal& refusal) {
  const std::vector<MailjetError> errors = mailjet_errors(refusal);
  MailjetError whole = errors.front();
  for (std::size_t i = 1; i < errors.size(); ++i) {
    whole.text += "; " + errors[i].text;
    whole.related.insert(whole.related.end(), errors[i].related.begin(), errors[i].related.end());
  }
  whole.text = bounded_sentence(std::move(whole.text));
  return vendor_refusal(refusal, whole.status, error_json(whole, ""));
}

std::int64_t mailjet_number(const MessageId& id, std::size_t recipient) {
  constexpr std::uint64_t kTop = std::uint64_t{1} << 62;
  std::uint64_t random = 0;  // the id's last 64 bits are random
  for (std::size_t i = MessageId::kBytes - 8; i < MessageId::kBytes; ++i) random = random << 8 | id.bytes()[i];
  return static_cast<std::int64_t>(((random + recipient) & (kTop - 1)) | kTop);
}

}  // namespace postrider::mgmt
