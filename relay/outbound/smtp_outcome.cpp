#include "relay/outbound/smtp_outcome.h"

#include <algorithm>

namespace postrider::relay {
namespace {

bool contains(const Reply& reply, std::string_view word) {  // `word` in lower case
  const auto same = [](char a, char b) { return b == (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a); };
  return std::any_of(reply.lines.begin(), reply.lines.end(), [&](const std::string& line) {
    return std::search(line.begin(), line.end(), word.begin(), word.end(), same) != line.end();
  });
}

// The subject of an enhanced code: 7 of "5.7.1" (RFC 3463 3.).
bool subject_is(const Reply& reply, char subject) {
  return reply.enhanced.size() > 3 && reply.enhanced[2] == subject && reply.enhanced[3] == '.';
}

bool before_mail(Stage stage) {
  return stage < Stage::mail;
}

// Our quota at the upstream, by its name: "550 5.4.5 Daily user sending quota exceeded" (Google, also "limit") and "454 Throttling
// failure: Daily message quota exceeded" (Amazon). What is said to RCPT may be about the recipient's mailbox.
bool quota_used_up(Stage stage, const Reply& reply) {
  if (before_mail(stage) || stage == Stage::rcpt) return false;
  for (const std::string_view name : {"sending quota exceeded", "sending limit exceeded", "message quota exceeded"})
    if (contains(reply, name)) return true;
  return false;
}

// "Relay access denied": we should have logged in, or this is not the next hop for us. Without an enhanced code it is known by the
// words that Exim, qmail, sendmail and Exchange have for it, and at any stage: some refuse there what they heard before.
bool denies_relaying(Stage stage, const Reply& reply) {
  if (stage == Stage::rcpt && subject_is(reply, '7')) return contains(reply, "relay");
  if (before_mail(stage) || !reply.enhanced.empty()) return false;
  for (const std::string_view words :
       {"relay not permitted", "relaying denied", "relaying not allowed", "relay access denied", "unable to relay",
        "rcpthosts", "authentication required", "authentication is required"})
    if (contains(reply, words)) return true;
  return false;
}

Cause transient_cause(Stage stage, const Reply& reply, std::size_t accepted) {
  if (reply.code == 421) return Cause::throttle;
  if (stage == Stage::tls) return Cause::route;  // 454 4.7.0: TLS not available just now (RFC 3207 4.)
  if (subject_is(reply, '7')) {
    if (stage != Stage::rcpt) return Cause::throttle;
    return denies_relaying(stage, reply) ? Cause::route : Cause::recipient;  // the latter is how greylisting speaks
  }
  if (before_mail(stage)) return Cause::route;
  if (reply.code == 454) return Cause::throttle;  // "454 Throttling failure", as Amazon says it
  if (stage == Stage::rcpt) return is_too_many_recipients(reply, accepted) ? Cause::throttle : Cause::recipient;
  if (subject_is(reply, '3')) return Cause::route;  // its mail system is full or unwell (RFC 3463 3.4)
  return Cause::content;
}

// The upstream does not know us, or not this sender: the configuration is wrong, the message is not.
bool refuses_us(Stage stage, const Reply& reply) {
  if (reply.code == 530 || reply.code == 534 || reply.code == 535 || reply.code == 538) return true;  // RFC 4954 6.
  if (reply.enhanced == "5.1.8" || reply.enhanced == "5.7.8" || reply.enhanced == "5.7.9") return true;
  // Amazon's "554 Message rejected: Email address is not verified". Others say as much of the recipient, at RCPT or by the code.
  const bool of_an_address = stage == Stage::rcpt || subject_is(reply, '1') || subject_is(reply, '2');
  if (!of_an_address && contains(reply, "not verified")) return true;
  if (stage == Stage::mail) return reply.enhanced == "5.7.1" || reply.enhanced == "5.7.0";
  return denies_relaying(stage, reply);
}

// The hop cannot take this body or these addresses; another one may.
bool lacks_capability(Stage stage, const Reply& reply) {
  if (reply.enhanced == "5.3.4" || subject_is(reply, '6')) return true;  // too big; content or encoding (RFC 3463 3.7)
  return stage != Stage::rcpt && reply.code == 552 && reply.enhanced.empty();
}

Verdict deferred(Cause cause) {
  Verdict verdict;
  verdict.reason.cause = cause;
  return verdict;
}

Verdict judge_permanent(Stage stage, const Reply& reply, std::size_t accepted) {
  if (before_mail(stage) || refuses_us(stage, reply)) return deferred(Cause::route);
  if (stage == Stage::rcpt && is_too_many_recipients(reply, accepted)) return deferred(Cause::throttle);
  if (lacks_capability(stage, reply)) return deferred(Cause::capability);
  // Out of step (RFC 5321 4.3.2): that is about the dialogue. 500, 502 and 504 are what some servers refuse mail with.
  if (reply.code == 503) return deferred(Cause::route);
  Verdict verdict;
  verdict.kind = OutcomeKind::bounced;
  verdict.reason.cause = stage == Stage::rcpt ? Cause::recipient : Cause::content;
  return verdict;
}

std::string_view words(Break how) {
  switch (how) {
    case Break::closed:
      return "the connection was closed";
    case Break::timed_out:
      return "no answer in time";
    case Break::garbage:
      return "the answer was not SMTP";
    case Break::stopped:
      return "stopped before the answer";
  }
  return "the connection broke";
}

}  // namespace

Verdict judge_reply(Stage stage, const Reply& reply, std::size_t accepted) {
  Verdict verdict;
  if ((reply.permanent() || reply.transient()) && quota_used_up(stage, reply)) {
    verdict = deferred(Cause::throttle);
    verdict.day_used_up = contains(reply, "daily");
  } else if (reply.permanent()) {
    verdict = judge_permanent(stage, reply, accepted);
  } else if (reply.transient()) {
    verdict = deferred(transient_cause(stage, reply, accepted));
  } else {
    verdict = deferred(Cause::route);  // a positive reply where it makes no sense
  }
  verdict.reason.stage = stage;
  verdict.reason.code = reply.code;
  verdict.reason.enhanced = reply.enhanced;
  verdict.reason.text = sanitize_reason_text(reply.text());
  return verdict;
}

// The duplicate window: from the final dot to its reply the peer may own the message without our knowing.
Verdict judge_break(Stage stage, Break how, std::string_view detail) {
  Verdict verdict = deferred(how == Break::stopped ? Cause::interrupted : Cause::route);
  std::string text(words(how));
  if (stage == Stage::final_dot) {
    verdict.kind = OutcomeKind::uncertain;
    verdict.reason.cause = Cause::uncertain;
    text += " after the final dot: the message may be sent more than once";
  } else {
    text += " at " + std::string(to_string(stage));
  }
  if (!detail.empty()) text.append(": ").append(detail);
  verdict.reason.stage = stage;
  verdict.reason.text = sanitize_reason_text(text);
  return verdict;
}

Verdict judge_finding(Stage stage, Cause cause, std::string_view enhanced, std::string_view text) {
  Verdict verdict = deferred(cause);
  verdict.reason.stage = stage;
  verdict.reason.enhanced = enhanced;
  verdict.reason.text = sanitize_reason_text(text);
  return verdict;
}

Verdict judge_sent(const Reply& reply) {
  Verdict verdict;
  verdict.kind = OutcomeKind::sent;
  verdict.reason.stage = Stage::final_dot;
  verdict.reason.code = reply.code;
  verdict.reason.enhanced = reply.enhanced;
  verdict.reason.text = sanitize_reason_text(reply.text());
  return verdict;
}

bool is_too_many_recipients(const Reply& reply, std::size_t accepted) {
  if (reply.enhanced.size() > 2 && std::string_view(reply.enhanced).substr(1) == ".5.3") return true;  // RFC 3463 3.6
  if (reply.code == 452) return reply.enhanced.empty() && contains(reply, "recipients");
  return reply.code == 552 && reply.enhanced.empty() && accepted > 0;  // the old code for it (RFC 5321 4.5.3.1.10)
}

bool worse(OutcomeKind a, OutcomeKind b) {
  return static_cast<int>(a) > static_cast<int>(b);
}

void summarise(Attempt& attempt) {
  const auto better = [](const RecipientOutcome& a, const RecipientOutcome& b) { return worse(b.kind, a.kind); };
  const auto worst = std::max_element(attempt.recipients.begin(), attempt.recipients.end(), better);
  attempt.outcome = worst->kind;
  attempt.reason = worst->reason;
}

}  // namespace postrider::relay
