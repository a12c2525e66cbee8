#include "mgmt/dialects/origin.h"

#include <utility>

#include "mgmt/dialects/vendor.h"
#include "mgmt/field_rules.h"
#include "mgmt/letter_json.h"
#include "mgmt/mailboxes.h"

namespace postrider::mgmt {

namespace {

constexpr std::size_t kMaxMailboxes =
    kMaxLetterRecipients * 2 * kMaxLineText;  // octets of a list: each a name and an address

}  // namespace

std::string required_text(JsonFields& fields, std::string_view name, std::size_t max_octets, Empty empty) {
  auto text = fields.text(name, max_octets);
  if (!text && !fields.has(name)) fields.fault(name, "must be given");
  if (text && text->empty() && empty == Empty::refused) fields.fault(name, "must not be empty");
  return std::move(text).value_or("");
}

Party required_party(JsonFields& fields, std::string_view name, Faults& faults) {
  const auto placed = fields.any(name);
  if (placed) return party_or_fault(*placed, faults);
  fields.fault(name, "must be given");
  return {};
}

// One that cannot be read keeps its place, so that what is found later of a letter without it is told there.
Party party_or_fault(const Placed& placed, Faults& faults) {
  Party party = read_party(placed, faults).value_or(Party{});
  party.at = placed.at;
  return party;
}

std::vector<Party> parties(JsonFields& fields, std::string_view name, Faults& faults) {
  std::vector<Party> all;
  for (const Placed& placed : fields.one_or_many(name, kMaxLetterRecipients)) {
    if (!placed.value->is_string()) {
      all.push_back(party_or_fault(placed, faults));
      continue;
    }
    const auto text = text_of(placed, kMaxMailboxes, faults);
    if (!text) continue;
    for (Party& party : read_mailboxes(*text, placed.at, faults)) all.push_back(std::move(party));
  }
  return all;
}

boost::asio::awaitable<std::variant<MessageId, Refusal>> send_letter(const DialectParts& parts, const Request& request,
                                                                     Letter letter, Faults faults) {
  letter.faults = std::move(faults);
  SendTerms terms;
  auto key = SendDoor::idempotency_key(request);
  if (!key) co_return refusal_of(key.error());
  terms.idempotency_key = std::move(*key);
  std::vector<Letter> letters;
  letters.push_back(std::move(letter));
  SendOutcome outcome = co_await parts.door.send(request, std::move(letters), std::move(terms));
  if (auto refusal = first_refusal(outcome)) co_return std::move(*refusal);
  co_return outcome.letters.front().id.value();
}

}  // namespace postrider::mgmt
