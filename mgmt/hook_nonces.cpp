#include "mgmt/hook_nonces.h"

namespace postrider::mgmt {

bool HookNonces::take(std::string_view nonce, std::string_view content, Duration monotonic) {
  forget(monotonic);
  const Digest digest = sha256(content);
  const auto [at, is_new] = known_.try_emplace(sha256(nonce), Taken{digest, monotonic});
  if (!is_new) return at->second.content == digest;
  by_age_.push_back(at);
  if (by_age_.size() > limits_.most) {
    known_.erase(by_age_.front());
    by_age_.pop_front();
  }
  return true;
}

void HookNonces::forget(Duration monotonic) {
  while (!by_age_.empty() && monotonic - by_age_.front()->second.at > limits_.kept) {
    known_.erase(by_age_.front());
    by_age_.pop_front();
  }
}

}  // namespace postrider::mgmt
