// [addresses] applied: names without a domain get one, aliases and sender rewrites take effect. Checked once when the rules are
// made, then pure and cheap for each address. Any thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/address.h"
#include "core/alias_table.h"
#include "relay/inbound/submission.h"

namespace postrider::relay {

class AddressBook {
 public:
  // Entries whose target is no address are left out; `config check` reports them (relay cannot).
  AddressBook(const AddressRules& rules, const std::string& hostname);

  // The null path stays what it is. Otherwise: origin, then the first rewrite_sender pattern that matches.
  void apply_to_sender(Address& sender) const;
  // The alias of the whole address, else, for a bare name or one at the origin, the hostname or localhost, the alias of the name, and
  // so on from its target; then, for a bare name, the origin. True when an alias took its place.
  bool apply_to_recipient(Address& recipient) const;

 private:
  std::string origin_;
  AliasTable aliases_;
  std::vector<std::pair<std::string, Address>> rewrites_;
};

// Whether one of the patterns that a login is bound to matches; without patterns it may send as anybody.
bool may_send_as(const std::vector<std::string>& patterns, const Address& sender);

}  // namespace postrider::relay
