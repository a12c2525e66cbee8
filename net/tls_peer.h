// What Stream asks of OpenSSL about one connection: the name the peer must prove, and words for what went
// wrong. Private to net; no state of its own, never reads or writes a socket.
#pragma once

#include <openssl/ssl.h>

#include <boost/system/error_code.hpp>
#include <string>

namespace postrider::net {

// SNI (RFC 6066 3: not for IP literals) and the name or address the certificate must carry (RFC 6125).
void set_peer_name(SSL* ssl, const std::string& name);
// "certificate has expired (certificate of mx.example, issuer Example CA)"
std::string describe_refusal(X509_STORE_CTX* chain);
std::string describe_tls_error(const boost::system::error_code& error);
// The octets of our close_notify (RFC 8446 6.1). Nothing may be written by `ssl` afterwards.
std::string close_notify(SSL* ssl);

}  // namespace postrider::net
