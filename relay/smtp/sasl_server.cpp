#include "relay/smtp/sasl_server.h"

#include "relay/smtp/ascii.h"
#include "relay/smtp/base64.h"

namespace postrider::smtp {
namespace {

constexpr std::size_t kMaxName = 255;  // RFC 4616 2. allows up to 255 octets each

SaslStep refuse(Reply reply) {
  SaslStep step;
  step.reply = std::move(reply);
  return step;
}

// The same words whatever was wrong with name or password, so that names cannot be probed.
SaslStep bad_credentials() {
  return refuse({535, "5.7.8", "Authentication failed"});
}
SaslStep malformed(const char* text) {
  return refuse({501, "5.5.2", text});
}

SaslStep challenge(std::string_view plain) {
  SaslStep step;
  step.kind = SaslStep::Kind::challenge;
  step.reply = Reply(334, "", base64_encode(plain));
  return step;
}

SaslStep accept(std::string user) {
  SaslStep step;
  step.kind = SaslStep::Kind::accepted;
  step.user = std::move(user);
  return step;
}

SaslStep check(std::string user, std::string_view password) {
  if (user.empty() || user.size() > kMaxName || user.find('\0') != std::string::npos) return bad_credentials();
  SaslStep step;
  step.kind = SaslStep::Kind::check_password;
  step.user = std::move(user);
  step.password = password;
  return step;
}

}  // namespace

std::optional<Mechanism> parse_mechanism(std::string_view name) {
  for (Mechanism m : {Mechanism::plain, Mechanism::login, Mechanism::scram_sha_256}) {
    if (iequals(name, to_string(m))) return m;
  }
  return std::nullopt;
}

std::string_view to_string(Mechanism mechanism) {
  switch (mechanism) {
    case Mechanism::plain:
      return "PLAIN";
    case Mechanism::login:
      return "LOGIN";
    case Mechanism::scram_sha_256:
      return "SCRAM-SHA-256";
  }
  return "?";
}

SaslServer::SaslServer(Mechanism mechanism, std::string nonce) : mechanism_(mechanism), scram_(std::move(nonce)) {}

SaslStep SaslServer::start(std::optional<std::string_view> initial) {
  if (initial) return *initial == "=" ? take("") : respond(*initial);
  if (mechanism_ != Mechanism::login) return challenge("");  // the client speaks first (RFC 4954 4.)
  state_ = State::user;
  return challenge("Username:");
}

SaslStep SaslServer::respond(std::string_view line) {
  if (line == "*") return refuse({501, "5.7.0", "Authentication cancelled"});
  const auto response = base64_decode(line);
  if (!response) return malformed("Bad base64");
  return take(*response);
}

SaslStep SaslServer::take(std::string_view response) {
  switch (mechanism_) {
    case Mechanism::plain:
      return take_plain(response);
    case Mechanism::login:
      return take_login(response);
    case Mechanism::scram_sha_256:
      return take_scram(response);
  }
  return malformed("Bad mechanism");
}

SaslStep SaslServer::take_plain(std::string_view response) {  // [authzid] NUL authcid NUL passwd
  const std::size_t first = response.find('\0');
  const std::size_t second = first == std::string_view::npos ? first : response.find('\0', first + 1);
  if (second == std::string_view::npos) return malformed("Bad PLAIN response");
  const std::string_view acting_as = response.substr(0, first);
  const std::string_view user = response.substr(first + 1, second - first - 1);
  const std::string_view password = response.substr(second + 1);
  if (password.find('\0') != std::string_view::npos) return malformed("Bad PLAIN response");
  if (!acting_as.empty() && acting_as != user) return bad_credentials();
  user_ = user;
  return check(user_, password);
}

SaslStep SaslServer::take_login(std::string_view response) {
  if (state_ != State::password) {  // an initial response is the name
    user_ = response;
    state_ = State::password;
    return challenge("Password:");
  }
  return check(user_, response);
}

SaslStep SaslServer::take_scram(std::string_view response) {
  if (state_ == State::confirm) return accept(user_);  // the empty answer to the server's signature
  if (state_ == State::proof) {
    const auto final_message = scram_.on_client_final(response);
    if (!final_message) return malformed("Bad SCRAM response");
    if (!*final_message) return bad_credentials();
    state_ = State::confirm;
    return challenge(**final_message);
  }
  if (state_ != State::begin) return malformed("Bad SCRAM response");
  auto user = scram_.on_client_first(response);
  if (!user) return malformed("Bad SCRAM response");
  if (user->size() > kMaxName) return bad_credentials();
  user_ = std::move(*user);
  SaslStep step;
  step.kind = SaslStep::Kind::find_verifier;
  step.user = user_;
  return step;
}

SaslStep SaslServer::checked(bool right) {
  return right ? accept(user_) : bad_credentials();
}

SaslStep SaslServer::verifier(const ScramVerifier& verifier) {
  state_ = State::proof;
  return challenge(scram_.server_first(verifier));
}

}  // namespace postrider::smtp
