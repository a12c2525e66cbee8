// AUTH (RFC 4954): the dialogue of one login. What the mechanisms mean is in relay/smtp/sasl_server.h, who is right in the
// Authenticator.
#include <openssl/rand.h>

#include <array>
#include <stdexcept>

#include "relay/inbound/commands.h"
#include "relay/inbound/replies.h"
#include "relay/smtp/base64.h"
#include "relay/smtp/sasl_server.h"

namespace postrider::relay {
namespace {

using smtp::SaslServer;
using smtp::SaslStep;

std::string make_nonce() {
  std::array<unsigned char, 24> octets{};
  if (RAND_bytes(octets.data(), static_cast<int>(octets.size())) != 1)
    throw std::runtime_error("the system has no random numbers");
  return smtp::base64_encode({reinterpret_cast<const char*>(octets.data()), octets.size()});
}

// A line of the client during the exchange, or the reply that ends it.
struct Line {
  std::string text;
  std::optional<Reply> failed;
};

boost::asio::awaitable<Line> read_response(SessionContext& session) {
  Line line;
  for (;;) {
    smtp::LineResult got = session.lines.next(session.connection.pending());
    line.text = got.line;
    session.connection.consume(got.consumed);
    switch (got.status) {
      case smtp::LineStatus::line:
        co_return line;
      case smtp::LineStatus::too_long:
        line.failed = replies::kAuthLineTooLong;
        co_return line;
      case smtp::LineStatus::bare_newline:
        line.failed = replies::kBareNewline;
        co_return line;
      case smtp::LineStatus::nul:
        line.failed = replies::kNulInCommand;
        co_return line;
      case smtp::LineStatus::need_more:
        break;
    }
    bool more = co_await session.connection.fill(Connection::Wait::command, session.options->limits.idle_timeout);
    if (!more) {
      line.failed = session.parting_reply();
      co_return line;
    }
  }
}

Reply refuse(SessionContext& session, Reply reply) {
  if (reply.code != replies::kLoginFailed.code) return reply;  // a syntax error or a cancelled login is no guess
  session.parts.metrics.failed_logins.add();
  if (++session.failed_logins < session.options->limits.max_auth_failures) return reply;
  return replies::kTooManyLogins;
}

// One login: asks the mechanism, the client and the authenticator in turn until it is decided.
class Login {
 public:
  Login(SessionContext& session, smtp::Mechanism mechanism) : session_(session), sasl_(mechanism, make_nonce()) {}

  boost::asio::awaitable<Reply> run(std::optional<std::string> initial) {
    SaslStep step = initial ? sasl_.start(std::string_view(*initial)) : sasl_.start(std::nullopt);
    for (;;) {
      switch (step.kind) {
        case SaslStep::Kind::challenge: {
          session_.connection.queue(step.reply);
          Line line = co_await read_response(session_);
          if (line.failed) co_return *line.failed;
          step = sasl_.respond(line.text);
          break;
        }
        case SaslStep::Kind::check_password: {
          Authenticator::Verdict verdict =
              co_await session_.parts.authenticator.check_password(std::move(step.user), std::move(step.password));
          if (verdict.kind == Authenticator::Kind::busy || verdict.kind == Authenticator::Kind::trouble)
            co_return replies::kLoginBusy;
          user_ = std::move(verdict.user);
          step = sasl_.checked(verdict.kind == Authenticator::Kind::accepted);
          break;
        }
        case SaslStep::Kind::find_verifier: {
          Authenticator::Verifier found = co_await session_.parts.authenticator.find_verifier(std::move(step.user));
          if (found.kind != Authenticator::Kind::accepted) co_return replies::kLoginBusy;
          user_ = std::move(found.user);
          step = sasl_.verifier(found.verifier);
          break;
        }
        case SaslStep::Kind::accepted:
          co_return accept();
        case SaslStep::Kind::refused:
          co_return refuse(session_, std::move(step.reply));
      }
    }
  }

 private:
  Reply accept() {
    if (!user_) return refuse(session_, replies::kLoginFailed);  // a decoy cannot be proved, but never without a user
    session_.user = std::move(user_);
    session_.standing.authenticated = true;
    return replies::kLoggedIn;
  }

  SessionContext& session_;
  SaslServer sasl_;
  std::shared_ptr<const storage::UserRecord> user_;
};

}  // namespace

boost::asio::awaitable<Reply> handle_auth(SessionContext& session, std::string_view argument) {
  if (session.standing.authenticated) co_return replies::kAlreadyLoggedIn;
  if (!session.extended) co_return replies::kHelloFirst;
  if (!session.auth_offered()) {
    if (session.tls_offered()) co_return replies::kEncryptionRequired;
    co_return replies::kAuthNotOffered;
  }
  auto auth = smtp::parse_auth(argument);
  if (!auth.has_value()) co_return auth.error();
  auto mechanism = smtp::parse_mechanism(auth->mechanism);
  if (!mechanism) co_return replies::kUnknownMechanism;
  std::optional<std::string> initial;
  if (auth->initial) initial = std::string(*auth->initial);

  session.lines.set_max_line(session.options->limits.max_auth_line);
  Login login(session, *mechanism);
  Reply reply = co_await login.run(std::move(initial));
  session.lines.set_max_line(session.options->limits.max_command_line);
  co_return reply;
}

}  // namespace postrider::relay
