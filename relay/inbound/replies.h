// Every fixed reply of the server, in one place (RFC 5321 4.2, enhanced codes of RFC 3463 and 5248). Texts tell a client what to
// do and nothing about our insides. Handlers return them; the session writes them.
#pragma once

#include <string_view>

#include "core/id.h"
#include "core/reply.h"

namespace postrider::relay {

struct FixedReply {
  int code;
  std::string_view enhanced;
  std::string_view text;
  Then then = Then::proceed;
  operator Reply() const { return Reply(code, enhanced, text, then); }  // NOLINT: a constant is a reply
};

// Code 0: nothing is written. For what has been answered already, and for a peer that is gone.
inline constexpr FixedReply kSilent{0, "", ""};
inline constexpr FixedReply kSilentEnd{0, "", "", Then::close};

namespace replies {

inline constexpr FixedReply kBye{221, "2.0.0", "Bye", Then::close};
inline constexpr FixedReply kOk{250, "2.0.0", "Ok"};
inline constexpr FixedReply kSenderOk{250, "2.1.0", "Ok"};
// RFC 6710 4.: the text begins with the priority that the message got.
inline constexpr FixedReply kPriorityChanged{250, "2.3.6",
                                             "0 is the priority of this message: log in to ask for another"};
inline constexpr FixedReply kRecipientOk{250, "2.1.5", "Ok"};
inline constexpr FixedReply kCannotVerify{252, "2.0.0", "Cannot verify; send to it and see"};
inline constexpr FixedReply kHelp{214, "2.0.0",
                                  "Commands: EHLO HELO MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT STARTTLS AUTH"};
inline constexpr FixedReply kReadyForTls{220, "2.0.0", "Ready to start TLS"};
inline constexpr FixedReply kLoggedIn{235, "2.7.0", "Authentication successful"};
inline constexpr FixedReply kSendData{354, "", "End data with <CR><LF>.<CR><LF>"};

// Order of commands
inline constexpr FixedReply kUnknownCommand{500, "5.5.1", "Command not recognised"};
inline constexpr FixedReply kNotImplemented{502, "5.5.1", "Command not implemented"};
inline constexpr FixedReply kNoParameters{501, "5.5.4", "This command takes no parameters"};
inline constexpr FixedReply kMissingParameter{501, "5.5.4", "Parameter missing"};
inline constexpr FixedReply kHelloFirst{503, "5.5.1", "Say EHLO or HELO first"};
inline constexpr FixedReply kNestedMail{503, "5.5.1", "A transaction is under way already"};
inline constexpr FixedReply kNeedMail{503, "5.5.1", "Need MAIL first"};
inline constexpr FixedReply kNeedRecipient{503, "5.5.1", "Need RCPT first"};
inline constexpr FixedReply kNoValidRecipients{554, "5.5.1", "No valid recipients"};
inline constexpr FixedReply kChunksUnderWay{503, "5.5.1", "BDAT is under way; go on with it or say RSET"};
inline constexpr FixedReply kNotHttp{554, "5.5.1", "This is a mail server", Then::close};

// Line and size limits
inline constexpr FixedReply kLineTooLong{500, "5.5.2", "Line too long"};  // RFC 5321 4.5.3.1.9
inline constexpr FixedReply kBareNewline{500, "5.5.2", "Lines must end in CRLF"};
inline constexpr FixedReply kNulInCommand{500, "5.5.2", "NUL is not allowed"};
inline constexpr FixedReply kAuthLineTooLong{500, "5.5.6", "Authentication exchange line is too long"};  // RFC 4954 4.
inline constexpr FixedReply kTooBig{552, "5.3.4", "Message size exceeds the limit"};                     // RFC 1870 6.
inline constexpr FixedReply kHeaderTooBig{552, "5.3.4", "Message header exceeds the limit"};
inline constexpr FixedReply kTooManyRecipients{452, "4.5.3",
                                               "Too many recipients; send the rest in another transaction"};
inline constexpr FixedReply kMailLoop{554, "5.4.6", "Too many Received fields; this looks like a mail loop"};

// Access
inline constexpr FixedReply kAuthRequired{530, "5.7.0", "Authentication required"};             // RFC 4954 6.
inline constexpr FixedReply kTlsRequired{530, "5.7.0", "Must issue a STARTTLS command first"};  // RFC 3207 4.
inline constexpr FixedReply kSenderNotAllowed{553, "5.7.1", "This login may not send from that address"};
inline constexpr FixedReply kShownSenderUnreadable{
    550, "5.7.1", "This login may send from certain addresses only, and the From of this message cannot be read"};
inline constexpr FixedReply kRecipientNotAllowed{550, "5.7.1",
                                                 "The allow_recipients of this login do not include that address"};
inline constexpr FixedReply kEncryptionRequired{538, "5.7.11", "Encryption required for authentication; use STARTTLS"};
inline constexpr FixedReply kAuthNotOffered{503, "5.5.1", "Authentication is not offered here"};
inline constexpr FixedReply kAlreadyLoggedIn{503, "5.5.1", "Already authenticated"};  // RFC 4954 4.
inline constexpr FixedReply kNotInTransaction{503, "5.5.1", "Not allowed during a mail transaction"};
inline constexpr FixedReply kUnknownMechanism{504, "5.5.4", "Authentication mechanism not offered"};
inline constexpr FixedReply kLoginFailed{535, "5.7.8", "Authentication failed"};
inline constexpr FixedReply kLoginBusy{454, "4.7.0", "Temporary authentication failure"};
inline constexpr FixedReply kTlsActive{503, "5.5.1", "TLS is active already"};
inline constexpr FixedReply kTlsNotOffered{502, "5.5.1", "STARTTLS is not offered here"};

// Addresses and keys
inline constexpr FixedReply kNullRecipient{501, "5.1.3", "A recipient needs an address"};
inline constexpr FixedReply kKeyConflict{550, "5.5.4", "This idempotency key was used for another message"};
inline constexpr FixedReply kSeveralKeys{550, "5.5.4", "X-Idempotency-Key is there more than once"};
inline constexpr FixedReply kKeyTooLong{550, "5.5.4", "An idempotency key may have at most 256 octets"};

// Our own trouble is never permanent
inline constexpr FixedReply kSpoolFull{452, "4.3.1", "Insufficient system storage"};
inline constexpr FixedReply kTrouble{451, "4.3.0", "Temporary trouble; try again later"};

// Ends of connections
inline constexpr FixedReply kIdleTimeout{421, "4.4.2", "Timeout; closing connection", Then::close};
inline constexpr FixedReply kTooSlow{421, "4.4.2", "The transaction takes too long; closing connection", Then::close};
inline constexpr FixedReply kTooManyErrors{421, "4.7.0", "Too many errors; closing connection", Then::close};
inline constexpr FixedReply kTooManyLogins{421, "4.7.0", "Too many failed logins; closing connection", Then::close};
inline constexpr FixedReply kTooIdle{421, "4.7.0", "Too many commands without a message; closing connection",
                                     Then::close};
inline constexpr FixedReply kTooManyMessages{421, "4.5.3", "Too many messages on this connection", Then::close};
inline constexpr FixedReply kTooManyConnections{421, "4.3.2", "Too many connections; try again later", Then::close};
inline constexpr FixedReply kTooManyFromYou{421, "4.7.0", "Too many connections from your address", Then::close};
inline constexpr FixedReply kGoingDown{421, "4.3.2", "The service is going down; try again", Then::close};
inline constexpr FixedReply kBadProxyHeader{421, "4.5.0", "PROXY header expected", Then::close};

}  // namespace replies

Reply bad_steering(std::string_view fault);            // 554 5.6.0: a steering field asks for what cannot be done
Reply shown_sender_refused(std::string_view address);  // 550 5.7.1: a login that is bound to others
Reply queued_as(const MessageId& id);                  // 250 2.0.0 Ok: queued as <id>
Reply octets_received(std::uint64_t octets);           // 250 2.0.0 after a chunk that is not the last (RFC 3030 2.)
Reply greeting(std::string_view hostname);             // 220; no enhanced code (RFC 2034 4.)

}  // namespace postrider::relay
