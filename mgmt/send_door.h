// SendDoor: where every letter of every HTTP route becomes a message: checks it, asks the limits of the key, makes the MIME, gives it to
// the submission and waits until it is durable. One, on the mgmt thread; a reload may change its options between two calls.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "core/clock.h"
#include "core/log.h"
#include "core/metrics.h"
#include "mgmt/http.h"
#include "mgmt/letter.h"
#include "mgmt/problem.h"
#include "net/loop.h"
#include "relay/inbound/submission.h"
#include "storage/store.h"

namespace postrider::mgmt {

class SendingLimits;

// What became of one letter.
struct Sent {
  std::optional<MessageId> id;  // durable; none: `refusal` says why not
  bool duplicate = false;       // it was there already, under the same idempotency key
  std::string message_id;       // of the message, with angle brackets
  Refusal refusal;
};

struct SendTerms {
  // One call, one fate: nothing is accepted unless all letters pass every check that can be made before, and the first one that cannot
  // be stored after that ends the call. Otherwise letter by letter. The limits of the key are those of the whole call either way.
  bool all_or_nothing = true;
  std::string idempotency_key;  // empty: none. Covers the whole call
  bool batch = false;           // gives the messages one batch id
  bool dry_run = false;         // checks everything, stores nothing: Sent has neither id nor refusal then
  // What could not be read of the call and is not of one letter alone. Any of them refuses the call, and what is wrong with its letters
  // is told with it.
  Faults faults = {};
};

struct SendOutcome {
  std::vector<Sent> letters;  // as many as were given, in their order
  // Of the whole call: nothing was accepted. Or, with all_or_nothing, one letter could not be stored (the disk filled, it was too large
  // after all). Letters that were stored before it are cancelled then; those that have an id all the same were on their way already.
  // With an idempotency key nothing is cancelled: letters with an id are accepted, and the same call completes the rest.
  std::optional<Refusal> refusal;
  MessageId batch;        // nil: none was asked for
  bool replayed = false;  // answered from an earlier call with the same idempotency key
};

struct SendDoorParts {
  net::Loop& loop;
  const Clock& clock;
  relay::Submission& submission;
  SendingLimits& limits;
  std::string hostname;
  storage::Store& store;  // to read what an earlier call with the same idempotency key made, and to cancel
  Log& log;
  Counter* accepted = nullptr;  // messages; outlives the door
};

class SendDoor {
 public:
  explicit SendDoor(SendDoorParts parts);

  // `request` must have passed the gate (Access::send). The payload's fingerprint is that of method, path and body.
  boost::asio::awaitable<SendOutcome> send(const Request& request, std::vector<Letter> letters, SendTerms terms = {});

  // How far ahead a letter's send_at may be; zero: not at all.
  Duration max_hold() const { return parts_.submission.max_hold(); }

  // How many letters of one call are on their way into the spool at a time: enough to fill a commit.
  static constexpr std::size_t kWindow = 32;

  // The Idempotency-Key field (RFC 8941 string, or bare as some vendors have it), at most 256 octets of printable ASCII; empty:
  // there is none. A fault becomes a 400.
  static result<std::string> idempotency_key(const Request& request);

 private:
  struct Call;
  class GiveBack;
  boost::asio::awaitable<void> check(Call& call);
  boost::asio::awaitable<void> accept(Call& call);
  boost::asio::awaitable<void> lead(Call& call);
  boost::asio::awaitable<void> work(Call& call);
  boost::asio::awaitable<void> accept_one(Call& call, std::size_t index);
  boost::asio::awaitable<void> look_up(Call& call, std::size_t index);
  boost::asio::awaitable<void> undo(Call& call);

  SendDoorParts parts_;
  MessageIdSource batches_;
  std::unordered_set<std::string> in_flight_;  // idempotency keys, with their scope
};

}  // namespace postrider::mgmt
