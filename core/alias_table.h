// [addresses] aliases: whom mail is for in the end, as aliases(5) has it: the target of an alias may be another alias, and one
// that names itself ends there. Made and followed to its ends once, for the check of the configuration and for the door of every
// message; then pure and one look-up for each address. Any thread.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/address.h"

namespace postrider {

class AliasTable {
 public:
  using Pairs = std::vector<std::pair<std::string, std::string>>;  // local name or address, and its target: the same

  // `own_domains`: those at which an alias of a bare name holds, beside localhost; empty ones are none. Entries that are no
  // addresses are left out, and the first of two with one name holds.
  AliasTable(const Pairs& pairs, std::vector<std::string> own_domains);

  bool empty() const { return entries_.empty(); }
  // Where the aliases of this address end; nothing: it has none. A target that is a bare name stays one.
  const Address* find(const Address& recipient) const;

  // What is wrong with the table, for people. Mail is taken all the same: a circle is left where it begins anew, and a chain
  // that is too long where it breaks off.
  struct Trouble {
    std::string name;  // of the entry, as given
    std::string text;  // a clause that follows the key
  };
  std::vector<Trouble> troubles() const;

 private:
  struct Entry {
    std::string name;
    Address target;
    Address end;
  };
  using Walk = std::vector<std::size_t>;  // entries, one after the other

  std::optional<std::size_t> entry_of(const Address& address) const;
  // From one entry along the targets: until one has no alias or names itself, or there is no end to it.
  Walk walk(std::size_t from) const;
  std::optional<Trouble> trouble_at(std::size_t index) const;
  bool is_ours(const std::string& domain) const;

  std::vector<std::string> own_domains_;
  std::vector<Entry> entries_;                // in the order given
  std::map<std::string, std::size_t> index_;  // by name in lower case
};

}  // namespace postrider
