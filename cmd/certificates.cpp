#include "cmd/certificates.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <filesystem>

#include "cmd/exit_codes.h"

namespace postrider::cmd {

namespace {

net::TlsContext load(const Config& config, const std::string& hostname, const std::string& client_ca, Log& log) {
  std::string certificate = config.tls.certificate, key = config.tls.key;
  if (certificate.empty()) {
    const auto directory = std::filesystem::path(config.server.data_dir) / "certs";
    auto pair = net::ensure_self_signed(directory.string(), hostname);
    if (!pair) throw CommandError(EX_CANTCREAT, pair.error().text);
    if (pair->made) log.info("tls.certificate_made", {{"file", pair->certificate_file}});
    certificate = std::move(pair->certificate_file);
    key = std::move(pair->key_file);
  }
  auto context = net::make_server_tls(certificate, key, client_ca);
  if (!context) throw CommandError(EX_CONFIG, context.error().text);
  return std::move(*context);
}

}  // namespace

net::TlsContext load_certificate(const Config& config, const std::string& hostname, Log& log) {
  return load(config, hostname, {}, log);
}

std::vector<net::TlsContext> management_tls(const Config& config, const std::string& hostname,
                                            const net::TlsContext& own, Log& log) {
  std::vector<net::TlsContext> contexts;
  for (const MgmtListenerConfig& listener : config.mgmt_listeners) {
    if (listener.tls == HttpTls::none)
      contexts.push_back(nullptr);
    else
      contexts.push_back(listener.client_ca.empty() ? own : load(config, hostname, listener.client_ca, log));
  }
  return contexts;
}

CertificateFacts certificate_facts(const net::TlsContext& context) {
  CertificateFacts facts;
  const X509* certificate = SSL_CTX_get0_certificate(context->native_handle());
  if (!certificate) return facts;
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &length) == 1)
    facts.digest.assign(reinterpret_cast<const char*>(digest.data()), length);
  std::array<char, 256> subject{};
  X509_NAME_oneline(X509_get_subject_name(certificate), subject.data(), static_cast<int>(subject.size()));
  facts.subject = subject.data();
  std::tm end{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) == 1)
    facts.expires_at = Time(std::chrono::seconds(::timegm(&end)));
  return facts;
}

}  // namespace postrider::cmd
