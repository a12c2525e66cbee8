#include "mgmt/openapi_api.h"

#include <stdexcept>
#include <string>

#include "mgmt/console.h"

namespace postrider::mgmt {

namespace {

struct Row {
  std::string_view path, file, media_type;
};
constexpr Row kRows[] = {{"/openapi.json", "openapi.json", kJson},
                         {"/docs", "api.html", "text/html"},
                         {"/docs/api.js", "api.js", "text/javascript"},
                         {"/docs/api.css", "api.css", "text/css"}};

boost::asio::awaitable<Response> give(const UiFile& file) {
  co_return ui_response(file);
}

}  // namespace

void add_openapi_routes(Router& router) {
  for (const Row& row : kRows) {
    const UiFile* const file = find_ui_file(row.file);
    if (!file) throw std::logic_error(std::string(row.file) + " was not built into the program");
    router.add(
        {http::verb::get, row.path, Access::open, row.media_type, {}, [file](const Request&) { return give(*file); }});
  }
}

}  // namespace postrider::mgmt
