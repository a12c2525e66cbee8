#include "storage/suppression_rules.h"

#include <utility>

#include "storage/mailbox_key.h"

namespace postrider::storage {

result<Suppression> check_suppression(Suppression entry) {
  auto key = mailbox_key(entry.address);
  if (!key) return key.error();
  if (key->size() > kMaxSuppressedAddress)
    return invalid("the address is longer than " + std::to_string(kMaxSuppressedAddress) + " octets");
  entry.address = std::move(*key);
  entry.reason = sanitize_reason_text(entry.reason);
  entry.actor = sanitize_reason_text(entry.actor);
  return entry;
}

result<std::string> suppression_key(const std::string& address) {
  auto key = mailbox_key(address);
  if (!key || key->size() > kMaxSuppressedAddress) return no_suppression(address);
  return key;
}

Fault no_suppression(const std::string& address) {
  return {FaultKind::not_found, address + " is not on the suppression list"};
}

std::string behind(const std::string& after) {
  const auto key = suppression_key(after);
  return key ? *key : after.substr(0, kMaxSuppressedAddress);
}

Suppression unreadable_suppression(std::string key) {
  return {std::move(key), "its entry cannot be read", {}, {}};
}

Reason suppressed_because(const Suppression& entry) {
  Reason reason;
  reason.cause = Cause::policy;
  reason.text = "on the suppression list";
  if (!entry.reason.empty()) reason.text = sanitize_reason_text(reason.text + ": " + entry.reason);
  return reason;
}

}  // namespace postrider::storage
