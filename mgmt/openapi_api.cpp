#include "mgmt/openapi_api.h"

#include <stdexcept>
#include <string>

#include "mgmt/console.h"

namespace postrider::mgmt {

namespace {

struct Page {
  std::string_view path, file, media_type;
};
constexpr Page kPages[] = {{"/openapi.json", "openapi.json", kJson},
                           {"/docs", "api.html", "text/html"},
                           {"/docs/api.js", "api.js", "text/javascript"},
                           {"/docs/api.css", "api.css", "text/css"}};

boost::asio::awaitable<Response> give(const UiFile& file) {
  co_return ui_response(file);
}

}  // namespace

void add_openapi_routes(Router& router) {
  for (const Page& page : kPages) {
    const UiFile* const file = find_ui_file(page.file);
    if (!file) throw std::logic_error(std::string(page.file) + " was not built into the program");
    router.add({http::verb::get, page.path, Access::open, page.media_type, {}, [file](const Request&) {
                  return give(*file);
                }});
  }
}

}  // namespace postrider::mgmt
