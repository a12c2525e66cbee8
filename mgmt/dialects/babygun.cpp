#include "mgmt/dialects/babygun.h"

#include <algorithm>
#include <array>

#include "mgmt/answers.h"
#include "mgmt/dialects/origin.h"
#include "mgmt/dialects/resend.h"
#include "mgmt/field_rules.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;

constexpr std::array<std::string_view, 4> kMembers = {"Subject", "Body", "Sender", "Recipient"};

Letter read_letter(const boost::json::value& document, Faults& faults) {
  Letter letter;
  letter.places.subject = "/Subject";
  letter.places.text = "/Body";
  letter.places.from = "/Sender";
  letter.places.to = "/Recipient";
  JsonFields fields(document, "", faults);
  letter.subject = required_text(fields, "Subject", kMaxLineText);
  letter.text = required_text(fields, "Body", kMaxText, Empty::refused);
  letter.from = required_party(fields, "Sender", faults);
  letter.to.push_back(required_party(fields, "Recipient", faults));
  fields.finish();
  return letter;
}

}  // namespace

std::optional<BabygunEmail> read_babygun_email(std::string_view body) {
  const auto is_named = [&](std::string_view name) { return body.find(name) != body.npos; };
  // Others may be long, and are not taken apart twice.
  if (std::none_of(kMembers.begin(), kMembers.end(), is_named)) return std::nullopt;
  BabygunEmail email;
  const auto document = parse_document(body, email.faults);
  const boost::json::object* object = document ? document->if_object() : nullptr;
  const auto has = [&](std::string_view name) { return object->contains(name); };
  if (object == nullptr || std::none_of(kMembers.begin(), kMembers.end(), has)) return std::nullopt;
  email.letter = read_letter(*document, email.faults);
  return email;
}

asio::awaitable<Response> babygun_send(const DialectParts& parts, const Request& request, BabygunEmail email) {
  const auto sent = co_await send_letter(parts, request, std::move(email.letter), std::move(email.faults));
  if (const auto* refusal = std::get_if<Refusal>(&sent)) co_return resend_refusal(*refusal);
  const boost::json::object answer{{"id", std::get<MessageId>(sent).str()}};
  co_return json_response(answer);
}

}  // namespace postrider::mgmt
