// The commands of the server as a table: verb, what must hold before it, handler. The unknown verb and HTTP are rows. Handlers are
// in one file for each group of verbs; they return a reply and write nothing.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string_view>

#include "core/reply.h"
#include "relay/inbound/session_context.h"
#include "relay/smtp/command_parser.h"

namespace postrider::relay {

enum Precondition : unsigned {
  kAnytime = 0,
  kNoArgument = 1u << 0,
  kHello = 1u << 1,          // EHLO or HELO was said
  kTlsIfRequired = 1u << 2,  // where the listener asks for it
  kMayRelay = 1u << 3,       // logged in or trusted
  kTransaction = 1u << 4,    // after MAIL
  kNoTransaction = 1u << 5,
  kRecipients = 1u << 6,   // after a RCPT that was accepted
  kNoChunks = 1u << 7,     // not between BDAT and its last chunk
  kUnimportant = 1u << 8,  // counts against max_unimportant
};

struct CommandRow {
  smtp::Verb verb;
  unsigned preconditions;
  // One of the two.
  Reply (*at_once)(SessionContext&, std::string_view argument);
  boost::asio::awaitable<Reply> (*with_wait)(SessionContext&, std::string_view argument);
};

const CommandRow& command_row(smtp::Verb verb);
// The refusal for the first precondition that does not hold.
std::optional<Reply> check_preconditions(const CommandRow& row, const SessionContext& session,
                                         std::string_view argument);

// hello.cpp
Reply handle_ehlo(SessionContext& session, std::string_view argument);
Reply handle_helo(SessionContext& session, std::string_view argument);
// mail_rcpt.cpp
Reply handle_mail(SessionContext& session, std::string_view argument);
Reply handle_rcpt(SessionContext& session, std::string_view argument);
// data.cpp, bdat.cpp: the argument is read before the first wait
boost::asio::awaitable<Reply> handle_data(SessionContext& session, std::string_view argument);
boost::asio::awaitable<Reply> handle_bdat(SessionContext& session, std::string_view argument);
// misc.cpp
Reply handle_rset(SessionContext& session, std::string_view argument);
Reply handle_noop(SessionContext& session, std::string_view argument);
Reply handle_vrfy(SessionContext& session, std::string_view argument);
Reply handle_expn(SessionContext& session, std::string_view argument);
Reply handle_help(SessionContext& session, std::string_view argument);
Reply handle_quit(SessionContext& session, std::string_view argument);
Reply handle_http(SessionContext& session, std::string_view argument);
Reply handle_unknown(SessionContext& session, std::string_view argument);
// starttls.cpp
boost::asio::awaitable<Reply> handle_starttls(SessionContext& session, std::string_view argument);
// auth.cpp
boost::asio::awaitable<Reply> handle_auth(SessionContext& session, std::string_view argument);

// data.cpp: what DATA and BDAT share. Gives a decoded piece of the body to the intake.
boost::asio::awaitable<void> pass_on(SessionContext& session, Intake& intake);
smtp::BodyLimits body_limits(const SessionContext& session);
// Commits, ends the transaction and clears the counters of a client that has sent a message.
boost::asio::awaitable<Reply> finish_message(SessionContext& session, std::unique_ptr<Intake> intake);

}  // namespace postrider::relay
