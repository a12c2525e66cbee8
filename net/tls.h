// TLS contexts (OpenSSL 3) for both sides, and the self-signed pair made at first start. A context is
// immutable once made; a reload makes a new one and swaps the shared pointer, running connections keep
// theirs. Any thread may use a finished context.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "core/result.h"

namespace postrider::net {

using TlsContext = std::shared_ptr<boost::asio::ssl::context>;

enum class Verify : unsigned char { none, peer };

// TLS 1.2 or newer. `certificate` is a PEM chain, `key` a PEM key; the fault names the file and OpenSSL's
// reason. With `client_ca_file` no handshake succeeds without a certificate that one of the CAs in it signed.
result<TlsContext> make_server_tls(const std::string& certificate_file, const std::string& key_file,
                                   const std::string& client_ca_file = {});
// What a client shows to a server that asks for a certificate: files as above, or both empty.
struct ClientCertificate {
  std::string certificate_file, key_file;
};
// `ca_file` empty: the system's store. Name checks are per connection: see Stream::handshake_client.
result<TlsContext> make_client_tls(Verify verify, const std::string& ca_file, const ClientCertificate& own = {});

// Whether the files of a pair will do: each by itself, and together. One that is empty is not looked at.
result<void> check_pair(const std::string& certificate_file, const std::string& key_file);

// Makes directory/relay.crt and relay.key (EC P-256, ten years, SAN = hostname, localhost, 127.0.0.1, ::1),
// key mode 0600, unless both exist. Written to temporary names and renamed.
struct SelfSigned {
  std::string certificate_file, key_file;
  bool made = false;
};
result<SelfSigned> ensure_self_signed(const std::string& directory, const std::string& hostname);

}  // namespace postrider::net
