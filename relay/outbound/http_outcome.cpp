#include "relay/outbound/http_outcome.h"

namespace postrider::relay {
namespace {

Stage stage_of(const net::HttpOutcome& outcome) {
  if (outcome.body_complete) return Stage::final_dot;
  switch (outcome.stage) {
    case net::HttpStage::resolve:
      return Stage::resolve;
    case net::HttpStage::connect:
      return Stage::connect;
    case net::HttpStage::tls:
      return Stage::tls;
    case net::HttpStage::request:
    case net::HttpStage::answer:
    case net::HttpStage::done:
      break;
  }
  return Stage::body;
}

Reason cleaned(const Reason& reason) {
  Reason clean = reason;
  clean.text = sanitize_reason_text(reason.text);
  return clean;
}

}  // namespace

// The duplicate window: from the last octet of the request to the end of the answer the provider may own the message without our
// knowing.
Verdict judge_http_break(const net::HttpOutcome& outcome) {
  // Our own max_connections is no fault of the provider: nothing is spent, and its circuit is not told.
  if (outcome.never_begun) return judge_finding(Stage::none, Cause::throttle, "", outcome.error);
  if (!outcome.body_complete) return judge_probe_break(outcome);
  Verdict verdict;
  verdict.kind = OutcomeKind::uncertain;
  verdict.reason.cause = Cause::uncertain;
  verdict.reason.stage = Stage::final_dot;
  verdict.reason.text = sanitize_reason_text(
      outcome.error + " after the last octet of the request: the message may be sent more than once");
  return verdict;
}

Verdict judge_probe_break(const net::HttpOutcome& outcome) {
  const Stage stage = stage_of(outcome);
  return judge_finding(stage, outcome.stopped ? Cause::interrupted : Cause::route, "",
                       outcome.error + " at " + std::string(to_string(stage)));
}

std::vector<RecipientOutcome> outcomes_of(const Verdict& verdict, std::span<const std::uint32_t> recipients) {
  std::vector<RecipientOutcome> outcomes;
  outcomes.reserve(recipients.size());
  for (std::uint32_t index : recipients) outcomes.push_back({index, verdict.kind, verdict.reason});
  return outcomes;
}

std::vector<RecipientOutcome> outcomes_of(const providers::Reading& reading,
                                          std::span<const std::uint32_t> recipients) {
  std::vector<RecipientOutcome> outcomes = outcomes_of(Verdict{reading.kind, cleaned(reading.reason)}, recipients);
  for (const providers::Reading::Single& single : reading.singles) {
    if (single.place >= outcomes.size()) continue;  // the answer names more than was asked
    outcomes[single.place].kind = single.kind;
    outcomes[single.place].reason = cleaned(single.reason);
  }
  return outcomes;
}

bool ends_the_attempt(const Verdict& verdict) {
  switch (verdict.reason.cause) {
    case Cause::route:
    case Cause::throttle:
    case Cause::uncertain:
    case Cause::interrupted:
      return true;
    case Cause::none:
    case Cause::recipient:
    case Cause::content:
    case Cause::capability:
    case Cause::policy:
    case Cause::spool:
    case Cause::retries:
    case Cause::age:
    case Cause::operator_:
      break;
  }
  return false;
}

}  // namespace postrider::relay
