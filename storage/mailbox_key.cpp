#include "storage/mailbox_key.h"

#include <algorithm>

#include "core/ascii.h"

namespace postrider::storage {

std::string mailbox_key(const Address& address) {
  std::string key = lowered(address.local);
  if (address.domain.empty()) return key;
  const auto ascii = domain_to_ascii(address.domain);
  return key.append("@").append(ascii ? *ascii : lowered(address.domain));
}

result<std::string> mailbox_key(std::string_view text) {
  const auto address = parse_address(text);
  if (!address) return address.error();
  if (address->is_null()) return invalid("an address is needed");
  return mailbox_key(*address);
}

}  // namespace postrider::storage
