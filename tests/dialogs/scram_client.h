// The client's side of SCRAM-SHA-256 (RFC 5802, 7677), written from the RFC and not from relay/smtp/scram.cpp, so that the two can
// disagree. Pure.
#pragma once

#include <string>

namespace postrider::dialogs {

std::string scram_first(const std::string& user);  // base64, with a fixed nonce
// The answer to the server's first message (base64 in, base64 out).
std::string scram_final(const std::string& user, const std::string& password, const std::string& challenge);

}  // namespace postrider::dialogs
