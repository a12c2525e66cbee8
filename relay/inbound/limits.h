// Every limit of the SMTP server with its default, on one screen. Values come from [smtp] in the configuration.
#pragma once

#include <cstdint>

#include "core/time.h"
#include "relay/smtp/newline.h"

namespace postrider::relay {

using smtp::BareNewline;

struct SessionLimits {
  std::uint64_t max_message_size = 25ull << 20;  // announced as SIZE (RFC 1870)
  std::uint32_t max_recipients = 1000;  // RFC 5321 4.5.3.1.8 asks for at least 100; announced as RCPTMAX (RFC 9422)
  std::uint32_t max_transactions = 0;   // MAIL commands of a connection, MAILMAX (RFC 9422); 0: no limit, not announced
  std::uint32_t max_command_line = 2048;  // octets with CRLF; RFC 5321 4.5.3.1.4 asks for 512 plus extensions
  std::uint32_t max_auth_line = 12288;    // RFC 4954 4.
  std::uint32_t max_text_line = 0;        // octets with CRLF in DATA; 0: no limit (RFC 5321 4.5.3.1.6 asks for 1000)
  std::uint32_t max_errors = 20;          // 5xx replies before 421
  std::uint32_t max_auth_failures = 3;
  std::uint32_t max_unimportant = 100;  // NOOP, RSET, VRFY, HELP in a row without a message
  std::uint32_t max_connections = 10000;
  std::uint32_t max_connections_per_address = 0;            // 0: no limit of its own
  Duration idle_timeout = std::chrono::minutes(5);          // RFC 5321 4.5.3.2.7
  Duration data_timeout = std::chrono::minutes(5);          // between two reads inside DATA or BDAT
  Duration transaction_timeout = std::chrono::minutes(60);  // MAIL to final dot
  Duration handshake_timeout = std::chrono::seconds(30);    // TLS, PROXY header
  BareNewline bare_newline = BareNewline::reject;
};

}  // namespace postrider::relay
