// Which listener commands talk to, and what they end with when it refuses.
#include "cmd/api_client.h"

#include <gtest/gtest.h>

#include "cmd/exit_codes.h"

namespace postrider::cmd {
namespace {

Config with(std::vector<MgmtListenerConfig> listeners) {
  Config config;
  config.mgmt_listeners = std::move(listeners);
  return config;
}

const MgmtListenerConfig kMetrics{"127.0.0.1:1", HttpTls::none, "", {"metrics"}};
const MgmtListenerConfig kForCertificates{"127.0.0.1:2", HttpTls::on, "clients.pem", {"api"}};
const MgmtListenerConfig kForKeys{"127.0.0.1:3", HttpTls::none, "", {"console", "api"}};
const MgmtListenerConfig kForAll{"127.0.0.1:4", HttpTls::none, "", {}};

TEST(ApiListener, IsTheFirstThatServesTheApiToWhoHasAKey) {
  EXPECT_EQ(api_listener(with({kMetrics, kForCertificates, kForKeys, kForAll})).address, kForKeys.address);
  EXPECT_EQ(api_listener(with({kForAll, kForKeys})).address, kForAll.address);
}

TEST(ApiListener, MayWantACertificateWhenThereIsNoOther) {
  EXPECT_EQ(api_listener(with({kMetrics, kForCertificates})).address, kForCertificates.address);
}

TEST(ApiListener, ThatIsNotThereIsTold) {
  try {
    api_listener(with({kMetrics}));
    FAIL() << "nothing serves the API";
  } catch (const CommandError& error) {
    EXPECT_EQ(error.exit_code(), EX_CONFIG);
    EXPECT_NE(std::string(error.what()).find("api"), std::string::npos) << error.what();
  }
}

TEST(ApiAnswers, SayWhetherTryingAgainHelps) {
  for (const int later : {429, 503}) EXPECT_EQ(exit_code_for(later), EX_TEMPFAIL) << later;
  EXPECT_EQ(exit_code_for(400), EX_USAGE);
  EXPECT_EQ(exit_code_for(401), EX_NOPERM);
  EXPECT_EQ(exit_code_for(404), EX_NOINPUT);
  EXPECT_EQ(exit_code_for(422), EX_DATAERR);
  EXPECT_EQ(exit_code_for(500), EX_SOFTWARE);
}

}  // namespace
}  // namespace postrider::cmd
