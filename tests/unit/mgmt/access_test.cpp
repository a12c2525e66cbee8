// Which scope opens which route, and which web page may ask.
#include <gtest/gtest.h>

#include "mgmt/ui_files.h"
#include "tests/checkout.h"
#include "tests/unit/mgmt/api_server.h"

namespace postrider::mgmt::test {
namespace {

boost::asio::awaitable<Response> sent(const Request&) {
  Response response;
  response.status = http::status::accepted;
  co_return response;
}

std::string token_of(Scope scope) {
  std::string token = "pr_" + std::string(to_string(scope));
  return token + std::string(46 - token.size(), 'x');
}

ServerSetup a_key_for_each_scope() {
  ServerSetup setup;
  for (const Scope scope : {Scope::send, Scope::read, Scope::steer, Scope::admin}) {
    storage::ApiKeyRecord key = shop_key(std::string(to_string(scope)));
    key.scopes = {scope};
    setup.keys.emplace_back(std::move(key), token_of(scope));
  }
  return setup;
}

struct Row {
  Scope needed;
  const char *method, *path;
};

TEST(Access, EachRouteIsOpenedByItsScopeAndByAdmin) {
  ApiServer server(a_key_for_each_scope());
  server.router().add({http::verb::post, "/send", Access::send, "", {}, sent});
  const std::string id = server.accept_for("shop", "a@shop.example", {"b@example.net"}).str();
  const std::string message = "/v1/messages/" + id;
  const std::string hold = message + "/hold", release = message + "/release", body = message + "/body";
  const Row rows[] = {{Scope::send, "POST", "/send"},
                      {Scope::read, "GET", "/v1/messages"},
                      {Scope::read, "GET", message.c_str()},
                      {Scope::read, "GET", body.c_str()},
                      {Scope::read, "GET", "/v1/events"},
                      {Scope::steer, "POST", hold.c_str()},
                      {Scope::steer, "POST", release.c_str()},
                      {Scope::steer, "POST", "/v1/messages/retry?all=true&dry_run=true"},
                      {Scope::admin, "GET", "/metrics"},
                      {Scope::admin, "GET", "/v1/stats"},
                      {Scope::admin, "GET", "/v1/users"},
                      {Scope::admin, "GET", "/v1/upstreams"},
                      {Scope::admin, "GET", "/v1/route/explain?to=a@example.net"},
                      {Scope::admin, "GET", "/v1/retention"},
                      {Scope::admin, "POST", "/v1/retention/run?dry_run=true"}};
  for (const Row& row : rows)
    for (const Scope scope : {Scope::send, Scope::read, Scope::steer, Scope::admin}) {
      const Answer answer = server.call_with(token_of(scope), row.method, row.path);
      const bool may = scope == row.needed || scope == Scope::admin;
      const std::string what = std::string(to_string(scope)) + ": " + row.method + " " + row.path;
      if (may) {
        EXPECT_TRUE(answer.status == 200 || answer.status == 202 || answer.status == 409) << what << " " << answer.body;
      } else {
        ASSERT_EQ(answer.status, 403) << what;
        EXPECT_EQ(answer.json().at("type"), "/problems/forbidden");
        EXPECT_NE(answer.json().at("detail").as_string().find(to_string(row.needed)), std::string::npos);
      }
    }
}

// ---- web pages ------------------------------------------------------------------------------------------------------

constexpr const char* kPage = "Origin: https://app.example.com\r\n";
constexpr const char* kStranger = "Origin: https://evil.example.com\r\n";

ServerSetup with_a_page() {
  ServerSetup setup;
  setup.cors_origins = {"https://other.example.com", "https://app.example.com"};
  return setup;
}

TEST(Cors, AListedPageMayAskBeforehand) {
  ApiServer server(with_a_page());
  const std::string asks =
      "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization, content-type\r\n";
  const Answer answer = server.call_raw("OPTIONS", "/v1/messages/abc/hold", kPage + asks);
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.header("access-control-allow-origin"), "https://app.example.com");
  EXPECT_EQ(answer.header("access-control-allow-methods"), "POST");
  EXPECT_EQ(answer.header("access-control-allow-headers"),
            "Authorization, Content-Type, Idempotency-Key, X-Request-Id");
  EXPECT_EQ(answer.header("access-control-max-age"), "600");
  EXPECT_EQ(answer.header("vary"), "Origin");
  EXPECT_EQ(answer.header("access-control-allow-credentials"), "");
  EXPECT_EQ(server.call_raw("OPTIONS", "/nowhere", kPage + asks).status, 404);
}

TEST(Cors, AListedPageMayReadEveryAnswer) {
  ApiServer server(with_a_page());
  const std::string key = std::string("Authorization: Bearer ") + kToken + "\r\n";
  for (const std::string& headers : {key, std::string()})
    for (const char* path : {"/v1/messages", "/health", "/nowhere"}) {
      const Answer answer = server.call_raw("GET", path, kPage + headers);
      EXPECT_EQ(answer.header("access-control-allow-origin"), "https://app.example.com") << path;
      EXPECT_NE(answer.header("access-control-expose-headers").find("X-Request-Id"), std::string::npos) << path;
    }
}

TEST(Cors, AnotherPageMayNot) {
  ApiServer server(with_a_page());
  const std::string asks = "Access-Control-Request-Method: POST\r\n";
  for (const std::string& origin : {std::string(kStranger), std::string("Origin: null\r\n"),
                                    std::string("Origin: https://app.example.com.evil.example\r\n"), std::string()}) {
    const Answer before = server.call_raw("OPTIONS", "/v1/messages/retry", origin + asks);
    const Answer answer = server.call_raw("GET", "/health", origin);
    EXPECT_EQ(before.header("access-control-allow-origin"), "") << origin;
    EXPECT_EQ(before.header("access-control-allow-methods"), "") << origin;
    EXPECT_EQ(answer.header("access-control-allow-origin"), "") << origin;
    EXPECT_EQ(answer.header("vary"), "Origin");  // a cache must not give this to a page that may
  }
}

TEST(Cors, NoPageMayUnlessConfigured) {
  ApiServer server;
  const Answer answer = server.call_raw("GET", "/health", kPage);
  EXPECT_EQ(answer.header("access-control-allow-origin"), "");
  EXPECT_EQ(answer.header("vary"), "");
}

TEST(Cors, OptionsTellsTheMethods) {
  ApiServer server;
  const Answer answer = server.call_raw("OPTIONS", "/v1/users", "");
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.header("allow"), "GET, HEAD, POST, OPTIONS");
}

// ---- the console ----------------------------------------------------------------------------------------------------

TEST(Console, GreetsProgramsAndShowsBrowsersThePage) {
  ApiServer server;
  for (const char* accept : {"", "Accept: */*\r\n", "Accept: application/json\r\n"}) {
    const Answer answer = server.call_raw("GET", "/", accept);
    EXPECT_EQ(answer.body, R"({"hello":"world"})") << accept;
    EXPECT_EQ(answer.header("content-type"), "application/json");
  }
  const Answer page = server.call_raw("GET", "/", "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n");
  EXPECT_EQ(page.header("content-type"), "text/html; charset=utf-8");
  EXPECT_EQ(page.body, committed("mgmt/ui/console.html"));
  EXPECT_EQ(server.call_raw("GET", "/", "Accept: image/png\r\n").status, 406);
}

TEST(Console, FilesAreThoseOfTheCheckoutAndLoadNothingElse) {
  ApiServer server;
  ASSERT_TRUE(find_ui_file("console.js") && find_ui_file("console.css"));
  for (const UiFile& file : ui_files()) {
    const std::string folder = file.name == "openapi.json" ? "docs/" : "mgmt/ui/";
    EXPECT_TRUE(file.octets == committed(folder + std::string(file.name))) << file.name;
    const Answer answer = server.call_raw("GET", "/ui/" + std::string(file.name), "");
    EXPECT_EQ(answer.status, 200) << file.name;
    EXPECT_TRUE(answer.body == file.octets) << file.name;
    EXPECT_TRUE(answer.header("content-security-policy").starts_with("default-src 'none'; script-src 'self';"));
  }
  EXPECT_EQ(server.call_raw("GET", "/ui/console.js", "").header("content-type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(server.call_raw("GET", "/ui/other.js", "").status, 404);
  EXPECT_EQ(server.call_raw("GET", "/ui/..%2Fconsole.html", "").status, 404);
}

}  // namespace
}  // namespace postrider::mgmt::test
