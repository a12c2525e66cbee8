// Steering by filter: what is counted, what is changed, what is left alone, and that it comes in steps.
#include "mgmt/bulk_api.h"

#include <gtest/gtest.h>

#include "tests/unit/mgmt/api_server.h"

namespace postrider::mgmt::test {
namespace {

namespace json = boost::json;

std::int64_t number(const json::object& object, const char* name) {
  return object.at(name).to_number<std::int64_t>();
}

std::string state_of(ApiServer& server, const MessageId& id) {
  return std::string(server.call("GET", "/v1/messages/" + id.str()).json().at("state").as_string());
}

TEST(BulkApi, AFilterOrAllIsNeeded) {
  ApiServer server;
  for (const char* verb : {"retry", "hold", "release", "cancel"}) {
    const Answer answer = server.call("POST", std::string("/v1/messages/") + verb);
    EXPECT_EQ(answer.status, 400) << verb;
    EXPECT_NE(answer.body.find("all=true"), std::string::npos) << answer.body;
  }
  EXPECT_EQ(server.call("POST", "/v1/messages/hold?all=true").status, 200);
  EXPECT_EQ(server.call("POST", "/v1/messages/hold?all=yes").status, 400);
  EXPECT_EQ(server.call("POST", "/v1/messages/hold?state=asleep").status, 400);
  EXPECT_EQ(server.call("POST", "/v1/messages/hold?all=true&limit=5").status, 400);
  EXPECT_EQ(server.call("POST", "/v1/messages/hold?all=true", R"({"reson":"x"})").status, 400);
  EXPECT_EQ(server.call("GET", "/v1/messages/hold").status, 404);  // a message of that name: there is none
}

TEST(BulkApi, ADryRunCountsAndChangesNothing) {
  ApiServer server;
  const MessageId first = server.accept("a@one.example", {"b@example.net"});
  const MessageId second = server.accept("a@one.example", {"c@example.net"});
  server.accept("a@two.example", {"d@example.net"});
  ASSERT_EQ(server.call("POST", "/v1/messages/" + second.str() + "/hold").status, 200);
  const json::object answer = server.call("POST", "/v1/messages/hold?sender=@one.example&dry_run=true").json();
  EXPECT_TRUE(answer.at("dry_run").as_bool());
  EXPECT_EQ(number(answer, "matched"), 2);
  EXPECT_EQ(number(answer, "applicable"), 1);
  EXPECT_EQ(number(answer, "changed"), 0);
  EXPECT_EQ(answer.at("by_state"), (json::object{{"held", 1}, {"queued", 1}}));
  EXPECT_EQ(answer.at("skipped_because"), (json::object{{"held", 1}}));
  EXPECT_TRUE(answer.at("next").is_null());
  EXPECT_EQ(state_of(server, first), "queued");
}

TEST(BulkApi, ChangesWhatFitsWithAnEventEach) {
  ApiServer server;
  const MessageId fits = server.accept("a@one.example", {"b@example.net"});
  const MessageId other = server.accept("a@two.example", {"b@example.net"});
  const json::object answer =
      server.call("POST", "/v1/messages/hold?sender=a@one.example", R"({"reason":"looks odd"})").json();
  EXPECT_EQ(number(answer, "changed"), 1);
  EXPECT_EQ(state_of(server, fits), "held");
  EXPECT_EQ(state_of(server, other), "queued");
  const json::object message = server.call("GET", "/v1/messages/" + fits.str()).json();
  const json::object& held = message.at("events").as_array().back().as_object();
  EXPECT_EQ(held.at("type"), "held");
  EXPECT_EQ(held.at("actor"), "operator");
  EXPECT_EQ(held.at("reason_detail").as_object().at("text"), "looks odd");
  EXPECT_EQ(number(server.call("POST", "/v1/messages/release?state=held").json(), "changed"), 1);
  EXPECT_EQ(state_of(server, fits), "queued");
  EXPECT_EQ(number(server.call("POST", "/v1/messages/cancel?all=true").json(), "changed"), 2);
  const json::object again = server.call("POST", "/v1/messages/cancel?all=true").json();
  EXPECT_EQ(number(again, "changed"), 0);
  EXPECT_EQ(again.at("skipped_because"), (json::object{{"cancelled", 2}}));
}

TEST(BulkApi, ARecipientFilterSparesTheOthersOfTheMessage) {
  ApiServer server;
  const MessageId id = server.accept("a@example.com", {"bob@example.net", "alice@example.org", "B2@EXAMPLE.net"});
  EXPECT_EQ(number(server.call("POST", "/v1/messages/cancel?recipient=@example.net").json(), "changed"), 1);
  const json::object message = server.call("GET", "/v1/messages/" + id.str()).json();
  const json::array& recipients = message.at("recipients").as_array();
  EXPECT_EQ(recipients[0].at("state"), "cancelled");
  EXPECT_EQ(recipients[1].at("state"), "queued");
  EXPECT_EQ(recipients[2].at("state"), "cancelled");
}

TEST(BulkApi, GoesOnWhereItStopped) {
  ServerSetup setup;
  setup.bulk.page = 3;
  setup.bulk.max_messages = 6;
  setup.bulk.batch = 2;
  ApiServer server(std::move(setup));
  std::vector<MessageId> ids;
  for (int i = 0; i < 14; ++i) ids.push_back(server.accept("a@example.com", {"b@example.net"}));
  std::string cursor;
  std::int64_t changed = 0;
  int requests = 0;
  for (; requests < 10; ++requests) {
    const json::object answer = server.call("POST", "/v1/messages/hold?state=queued" + cursor).json();
    EXPECT_LE(number(answer, "matched"), 6);
    changed += number(answer, "changed");
    if (answer.at("next").is_null()) break;
    cursor = "&cursor=" + std::string(answer.at("next").as_string());
  }
  EXPECT_EQ(changed, 14);
  EXPECT_EQ(requests, 2);
  for (const MessageId& id : ids) EXPECT_EQ(state_of(server, id), "held");
}

TEST(BulkApi, WithoutItsBodyAMessageIsNotSentAgain) {
  ApiServer server;
  const MessageId id = server.accept("a@example.com", {"b@example.net"});
  ASSERT_EQ(server.call("POST", "/v1/messages/" + id.str() + "/cancel").status, 200);
  const json::object answer = server.call("POST", "/v1/messages/retry?all=true").json();
  EXPECT_EQ(answer.at("skipped_because"), (json::object{{"cancelled", 1}}));
}

TEST(BulkApi, AFullStoreIsSaid) {
  ApiServer server;
  server.accept("a@example.com", {"b@example.net"});
  server.store().fail_writes(true);
  EXPECT_EQ(server.call("POST", "/v1/messages/hold?all=true").status, 503);
}

TEST(BulkApi, ATenantSteersItsOwn) {
  ApiServer server;
  const MessageId own = server.accept_for("shop", "a@shop.example", {"b@example.net"});
  const MessageId other = server.accept("a@example.com", {"b@example.net"});
  EXPECT_EQ(number(server.call_as_tenant("POST", "/v1/messages/hold?all=true").json(), "matched"), 1);
  EXPECT_EQ(state_of(server, own), "held");
  EXPECT_EQ(state_of(server, other), "queued");
}

}  // namespace
}  // namespace postrider::mgmt::test
