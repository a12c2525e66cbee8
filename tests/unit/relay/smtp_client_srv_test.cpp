// Finding a smarthost: several hosts in their order, SRV records, whom the certificate must name, and client certificates.
#include <gmock/gmock.h>

#include "tests/unit/net/fake_name_server.h"
#include "tests/unit/relay/smtp_client_fixture.h"

namespace postrider::relay {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class SmtpClientPlaces : public SmtpClientTest {
 protected:
  SmtpClientPlaces() { name_servers = names.address(); }
  net::FakeNameServer names{300};
};

TEST_F(SmtpClientPlaces, SecondHostIsAskedWhenTheFirstIsUnknown) {
  serve({script(greet(), take_message())});
  config.hosts = {"nothing.test", "127.0.0.1"};
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  EXPECT_GT(names.asked("nothing.test"), 0);
}

TEST_F(SmtpClientPlaces, ADeadHostWithManyAddressesLeavesSomeToTheNext) {
  serve({script(greet(), take_message())});
  // Nobody listens on these; the first has more than one connection asks for.
  for (int i = 2; i < 12; ++i) names.add_address("dead.test", "127.0.0." + std::to_string(i));
  config.hosts = {"dead.test", "127.0.0.1"};
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
}

TEST_F(SmtpClientPlaces, SrvNamesServerAndPort) {
  serve({script(greet(), take_message())});
  names.add_address("mx.a.test", "127.0.0.1");
  names.add_service("_submission._tcp.a.test", 10, 0, server->port(), "mx.a.test");
  config.srv = true;
  config.hosts = {"a.test"};
  config.port = 1;  // the record's counts
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::sent);
  EXPECT_EQ(attempt.peer, "mx.a.test[127.0.0.1]:" + std::to_string(server->port()));
}

TEST_F(SmtpClientPlaces, SrvServersAreAskedByPriority) {
  serve({script(greet(), take_message())});
  names.add_address("mx.a.test", "127.0.0.1");
  names.add_service("_submission._tcp.a.test", 20, 0, server->port(), "mx.a.test");
  names.add_service("_submission._tcp.a.test", 10, 100, 1, "gone.a.test");
  config.srv = true;
  config.hosts = {"a.test"};
  EXPECT_EQ(deliver().outcome, OutcomeKind::sent);
  EXPECT_GT(names.asked("gone.a.test"), 0);
}

TEST_F(SmtpClientPlaces, WithoutSrvRecordsTheRouteFails) {
  names.add_service("_submission._tcp.off.test", 0, 0, 0, ".");
  config.srv = true;
  config.hosts = {"nothing.test", "off.test"};
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(attempt.reason.cause, Cause::route);
  EXPECT_EQ(attempt.reason.stage, Stage::resolve);
  EXPECT_EQ(attempt.reason.text, "_submission._tcp.off.test: the domain says that it does not offer this");
  EXPECT_GT(names.asked("_submission._tcp.nothing.test"), 0);
}

// The server's certificate is for "localhost" here.
class SmtpClientSrvTls : public SmtpClientPlaces {
 protected:
  SmtpClientSrvTls() {
    make_certificate();
    config.tls = UpstreamTls::implicit;
    config.tls_ca_file = certificate_file;
    config.srv = true;
  }
};

TEST_F(SmtpClientSrvTls, ATargetInTheDomainProvesItsOwnName) {
  serve({script(Script{"TLS"}, greet(), take_message())});
  names.add_service("_submissions._tcp.localhost", 1, 0, server->port(), "localhost");
  config.hosts = {"localhost"};
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::sent) << attempt.reason.text;
  EXPECT_THAT(attempt.tls, StartsWith("TLSv1."));
}

TEST_F(SmtpClientSrvTls, ATargetElsewhereProvesTheDomain) {
  serve({script(Script{"TLS"}, greet(), take_message())});
  names.add_address("mx.provider.test", "127.0.0.1");
  names.add_service("_submissions._tcp.localhost", 1, 0, server->port(), "mx.provider.test");
  config.hosts = {"localhost"};
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::sent) << attempt.reason.text;
}

// What a forged SRV record would do: point to a host whose own certificate is in order.
TEST_F(SmtpClientSrvTls, AForgedTargetIsNotBelieved) {
  serve({Script{"TLS"}});
  names.add_service("_submissions._tcp.victim.test", 1, 0, server->port(), "localhost");
  config.hosts = {"victim.test"};
  const Attempt attempt = deliver();
  EXPECT_EQ(attempt.outcome, OutcomeKind::deferred);
  EXPECT_EQ(attempt.reason.stage, Stage::tls);
  EXPECT_THAT(attempt.reason.text, HasSubstr("localhost"));  // whose certificate was shown
}

TEST_F(SmtpClientPlaces, AClientCertificateThatCannotBeUsedIsAFault) {
  make_certificate();
  config.tls = UpstreamTls::starttls;
  config.tls_ca_file = config.tls_certificate = certificate_file;
  config.tls_key = "/nonexistent/key";
  const auto context = make_upstream_tls(config);
  ASSERT_TRUE(context.has_error());
  EXPECT_THAT(context.error().text, StartsWith("cannot use the key /nonexistent/key: "));
}

}  // namespace
}  // namespace postrider::relay
