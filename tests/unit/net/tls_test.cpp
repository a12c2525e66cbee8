#include "net/tls.h"

#include <openssl/x509.h>
#include <sys/stat.h>

#include <array>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "tests/client_pair.h"
#include "tests/temp_directory.h"
#include "tests/unit/net/net_test.h"

namespace postrider::net {
namespace {

using namespace std::chrono_literals;
namespace asio = boost::asio;

class Tls : public NetTest {
 protected:
  Tls() {
    pair_ = ensure_self_signed(directory_.path(), "mx.example").value();
    server_ = make_server_tls(pair_.certificate_file, pair_.key_file).value();
    trusting_ = make_client_tls(Verify::peer, pair_.certificate_file).value();
  }

  const TempDirectory directory_;
  SelfSigned pair_;
  TlsContext server_, trusting_;
};

awaitable<void> serve(Stream& stream, TlsContext context, IoResult& shaken, std::string& heard) {
  stream.expires_after(10s);
  shaken = co_await stream.handshake_server(std::move(context));
  if (shaken.error) co_return;
  const IoResult greeted = co_await stream.write("220");
  EXPECT_FALSE(greeted.error);
  auto [octets, end] = co_await read_all(stream);
  EXPECT_EQ(end, asio::error::eof);
  heard = std::move(octets);
}

awaitable<void> call(Stream& stream, TlsContext context, std::string name, IoResult& shaken, std::string words) {
  stream.expires_after(10s);
  shaken = co_await stream.handshake_client(std::move(context), std::move(name));
  if (shaken.error) co_return;
  const std::string greeting = co_await read_exactly(stream, 3);  // and the session tickets before it
  EXPECT_EQ(greeting, "220");
  const std::array<asio::const_buffer, 3> parts{asio::buffer(words), asio::const_buffer(), asio::buffer(words)};
  const IoResult sent = co_await stream.write(parts);
  EXPECT_FALSE(sent.error);
  stream.close();
}

awaitable<void> call_without_words(Stream& stream, TlsContext context, IoResult& shaken) {
  stream.expires_after(10s);
  shaken = co_await stream.handshake_client(std::move(context), "mx.example");
  // With TLS 1.3 a refused certificate is told only after the handshake: wait for the greeting.
  if (!shaken.error) co_await read_exactly(stream, 3);
  stream.close();
}

TEST_F(Tls, CarriesOctetsBothSmallAndLarge) {
  for (const std::size_t size : {std::size_t{10}, std::size_t{3} << 20}) {
    auto [near, far] = connected();
    IoResult server_shaken, client_shaken;
    std::string heard;
    const std::string words(size, 'w');
    group_.spawn("server", serve(*far, server_, server_shaken, heard));
    group_.spawn("client", call(*near, trusting_, "mx.example", client_shaken, words));
    run_all();
    EXPECT_FALSE(client_shaken.error) << near->tls_error();
    EXPECT_TRUE(heard == words + words);
    EXPECT_TRUE(far->is_tls());
    EXPECT_EQ(far->tls_info().version, "TLSv1.3");
    EXPECT_FALSE(far->tls_info().cipher.empty());
  }
}

struct NameCase {
  const char* name;
  bool good;
};
class TlsNames : public Tls, public ::testing::WithParamInterface<NameCase> {};

TEST_P(TlsNames, AreChecked) {
  auto [near, far] = connected();
  IoResult server_shaken, client_shaken;
  std::string heard;
  group_.spawn("server", serve(*far, server_, server_shaken, heard));
  group_.spawn("client", call(*near, trusting_, GetParam().name, client_shaken, "x"));
  run_all();
  EXPECT_EQ(!client_shaken.error, GetParam().good) << near->tls_error();
  EXPECT_EQ(near->is_tls(), GetParam().good);
  if (!GetParam().good) {
    EXPECT_NE(near->tls_error().find("mismatch (certificate of mx.example, issuer mx.example)"), std::string::npos)
        << near->tls_error();
    EXPECT_TRUE(server_shaken.error || heard.empty());
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, TlsNames,
                         ::testing::Values(NameCase{"mx.example", true}, NameCase{"MX.example.", true},
                                           NameCase{"localhost", true}, NameCase{"127.0.0.1", true},
                                           NameCase{"::1", true}, NameCase{"other.example", false},
                                           NameCase{"example", false}, NameCase{"127.0.0.2", false}));

TEST_F(Tls, AnUnknownIssuerIsRefusedInWords) {
  auto [near, far] = connected();
  IoResult server_shaken, client_shaken;
  std::string heard;
  group_.spawn("server", serve(*far, server_, server_shaken, heard));
  group_.spawn("client", call(*near, make_client_tls(Verify::peer, "").value(), "mx.example", client_shaken, "x"));
  run_all();
  EXPECT_TRUE(client_shaken.error);
  EXPECT_NE(near->tls_error().find("self-signed certificate (certificate of mx.example"), std::string::npos)
      << near->tls_error();
}

TEST_F(Tls, AnExpiredCertificateIsRefusedInWords) {
  constexpr std::time_t kTwentyYears = std::time_t{20} * 366 * 24 * 3600;
  X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(trusting_->native_handle()), std::time(nullptr) + kTwentyYears);
  auto [near, far] = connected();
  IoResult server_shaken, client_shaken;
  std::string heard;
  group_.spawn("server", serve(*far, server_, server_shaken, heard));
  group_.spawn("client", call(*near, trusting_, "mx.example", client_shaken, "x"));
  run_all();
  EXPECT_TRUE(client_shaken.error);
  EXPECT_EQ(near->tls_error(), "certificate has expired (certificate of mx.example, issuer mx.example)");
}

TEST_F(Tls, WithoutVerificationAnyCertificateWillDo) {
  auto [near, far] = connected();
  IoResult server_shaken, client_shaken;
  std::string heard;
  group_.spawn("server", serve(*far, server_, server_shaken, heard));
  group_.spawn("client", call(*near, make_client_tls(Verify::none, "").value(), "other.example", client_shaken, "x"));
  run_all();
  EXPECT_FALSE(client_shaken.error) << near->tls_error();
  EXPECT_EQ(heard, "xx");
}

awaitable<void> talk_plain(Stream& stream) {
  const IoResult sent = co_await stream.write("EHLO not tls at all\r\n");
  EXPECT_FALSE(sent.error);
}

TEST_F(Tls, APeerThatSpeaksPlainIsNamedAsSuch) {
  auto [near, far] = connected();
  IoResult shaken;
  std::string heard;
  group_.spawn("server", serve(*far, server_, shaken, heard));
  group_.spawn("client", talk_plain(*near));
  run_all();
  EXPECT_TRUE(shaken.error);
  EXPECT_FALSE(far->is_tls());
  EXPECT_FALSE(far->tls_error().empty());
}

awaitable<void> shake_with_silence(Stream& stream, TlsContext context) {
  stream.expires_after(1ms);
  const IoResult shaken = co_await stream.handshake_server(std::move(context));
  EXPECT_EQ(shaken.error, asio::error::timed_out);
  EXPECT_EQ(stream.tls_error(), "the TLS handshake timed out");
}

TEST_F(Tls, AHandshakeMeetsTheDeadline) {
  auto [near, far] = connected();
  run(shake_with_silence(*far, server_));
}

TEST_F(Tls, AHandshakeIsCancelled) {
  auto [near, far] = connected();
  IoResult shaken;
  std::string heard;
  group_.spawn("server", serve(*far, server_, shaken, heard));
  loop_.post(Task([this] { group_.cancel(); }));
  run_all();
  EXPECT_EQ(shaken.error, asio::error::operation_aborted);
}

TEST_F(Tls, FilesThatWillNotDoAreNamed) {
  const std::string broken = directory_ / "broken.pem";
  std::ofstream(broken) << "no PEM here\n";
  const auto missing = make_server_tls(directory_ / "none.crt", pair_.key_file);
  ASSERT_TRUE(missing.has_error());
  EXPECT_NE(missing.error().text.find("none.crt"), std::string::npos);
  const auto bad_key = make_server_tls(pair_.certificate_file, broken);
  ASSERT_TRUE(bad_key.has_error());
  EXPECT_NE(bad_key.error().text.find("broken.pem"), std::string::npos);
  const SelfSigned other = ensure_self_signed(directory_ / "other", "mx.example").value();
  EXPECT_TRUE(make_server_tls(pair_.certificate_file, other.key_file).has_error());
  EXPECT_TRUE(make_client_tls(Verify::peer, broken).has_error());
}

TEST_F(Tls, APairIsCheckedAsFarAsItIsThere) {
  const std::string broken = directory_ / "broken.pem", none = directory_ / "none.pem";
  std::ofstream(broken) << "no PEM here\n";
  EXPECT_TRUE(check_pair("", ""));
  EXPECT_TRUE(check_pair(pair_.certificate_file, ""));
  EXPECT_TRUE(check_pair("", pair_.key_file));
  EXPECT_TRUE(check_pair(pair_.certificate_file, pair_.key_file));
  const auto said = [](const std::string& certificate, const std::string& key) {
    const auto checked = check_pair(certificate, key);
    return checked ? std::string("it will do") : checked.error().text;
  };
  EXPECT_EQ(said(broken, ""), "cannot use the certificate " + broken + ": there is no certificate in it, in PEM form");
  EXPECT_EQ(said(pair_.key_file, ""),
            "cannot use the certificate " + pair_.key_file + ": there is no certificate in it, in PEM form");
  EXPECT_EQ(said("", broken), "cannot use the key " + broken + ": there is no key in it, in PEM form");
  EXPECT_EQ(said(none, pair_.key_file), "cannot use the certificate " + none + ": No such file or directory");
  EXPECT_EQ(said(pair_.certificate_file, none), "cannot use the key " + none + ": No such file or directory");
  const SelfSigned other = ensure_self_signed(directory_ / "other", "mx.example").value();
  EXPECT_TRUE(said(pair_.certificate_file, other.key_file).starts_with("cannot use the key " + other.key_file));
}

TEST_F(Tls, TheSelfSignedPairIsMadeOnceAndItsKeyIsPrivate) {
  EXPECT_TRUE(pair_.made);
  struct stat about {};
  ASSERT_EQ(::stat(pair_.key_file.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
  const auto written = std::filesystem::last_write_time(pair_.certificate_file);
  const SelfSigned again = ensure_self_signed(directory_.path(), "mx.example").value();
  EXPECT_FALSE(again.made);
  EXPECT_EQ(std::filesystem::last_write_time(pair_.certificate_file), written);
  EXPECT_TRUE(ensure_self_signed(directory_ / "bad", "a,DNS:evil.example").has_error());
  EXPECT_TRUE(ensure_self_signed(pair_.key_file + "/below", "mx.example").has_error());  // under a file
}

// A server that demands a certificate, and clients with and without one.
TEST_F(Tls, ClientShowsItsCertificate) {
  const TempDirectory theirs;
  const SelfSigned own = ensure_self_signed(theirs.path(), "relay.example").value();
  server_->set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert);
  std::string subject;
  server_->set_verify_callback([&](bool, asio::ssl::verify_context& chain) {
    char name[256] = {};
    X509_NAME_oneline(X509_get_subject_name(X509_STORE_CTX_get_current_cert(chain.native_handle())), name, sizeof name);
    subject = name;
    return true;  // ours is for servers; what counts here is that it is shown
  });
  for (const bool shows : {true, false}) {
    const ClientCertificate certificate =
        shows ? ClientCertificate{own.certificate_file, own.key_file} : ClientCertificate();
    const TlsContext client = make_client_tls(Verify::peer, pair_.certificate_file, certificate).value();
    auto [near, far] = connected();
    IoResult server_shaken, client_shaken;
    std::string heard;
    subject.clear();
    group_.spawn("serve", serve(*far, server_, server_shaken, heard));
    group_.spawn("call", call_without_words(*near, client, client_shaken));
    run_all();
    EXPECT_EQ(server_shaken.error == boost::system::error_code(), shows);
    EXPECT_EQ(subject, shows ? "/CN=relay.example" : "");
  }
}

TEST_F(Tls, OnlyClientsOfTheNamedCaAreLetIn) {
  const ClientCertificate known = make_client_pair(directory_.path(), "known");
  const ClientCertificate stranger = make_client_pair(directory_.path(), "stranger");
  const TlsContext strict = make_server_tls(pair_.certificate_file, pair_.key_file, known.certificate_file).value();
  const std::pair<ClientCertificate, bool> clients[] = {{known, true}, {known, true}, {stranger, false}, {{}, false}};
  for (const auto& [certificate, let_in] : clients) {
    const TlsContext client = make_client_tls(Verify::peer, pair_.certificate_file, certificate).value();
    auto [near, far] = connected();
    IoResult server_shaken, client_shaken;
    std::string heard;
    group_.spawn("serve", serve(*far, strict, server_shaken, heard));
    group_.spawn("call", call_without_words(*near, client, client_shaken));
    run_all();
    EXPECT_EQ(server_shaken.error == boost::system::error_code(), let_in) << certificate.certificate_file;
    EXPECT_EQ(far->is_tls(), let_in);
  }
  const auto missing = make_server_tls(pair_.certificate_file, pair_.key_file, directory_ / "none.pem");
  ASSERT_TRUE(missing.has_error());
  EXPECT_NE(missing.error().text.find("none.pem"), std::string::npos);
  EXPECT_TRUE(make_server_tls(pair_.certificate_file, pair_.key_file, pair_.key_file).has_error());
}

TEST_F(Tls, ClientCertificateAndKeyMustBelongTogether) {
  const TempDirectory theirs;
  const SelfSigned other = ensure_self_signed(theirs.path(), "relay.example").value();
  const auto mixed = make_client_tls(Verify::peer, pair_.certificate_file, {pair_.certificate_file, other.key_file});
  ASSERT_TRUE(mixed.has_error());
  EXPECT_NE(mixed.error().text.find(other.key_file), std::string::npos);
  EXPECT_TRUE(make_client_tls(Verify::none, "", {"/nonexistent/crt", "/nonexistent/key"}).has_error());
}

}  // namespace
}  // namespace postrider::net
