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

}  // namespace
}  // namespace postrider::mgmt::test
