// The command line of the sendmail program, as programs of forty years call it. Pure. What has no meaning here is taken and ignored,
// what is unknown is a usage error, so that a misspelt option never sends mail in another way than meant.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/message.h"
#include "core/result.h"

namespace postrider::cmd {

enum class SendmailMode : unsigned char {
  submit,  // -bm
  smtp,    // -bs: SMTP on stdin and stdout
  list,    // -bp
  flush,   // -q, -bi, -I: nothing to do here, the daemon does it by itself
  help,
};

struct SendmailOptions {
  SendmailMode mode = SendmailMode::submit;
  bool recipients_from_header = false;  // -t
  bool ignore_dots = false;             // -i
  bool verbose = false;                 // -v
  std::optional<std::string> sender;    // -f, -r as given; "" and "<>" are the null path
  std::string full_name;                // -F
  bool eight_bit = false;               // -B8BITMIME
  Notify notify;                        // -N
  DsnReturn ret = DsnReturn::unset;     // -R
  std::string envid;                    // -V, in xtext
  std::vector<std::string> recipients;  // as given
};

// `arguments` without the program's name. The fault is a sentence for EX_USAGE.
result<SendmailOptions> parse_sendmail_options(const std::vector<std::string>& arguments);

std::string sendmail_help();

}  // namespace postrider::cmd
