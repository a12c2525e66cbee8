// [addresses] applied: names without a domain get one, aliases and sender rewrites take effect. Checked once when the rules are
// made, then pure and cheap for each address. Any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/address.h"
#include "relay/inbound/submission.h"

namespace postrider::relay {

class AddressBook {
 public:
  // Entries whose target is no address are left out; `config check` reports them (relay cannot).
  AddressBook(const AddressRules& rules, const std::string& hostname);

  // The null path stays what it is. Otherwise: origin, then the first rewrite_sender pattern that matches.
  void apply_to_sender(Address& sender) const;
  // The alias of the whole address, else, for a bare name or one at the origin, the hostname or localhost, the alias of the name; else the
  // origin. Applied once: the target of an alias is final.
  void apply_to_recipient(Address& recipient) const;

 private:
  bool is_ours(const std::string& domain) const;

  std::string origin_;
  std::string hostname_;
  std::map<std::string, Address> aliases_;  // key in lower case
  std::vector<std::pair<std::string, Address>> rewrites_;
};

}  // namespace postrider::relay
