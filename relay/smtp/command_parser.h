// Command lines of an SMTP client (RFC 5321 4.1): verb, path and ESMTP parameters, without state and without
// judging whether a command is allowed now. Any thread. Views point into the line that was given.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/address.h"
#include "core/message.h"
#include "core/time.h"
#include "relay/smtp/newline.h"

namespace postrider::smtp {

enum class Verb : std::uint8_t {
  ehlo,
  helo,
  mail,
  rcpt,
  data,
  bdat,
  rset,
  noop,
  vrfy,
  expn,
  help,
  quit,
  starttls,
  auth,
  http,  // a line as an HTTP client sends it: close without further talk
  unknown,
};
inline constexpr int kVerbs = 16;
std::string_view to_string(Verb verb);  // upper case, "HTTP", "?"

struct Command {
  Verb verb = Verb::unknown;
  std::string_view word;      // the verb as it was written
  std::string_view argument;  // the rest, without leading and trailing white space
};

// `line` without its line end. "MAIL FROM:" and "RCPT TO:" are recognised by the first word alone.
Command parse_command(std::string_view line);

// What a client may use at this point; decides which parameters and octets are accepted.
struct ParameterRules {
  bool extended = true;         // EHLO was said; after HELO any parameter is 555 5.5.4
  bool smtputf8 = true;         // the extension is on offer (MAIL), or was asked for in this transaction (RCPT)
  bool auth = true;             // AUTH= is taken (RFC 4954 5.)
  bool priority = false;        // MT-PRIORITY= is taken (RFC 6710 3.)
  bool future_release = false;  // HOLDFOR= and HOLDUNTIL= are taken (RFC 4865 3.)
};

struct MailArgument {
  Address sender;                                // null path for <>
  std::optional<std::uint64_t> size;             // RFC 1870 6.
  bool eight_bit = false;                        // BODY=8BITMIME (RFC 6152)
  bool smtputf8 = false;                         // RFC 6531 3.4
  DsnReturn ret = DsnReturn::unset;              // RFC 3461 4.3
  std::string envid;                             // RFC 3461 4.4, xtext as received
  std::string auth;                              // RFC 4954 5., decoded; "<>" or a mailbox; kept for the record only
  std::optional<int> priority;                   // RFC 6710 3., -9 to 9
  std::optional<std::chrono::seconds> hold_for;  // RFC 4865 3., 1 to 999999999; never with hold_until
  std::optional<Time> hold_until;                // RFC 4865 3.
};

struct RcptArgument {
  Address recipient;  // domain empty for <postmaster>
  Notify notify;      // RFC 3461 4.1
  std::string orcpt;  // RFC 3461 4.2, xtext as received
};

// `argument` is what follows MAIL or RCPT ("FROM:<a@b> SIZE=1"). Lenient where devices need it: blanks round
// the colon, missing angle brackets, bare local names. Source routes are dropped (RFC 5321 C). The fault is a
// 501, 553 or 555 reply.
parsed<MailArgument> parse_mail(std::string_view argument, const ParameterRules& rules);
parsed<RcptArgument> parse_rcpt(std::string_view argument, const ParameterRules& rules);

// EHLO or HELO argument (RFC 5321 4.1.1.1): its first word. Many clients send what is not a domain, so
// anything is taken, but octets that would not be safe in a Received field become '?'. Fault 501 5.5.4 when
// it is missing or over 255 octets.
parsed<std::string> parse_hello(std::string_view argument);

struct AuthArgument {
  std::string_view mechanism;               // as written; compare without case
  std::optional<std::string_view> initial;  // base64; "=" stands for an empty response (RFC 4954 4.)
};
parsed<AuthArgument> parse_auth(std::string_view argument);

struct BdatArgument {
  std::uint64_t size = 0;
  bool last = false;
};
// RFC 3030 2.: "BDAT size [LAST]". Fault 501 5.5.4: the caller must close then, for it cannot know how much
// to skip.
parsed<BdatArgument> parse_bdat(std::string_view argument);

}  // namespace postrider::smtp
