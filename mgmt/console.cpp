#include "mgmt/console.h"

#include <stdexcept>

#include "mgmt/answers.h"
#include "mgmt/media_type.h"
#include "mgmt/problem.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;

constexpr std::string_view kPage = "console.html";
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

struct Kind {
  std::string_view ending, content_type;
};
constexpr Kind kKinds[] = {{".html", "text/html; charset=utf-8"},
                           {".css", "text/css; charset=utf-8"},
                           {".js", "text/javascript; charset=utf-8"},
                           {".json", kJson}};

Response greeting() {
  return json_response({{"hello", "world"}});
}

asio::awaitable<Response> greet(const Request&) {
  co_return greeting();
}

asio::awaitable<Response> front_page(const Request& request) {
  const std::string_view accept = request.header("accept");
  const bool page = prefers(accept, kHtml, kJson);
  if (!page && !accepts(accept, kJson))
    co_return problem(ProblemType::not_acceptable, "this path gives text/html or application/json");
  Response response = page ? ui_response(*find_ui_file(kPage)) : greeting();
  response.headers.emplace_back("Vary", "Accept");
  co_return response;
}

asio::awaitable<Response> file(const Request& request) {
  const UiFile* const found = find_ui_file(request.captures[0]);
  if (!found) co_return problem(ProblemType::not_found, "there is nothing at this path");
  co_return ui_response(*found);
}

}  // namespace

void add_greeting(Router& router) {
  router.add({http::verb::get, "/", Access::open, kJson, {}, greet});
}

void add_console(Router& router) {
  if (!find_ui_file(kPage)) throw std::logic_error("the console was not built into the program");
  router.add({http::verb::get, "/", Access::open, "", {}, front_page});
  router.add({http::verb::get, "/ui/{file}", Access::open, "", {}, file});
}

Response ui_response(const UiFile& file) {
  Response response;
  for (const Kind& kind : kKinds)
    if (file.name.ends_with(kind.ending)) response.content_type = kind.content_type;
  response.body = file.octets;
  response.headers.emplace_back("Content-Security-Policy", kPolicy);
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  return response;
}

}  // namespace postrider::mgmt
