// Address lists as people and programs write them in header fields and on command lines (RFC 5322 3.4, obsolete forms of 4.4 too):
// folded, with comments, quoted and encoded names, groups, routes. Only the addresses are wanted. Pure. Local parts stay as they
// were written, quotes included, and what is no address is a fault, not dropped: a library that reads for display does neither.
#pragma once

#include <string_view>
#include <vector>

#include "core/address.h"
#include "core/done.h"

namespace postrider::cmd {

// Appends the addresses of `text` to `out`. The fault quotes the place. Names without a domain are addresses.
result<Nothing> parse_address_list(std::string_view text, std::vector<Address>& out);

}  // namespace postrider::cmd
