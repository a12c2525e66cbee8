#include "mgmt/dialects/vendor.h"

#include <set>
#include <utility>

#include "mgmt/answers.h"

namespace postrider::mgmt {

namespace {

template <typename... Texts>
std::uint64_t sizes(const Texts&... texts) {
  return (std::uint64_t{0} + ... + texts.size());
}

std::uint64_t size_of(const Party& party) {
  return sizeof party + sizes(party.email, party.name, party.at);
}

}  // namespace

std::optional<Refusal> first_refusal(const SendOutcome& outcome) {
  if (outcome.refusal) return outcome.refusal;
  for (const Sent& sent : outcome.letters)
    if (!sent.id && !(sent.refusal.detail.empty() && sent.refusal.faults.empty())) return sent.refusal;
  return std::nullopt;
}

std::vector<FieldFault> distinct(const std::vector<FieldFault>& faults) {
  std::set<std::pair<std::string_view, std::string_view>> said;
  std::vector<FieldFault> out;
  for (const FieldFault& fault : faults)
    if (said.emplace(fault.pointer, fault.detail).second) out.push_back(fault);
  return out;
}

std::string dotted(std::string_view pointer) {
  std::string out;
  for (std::size_t i = pointer.empty() ? 0 : 1; i < pointer.size(); ++i) {
    if (pointer[i] == '~' && i + 1 < pointer.size())  // RFC 6901 3.
      out += pointer[++i] == '1' ? '/' : '~';
    else
      out += pointer[i] == '/' ? '.' : pointer[i];
  }
  return out;
}

std::string refusal_sentence(const Refusal& refusal) {
  std::string sentence;
  for (const FieldFault& fault : distinct(refusal.faults)) {
    const std::string place = dotted(fault.pointer);
    if (!sentence.empty()) sentence += "; ";
    if (!place.empty()) sentence += place + ": ";
    sentence += fault.detail;
  }
  return sentence.empty() ? refusal.detail : bounded_sentence(std::move(sentence));
}

std::string bounded_sentence(std::string sentence) {
  constexpr std::string_view kMore = "...";
  if (sentence.size() <= kMaxSentence) return sentence;
  std::size_t end = kMaxSentence - kMore.size();
  while (end > 0 && (static_cast<unsigned char>(sentence[end]) & 0xc0) == 0x80) --end;  // whole characters
  sentence.resize(end);
  return sentence.append(kMore);
}

http::status vendor_status(ProblemType type) {
  switch (type) {
    case ProblemType::validation:
    case ProblemType::invalid_body:
    case ProblemType::key_reused:
      return http::status::bad_request;
    default:
      return status_of(type);
  }
}

Response vendor_refusal(const Refusal& refusal, http::status status, const boost::json::object& body) {
  Response response = json_response(body, status);
  response.headers = refusal_headers(refusal);
  return response;
}

bool CallBudget::fill_in(std::string& text, const Replacements& replacements) {
  auto filled = replacements.in(text, text.size() + left_, steps_);
  if (!filled || (filled->size() > text.size() && !take(filled->size() - text.size()))) return false;
  text = std::move(*filled);
  return true;
}

Refusal CallBudget::refusal() {
  Refusal refusal;
  refusal.type = ProblemType::payload_too_large;
  refusal.detail = "what the letters of this call hold, filled in and once for each of its messages, is too much: " +
                   std::to_string(kMaxOctets >> 20) + " MiB at most; divide the recipients among several calls";
  return refusal;
}

std::uint64_t size_of(const Letter& letter) {
  std::uint64_t size = sizeof letter + sizes(letter.text, letter.html, letter.subject, letter.raw, letter.at);
  size += size_of(letter.from);
  if (letter.sender) size += size_of(*letter.sender);
  for (const auto* parties : {&letter.to, &letter.cc, &letter.bcc, &letter.reply_to, &letter.envelope_recipients})
    for (const Party& party : *parties) size += size_of(party);
  for (const LetterText& alternative : letter.alternatives)
    size += sizeof alternative + sizes(alternative.content_type, alternative.text, alternative.at);
  for (const LetterPart& part : letter.attachments)
    size += sizeof part + sizes(part.octets, part.filename, part.content_type, part.content_id, part.at);
  for (const auto* pairs : {&letter.headers, &letter.metadata})
    for (const auto& pair : *pairs) size += sizeof pair + sizes(pair.first, pair.second);
  for (const std::string& tag : letter.tags) size += sizeof(std::string) + tag.size();
  return size;
}

}  // namespace postrider::mgmt
