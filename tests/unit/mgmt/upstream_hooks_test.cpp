// Telling a provider to report here: what is asked of it, what is left alone, and what is said when it does not do it.
#include "mgmt/upstream_hooks.h"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <thread>

#include "tests/unit/mgmt/api_server.h"
#include "tests/unit/mgmt/fake_sender.h"

namespace postrider::mgmt::test {
namespace {

namespace json = boost::json;

constexpr const char* kUrl = "https://mail-hooks.example.com/hooks/gun";

// Mailgun's webhooks of a domain, as far as registration needs them.
class FakeMailgun {
 public:
  net::HttpOutcome operator()(const net::HttpExchange& exchange) {
    if (exchange.method == "GET") return answered(200, list());
    if (failing_after == 0) return answered(401, R"({"message":"Invalid private key"})");
    --failing_after;
    // The fields of a form, each after its name and an empty line.
    std::string hook = field(exchange.body, "id");
    if (hook.empty()) hook = exchange.url.substr(exchange.url.rfind('/') + 1);
    if (!forgets) urls_[hook] = field(exchange.body, "url");
    return answered(200, R"({"message":"Webhook has been created"})");
  }
  std::size_t failing_after = 100;
  bool forgets = false;

 private:
  static std::string field(const std::string& form, const std::string& name) {
    const std::size_t begin = form.find("name=\"" + name + "\"");
    if (begin == std::string::npos) return {};
    const std::size_t value = form.find("\r\n\r\n", begin) + 4;
    return form.substr(value, form.find("\r\n", value) - value);
  }
  std::string list() const {
    json::object hooks;
    for (const auto& [hook, url] : urls_) hooks[hook] = {{"urls", {url}}};
    return json::serialize(json::object{{"webhooks", std::move(hooks)}});
  }
  std::map<std::string, std::string> urls_;
};

class UpstreamHooks : public testing::Test {
 protected:
  explicit UpstreamHooks(std::string public_url = "https://mail-hooks.example.com/")
      : server_(setup()), api_({server_.loop(), server_.upstreams().control(), http_, std::move(public_url), log_}) {
    http_.answer_by([this](const net::HttpExchange& exchange) { return mailgun_(exchange); });
    api_.add_routes(server_.router());
  }
  ~UpstreamHooks() override { server_.close(); }  // no request is left to use what goes now

  static ServerSetup setup() {
    ServerSetup setup;
    setup.upstreams = {upstream("plain", 1), upstream("gun", 2, UpstreamType::mailgun)};
    setup.upstreams[1].domain = "mg.example.com";
    return setup;
  }
  Answer change(const std::string& body = {}) { return server_.call("POST", "/v1/upstreams/gun/hooks", body); }
  Answer look(const std::string& query = {}) { return server_.call("GET", "/v1/upstreams/gun/hooks" + query); }
  static std::size_t count(const Answer& answer, std::string_view state) {
    std::size_t found = 0;
    for (const json::value& one : answer.json().at("changes").as_array())
      found += one.at("state").as_string() == state ? 1 : 0;
    return found;
  }
  std::size_t asked(std::string_view method) const {
    std::size_t found = 0;
    for (const net::HttpExchange& exchange : http_.asked()) found += exchange.method == method ? 1 : 0;
    return found;
  }

  NullLog log_;
  FakeMailgun mailgun_;
  FakeSender http_;
  ApiServer server_;
  UpstreamHooksApi api_;
};

struct WithoutPublicUrl : UpstreamHooks {
  WithoutPublicUrl() : UpstreamHooks("") {}
};

TEST_F(UpstreamHooks, RegistersWhatIsMissingAndThenNothing) {
  const Answer before = look();
  ASSERT_EQ(before.status, 200) << before.body;
  EXPECT_EQ(before.json().at("url"), kUrl);
  EXPECT_FALSE(before.json().at("registered").as_bool());
  const std::size_t missing = count(before, "planned");
  EXPECT_EQ(missing, before.json().at("changes").as_array().size());
  EXPECT_GT(missing, 0u);
  EXPECT_EQ(asked("POST"), 0u);

  const Answer done = change();
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_TRUE(done.json().at("registered").as_bool()) << done.body;
  EXPECT_TRUE(done.json().at("problem").is_null());
  EXPECT_EQ(count(done, "done"), missing);
  EXPECT_EQ(asked("POST"), missing);
  EXPECT_EQ(done.header("cache-control"), "no-store");

  const Answer again = change();
  EXPECT_TRUE(again.json().at("registered").as_bool());
  EXPECT_TRUE(again.json().at("changes").as_array().empty());
  EXPECT_EQ(asked("POST"), missing);
  EXPECT_TRUE(look().json().at("registered").as_bool());
  EXPECT_FALSE(look("?url=https://elsewhere.example/").json().at("registered").as_bool());
}

TEST_F(UpstreamHooks, ADryRunChangesNothing) {
  const Answer answer = change(R"({"dry_run":true})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(count(answer, "planned"), answer.json().at("changes").as_array().size());
  EXPECT_EQ(asked("POST"), 0u);
}

TEST_F(UpstreamHooks, StopsAtTheFirstThatFailsAndSaysWhy) {
  mailgun_.failing_after = 2;
  const Answer answer = change();
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_FALSE(answer.json().at("registered").as_bool());
  EXPECT_EQ(count(answer, "done"), 2u);
  EXPECT_EQ(count(answer, "failed"), 1u);
  EXPECT_GT(count(answer, "not tried"), 0u);
  EXPECT_NE(answer.json().at("problem").as_string().find("Invalid private key"), json::string::npos) << answer.body;
  EXPECT_EQ(answer.body.find("the-key-of-gun"), std::string::npos);
}

TEST_F(UpstreamHooks, DoesNotAskTwiceForWhatAProviderDoesNotShow) {
  mailgun_.forgets = true;
  const Answer answer = change();
  EXPECT_FALSE(answer.json().at("registered").as_bool());
  EXPECT_FALSE(answer.json().at("problem").is_null());
  EXPECT_EQ(asked("POST"), count(answer, "done"));
}

TEST_F(UpstreamHooks, SaysWhenTheProviderCannotBeReached) {
  http_.answer_by([](const net::HttpExchange&) { return unreachable(); });
  const Answer answer = look();
  ASSERT_EQ(answer.status, 200);
  EXPECT_EQ(answer.json().at("problem"), "connection refused");
  EXPECT_FALSE(answer.json().at("registered").as_bool());
}

TEST(WithoutLogins, CutsThemOutOfAddresses) {
  EXPECT_EQ(without_logins("the url https://hooks:s3cret@mail.example.com/a is taken, http://u@b.example too"),
            "the url https://mail.example.com/a is taken, http://b.example too");
  EXPECT_EQ(without_logins(R"({"Url":"https:\/\/hooks:s3cret@mail.example.com\/"})"),
            R"({"Url":"https:\/\/mail.example.com\/"})");
  EXPECT_EQ(without_logins("https://hooks:a/b@c?d#e//f@mail.example.com/"), "https://mail.example.com/");
  for (const char* text : {"", "//", "/\\/", "user@example.net", "https://mail.example.com/ is not user@example.net's"})
    EXPECT_EQ(without_logins(text), text);
}

// Mailjet's login stands in the address that is registered.
TEST_F(UpstreamHooks, AnAnswerThatQuotesTheLoginDoesNotShowIt) {
  http_.answer_by([](const net::HttpExchange& exchange) {
    return exchange.method == "GET"
               ? answered(200, R"({"webhooks":{}})")
               : answered(400, R"({"message":"https://hooks:s3cret@mail-hooks.example.com/ cannot be reached"})");
  });
  const Answer answer = change();
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_NE(answer.json().at("problem").as_string().find("https://mail-hooks.example.com/ cannot be reached"),
            json::string::npos)
      << answer.body;
  EXPECT_EQ(answer.body.find("s3cret"), std::string::npos);
}

TEST_F(UpstreamHooks, OneChangeAtATime) {
  http_.keep_back();
  RawClient first(server_.endpoint());
  first.send(std::string("POST /v1/upstreams/gun/hooks HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n") +
             "Authorization: Bearer " + kToken + "\r\n\r\n");
  while (http_.under_way() == 0) std::this_thread::yield();
  EXPECT_EQ(change().status, 409);
  http_.release();
  EXPECT_EQ(first.read_answer().status, 200);
  EXPECT_TRUE(change().json().at("registered").as_bool());
}

TEST_F(UpstreamHooks, AnAddressThatNoProviderShouldSendToIsRefused) {
  for (const char* url :
       {"http://mail.example.com/hooks/gun", "https://user:secret@mail.example.com/", "gun", "https://",
        "https://mail.example.com/?a=b", "https://mail.example.com/#a", "ftp://mail.example.com/"}) {
    EXPECT_EQ(change(json::serialize(json::object{{"url", url}})).status, 422) << url;
  }
  EXPECT_EQ(look("?url=http://mail.example.com/").status, 400);
  EXPECT_EQ(change(R"({"ulr":"https://mail.example.com/"})").status, 422);
  EXPECT_EQ(change(R"({"url":"http://127.0.0.1:8025/hooks/gun","dry_run":true})").status, 200);
  EXPECT_EQ(asked("POST"), 0u);
}

TEST_F(UpstreamHooks, OnlyOperatorsAndOnlyProviders) {
  EXPECT_EQ(server_.call("GET", "/v1/upstreams/plain/hooks").status, 409);
  EXPECT_EQ(server_.call("GET", "/v1/upstreams/nobody/hooks").status, 404);
  EXPECT_EQ(server_.call_as_tenant("POST", "/v1/upstreams/gun/hooks").status, 403);
  EXPECT_TRUE(http_.asked().empty());
}

TEST_F(WithoutPublicUrl, TheAddressMustBeGiven) {
  EXPECT_EQ(look().status, 409);
  EXPECT_EQ(look("?url=https://mail-hooks.example.com/hooks/gun").status, 200);
}

}  // namespace
}  // namespace postrider::mgmt::test
