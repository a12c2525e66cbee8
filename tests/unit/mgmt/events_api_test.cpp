// The feed of events: order, cursor, filters, the wait for the next one, and whose events one sees.
#include "mgmt/events_api.h"

#include <gtest/gtest.h>

#include "tests/unit/mgmt/api_server.h"

namespace postrider::mgmt::test {
namespace {

namespace json = boost::json;

std::vector<std::string> types(const json::object& page) {
  std::vector<std::string> out;
  for (const json::value& event : page.at("events").as_array())
    out.emplace_back(event.as_object().at("type").as_string());
  return out;
}

std::uint64_t next(const json::object& page) {
  return page.at("next").to_number<std::uint64_t>();
}

using Types = std::vector<std::string>;

TEST(EventsApi, InCommitOrderWithACursor) {
  ApiServer server;
  const std::string first = server.accept("a@example.com", {"b@example.net"}).str();
  const std::string second = server.accept("c@example.com", {"d@example.net"}).str();
  ASSERT_EQ(server.call("POST", "/v1/messages/" + first + "/hold").status, 200);
  const json::object all = server.call("GET", "/v1/events").json();
  EXPECT_EQ(types(all), (Types{"accepted", "accepted", "held"}));
  EXPECT_FALSE(all.at("more").as_bool());
  const json::object& held = all.at("events").as_array()[2].as_object();
  EXPECT_EQ(held.at("message").as_string(), first);
  EXPECT_EQ(held.at("sender"), "a@example.com");
  EXPECT_EQ(held.at("actor"), "operator");
  const json::object page = server.call("GET", "/v1/events?limit=2").json();
  EXPECT_EQ(types(page), (Types{"accepted", "accepted"}));
  EXPECT_TRUE(page.at("more").as_bool());
  EXPECT_EQ(page.at("events").as_array()[1].at("message").as_string(), second);
  const json::object rest = server.call("GET", "/v1/events?after=" + std::to_string(next(page))).json();
  EXPECT_EQ(types(rest), Types{"held"});
  const json::object none = server.call("GET", "/v1/events?after=" + std::to_string(next(rest))).json();
  EXPECT_TRUE(types(none).empty());
  EXPECT_EQ(next(none), next(rest));
  EXPECT_EQ(next(server.call("GET", "/v1/events?after=end").json()), next(rest));
}

TEST(EventsApi, Filters) {
  ApiServer server;
  const std::string first = server.accept("a@example.com", {"b@example.net"}).str();
  const std::string second = server.accept("c@example.com", {"d@example.net"}).str();
  ASSERT_EQ(server.call("POST", "/v1/messages/" + first + "/hold").status, 200);
  ASSERT_EQ(server.call("POST", "/v1/messages/" + second + "/cancel").status, 200);
  const auto got = [&](const std::string& query) { return types(server.call("GET", "/v1/events?" + query).json()); };
  EXPECT_EQ(got("type=held"), Types{"held"});
  EXPECT_EQ(got("type=held,cancelled"), (Types{"held", "cancelled"}));
  EXPECT_EQ(got("message=" + second), (Types{"accepted", "cancelled"}));
  EXPECT_EQ(got("message=" + second + "&type=cancelled"), Types{"cancelled"});
  EXPECT_EQ(got("since=2000-01-01T00:00:00Z").size(), 4u);
  EXPECT_TRUE(got("since=2100-01-01T00:00:00Z").empty());
  EXPECT_TRUE(got("until=2000-01-01T00:00:00Z").empty());
  const json::object one = server.call("GET", "/v1/events?limit=1&message=" + second).json();
  EXPECT_EQ(types(one), Types{"accepted"});
  EXPECT_TRUE(one.at("more").as_bool());
  EXPECT_EQ(got("message=" + second + "&after=" + std::to_string(next(one))), Types{"cancelled"});
}

TEST(EventsApi, FaultyParametersAreNamed) {
  ApiServer server;
  const std::pair<const char*, const char*> faulty[] = {
      {"after=x", "'after'"}, {"type=slept", "'type'"},   {"type=", "'type'"},       {"message=x", "'message'"},
      {"wait=61", "'wait'"},  {"since=today", "'since'"}, {"limit=1001", "'limit'"}, {"typ=held", "'typ'"}};
  for (const auto& [query, named] : faulty) {
    const Answer answer = server.call("GET", std::string("/v1/events?") + query);
    EXPECT_EQ(answer.status, 400) << query;
    EXPECT_NE(answer.body.find(named), std::string::npos) << answer.body;
  }
  EXPECT_EQ(server.call("GET", "/v1/events?message=" + MessageId::first_at(from_ms(1)).str()).status, 404);
}

TEST(EventsApi, ALongFeedIsFilteredInBoundedPages) {
  ApiServer server;
  for (int i = 0; i < 1200; ++i) server.accept("a@example.com", {"b@example.net"});
  const MessageId last = server.accept("a@example.com", {"b@example.net"});
  ASSERT_EQ(server.call("POST", "/v1/messages/" + last.str() + "/hold").status, 200);
  EXPECT_EQ(types(server.call("GET", "/v1/events?type=held").json()), Types{"held"});
}

TEST(EventsApi, WaitsForTheNextOne) {
  ApiServer server;
  server.accept("a@example.com", {"b@example.net"});
  const std::string end = std::to_string(next(server.call("GET", "/v1/events?after=end").json()));
  RawClient client(server.endpoint());
  client.send("GET /v1/events?wait=60&after=" + end + " HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer " + kToken +
              "\r\n\r\n");
  EXPECT_EQ(server.call("GET", "/health").status, 200);  // one that waits holds up nobody
  server.accept("late@example.com", {"b@example.net"});
  const json::object page = client.read_answer().json();
  ASSERT_EQ(types(page), Types{"accepted"});
  EXPECT_EQ(page.at("events").as_array()[0].at("sender"), "late@example.com");
}

TEST(EventsApi, AWaitEndsAtShutdown) {
  ApiServer server;
  RawClient client(server.endpoint());
  client.send(std::string("GET /v1/events?wait=60 HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer ") + kToken +
              "\r\n\r\n");
  EXPECT_EQ(server.call("GET", "/health").status, 200);  // the first has been taken: one thread, in order
  server.close();
  const std::string said = client.read_to_end();
  EXPECT_TRUE(said.empty() || said.starts_with("HTTP/1.1 200 OK\r\n")) << said;
}

TEST(EventsApi, ATenantSeesItsOwn) {
  ApiServer server;
  server.accept("a@example.com", {"b@example.net"});
  const std::string own = server.accept_for("shop", "a@shop.example", {"b@example.net"}).str();
  const json::object page = server.call_as_tenant("GET", "/v1/events").json();
  ASSERT_EQ(types(page).size(), 1u);
  EXPECT_EQ(page.at("events").as_array()[0].at("message").as_string(), own);
  EXPECT_EQ(next(page), next(server.call("GET", "/v1/events").json()));
}

Event opened(const std::string& upstream) {
  Event event;
  event.type = EventType::upstream_opened;
  event.upstream = upstream;
  event.reason = {Cause::route, Stage::connect, 0, "", "connection refused"};
  return event;
}

TEST(EventsApi, UpstreamsHaveEventsToo) {
  ApiServer server;
  server.accept("a@example.com", {"b@example.net"});
  server.tell_of_upstream(opened("primary"));
  server.tell_of_upstream(opened("backup"));
  const auto got = [&](const std::string& query) { return types(server.call("GET", "/v1/events?" + query).json()); };
  EXPECT_EQ(got("type=upstream_*"), (Types{"upstream_opened", "upstream_opened"}));
  EXPECT_EQ(got("type=accepted,upstream_closed"), Types{"accepted"});
  EXPECT_EQ(got("upstream=backup"), Types{"upstream_opened"});
  EXPECT_TRUE(got("upstream=other").empty());
  const json::object page = server.call("GET", "/v1/events?upstream=primary").json();
  const json::object& event = page.at("events").as_array()[0].as_object();
  EXPECT_TRUE(event.at("message").is_null());
  EXPECT_TRUE(event.at("sender").is_null());
  EXPECT_EQ(event.at("upstream"), "primary");
  EXPECT_EQ(event.at("reason"), "upstream trouble at connect: connection refused");
  EXPECT_TRUE(types(server.call_as_tenant("GET", "/v1/events").json()).empty());
}

}  // namespace
}  // namespace postrider::mgmt::test
