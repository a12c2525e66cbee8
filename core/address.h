// A mailbox address as SMTP carries it (RFC 5321 4.1.2, RFC 6531 3.3 for UTF-8): local part and domain, each kept
// exactly as it was given; comparisons fold the domain's case only.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace postrider {

struct Address {
  std::string local;   // without quotes only if it needs none; at most 64 octets (RFC 5321 4.5.3.1.1)
  std::string domain;  // empty: a bare local name such as `postmaster`; at most 255 octets (4.5.3.1.2)

  bool is_null() const { return local.empty() && domain.empty(); }  // the reverse path <>
  bool needs_smtputf8() const;                                      // any octet over 127 in the local part
  std::string str() const;                                          // "" for the null path; no angle brackets
  bool operator==(const Address& other) const;                      // local exact, domain without ASCII case
};

// Parses "local@domain", "local" and "" (null path), no angle brackets, no source route; address literals allowed.
result<Address> parse_address(std::string_view text);
// Lower-cases ASCII and converts U-labels to A-labels (IDNA 2008) for DNS, TLS and matching; fault on a bad name.
result<std::string> domain_to_ascii(std::string_view domain);
// The form under which an address is indexed and searched: whole address, ASCII lower case.
std::string address_search_key(const Address& address);
// Glob match of `user@*`, `*@example.com` or `@example.com`, `example.com` (any address of that domain), `*`; ASCII case ignored,
// domains compared in A-labels where one is written in U-labels. The null path matches nothing.
bool address_matches(std::string_view pattern, const Address& address);

}  // namespace postrider
