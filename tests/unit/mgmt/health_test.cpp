// /health, /livez, /readyz and /metrics.
#include <gtest/gtest.h>

#include "tests/unit/mgmt/api_server.h"

namespace postrider::mgmt::test {
namespace {

TEST(Health, IsPublic) {
  ApiServer server;
  EXPECT_EQ(server.call_raw("GET", "/health", "").body, R"({"health":"ok"})");
  EXPECT_EQ(server.call_raw("GET", "/livez", "").status, 200);
  EXPECT_EQ(server.call_raw("GET", "/readyz", "").status, 200);
}

TEST(Health, NotReadyBeforeServingAndWhileStopping) {
  ApiServer server;
  for (const auto& [phase, word] : {std::pair{Phase::starting, "starting"}, std::pair{Phase::stopping, "stopping"}}) {
    server.readiness().set(phase);
    const Answer answer = server.call_raw("GET", "/readyz", "");
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.json().at("detail").as_string(), word);
    EXPECT_EQ(server.call_raw("GET", "/health", "").status, 200);
  }
}

TEST(Health, NotReadyWhileTheSpoolTakesNoMail) {
  ApiServer server;
  server.store().fail_writes(true);
  const Answer answer = server.call_raw("GET", "/readyz", "");
  EXPECT_EQ(answer.status, 503);
  EXPECT_NE(answer.json().at("detail").as_string().find("the spool takes no mail"), std::string::npos);
}

TEST(Metrics, NeedAKeyAndShowTheSpool) {
  ApiServer server;
  EXPECT_EQ(server.call_raw("GET", "/metrics", "").status, 401);
  server.accept("a@example.com", {"b@example.net"});
  const Answer answer = server.call("GET", "/metrics");
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.header("content-type").starts_with("text/plain; version=0.0.4"));
  EXPECT_NE(answer.body.find("postrider_spool_messages{state=\"queued\"} 1\n"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find("postrider_spool_accepting 1\n"), std::string::npos);
}

TEST(Metrics, AreJsonForWhoAsksForJson) {
  ApiServer server;
  server.metrics().histogram("odd_seconds", "With \"quotes\".", {0.5}, "path=\"a\\\"b\",kind=\"x\"").observe(0.25);
  server.accept("a@example.com", {"b@example.net"});
  const std::string key = std::string("Authorization: Bearer ") + kToken + "\r\n";
  const Answer answer = server.call_raw("GET", "/metrics", key + "Accept: application/json\r\n");
  EXPECT_EQ(answer.header("content-type"), "application/json");
  const boost::json::object body = answer.json();
  bool queued = false;
  for (const auto& metric : body.at("metrics").as_array()) {
    const auto& samples = metric.at("samples").as_array();
    if (metric.at("name") == "postrider_spool_messages")
      for (const auto& sample : samples)
        queued = queued || (sample.at("labels").at("state") == "queued" && sample.at("value") == 1);
    if (metric.at("name") != "odd_seconds") continue;
    EXPECT_EQ(metric.at("type"), "histogram");
    EXPECT_EQ(samples.at(0).at("labels").at("path"), "a\"b");
    EXPECT_EQ(samples.at(0).at("labels").at("kind"), "x");
    EXPECT_EQ(samples.at(0).at("count"), 1);
    EXPECT_EQ(samples.at(0).at("buckets").at(0).at("le"), 0.5);
    EXPECT_TRUE(samples.at(0).at("buckets").at(1).at("le").is_null());
  }
  EXPECT_TRUE(queued);
  EXPECT_EQ(server.call_raw("GET", "/metrics", key + "Accept: image/png\r\n").status, 406);
  const char* prometheus =
      "Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n";
  EXPECT_TRUE(server.call_raw("GET", "/metrics", key + prometheus).header("content-type").starts_with("text/plain"));
}

}  // namespace
}  // namespace postrider::mgmt::test
