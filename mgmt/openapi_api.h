// /openapi.json, the description of every route, and /docs, a page that shows it: files that were built into the program, open to
// everybody, without anything of this relay in them. mgmt thread.
#pragma once

#include "mgmt/router.h"

namespace postrider::mgmt {

void add_openapi_routes(Router& router);

}  // namespace postrider::mgmt
