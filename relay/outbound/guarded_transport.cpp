#include "relay/outbound/guarded_transport.h"

#include <algorithm>

#include "relay/outbound/smtp_outcome.h"

namespace postrider::relay {

namespace asio = boost::asio;

namespace {

using Recipients = std::vector<std::uint32_t>;
using Chunk = std::shared_ptr<const std::string>;

// A body that is read once and given twice: what the first reader took, and what it left, for the second.
struct SharedBody {
  std::unique_ptr<BodySource> source;
  std::vector<Chunk> taken;
  bool ended = false;
};

class SharedSource final : public BodySource {
 public:
  explicit SharedSource(std::shared_ptr<SharedBody> body) : body_(std::move(body)) {}
  asio::awaitable<result<Chunk>> next() override {
    result<Chunk> chunk = Chunk();
    if (next_ < body_->taken.size()) {
      chunk = body_->taken[next_++];
    } else if (!body_->ended) {
      chunk = co_await body_->source->next();
      body_->ended = chunk && !*chunk;
      if (chunk && *chunk) {
        body_->taken.push_back(*chunk);
        ++next_;
      }
    }
    co_return chunk;
  }

 private:
  std::shared_ptr<SharedBody> body_;
  std::size_t next_ = 0;
};

class GuardedTransport final : public Transport {
 public:
  explicit GuardedTransport(GuardedTransportParts parts) : parts_(std::move(parts)) {}

  asio::awaitable<HandoverReport> deliver(Handover handover) override;
  asio::awaitable<Attempt> probe() override { return parts_.inner->probe(); }
  void close_idle() override;
  std::size_t connections() const override { return parts_.inner->connections(); }

 private:
  asio::awaitable<HandoverReport> deliver_kept(std::shared_ptr<const MessageRecord> message, Recipients kept,
                                               std::unique_ptr<BodySource> body);
  asio::awaitable<HandoverReport> redirect(std::shared_ptr<const MessageRecord> message, Recipients kept,
                                           std::unique_ptr<BodySource> body);
  HandoverReport refuse(const Recipients& kept) const;
  HandoverReport put_off(const Recipients& kept) const;
  Attempt begin_attempt() const;
  bool refuses() const { return parts_.guard.redirect_to.empty() && !parts_.capture; }

  GuardedTransportParts parts_;
};

std::string said_after(const std::string& what, const std::string& text) {
  return sanitize_reason_text(text.empty() ? what : what + ": " + text);
}

// The same outcome for each of `recipients`.
void settle_all(Attempt& attempt, const Recipients& recipients, OutcomeKind kind, const Reason& reason) {
  attempt.recipients.clear();
  for (const std::uint32_t index : recipients) {
    RecipientOutcome outcome;
    outcome.recipient = index;
    outcome.kind = kind;
    outcome.reason = reason;
    attempt.recipients.push_back(std::move(outcome));
  }
  attempt.outcome = kind;
  attempt.reason = reason;
}

// Puts `what` before what the attempt says as a whole and of each recipient.
void say(Attempt& attempt, const std::string& what) {
  attempt.reason.text = said_after(what, attempt.reason.text);
  for (RecipientOutcome& outcome : attempt.recipients) outcome.reason.text = said_after(what, outcome.reason.text);
}

// Two parts of one hand-over as one attempt: it means what the worse of them means, and says both.
HandoverReport joined(HandoverReport first, HandoverReport second) {
  Attempt &into = first.attempt, &other = second.attempt;
  const std::string text = other.reason.text + (into.reason.text.empty() ? "" : "; " + into.reason.text);
  if (worse(other.outcome, into.outcome)) {
    into.outcome = other.outcome;
    into.reason = other.reason;
  }
  into.reason.text = sanitize_reason_text(text);
  if (into.peer.empty()) into.peer = other.peer;
  if (into.tls.empty()) into.tls = other.tls;
  if (into.remote_id.empty()) {
    into.remote_id = std::move(other.remote_id);
    into.provider_id = other.provider_id;
  }
  into.stage = std::max(into.stage, other.stage);
  into.lossy |= other.lossy;
  into.hop_notifies &= other.hop_notifies;
  into.duration_ms += other.duration_ms;
  into.recipients.insert(into.recipients.end(), std::make_move_iterator(other.recipients.begin()),
                         std::make_move_iterator(other.recipients.end()));
  first.throttled_until = std::max(first.throttled_until, second.throttled_until);
  return first;
}

asio::awaitable<HandoverReport> GuardedTransport::deliver(Handover handover) {
  Recipients allowed, kept;
  for (const std::uint32_t index : handover.recipients) {
    const bool passes = parts_.guard.allows(handover.message->recipients[index].address);
    (passes ? allowed : kept).push_back(index);
  }
  if (kept.empty()) {
    HandoverReport report = co_await parts_.inner->deliver(std::move(handover));
    co_return report;
  }
  if (allowed.empty()) {
    HandoverReport report = co_await deliver_kept(handover.message, std::move(kept), std::move(handover.body));
    co_return report;
  }
  const bool too_big = !refuses() && handover.message->body_size > kMaxSharedBody;
  const bool twice = !refuses() && !too_big;
  std::shared_ptr<const MessageRecord> message = handover.message;
  std::unique_ptr<BodySource> again;
  if (twice) {
    auto shared = std::make_shared<SharedBody>();
    shared->source = std::move(handover.body);
    handover.body = std::make_unique<SharedSource>(shared);
    again = std::make_unique<SharedSource>(std::move(shared));
  }
  handover.recipients = std::move(allowed);
  HandoverReport passed = co_await parts_.inner->deliver(std::move(handover));
  HandoverReport rest;
  if (too_big) {
    rest = put_off(kept);
  } else {
    rest = co_await deliver_kept(std::move(message), std::move(kept), std::move(again));
  }
  HandoverReport both = joined(std::move(passed), std::move(rest));
  co_return both;
}

asio::awaitable<HandoverReport> GuardedTransport::deliver_kept(std::shared_ptr<const MessageRecord> message,
                                                               Recipients kept, std::unique_ptr<BodySource> body) {
  HandoverReport report;
  if (refuses()) {
    report = refuse(kept);
  } else if (parts_.capture) {
    Handover handover{std::move(message), std::move(kept), std::move(body)};
    report = co_await parts_.capture->deliver(std::move(handover));
    say(report.attempt, "captured");
    // On this machine: it says nothing of the upstream, and uses up none of its quota.
    for (RecipientOutcome& outcome : report.attempt.recipients) outcome.reason.stage = Stage::local;
  } else {
    report = co_await redirect(std::move(message), std::move(kept), std::move(body));
  }
  co_return report;
}

// One copy for all of them: a message to a hundred people is not a hundred messages to one.
asio::awaitable<HandoverReport> GuardedTransport::redirect(std::shared_ptr<const MessageRecord> message,
                                                           Recipients kept, std::unique_ptr<BodySource> body) {
  auto copy = std::make_shared<MessageRecord>(*message);
  Recipient& stand_in = copy->recipients[kept.front()];
  stand_in.address = parse_address(parts_.guard.redirect_to).value();
  // What the far end would tell the sender of our own address says nothing of the real one.
  stand_in.orcpt.clear();
  stand_in.notify = Notify{true};
  Handover handover{std::move(copy), {kept.front()}, std::move(body)};
  HandoverReport report = co_await parts_.inner->deliver(std::move(handover));
  Attempt& attempt = report.attempt;
  attempt.hop_notifies = false;
  const RecipientOutcome got = attempt.recipients.front();
  settle_all(attempt, kept, got.kind, got.reason);
  say(attempt, "redirected to " + parts_.guard.redirect_to + " (" + std::to_string(kept.size()) +
                   (kept.size() == 1 ? " recipient)" : " recipients)"));
  co_return report;
}

HandoverReport GuardedTransport::refuse(const Recipients& kept) const {
  HandoverReport report;
  Reason reason;
  reason.cause = Cause::policy;
  reason.stage = Stage::route;
  reason.code = 550;
  reason.enhanced = "5.7.1";  // RFC 3463 3.8: delivery not authorised
  reason.text = sanitize_reason_text(parts_.upstream + " sends to allow_recipients only");
  report.attempt = begin_attempt();
  report.attempt.stage = Stage::route;
  settle_all(report.attempt, kept, OutcomeKind::bounced, reason);
  return report;
}

HandoverReport GuardedTransport::put_off(const Recipients& kept) const {
  HandoverReport report;
  Reason reason;
  reason.cause = Cause::interrupted;
  reason.text = "kept back until the allowed recipients are done with: the message is large";
  report.attempt = begin_attempt();
  settle_all(report.attempt, kept, OutcomeKind::deferred, reason);
  return report;
}

Attempt GuardedTransport::begin_attempt() const {
  Attempt attempt;
  attempt.upstream = parts_.upstream;
  attempt.started_at = parts_.loop.clock().now();
  return attempt;
}

void GuardedTransport::close_idle() {
  parts_.inner->close_idle();
  if (parts_.capture) parts_.capture->close_idle();
}

}  // namespace

std::unique_ptr<Transport> make_guarded_transport(GuardedTransportParts parts) {
  return std::make_unique<GuardedTransport>(std::move(parts));
}

}  // namespace postrider::relay
