// What an attempt meant, as data: the stage it reached, whose fault it was, and what the other side said. One vocabulary
// for spool, log, API and bounces. Unknown failures are `deferred`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace postrider {

enum class OutcomeKind : std::uint8_t { sent, deferred, bounced, uncertain };

// How far an attempt came. The window in which a message may be sent twice opens at `final_dot`.
enum class Stage : std::uint8_t {
  none,       // no contact was made
  route,      // no upstream was eligible
  resolve,    // name look-up
  connect,    // TCP
  greeting,   // 220
  tls,        // STARTTLS or handshake, certificate
  hello,      // EHLO
  auth,       // AUTH
  mail,       // MAIL FROM
  rcpt,       // RCPT TO
  data,       // DATA, up to 354
  body,       // sending octets, final dot not yet written
  final_dot,  // the final dot (or the last body octet over HTTP) was written; the answer decides
  local,      // our own disk or memory
};

// Whose fault, and therefore what follows. See docs/decisions/ on retry, route failures and parking.
enum class Cause : std::uint8_t {
  none,
  recipient,    // this recipient was refused
  content,      // the message was refused, or the sender address
  route,        // the upstream is at fault: refused, TLS, login, unverified sender
  throttle,     // the upstream asks to slow down (421, 4.7.x, quota); never spends a try
  capability,   // this hop cannot take this body (size, 8BITMIME, SMTPUTF8): reason for another upstream
  uncertain,    // handed over, answer lost
  interrupted,  // our process ended, or was stopped, in between
  policy,       // our own rules (hold, interrupted too often)
  spool,        // the body could not be read
  retries,      // retries used up
  age,          // older than max_age
  operator_,    // somebody asked for it
};

struct Reason {
  Cause cause = Cause::none;
  Stage stage = Stage::none;
  int code = 0;          // SMTP or HTTP status, 0 if there was none
  std::string enhanced;  // "5.1.1" or empty
  std::string text;      // what the peer said, or our own sentence; at most kMaxReasonText octets, printable UTF-8
  bool operator==(const Reason&) const = default;
};
inline constexpr std::size_t kMaxReasonText = 512;

std::string_view to_string(OutcomeKind);
std::string_view to_string(Stage);
std::string_view to_string(Cause);
// Cuts at a character boundary and replaces control characters and invalid UTF-8: the text came from a stranger.
std::string sanitize_reason_text(std::string_view text);

}  // namespace postrider
