#include "relay/inbound/policy.h"

namespace postrider::relay {

bool any_contains(const std::vector<Network>& networks, const IpAddress& address) {
  for (const Network& network : networks) {
    if (network.contains(address)) return true;
  }
  return false;
}

bool may_relay(const ListenerPolicy& listener, const Standing& client) {
  return client.authenticated || (client.trusted && !listener.require_auth);
}

bool may_steer(const Standing& client) {
  return client.authenticated || client.trusted;
}

bool may_authenticate(const AccessPolicy& access, const Standing& client) {
  return client.tls || (client.loopback && access.auth_without_tls_on_loopback);
}

}  // namespace postrider::relay
