// The one form of an address in which two ways to write the same mailbox are equal: for the suppression list and for what providers
// report. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

#include "core/address.h"
#include "core/result.h"

namespace postrider::storage {

// In ASCII lower case, the domain in A-labels (RFC 5890 2.3.2.1). Only the receiving host knows whether it tells letter case apart
// in a local part (RFC 5321 2.4); next to none does, and providers write addresses back in lower case.
std::string mailbox_key(const Address& address);
// Of an address as people or providers write it. Faults: invalid.
result<std::string> mailbox_key(std::string_view text);

}  // namespace postrider::storage
