// Who may do what: who is trusted, who must log in, when a login may be offered. Pure values, any thread; the facts are gathered
// once for a connection, the questions asked for each command. Never looks at a message.
#pragma once

#include <vector>

#include "core/network.h"

namespace postrider::relay {

struct AccessPolicy {                     // [access]
  std::vector<Network> trusted_networks;  // may relay without AUTH
  bool auth_without_tls_on_loopback = false;
};

struct ListenerPolicy {  // one [[smtp.listener]]
  ListenerTls tls = ListenerTls::starttls;
  bool require_tls = false;                  // no mail before TLS
  bool require_auth = false;                 // also for trusted networks
  std::vector<Network> proxy_protocol_from;  // these must begin with a PROXY header, and only these are believed
};

// What is known of a client at some moment of its connection.
struct Standing {
  bool trusted = false;  // its address is in a trusted network
  bool loopback = false;
  bool tls = false;
  bool authenticated = false;
};

bool any_contains(const std::vector<Network>& networks, const IpAddress& address);
bool may_relay(const ListenerPolicy& listener, const Standing& client);
// Whether what a client asks for its message (lane, time, retries) is done. Not who relays: a door that took mail from others
// would let them ask for nothing (RFC 6710 4., 9.).
bool may_steer(const Standing& client);
// RFC 4954 4.: a password only where nobody listens in.
bool may_authenticate(const AccessPolicy& access, const Standing& client);

}  // namespace postrider::relay
