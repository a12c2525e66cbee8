// WoowUp's POST /emails/send: {from, destinations, subject, plainContent, ttl?} in; one message for each destination, all under a batch
// id, which GET /v1/batches/{id} tells the state of. GET /emails/{id} is in emails.cpp.
#include <boost/json/array.hpp>

#include "mgmt/answers.h"
#include "mgmt/dialects/origin.h"
#include "mgmt/dialects/resend.h"
#include "mgmt/dialects/vendor.h"
#include "mgmt/field_rules.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
namespace json = boost::json;

constexpr std::size_t kMaxDestinations = 1000;

Letter read_common(JsonFields& fields, Faults& faults) {
  Letter letter;
  letter.places.text = "/plainContent";
  letter.places.expires_in = "/ttl";
  letter.places.to = "/destinations";
  letter.from = required_party(fields, "from", faults);
  letter.subject = required_text(fields, "subject", kMaxLineText);
  letter.text = required_text(fields, "plainContent", kMaxText, Empty::refused);
  const auto ttl = fields.duration("ttl");
  if (ttl && *ttl <= Duration::zero()) fields.fault("ttl", "must be a time span in the future");
  letter.expires_in = ttl.value_or(Duration::zero());
  return letter;
}

// One letter for each destination; without any, one that the rest is checked of.
std::vector<Letter> read_letters(std::string_view body, Faults& faults) {
  std::vector<Letter> letters;
  const auto document = parse_document(body, faults);
  if (!document) return letters;
  JsonFields fields(*document, "", faults);
  const Letter common = read_common(fields, faults);
  const std::vector<Placed> destinations = fields.array("destinations", kMaxDestinations);
  if (destinations.empty()) {
    fields.fault("destinations", "at least one destination is needed");
    letters.push_back(common);
  }
  CallBudget budget;
  for (const Placed& placed : destinations) {
    if (!budget.take(size_of(common))) {
      fields.fault("plainContent", CallBudget::refusal().detail);
      break;
    }
    letters.push_back(common);
    letters.back().to.push_back(party_or_fault(placed, faults));
  }
  fields.finish();
  return letters;
}

// What became of each destination; a refusal among them is our own trouble, for all were checked before the first was stored.
json::object answer_of(const SendOutcome& outcome, const std::vector<Party>& destinations) {
  json::array ids, emails;
  for (std::size_t i = 0; i < outcome.letters.size(); ++i) {
    const Sent& sent = outcome.letters[i];
    json::object email{{"email", destinations[i].email}, {"id", nullptr}, {"error", nullptr}};
    if (sent.id) {
      ids.emplace_back(sent.id->str());
      email["id"] = sent.id->str();
    } else {
      email["error"] = refusal_sentence(sent.refusal);
    }
    emails.push_back(std::move(email));
  }
  return {{"batchId", outcome.batch.str()}, {"ids", std::move(ids)}, {"emails", std::move(emails)}};
}

bool none_sent(const SendOutcome& outcome) {
  for (const Sent& sent : outcome.letters)
    if (sent.id) return false;
  return true;
}

asio::awaitable<Response> send(const DialectParts& parts, const Request& request) {
  SendTerms terms;
  std::vector<Letter> letters = read_letters(request.body, terms.faults);
  terms.batch = true;
  auto key = SendDoor::idempotency_key(request);
  if (!key) co_return resend_refusal(refusal_of(key.error()));
  terms.idempotency_key = std::move(*key);
  std::vector<Party> destinations;
  destinations.reserve(letters.size());
  for (const Letter& letter : letters)
    if (!letter.to.empty()) destinations.push_back(letter.to.front());
  const SendOutcome outcome = co_await parts.door.send(request, std::move(letters), std::move(terms));
  const auto refusal = first_refusal(outcome);
  if (refusal && none_sent(outcome)) co_return resend_refusal(*refusal);
  const json::object answer = answer_of(outcome, destinations);
  co_return json_response(answer);
}

}  // namespace

void add_woowup(Router& router, const DialectParts& parts) {
  router.add(sending_route("/emails/send", &resend_refusal,
                           [&parts](const Request& request) { return send(parts, request); }));
}

}  // namespace postrider::mgmt
