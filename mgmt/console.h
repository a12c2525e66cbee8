// What a browser gets of this server: the console at /, its script and style at /ui/. All of it is public, and none of it knows
// anything of this relay: the page asks the API with the key of who looks at it. Programs get a greeting at /. mgmt thread.
#pragma once

#include "mgmt/router.h"
#include "mgmt/ui_files.h"

namespace postrider::mgmt {

void add_greeting(Router& router);  // GET /, for everybody
void add_console(Router& router);   // GET /, the page for who would rather have HTML; GET /ui/{file}

// A file as an answer: its media type by its name, and a policy that lets it load and ask nothing but this server.
Response ui_response(const UiFile& file);

}  // namespace postrider::mgmt
