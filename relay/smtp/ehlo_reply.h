// What a server offered in its EHLO reply (RFC 5321 4.1.1.1). A plain value; unknown keywords are ignored.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/reply.h"

namespace postrider::smtp {

struct Capabilities {
  bool esmtp = false;                 // EHLO was answered; false after HELO
  std::optional<std::uint64_t> size;  // RFC 1870: limit; nothing when not announced or 0 (no fixed limit)
  bool size_parameter = false;        // SIZE was announced, so MAIL may carry SIZE=
  bool eight_bit = false;             // RFC 6152
  bool smtputf8 = false;              // RFC 6531
  bool pipelining = false;            // RFC 2920
  bool dsn = false;                   // RFC 3461
  bool starttls = false;              // RFC 3207
  bool chunking = false;              // RFC 3030
  bool enhanced_codes = false;        // RFC 2034
  std::vector<std::string> auth;      // upper case; RFC 4954 3., also the old "AUTH=LOGIN" form
  std::uint32_t rcpt_max = 0;         // RFC 9422; 0: not announced
  std::uint32_t mail_max = 0;
  std::uint32_t rcpt_domain_max = 0;

  bool offers_auth(std::string_view mechanism) const;
};

Capabilities parse_ehlo_reply(const Reply& reply);

}  // namespace postrider::smtp
