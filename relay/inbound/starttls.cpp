// STARTTLS (RFC 3207). Whatever was heard before the handshake is forgotten: state, and octets that came along with the command
// (CVE-2011-0411: commands injected in front of the encrypted ones).
#include "relay/inbound/commands.h"
#include "relay/inbound/replies.h"

namespace postrider::relay {

boost::asio::awaitable<Reply> handle_starttls(SessionContext& session, std::string_view) {
  if (session.standing.tls) co_return replies::kTlsActive;
  if (!session.tls_offered()) co_return replies::kTlsNotOffered;
  Connection& connection = session.connection;
  connection.queue(replies::kReadyForTls);
  const bool told = co_await connection.flush();
  if (!told) co_return session.parting_reply();
  connection.discard_input();
  session.forget_client();
  bool secure = co_await connection.start_tls(session.options->tls, session.options->limits.handshake_timeout);
  if (!secure) co_return kSilentEnd;  // what half a handshake leaves cannot carry a reply
  session.standing.tls = true;
  co_return kSilent;
}

}  // namespace postrider::relay
