// The server's side of AUTH (RFC 4954) for PLAIN (RFC 4616), LOGIN and SCRAM-SHA-256: lines in, steps out. It
// knows no users: it asks for a password check or a verifier and is told. Owned by one login of one session.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/reply.h"
#include "relay/smtp/scram.h"

namespace postrider::smtp {

enum class Mechanism : std::uint8_t { plain, login, scram_sha_256 };
std::optional<Mechanism> parse_mechanism(std::string_view name);  // any letter case
std::string_view to_string(Mechanism mechanism);

struct SaslStep {
  enum class Kind : std::uint8_t {
    challenge,       // send `reply` (334), read a line, call respond()
    check_password,  // is `password` right for `user`? call checked()
    find_verifier,   // SCRAM: call verifier() with that of `user`, or a decoy
    accepted,        // `user` is logged in
    refused,         // send `reply`: 501 for what makes no sense, 535 5.7.8 for a wrong proof
  };
  Kind kind = Kind::refused;
  Reply reply;
  std::string user;
  std::string password;
};

class SaslServer {
 public:
  // `nonce` is for SCRAM: 18 or more random octets, base64.
  SaslServer(Mechanism mechanism, std::string nonce);

  SaslStep start(std::optional<std::string_view> initial);  // AUTH's second word, base64, "=" for empty
  SaslStep respond(std::string_view line);                  // a line of the client; "*" cancels (501 5.7.0)
  SaslStep checked(bool right);                             // after check_password
  SaslStep verifier(const ScramVerifier& verifier);         // after find_verifier

 private:
  SaslStep take(std::string_view response);
  SaslStep take_plain(std::string_view response);
  SaslStep take_login(std::string_view response);
  SaslStep take_scram(std::string_view response);

  enum class State : std::uint8_t { begin, user, password, proof, confirm };
  Mechanism mechanism_;
  State state_ = State::begin;
  std::string user_;
  ScramServer scram_;
};

}  // namespace postrider::smtp
