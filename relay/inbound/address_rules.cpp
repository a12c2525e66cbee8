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

void AddressBook::apply_to_recipient(Address& recipient) const {
  if (const Address* end = aliases_.find(recipient)) recipient = *end;
  if (recipient.domain.empty()) recipient.domain = origin_;
}

}  // namespace postrider::relay
