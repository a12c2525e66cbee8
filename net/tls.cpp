#include "net/tls.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <type_traits>

namespace postrider::net {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

namespace {

constexpr long kTenYears = 60L * 60 * 24 * 3652;

template <auto Free>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Memory = std::unique_ptr<BIO, Freer<BIO_free_all>>;

// OpenSSL calls a file without what was looked for one without a start line, or one that no decoder supports.
bool holds_none(const error_code& error) {
  if (error.category() != boost::asio::error::get_ssl_category()) return false;
  const auto code = static_cast<unsigned long>(error.value());
  const int library = ERR_GET_LIB(code), reason = ERR_GET_REASON(code);
  return (library == ERR_LIB_PEM && reason == PEM_R_NO_START_LINE) ||
         (library == ERR_LIB_OSSL_DECODER && reason == ERR_R_UNSUPPORTED);
}

Fault file_fault(const std::string& what, const std::string& file, const error_code& error) {
  return invalid("cannot use the " + what + " " + file + ": " +
                 (holds_none(error) ? "there is no " + what + " in it, in PEM form" : error.message()));
}

TlsContext make_context(ssl::context::method method) {
  auto context = std::make_shared<ssl::context>(method);
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);  // idle connections keep no record buffers
  return context;
}

std::string openssl_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = ERR_reason_error_string(code);
  return reason ? reason : "OpenSSL gave no reason";
}

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  if (!extension) return false;
  const bool added = X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

bool is_literal(const std::string& hostname) {
  error_code not_literal;
  boost::asio::ip::make_address(hostname, not_literal);
  return !not_literal;
}

Certificate sign_certificate(EVP_PKEY* key, const std::string& hostname) {
  Certificate made(X509_new());
  unsigned char serial[16];  // RFC 5280 4.1.2.2: positive, at most 20 octets
  if (!made || RAND_bytes(serial, sizeof serial) != 1) return nullptr;
  serial[0] &= 0x7f;
  BIGNUM* number = BN_bin2bn(serial, sizeof serial, nullptr);
  const bool numbered = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(made.get()));
  BN_free(number);
  X509_set_version(made.get(), X509_VERSION_3);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -60L * 60);  // clocks of clients may be a little slow
  X509_gmtime_adj(X509_getm_notAfter(made.get()), kTenYears);
  X509_NAME* name = X509_get_subject_name(made.get());
  const std::string common = hostname.substr(0, 64);  // ub-common-name, RFC 5280 appendix A
  const auto* octets = reinterpret_cast<const unsigned char*>(common.c_str());
  const std::string names = (is_literal(hostname) ? "IP:" : "DNS:") + hostname + ",DNS:localhost,IP:127.0.0.1,IP:::1";
  const bool signed_well = numbered && X509_set_pubkey(made.get(), key) == 1 &&
                           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, octets, -1, -1, 0) == 1 &&
                           X509_set_issuer_name(made.get(), name) == 1 &&
                           add_extension(made.get(), NID_basic_constraints, "critical,CA:FALSE") &&
                           add_extension(made.get(), NID_ext_key_usage, "serverAuth") &&
                           add_extension(made.get(), NID_subject_alt_name, names) &&
                           X509_sign(made.get(), key, EVP_sha256()) > 0;
  return signed_well ? std::move(made) : nullptr;
}

std::string contents(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  return std::string(data, static_cast<std::size_t>(std::max(size, 0L)));
}

// Written to a temporary name, synced, renamed: never half a file under the real name, nor a readable key for
// an instant.
result<void> write_file(const std::string& file, const std::string& octets, mode_t mode) {
  const std::string temporary = file + ".new";
  ::unlink(temporary.c_str());  // left by a start that was cut off
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (fd < 0) return invalid("cannot write " + temporary + ": " + std::strerror(errno));
  const bool written =
      ::write(fd, octets.data(), octets.size()) == static_cast<ssize_t>(octets.size()) && ::fsync(fd) == 0;
  const int reason = errno;
  ::close(fd);
  if (written && ::rename(temporary.c_str(), file.c_str()) == 0) return {};
  const std::string why = std::strerror(written ? errno : reason);
  ::unlink(temporary.c_str());
  return invalid("cannot write " + file + ": " + why);
}

result<void> use_certificate(ssl::context& context, const std::string& certificate_file) {
  error_code error;
  context.use_certificate_chain_file(certificate_file, error);
  if (error) return file_fault("certificate", certificate_file, error);
  return {};
}

result<void> use_key(ssl::context& context, const std::string& key_file) {
  error_code error;
  context.use_private_key_file(key_file, ssl::context::pem, error);
  if (error) return file_fault("key", key_file, error);
  return {};
}

result<void> use_pair(ssl::context& context, const std::string& certificate_file, const std::string& key_file) {
  if (const auto used = use_certificate(context, certificate_file); !used) return used.error();
  if (const auto used = use_key(context, key_file); !used) return used.error();
  if (SSL_CTX_check_private_key(context.native_handle()) != 1) {
    return invalid("the key " + key_file + " is not that of the certificate " + certificate_file + ": " +
                   openssl_reason());
  }
  return {};
}

result<void> demand_client_certificate(ssl::context& context, const std::string& ca_file) {
  error_code error;
  context.load_verify_file(ca_file, error);
  if (error) return file_fault("CA file", ca_file, error);
  SSL_CTX* native = context.native_handle();
  STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(ca_file.c_str());  // clients choose a certificate by them
  if (!names) return invalid("cannot use the CA file " + ca_file + ": " + openssl_reason());
  SSL_CTX_set_client_CA_list(native, names);
  // Without a context of its own a session that knows the client could not be resumed (SSL_CTX_set_session_id_context(3)).
  constexpr std::string_view kContext = "postrider";
  if (SSL_CTX_set_session_id_context(native, reinterpret_cast<const unsigned char*>(kContext.data()),
                                     static_cast<unsigned>(kContext.size())) != 1)
    return invalid("cannot use the CA file " + ca_file + ": " + openssl_reason());
  context.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert);
  return {};
}

bool unusable_name(const std::string& hostname) {
  return hostname.empty() || hostname.find_first_of(",\r\n ") != std::string::npos;  // would change the SAN's meaning
}

}  // namespace

result<TlsContext> make_server_tls(const std::string& certificate_file, const std::string& key_file,
                                   const std::string& client_ca_file) {
  TlsContext context = make_context(ssl::context::tls_server);
  if (const auto used = use_pair(*context, certificate_file, key_file); !used) return used.error();
  if (client_ca_file.empty()) return context;
  if (const auto demanded = demand_client_certificate(*context, client_ca_file); !demanded) return demanded.error();
  return context;
}

result<TlsContext> make_client_tls(Verify verify, const std::string& ca_file, const ClientCertificate& own) {
  TlsContext context = make_context(ssl::context::tls_client);
  if (!own.certificate_file.empty()) {
    if (const auto used = use_pair(*context, own.certificate_file, own.key_file); !used) return used.error();
  }
  context->set_verify_mode(verify == Verify::peer ? ssl::verify_peer : ssl::verify_none);
  if (verify == Verify::none) return context;
  error_code error;
  if (ca_file.empty()) {
    context->set_default_verify_paths(error);
    if (error) return invalid("cannot read the system's certificate store: " + error.message());
  } else {
    context->load_verify_file(ca_file, error);
    if (error) return file_fault("CA file", ca_file, error);
  }
  return context;
}

result<void> check_pair(const std::string& certificate_file, const std::string& key_file) {
  const TlsContext context = make_context(ssl::context::tls);
  if (certificate_file.empty() && key_file.empty()) return {};
  if (key_file.empty()) return use_certificate(*context, certificate_file);
  if (certificate_file.empty()) return use_key(*context, key_file);
  return use_pair(*context, certificate_file, key_file);
}

result<SelfSigned> ensure_self_signed(const std::string& directory, const std::string& hostname) {
  SelfSigned pair{directory + "/relay.crt", directory + "/relay.key"};
  std::error_code error;
  if (std::filesystem::exists(pair.certificate_file, error) && std::filesystem::exists(pair.key_file, error))
    return pair;
  if (unusable_name(hostname)) return invalid("no certificate can be made for the host name \"" + hostname + "\"");
  std::filesystem::create_directories(directory, error);
  if (error) return invalid("cannot make the directory " + directory + ": " + error.message());

  const Key key(EVP_EC_gen("P-256"));
  const Certificate certificate = key ? sign_certificate(key.get(), hostname) : nullptr;
  const Memory key_pem(BIO_new(BIO_s_mem())), certificate_pem(BIO_new(BIO_s_mem()));
  if (!certificate || !key_pem || !certificate_pem ||
      PEM_write_bio_PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
      PEM_write_bio_X509(certificate_pem.get(), certificate.get()) != 1) {
    return invalid("cannot make a certificate for " + hostname + ": " + openssl_reason());
  }
  const auto key_written = write_file(pair.key_file, contents(key_pem.get()), 0600);
  if (!key_written) return key_written.error();
  const auto certificate_written = write_file(pair.certificate_file, contents(certificate_pem.get()), 0644);
  if (!certificate_written) return certificate_written.error();
  pair.made = true;
  return pair;
}

}  // namespace postrider::net
