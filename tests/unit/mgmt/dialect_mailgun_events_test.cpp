// GET /v3/{domain}/events over a store: pages to both sides, filters, and nobody else's events.
#include <gtest/gtest.h>

#include <map>

#include "tests/unit/mgmt/vendor_fixture.h"

namespace postrider::mgmt::test {
namespace {

namespace json = boost::json;

constexpr const char* kEvents = "/v3/mg.shop.example/events";

struct Page {
  std::vector<std::string> events;  // "accepted a@example.net"
  std::map<std::string, std::string> paging;
};

Page page_of(const Answer& answer) {
  EXPECT_EQ(answer.status, 200) << answer.body;
  const json::object body = answer.json();
  Page page;
  for (const json::value& item : body.at("items").as_array())
    page.events.push_back(text_at(item.as_object(), "event") + " " + text_at(item.as_object(), "recipient"));
  for (const auto& link : body.at("paging").as_object()) {
    const std::string url(link.value().as_string());
    EXPECT_TRUE(url.starts_with("http://test" + std::string(kEvents) + "/")) << url;
    page.paging[link.key()] = url.substr(std::string("http://test").size());
  }
  return page;
}

std::string joined(const std::vector<std::string>& events) {
  std::string out;
  for (const std::string& event : events) out += event + "\n";
  return out;
}

class MailgunEvents : public testing::Test {
 protected:
  MailgunEvents() : server_(&add_mailgun) {}

  Page get(const std::string& path) { return page_of(server_.api.call("GET", path)); }
  Page ask(const std::string& query) { return get(kEvents + query); }
  Page ask_as_tenant(const std::string& query) { return page_of(server_.api.call_as_tenant("GET", kEvents + query)); }
  void accept(const std::vector<std::string>& recipients, const std::string& tenant = {}) {
    server_.api.accept_for(tenant, "app@shop.example", recipients);
  }

  VendorServer server_;
};

TEST_F(MailgunEvents, AreNewestFirstAndOneForEachRecipient) {
  accept({"a@example.net", "b@example.net"});
  accept({"c@example.net"});
  EXPECT_EQ(joined(ask("").events), "accepted c@example.net\naccepted b@example.net\naccepted a@example.net\n");
  EXPECT_EQ(joined(ask("?begin=1&ascending=yes").events),
            "accepted a@example.net\naccepted b@example.net\naccepted c@example.net\n");
}

// Every walk to one end and back meets every event once, in the middle of a message too.
TEST_F(MailgunEvents, PagesJoinWithoutGapOrRepetition) {
  std::vector<std::string> forwards;
  for (int i = 0; i < 7; ++i) {
    const std::string a = "a" + std::to_string(i) + "@example.net", b = "b" + std::to_string(i) + "@example.net";
    accept({a, b});
    forwards.insert(forwards.end(), {"accepted " + a, "accepted " + b});
  }
  const std::vector<std::string> backwards(forwards.rbegin(), forwards.rend());
  for (const char* limit : {"1", "3", "14", "20"}) {
    for (const bool ascending : {true, false}) {
      const auto& wanted = ascending ? forwards : backwards;
      Page page = ask(std::string(ascending ? "?begin=1&ascending=yes&limit=" : "?limit=") + limit);
      const std::vector<std::string> first = page.events;
      std::vector<std::string> seen;
      for (; !page.events.empty(); page = get(page.paging["next"])) {
        seen.insert(seen.end(), page.events.begin(), page.events.end());
        ASSERT_LE(seen.size(), wanted.size());
      }
      EXPECT_EQ(joined(seen), joined(wanted)) << limit;
      std::vector<std::string> returned;
      for (page = get(page.paging["previous"]); !page.events.empty(); page = get(page.paging["previous"])) {
        returned.insert(returned.begin(), page.events.begin(), page.events.end());
        ASSERT_LE(returned.size(), wanted.size());
      }
      EXPECT_EQ(joined(returned), joined(wanted)) << limit;
      const Page after = get(page.paging["next"]);
      EXPECT_EQ(joined(after.events), joined(first)) << "behind the first page comes the first page";
      const Page last = get(after.paging.at("last"));
      const std::vector<std::string> tail(wanted.end() - static_cast<std::ptrdiff_t>(last.events.size()), wanted.end());
      EXPECT_EQ(joined(last.events), joined(tail));
      EXPECT_EQ(joined(get(last.paging.at("first")).events), joined(first));
    }
  }
}

class InlineMailbox final : public Mailbox {
 public:
  void post(std::vector<Task> tasks) override {
    for (Task& task : tasks) task();
  }
};

// Everything of finished messages, their events too.
std::uint64_t retire_history(storage::Store& store) {
  storage::RetireRequest request;
  request.policy.history = request.policy.sent_bodies = request.policy.failed_bodies = Duration(0);
  request.now = net::SystemClock().now() + std::chrono::hours(1);
  InlineMailbox here;
  std::uint64_t retired = 0;
  for (bool more = true; more;)
    store.retire(request, Done<storage::Retired>(here, [&](const result<storage::Retired>& done) {
                   retired += done.value().messages;
                   more = done.value().more;
                 }));
  return retired;
}

TEST_F(MailgunEvents, AreFoundAcrossWhatRetentionRemoved) {
  accept({"old@example.net"});
  for (int i = 0; i < 900; ++i) accept({"gone@example.net"});
  EXPECT_EQ(server_.api.call("POST", "/v1/messages/cancel?recipient=gone@example.net").status, 200);
  accept({"new@example.net"});
  EXPECT_EQ(ask("?limit=300").events.size(), 300u);
  EXPECT_EQ(retire_history(server_.api.store()), 900u);
  EXPECT_EQ(joined(ask("").events), "accepted new@example.net\naccepted old@example.net\n");
  EXPECT_EQ(joined(ask("?begin=1&ascending=yes").events), "accepted old@example.net\naccepted new@example.net\n");
}

TEST_F(MailgunEvents, CanBePolled) {
  accept({"a@example.net"});
  const Page first = ask("?begin=1&ascending=yes");
  EXPECT_EQ(first.events.size(), 1u);
  const Page none = get(first.paging.at("next"));
  EXPECT_TRUE(none.events.empty());
  accept({"b@example.net"});
  EXPECT_EQ(joined(get(none.paging.at("next")).events), "accepted b@example.net\n");
  EXPECT_EQ(joined(get(first.paging.at("next")).events), "accepted b@example.net\n");
}

TEST_F(MailgunEvents, AreFiltered) {
  const MessageId id = server_.api.accept("app@shop.example", {"a+b@example.net"});
  server_.api.accept("other@shop.example", {"c@example.net"});
  EXPECT_EQ(server_.api.call("POST", "/v1/messages/" + id.str() + "/cancel").status, 200);
  EXPECT_EQ(joined(ask("?event=rejected").events), "rejected a+b@example.net\n");
  EXPECT_EQ(joined(ask("?event=rejected+OR+failed").events), "rejected a+b@example.net\n");
  EXPECT_EQ(ask("?event=accepted%20OR%20rejected").events.size(), 3u);
  EXPECT_EQ(joined(ask("?recipient=a%2Bb@example.net&event=accepted").events), "accepted a+b@example.net\n");
  EXPECT_EQ(joined(ask("?recipient=a+b@example.net&event=accepted").events), "accepted a+b@example.net\n");
  EXPECT_EQ(joined(ask("?from=other").events), "accepted c@example.net\n");
  EXPECT_EQ(joined(ask("?subject=hi&to=c@example.net").events), "accepted c@example.net\n");
  EXPECT_TRUE(ask("?tags=none").events.empty());
  EXPECT_TRUE(ask("?begin=1000000000&end=1000000001").events.empty());
  EXPECT_EQ(ask("?end=1000000000").events.size(), 3u);
}

TEST_F(MailgunEvents, BelongToTheirTenant) {
  accept({"a@example.net"}, "shop");
  accept({"b@example.net"}, "other");
  accept({"c@example.net"});
  EXPECT_EQ(joined(ask_as_tenant("").events), "accepted a@example.net\n");
  EXPECT_EQ(ask("").events.size(), 3u);
  const Page operators = ask("?limit=1");
  const Page tenants = page_of(server_.api.call_as_tenant("GET", operators.paging.at("next")));
  EXPECT_EQ(joined(tenants.events), "accepted a@example.net\n") << "a link carries no rights";
}

TEST_F(MailgunEvents, WhatIsWrongIsSaidInItsShape) {
  const std::pair<const char*, int> wrong[] = {
      {"?limit=1000", 400}, {"?size=%3E10", 400}, {"?event=(a)", 400}, {"/nonsense", 400}, {"/e30", 400}};
  for (const auto& [query, status] : wrong) {
    const Answer answer = server_.api.call("GET", std::string(kEvents) + query);
    EXPECT_EQ(answer.status, status) << query;
    EXPECT_FALSE(text_at(answer.json(), "message").empty());
  }
  EXPECT_EQ(server_.api.call("GET", "/v3/a..b/events").status, 404);
  EXPECT_EQ(server_.api.call_raw("GET", kEvents, "").status, 401);
}

}  // namespace
}  // namespace postrider::mgmt::test
