#include "relay/inbound/address_rules.h"

namespace postrider::relay {
namespace {

bool same_domain(const std::string& a, const std::string& b) {
  return Address{"x", a} == Address{"x", b};
}

std::string lower_case(const Address& address) {
  return address_search_key(address);
}

}  // namespace

AddressBook::AddressBook(const AddressRules& rules, const std::string& hostname)
    : origin_(rules.origin.empty() ? hostname : rules.origin), hostname_(hostname) {
  auto target_of = [this](const std::string& text) -> std::optional<Address> {
    auto parsed = parse_address(text);
    if (!parsed || parsed->is_null()) return std::nullopt;
    if (parsed->domain.empty()) parsed->domain = origin_;
    return std::move(*parsed);
  };
  for (const auto& [name, text] : rules.aliases) {
    auto source = parse_address(name);
    auto target = target_of(text);
    if (source && target) aliases_.emplace(lower_case(*source), std::move(*target));
  }
  for (const auto& [pattern, text] : rules.rewrite_sender)
    if (auto target = target_of(text)) rewrites_.emplace_back(pattern, std::move(*target));
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
  if (!aliases_.empty()) {
    auto found = aliases_.find(lower_case(recipient));
    if (found == aliases_.end() && is_ours(recipient.domain)) found = aliases_.find(lower_case({recipient.local, ""}));
    if (found != aliases_.end()) {
      recipient = found->second;
      return;
    }
  }
  if (recipient.domain.empty()) recipient.domain = origin_;
}

bool AddressBook::is_ours(const std::string& domain) const {
  return domain.empty() || same_domain(domain, origin_) || same_domain(domain, hostname_) ||
         same_domain(domain, "localhost");
}

}  // namespace postrider::relay
