// What every dialect gets: a dialect answers the HTTP requests of another service (a mail vendor's API, one of the five services that
// Postrider takes over from) in that service's own words. It reads the request into letters, gives them to the SendDoor, and
// renders what came of it; it keeps no state, and has no way to a message but those. One file each; docs/dialects.md.
#pragma once

#include <string_view>

#include "core/clock.h"
#include "mgmt/router.h"
#include "mgmt/send_door.h"
#include "net/loop.h"
#include "storage/store.h"

namespace postrider::mgmt {

struct DialectParts {
  net::Loop& loop;
  const Clock& clock;
  storage::Store& store;
  SendDoor& door;
};

// A route that takes letters: POST, JSON in and out, a body as large as a message; `render` says no in the service's words.
Route sending_route(std::string_view path, Render render, Handler handler);

// Each adds its routes; `parts` outlives the router.
void add_babygun(Router& router, const DialectParts& parts);
void add_limbo(Router& router, const DialectParts& parts);
void add_mailer(Router& router, const DialectParts& parts);  // the mailer service: /queue, /status
void add_woowup(Router& router, const DialectParts& parts);
void add_mailgun(Router& router, const DialectParts& parts);
void add_sendgrid(Router& router, const DialectParts& parts);
void add_ses(Router& router, const DialectParts& parts);
void add_mailjet(Router& router, const DialectParts& parts);
void add_postmark(Router& router, const DialectParts& parts);
void add_resend(Router& router, const DialectParts& parts);

}  // namespace postrider::mgmt
