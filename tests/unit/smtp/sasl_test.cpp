#include <gtest/gtest.h>

#include "relay/smtp/base64.h"
#include "relay/smtp/sasl_client.h"
#include "relay/smtp/sasl_server.h"

namespace postrider::smtp {
namespace {

using namespace std::string_literals;
using Kind = SaslStep::Kind;

TEST(Base64, RoundTripsAndIsStrict) {
  for (const char* text : {"", "f", "fo", "foo", "foob", "\xff\xfe\x01"}) {
    EXPECT_EQ(base64_decode(base64_encode(text)), text);
  }
  EXPECT_EQ(base64_encode("foob"), "Zm9vYg==");
  for (const char* bad :
       {"Z", "Zm", "Zm9", "Zm9vYg=", "Zm9vYh==", "Zm9=", "Zm9v\n", "Zm 9", "Zm==Zm9v", "====", "Zm-_"}) {
    EXPECT_FALSE(base64_decode(bad)) << bad;
  }
}

TEST(SaslServer, PlainAsksForAPasswordCheck) {
  SaslServer server(Mechanism::plain, "nonce");
  const SaslStep step = server.start(base64_encode("\0user\0pa ss"s));
  ASSERT_EQ(step.kind, Kind::check_password);
  EXPECT_EQ(step.user, "user");
  EXPECT_EQ(step.password, "pa ss");
  EXPECT_EQ(server.checked(true).kind, Kind::accepted);
  const SaslStep refused = SaslServer(Mechanism::plain, "").checked(false);
  EXPECT_EQ(refused.reply.code, 535);
  EXPECT_EQ(refused.reply.enhanced, "5.7.8");
}

TEST(SaslServer, PlainWithoutInitialResponse) {
  SaslServer server(Mechanism::plain, "nonce");
  const SaslStep challenge = server.start(std::nullopt);
  ASSERT_EQ(challenge.kind, Kind::challenge);
  EXPECT_EQ(challenge.reply.wire(), "334 \r\n");
  EXPECT_EQ(server.respond(base64_encode("user\0user\0x"s)).kind, Kind::check_password);
}

TEST(SaslServer, TellsNonsenseFromWrongCredentials) {
  const auto plain = [](const std::string& response) {
    return SaslServer(Mechanism::plain, "n").start(response).reply.code;
  };
  EXPECT_EQ(plain("!!!"), 501);
  EXPECT_EQ(plain(base64_encode("no nuls")), 501);
  EXPECT_EQ(plain(base64_encode("\0a\0b\0c"s)), 501);
  EXPECT_EQ(plain(base64_encode("boss\0user\0pass"s)), 535);
  EXPECT_EQ(plain(base64_encode("\0\0pass"s)), 535);
  EXPECT_EQ(plain("="), 501);
  EXPECT_EQ(SaslServer(Mechanism::login, "n").respond("*").reply.code, 501);
}

TEST(SaslServer, LoginAsksForBoth) {
  SaslServer server(Mechanism::login, "nonce");
  EXPECT_EQ(server.start(std::nullopt).reply.lines[0], "VXNlcm5hbWU6");
  EXPECT_EQ(server.respond(login_response("user")).reply.lines[0], "UGFzc3dvcmQ6");
  const SaslStep step = server.respond(login_response("pass"));
  ASSERT_EQ(step.kind, Kind::check_password);
  EXPECT_EQ(step.user, "user");
  EXPECT_EQ(step.password, "pass");
  SaslServer initial(Mechanism::login, "nonce");
  EXPECT_EQ(initial.start(login_response("user")).reply.lines[0], "UGFzc3dvcmQ6");
}

// The exchange of RFC 7677 3. (user "user", password "pencil").
class Rfc7677 : public testing::Test {
 protected:
  ScramVerifier verifier = make_scram_verifier("pencil", *base64_decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096);
  SaslServer server{Mechanism::scram_sha_256, "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"};
  std::string proof =
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
      "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

  SaslStep begin() {
    const SaslStep step = server.start(base64_encode("n,,n=user,r=rOprNGfwEbeRWgbNEkqO"));
    EXPECT_EQ(step.kind, Kind::find_verifier);
    EXPECT_EQ(step.user, "user");
    return server.verifier(verifier);
  }
};

TEST_F(Rfc7677, GivesTheServerSignature) {
  EXPECT_EQ(base64_decode(begin().reply.lines[0]),
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  const SaslStep signature = server.respond(base64_encode(proof));
  ASSERT_EQ(signature.kind, Kind::challenge);
  EXPECT_EQ(base64_decode(signature.reply.lines[0]), "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
  const SaslStep end = server.respond("");
  EXPECT_EQ(end.kind, Kind::accepted);
  EXPECT_EQ(end.user, "user");
}

TEST_F(Rfc7677, RefusesAWrongProof) {
  begin();
  proof[proof.size() - 3] = 'A';
  EXPECT_EQ(server.respond(base64_encode(proof)).reply.code, 535);
}

TEST_F(Rfc7677, RefusesAnotherNonce) {
  begin();
  proof[10] = 'X';
  EXPECT_EQ(server.respond(base64_encode(proof)).reply.code, 501);
}

TEST_F(Rfc7677, RefusesAnotherPassword) {
  verifier = make_scram_verifier("pencils", verifier.salt, 4096);
  begin();
  EXPECT_EQ(server.respond(base64_encode(proof)).reply.code, 535);
}

TEST(Scram, RefusesChannelBindingAndActingForOthers) {
  for (const char* bad : {"p=tls-unique,,n=user,r=x", "n,a=boss,n=user,r=x", "n,,n=,r=x", "n,,n=a=2Db,r=x",
                          "n,,m=x,n=a,r=x", "n,,r=x,n=user", "n,n=user,r=x", "", "n,,n=user,r="}) {
    ScramServer server("nonce");
    EXPECT_FALSE(server.on_client_first(bad)) << bad;
  }
  ScramServer server("nonce");
  EXPECT_EQ(*server.on_client_first("y,a=a=2Cb,n=a=2Cb,r=x"), "a,b");
}

TEST(Scram, VerifierHasATextForm) {
  const ScramVerifier v = make_scram_verifier("pass", "0123456789abcdef", 4096);
  const auto parsed_back = parse_scram_verifier(format_scram_verifier(v));
  ASSERT_TRUE(parsed_back);
  EXPECT_TRUE(scram_verifier_matches(*parsed_back, "pass"));
  EXPECT_FALSE(scram_verifier_matches(*parsed_back, "past"));
  for (const char* bad : {"", "SCRAM-SHA-256$", "SCRAM-SHA-256$4096:AA==$AA==:AA==", "SCRAM-SHA-1$4096:AA==$x:y",
                          "SCRAM-SHA-256$1:AA==$x:y"}) {
    EXPECT_FALSE(parse_scram_verifier(bad)) << bad;
  }
}

TEST(Scram, DecoyLooksLikeAUserThatStays) {
  EXPECT_EQ(decoy_scram_verifier("nobody", "secret").salt, decoy_scram_verifier("nobody", "secret").salt);
  EXPECT_NE(decoy_scram_verifier("nobody", "secret").salt, decoy_scram_verifier("other", "secret").salt);
  EXPECT_EQ(decoy_scram_verifier("nobody", "secret").salt.size(), 16u);
}

TEST(SaslClient, SaysWhatTheStandardsSay) {
  EXPECT_EQ(base64_decode(plain_response("u", "p")), "\0u\0p"s);
  EXPECT_EQ(base64_decode(xoauth2_response("u@x", "tok")), "user=u@x\1auth=Bearer tok\1\1");
  // RFC 2195 2.
  EXPECT_EQ(base64_decode(*cram_md5_response("PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+", "tim",
                                             "tanstaaftanstaaf")),
            "tim b913a602c7eda7a495b4e6e7334d3890");
  EXPECT_FALSE(cram_md5_response("not base64", "u", "p"));
}

}  // namespace
}  // namespace postrider::smtp
