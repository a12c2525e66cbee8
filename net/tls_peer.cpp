#include "net/tls_peer.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <boost/asio/error.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>

namespace postrider::net {

namespace {

// The common name, or the whole name in one line where there is none.
std::string short_name(const X509_NAME* name) {
  const int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  if (at >= 0) {
    unsigned char* utf8 = nullptr;
    const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (size >= 0) {
      std::string text(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
      OPENSSL_free(utf8);
      return text;
    }
  }
  char line[256];
  X509_NAME_oneline(name, line, sizeof line);
  return line;
}

}  // namespace

void set_peer_name(SSL* ssl, const std::string& name) {
  std::string host = name;
  if (host.ends_with('.')) host.pop_back();
  boost::system::error_code not_literal;
  boost::asio::ip::make_address(host, not_literal);
  if (!not_literal) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
    return;
  }
  SSL_set_tlsext_host_name(ssl, host.c_str());
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  SSL_set1_host(ssl, host.c_str());
}

std::string describe_refusal(X509_STORE_CTX* chain) {
  std::string text = X509_verify_cert_error_string(X509_STORE_CTX_get_error(chain));
  if (const X509* certificate = X509_STORE_CTX_get_current_cert(chain)) {
    text += " (certificate of " + short_name(X509_get_subject_name(certificate)) + ", issuer " +
            short_name(X509_get_issuer_name(certificate)) + ")";
  }
  return text;
}

std::string describe_tls_error(const boost::system::error_code& error) {
  if (error == boost::asio::error::eof || error == boost::asio::ssl::error::stream_truncated) {
    return "the peer closed the connection during the TLS handshake";
  }
  if (error.category() == boost::asio::error::get_ssl_category()) {
    const char* reason = ERR_reason_error_string(static_cast<unsigned long>(error.value()));
    if (reason) return reason;
  }
  return error.message();
}

// The engine's own buffer is private to Asio: the alert is caught in a memory buffer that takes its place.
std::string close_notify(SSL* ssl) {
  BIO* caught = BIO_new(BIO_s_mem());
  if (!caught) return {};
  SSL_set0_wbio(ssl, caught);
  SSL_shutdown(ssl);
  ERR_clear_error();
  char* data = nullptr;
  const long size = BIO_get_mem_data(caught, &data);
  return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

}  // namespace postrider::net
