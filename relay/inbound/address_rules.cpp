#include "relay/inbound/address_rules.h"

namespace postrider::relay {

AddressBook::AddressBook(const AddressRules& rules, const std::string& hostname)
    : origin_(rules.origin.empty() ? hostname : rules.origin), aliases_(rules.aliases, {origin_, hostname}) {
  for (const auto& [pattern, text] : rules.rewrite_sender) {
    auto target = parse_address(text);
    if (!target || target->is_null()) continue;
    if (target->domain.empty()) target->domain = origin_;
    rewrites_.emplace_back(pattern, std::move(*target));
  }
}

void AddressBook::apply_to_sender(Address& sender) const {
  if (sender.is_null()) return;
  if (sender.domain.empty()) sender.domain = origin_;
  for (const auto& [pattern, target] : rewrites_) {
    if (!address_matches(pattern, sender)) continue;
    sender = target;
    return;
  }
}

bool AddressBook::apply_to_recipient(Address& recipient) const {
  const Address* end = aliases_.find(recipient);
  if (end != nullptr) recipient = *end;
  if (recipient.domain.empty()) recipient.domain = origin_;
  return end != nullptr;
}

bool may_send_as(const std::vector<std::string>& patterns, const Address& sender) {
  return patterns.empty() || std::any_of(patterns.begin(), patterns.end(), [&sender](const std::string& pattern) {
           return address_matches(pattern, sender);
         });
}

}  // namespace postrider::relay
