// Which certificate, and which demand for one, each management listener gets.
#include "cmd/certificates.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "cmd/exit_codes.h"
#include "tests/temp_directory.h"

namespace postrider::cmd {
namespace {

class ManagementTls : public testing::Test {
 protected:
  ManagementTls() {
    config_.server.data_dir = directory_.path();
    config_.mgmt_listeners.clear();
    own_ = load_certificate(config_, "relay.example.com", log_);
  }
  void listener(HttpTls tls, std::string client_ca) {
    config_.mgmt_listeners.emplace_back();
    config_.mgmt_listeners.back().tls = tls;
    config_.mgmt_listeners.back().client_ca = std::move(client_ca);
  }
  std::vector<net::TlsContext> contexts() { return management_tls(config_, "relay.example.com", own_, log_); }

  TempDirectory directory_;
  NullLog log_;
  Config config_;
  net::TlsContext own_;
};

int demands(const net::TlsContext& context) {
  return SSL_CTX_get_verify_mode(context->native_handle());
}

TEST_F(ManagementTls, EachListenerGetsItsOwn) {
  listener(HttpTls::none, "");
  listener(HttpTls::on, "");
  listener(HttpTls::on, directory_ / "certs/relay.crt");
  const auto made = contexts();
  ASSERT_EQ(made.size(), 3u);
  EXPECT_EQ(made[0], nullptr);
  EXPECT_EQ(made[1], own_);
  EXPECT_EQ(demands(own_), SSL_VERIFY_NONE);
  EXPECT_EQ(demands(made[2]), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT);
  EXPECT_EQ(certificate_facts(made[2]).digest, certificate_facts(own_).digest);
}

TEST_F(ManagementTls, ACaFileThatWillNotDoIsNamed) {
  listener(HttpTls::on, directory_ / "none.pem");
  try {
    contexts();
    ADD_FAILURE() << "a missing file was taken";
  } catch (const CommandError& error) {
    EXPECT_NE(std::string(error.what()).find("none.pem"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace postrider::cmd
