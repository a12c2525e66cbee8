// Statistics and retention over HTTP.
#include <gtest/gtest.h>

#include "mgmt/rates.h"
#include "tests/unit/mgmt/api_server.h"

namespace postrider::mgmt::test {
namespace {

namespace json = boost::json;
using namespace std::chrono_literals;

TEST(Rates, MeanOverTheSpan) {
  RateMeter meter;
  EXPECT_FALSE(meter.per_second(5, 0s, 60s));
  for (int i = 0; i <= 40; ++i) meter.sample(static_cast<std::uint64_t>(i) * 100, i * 10s);  // 10 a second
  EXPECT_DOUBLE_EQ(meter.per_second(4000, 400s, 60s).value(), 10.0);
  EXPECT_DOUBLE_EQ(meter.per_second(4600, 400s, 60s).value(), 20.0);
  EXPECT_DOUBLE_EQ(meter.per_second(4000, 400s, 300s).value(), 10.0);
}

TEST(Rates, AYoungProcessAnswersForItsLife) {
  RateMeter meter;
  meter.sample(0, 100s);
  EXPECT_FALSE(meter.per_second(0, 100s, 60s));
  EXPECT_DOUBLE_EQ(meter.per_second(50, 105s, 300s).value(), 10.0);
}

TEST(Stats, HasSpoolCountersAndProcess) {
  ServerSetup setup;
  ApiServer server(std::move(setup));
  server.accept("a@example.com", {"b@example.net"});
  server.metrics().counter("postrider_smtp_messages_total", "").add(4);
  server.metrics().counter("postrider_http_messages_total", "").add(3);
  server.metrics().counter("postrider_attempts_total", "", "upstream=\"a\",outcome=\"uncertain\"").add(2);
  server.metrics().counter("postrider_attempts_total", "", "upstream=\"b\",outcome=\"sent\"").add(3);
  const json::object stats = server.call("GET", "/v1/stats").json();
  EXPECT_EQ(stats.at("version"), "9.9");
  EXPECT_EQ(stats.at("hostname"), "relay.test");
  EXPECT_EQ(stats.at("threads").at("relay").to_number<int>(), 2);
  EXPECT_EQ(stats.at("log_dropped_lines").to_number<int>(), 3);
  EXPECT_EQ(stats.at("spool").at("messages").at("queued").to_number<int>(), 1);
  EXPECT_EQ(stats.at("since_start").at("accepted").to_number<int>(), 7);
  EXPECT_EQ(stats.at("since_start").at("attempts").to_number<int>(), 5);
  EXPECT_EQ(stats.at("since_start").at("attempts_uncertain").to_number<int>(), 2);
  EXPECT_TRUE(stats.at("per_second").at("accepted").as_object().contains("one_minute"));
}

TEST(Retention, ShowsPolicyPreviewAndWhatWasDone) {
  ApiServer server;
  const std::string id = server.accept("a@example.com", {"b@example.net"}).str();
  ASSERT_EQ(server.call("POST", "/v1/messages/" + id + "/cancel").status, 200);
  server.rules().policy.history = Duration(0);
  const json::object before = server.call("GET", "/v1/retention").json();
  EXPECT_EQ(before.at("policy").at("failed_bodies"), "7d");
  EXPECT_EQ(before.at("next_run").at("messages").to_number<int>(), 1);
  EXPECT_FALSE(before.at("next_run").at("at_least").as_bool());
  EXPECT_TRUE(before.at("last_run").is_null());
  const json::object dry = server.call("POST", "/v1/retention/run?dry_run=true").json();
  EXPECT_TRUE(dry.at("dry_run").as_bool());
  EXPECT_EQ(dry.at("messages").to_number<int>(), 1);
  EXPECT_EQ(server.call("GET", "/v1/messages/" + id).status, 200);
  const json::object run = server.call("POST", "/v1/retention/run").json();
  EXPECT_EQ(run.at("messages").to_number<int>(), 1);
  EXPECT_FALSE(run.at("more").as_bool());
  EXPECT_EQ(server.call("GET", "/v1/messages/" + id).status, 404);
  const json::object after = server.call("GET", "/v1/retention").json();
  EXPECT_EQ(after.at("next_run").at("messages").to_number<int>(), 0);
  EXPECT_EQ(after.at("last_removal").at("messages").to_number<int>(), 1);
}

TEST(Retention, NeverTakesALiveMessage) {
  ApiServer server;
  const std::string id = server.accept("a@example.com", {"b@example.net"}).str();
  server.rules().policy.history = Duration(0);
  EXPECT_EQ(server.call("POST", "/v1/retention/run").json().at("messages").to_number<int>(), 0);
  EXPECT_EQ(server.call("GET", "/v1/messages/" + id).status, 200);
  EXPECT_EQ(server.call("POST", "/v1/retention/run?dry_run=perhaps").status, 400);
}

}  // namespace
}  // namespace postrider::mgmt::test
