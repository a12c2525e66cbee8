// The verbs that carry no mail.
#include "relay/inbound/commands.h"
#include "relay/inbound/replies.h"

namespace postrider::relay {

Reply handle_rset(SessionContext& session, std::string_view) {
  session.transaction.reset();
  return replies::kOk;
}

Reply handle_noop(SessionContext&, std::string_view) {
  return replies::kOk;
}

// Whether an address exists is not ours to know: 252 (RFC 5321 3.5.3).
Reply handle_vrfy(SessionContext&, std::string_view argument) {
  return argument.empty() ? replies::kMissingParameter : replies::kCannotVerify;
}

Reply handle_expn(SessionContext&, std::string_view) {
  return replies::kNotImplemented;
}

Reply handle_help(SessionContext&, std::string_view) {
  return replies::kHelp;
}

Reply handle_quit(SessionContext&, std::string_view) {
  return replies::kBye;
}

// A browser or a proxy was talked into speaking to us; what follows its headers might be commands.
Reply handle_http(SessionContext&, std::string_view) {
  return replies::kNotHttp;
}

Reply handle_unknown(SessionContext&, std::string_view) {
  return replies::kUnknownCommand;
}

}  // namespace postrider::relay
