// `sendmail -bs`: SMTP on stdin and stdout, carried to the daemon and back octet by octet. The daemon sees a client of this machine.
#pragma once

#include "cmd/sendmail_places.h"

namespace postrider::cmd {

// Ends when the daemon has closed its side; the end of `in` is passed on to it and its answers are still waited for. When it cannot
// be reached `out` gets a 421 and the exit code is EX_TEMPFAIL.
int run_smtp_proxy(const ClientPlaces& places, int in, int out);

}  // namespace postrider::cmd
