#include "relay/inbound/commands.h"

#include <array>

#include "relay/inbound/replies.h"

namespace postrider::relay {
namespace {

using smtp::Verb;

// In the order of smtp::Verb. BDAT checks for itself: it must read its octets whatever the answer will be (RFC 3030 2.).
constexpr std::array<CommandRow, smtp::kVerbs> kCommands{{
    {Verb::ehlo, kAnytime, handle_ehlo, nullptr},
    {Verb::helo, kAnytime, handle_helo, nullptr},
    {Verb::mail, kHello | kTlsIfRequired | kMayRelay | kNoTransaction, handle_mail, nullptr},
    {Verb::rcpt, kTransaction | kNoChunks, handle_rcpt, nullptr},
    {Verb::data, kNoArgument | kTransaction | kNoChunks | kRecipients, nullptr, handle_data},
    {Verb::bdat, kAnytime, nullptr, handle_bdat},
    {Verb::rset, kNoArgument | kUnimportant, handle_rset, nullptr},
    {Verb::noop, kUnimportant, handle_noop, nullptr},
    {Verb::vrfy, kTlsIfRequired | kUnimportant, handle_vrfy, nullptr},
    {Verb::expn, kUnimportant, handle_expn, nullptr},
    {Verb::help, kUnimportant, handle_help, nullptr},
    {Verb::quit, kAnytime, handle_quit, nullptr},
    {Verb::starttls, kNoArgument, nullptr, handle_starttls},
    {Verb::auth, kHello | kTlsIfRequired | kNoTransaction, nullptr, handle_auth},
    {Verb::http, kAnytime, handle_http, nullptr},
    {Verb::unknown, kAnytime, handle_unknown, nullptr},
}};

constexpr bool in_order() {
  for (std::size_t i = 0; i < kCommands.size(); ++i)
    if (static_cast<std::size_t>(kCommands[i].verb) != i) return false;
  return true;
}
static_assert(in_order(), "command_row() indexes by verb");

Reply missing_recipient(const Transaction& transaction) {
  return transaction.refused_recipients ? replies::kNoValidRecipients : replies::kNeedRecipient;
}

}  // namespace

const CommandRow& command_row(Verb verb) {
  return kCommands[static_cast<std::size_t>(verb)];
}

std::optional<Reply> check_preconditions(const CommandRow& row, const SessionContext& session,
                                         std::string_view argument) {
  const auto needs = [&row](Precondition p) { return (row.preconditions & p) != 0; };
  const auto& transaction = session.transaction;
  if (needs(kNoArgument) && !argument.empty()) return replies::kNoParameters;
  if (needs(kTlsIfRequired) && session.listener->require_tls && !session.standing.tls) return replies::kTlsRequired;
  if (needs(kHello) && session.helo.empty()) return replies::kHelloFirst;
  if (needs(kMayRelay) && !may_relay(*session.listener, session.standing)) return replies::kAuthRequired;
  if (needs(kNoTransaction) && transaction)
    return row.verb == Verb::mail ? replies::kNestedMail : replies::kNotInTransaction;
  if (needs(kTransaction) && !transaction) return replies::kNeedMail;
  if (needs(kNoChunks) && transaction->chunks) return replies::kChunksUnderWay;
  if (needs(kRecipients) && transaction->envelope.recipients.empty()) return missing_recipient(*transaction);
  return std::nullopt;
}

}  // namespace postrider::relay
