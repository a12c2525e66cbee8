// Submission: the one door through which messages come to be: SMTP, HTTP, sendmail and our own bounces. It applies
// [addresses], completes and cleans the header, keeps the body in memory or stages it, stores, and starts delivery.
// One per relay thread or mgmt thread; an Intake is one message on its way in.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/budget.h"
#include "core/clock.h"
#include "core/lane_rules.h"
#include "core/log.h"
#include "core/message.h"
#include "core/reply.h"
#include "core/upstream_config.h"
#include "net/loop.h"
#include "relay/inbound/steering.h"
#include "storage/store.h"

namespace postrider::relay {

class Dispatcher;

struct AddressRules {                                               // [addresses]
  std::string origin;                                               // domain for bare names; default: the hostname
  std::vector<std::pair<std::string, std::string>> aliases;         // local name or address -> the same
  std::vector<std::pair<std::string, std::string>> rewrite_sender;  // pattern -> address
};

struct SubmissionOptions {
  std::string hostname;
  AddressRules addresses;
  std::uint64_t max_message_size = 25ull << 20;
  std::size_t max_received = 50;  // Received fields that mean a loop (RFC 5321 6.3)
  std::size_t max_header_size = 1u << 20;
  bool hide_client = false;  // leave the client out of Received
  std::size_t memory_chunks =
      4;  // a message keeps at most this many chunks in memory before it stages, when the budget is short
  SteeringBounds steering;      // of what a message may ask for itself
  std::vector<LaneRule> lanes;  // for messages whose submitter names no lane
};

struct RecipientSpec {
  Address address;
  std::string orcpt;
  Notify notify;
  std::string redirected_from = {};  // as submitted, when the guard put another address in its place
  bool captured = false;             // the guard lets it, and with it the whole message, only into a capture upstream
};

struct EnvelopeSpec {
  Door door = Door::smtp;
  Address sender;
  std::vector<RecipientSpec> recipients;
  std::string envid;
  DsnReturn ret = DsnReturn::unset;
  bool smtputf8 = false;
  std::string tenant;                      // authenticated user; empty: trusted network
  std::vector<std::string> bound_senders;  // patterns the tenant may send as; empty: any
  RecipientGuard guard;                    // of the tenant: whom it may mail
  bool may_steer = false;      // authenticated or trusted: what the X-Postrider-* fields of its header ask for is done
  Steering steering;           // asked for outside the message
  std::string client_address;  // "192.0.2.1"
  std::string helo;
  std::string protocol;  // for Received "with": SMTP, ESMTP, ESMTPS, ESMTPA, ESMTPSA, UTF8SMTP... (RFC 3848, 6531)
  std::string tls;       // version and cipher for Received, or empty
  std::uint64_t declared_size = 0;            // SIZE=, 0: not said
  std::optional<storage::Notifies> notifies;  // with Door::bounce: whose debt this notice pays
  std::string idempotency_key;                // given outside the message (HTTP); empty: X-Idempotency-Key decides
  std::string idempotency_scope;  // whose key it is; empty: the tenant's, or the client address's and sender's
  // With idempotency_key: of the request that made the message; none: what is written is fingerprinted. With a key in the header: of
  // what was asked for around the message, and part of the fingerprint of what is written.
  std::optional<std::uint64_t> fingerprint;
  Metadata metadata;
  MessageId batch;  // nil: none
};

// The lane that the message will have, with its recipients as check_recipient() left them: the one it names, else by the rules.
Lane lane_of(const EnvelopeSpec& envelope, const SubmissionOptions& options);

struct SubmissionResult {
  Reply reply;                  // 250 2.0.0 Ok: queued as <id>; 4xx for our trouble; 5xx for theirs
  std::optional<MessageId> id;  // stored now, or before under the same idempotency key
  bool duplicate = false;
  bool key_conflict = false;  // refused: the idempotency key was used for another message
};

class Intake {
 public:
  virtual ~Intake() = default;  // forgets what was staged, unless committed
  virtual const MessageId& id() const = 0;
  // Octets of the body with CRLF lines, dots already unstuffed. May wait while a chunk is staged. Once a fault is certain
  // (too big, loop, disk full) it keeps swallowing and commit() tells.
  virtual boost::asio::awaitable<void> write(std::string_view octets) = 0;
  // The same without a wait: takes what it can and returns how many octets; the rest must go through write().
  virtual std::size_t write_now(std::string_view octets) = 0;
  virtual boost::asio::awaitable<SubmissionResult> commit() = 0;
};

class Submission {
 public:
  virtual ~Submission() = default;
  // Rules that can be told at MAIL and RCPT: bound senders, how long a message may be held, aliases and origin (in place), null
  // recipients, the guard of the tenant (in place).
  virtual std::optional<Reply> check_sender(EnvelopeSpec& envelope) = 0;
  virtual std::optional<Reply> check_recipient(const EnvelopeSpec& envelope, RecipientSpec& recipient) = 0;
  // 452 when the spool is over its high-water mark or the disk is full, before any octet is read.
  virtual std::optional<Reply> can_accept(std::uint64_t declared_size) = 0;
  virtual std::unique_ptr<Intake> begin(EnvelopeSpec envelope) = 0;
  // How long a message may wait for its first try; zero: scheduling is off. What FUTURERELEASE announces.
  virtual Duration max_hold() const = 0;
  // What holds for messages that begin now.
  virtual const SubmissionOptions& options() const = 0;
  // For messages that begin from now on. On the Loop's thread.
  virtual void use(std::shared_ptr<const SubmissionOptions> options) = 0;
};

// The addresses that a message shows itself to be from, out of its fields From, Sender, Resent-From and Resent-Sender, each with its
// line break; a fault when they cannot be read.
using SenderReader = result<std::vector<std::string>> (*)(std::string_view fields);

struct SubmissionParts {
  net::Loop& loop;
  const Clock& clock;
  storage::Store& store;
  Dispatcher* dispatcher;  // null: accepted messages wait for a relay thread (mgmt)
  Budget& body_memory;  // bytes of bodies in memory, over all threads; outlives store and dispatcher, who hold chunks
  Log& log;
  SenderReader read_senders = nullptr;  // null: the header of who is bound to senders is not looked at
};

std::unique_ptr<Submission> make_submission(SubmissionParts parts, std::shared_ptr<const SubmissionOptions> options);

}  // namespace postrider::relay
