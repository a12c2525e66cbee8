// What one SMTP connection knows: its parts, the client's standing, and the transaction under way. Command handlers get it and
// return a reply; only the Session writes. On one Loop, for the life of a connection.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/clock.h"
#include "core/log.h"
#include "core/network.h"
#include "net/tls.h"
#include "relay/inbound/authenticator.h"
#include "relay/inbound/connection.h"
#include "relay/inbound/connection_counts.h"
#include "relay/inbound/limits.h"
#include "relay/inbound/policy.h"
#include "relay/inbound/smtp_metrics.h"
#include "relay/inbound/submission.h"
#include "relay/smtp/data_decoder.h"
#include "relay/smtp/line_splitter.h"

namespace postrider::relay {

// One SmtpServer's, lent to its sessions.
struct SessionParts {
  net::Loop& loop;
  const Clock& clock;
  Submission& submission;
  Authenticator& authenticator;
  ConnectionCounts& counts;
  SmtpMetrics& metrics;
  Log& log;
};

struct SmtpOptions {  // a connection keeps those it began with
  std::string hostname;
  SessionLimits limits;
  AccessPolicy access;
  net::TlsContext tls;  // null: no TLS, whatever a listener says
};

// A message sent by BDAT (RFC 3030), between its chunks.
struct ChunkedBody {
  ChunkedBody(const smtp::BodyLimits& limits, std::unique_ptr<Intake> into)
      : decoder(limits), intake(std::move(into)) {}
  smtp::BdatDecoder decoder;
  std::unique_ptr<Intake> intake;
};

// From MAIL to the reply to the final dot. RSET, EHLO, STARTTLS and the end of DATA just drop it.
struct Transaction {
  EnvelopeSpec envelope;
  bool smtputf8 = false;
  bool refused_recipients = false;
  std::optional<ChunkedBody> chunks;  // since the first BDAT
};

struct SessionContext {
  SessionContext(const SessionParts& p, std::shared_ptr<const SmtpOptions> o, std::shared_ptr<const ListenerPolicy> l,
                 std::unique_ptr<net::Stream> stream);

  const SessionParts& parts;
  std::shared_ptr<const SmtpOptions> options;
  std::shared_ptr<const ListenerPolicy> listener;
  Connection connection;
  smtp::LineSplitter lines;
  smtp::Spans spans;  // scratch of the body decoders

  IpAddress client;
  Standing standing;
  std::string helo;
  bool extended = false;                            // EHLO, not HELO
  std::shared_ptr<const storage::UserRecord> user;  // logged in
  std::optional<Transaction> transaction;
  Duration transaction_ends{};  // monotonic; while there is a transaction

  std::uint32_t errors = 0;       // since the last message
  std::uint32_t unimportant = 0;  // commands that led to nothing, since the last message
  std::uint32_t failed_logins = 0;
  std::uint32_t transactions = 0;  // MAIL commands, refused ones too (RFC 9422 4.1)

  bool tls_offered() const;
  bool auth_offered() const;
  void forget_client();  // all that was said so far (RFC 3207 4.2)

  // How long the next wait may be, with a transaction that must end some time.
  Duration wait_limit(Duration usual) const;
  // The reply for a connection that is gone: an explanation if anybody may still hear it, and the end.
  Reply parting_reply() const;
};

}  // namespace postrider::relay
