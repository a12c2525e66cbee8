// The header of a message on its way through sendmail: recipients are read from it when asked for, Bcc goes, a From field comes when
// there is none. The daemon adds the rest (Date, Message-ID, Received). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/address.h"
#include "core/result.h"
#include "relay/smtp/header_scanner.h"

namespace postrider::cmd {

struct HeaderWishes {
  bool recipients =
      false;  // read To, Cc and Bcc; when there are Resent-To, Resent-Cc or Resent-Bcc: only those (RFC 5322 3.6.6)
  std::string from;  // the field to add, with CRLF
};

struct SendmailHeader {
  std::string text;  // with what was read of the body; an empty line stands before that
  std::vector<Address> recipients;
  std::string idempotency_key;  // the value of X-Idempotency-Key
};

// `scanner` must be complete or finished. `body_follows`: there is more text even without an empty line.
result<SendmailHeader> prepare_header(const smtp::HeaderScanner& scanner, bool body_follows,
                                      const HeaderWishes& wishes);

// "From: Name <address>" with CRLF; the name quoted or encoded (RFC 2047) as it needs, or left out when it is empty.
std::string from_field(std::string_view name, const Address& address);

}  // namespace postrider::cmd
