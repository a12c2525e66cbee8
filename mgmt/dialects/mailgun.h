// What the files of Mailgun's dialect share: how it says no, and the routes that are in a file of their own.
#pragma once

#include <string>
#include <string_view>

#include "mgmt/dialects/dialect.h"
#include "mgmt/problem.h"

namespace postrider::mgmt {

Response mailgun_refusal(const Refusal& refusal);  // {"message": "..."}
// In ASCII; the refusal when the domain of a path is none: 404, as Mailgun says of domains that an account does not have.
result<std::string> mailgun_domain(const Request& request);

void add_mailgun_events(Router& router, const DialectParts& parts);  // GET /v3/{domain}/events

}  // namespace postrider::mgmt
