#include "relay/outbound/notice_facts.h"

#include <algorithm>
#include <string_view>

#include "relay/outbound/notice_encoding.h"

namespace postrider::relay {

namespace {

// "mx.example.net[192.0.2.1]:25" without its address; an address that stands for the name as a literal (RFC 5321 4.1.3).
std::string host_of(std::string_view peer) {
  std::string host = one_line(peer.substr(0, peer.find('[')));
  if (host.find(':') != std::string::npos) return "[IPv6:" + host + "]";
  const bool v4 = !host.empty() && host.find_first_not_of("0123456789.") == std::string::npos;
  return v4 ? "[" + host + "]" : host;
}

// Retries or age used up put their own words around what was said last; code and stage stay (core/retry.h).
bool same_answer(const Reason& reason, const Reason& outcome) {
  return reason.code == outcome.code && reason.stage == outcome.stage;
}

void take_part(NoticeFact& fact, const Attempt& attempt, const RecipientOutcome& outcome) {
  fact.last = &attempt;
  if (outcome.kind == OutcomeKind::uncertain) ++fact.unanswered;
  if (!same_answer(fact.recipient->reason, outcome.reason)) return;
  fact.said = outcome.reason;
  fact.host = outcome.reason.code == 0 ? std::string() : host_of(attempt.peer);
}

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 3 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// class "." subject "." detail (RFC 3463 2.)
bool is_status(std::string_view text) {
  if (text.size() < 5 || text[1] != '.' || std::string_view("245").find(text[0]) == std::string_view::npos)
    return false;
  const std::size_t dot = text.find('.', 2);
  return dot != std::string_view::npos && is_number(text.substr(2, dot - 2)) && is_number(text.substr(dot + 1));
}

// Subject and detail of a failure that nobody gave a code for (RFC 3463 3.).
std::string_view detail_of(const Recipient& recipient) {
  if (recipient.state == RecipientState::suppressed) return "7.1";
  if (recipient.state == RecipientState::expired || recipient.reason.cause == Cause::age) return "4.7";
  const Reason& reason = recipient.reason;
  if (reason.cause == Cause::capability) {
    const bool too_big = reason.code == 552 || reason.code == 413;  // RFC 5321 4.2.3; RFC 9110 15.5.14
    return too_big ? "3.4" : "6.3";
  }
  if (reason.code != 0) return "0.0";
  switch (recipient.reason.stage) {
    case Stage::route:
      return "4.4";  // unable to route
    case Stage::resolve:
      return "4.3";  // directory server failure
    case Stage::connect:
    case Stage::greeting:
      return "4.1";  // no answer from host
    case Stage::tls:
      return "7.5";  // cryptographic failure
    case Stage::auth:
      return "7.8";  // credentials (RFC 4954 6.)
    case Stage::hello:
    case Stage::mail:
    case Stage::rcpt:
    case Stage::data:
    case Stage::body:
    case Stage::final_dot:
      return "4.2";  // bad connection
    case Stage::local:
      return "3.0";
    case Stage::none:
      return "0.0";
  }
  return "0.0";
}

// Only who refuses says 5: what was given up had failed for the time being, each time it was tried (RFC 3464 2.3.4).
char class_of(const Recipient& recipient, Notice kind) {
  if (kind == Notice::delayed) return '4';
  const bool refused = recipient.state == RecipientState::bounced || recipient.state == RecipientState::suppressed;
  return refused || recipient.reason.code / 100 == 5 ? '5' : '4';
}

}  // namespace

std::vector<NoticeFact> notice_facts(const NoticeSubject& subject) {
  constexpr std::size_t kNotOurs = ~std::size_t{0};
  std::vector<NoticeFact> facts(subject.recipients.size());
  std::vector<std::size_t> place(subject.message.recipients.size(), kNotOurs);
  for (std::size_t i = 0; i < facts.size(); ++i) {
    facts[i].recipient = &subject.message.recipients[subject.recipients[i]];
    facts[i].said = facts[i].recipient->reason;
    place[subject.recipients[i]] = i;
  }
  for (const Event& event : subject.history) {
    if (!event.attempt) continue;
    for (const RecipientOutcome& outcome : event.attempt->recipients) {
      if (outcome.recipient >= place.size() || place[outcome.recipient] == kNotOurs) continue;
      take_part(facts[place[outcome.recipient]], *event.attempt, outcome);
    }
  }
  return facts;
}

std::string notice_status(const Recipient& recipient, Notice kind) {
  if (kind == Notice::relayed) return "2.0.0";
  std::string said = recipient.reason.enhanced;
  if (is_status(said) && said[0] != '2') {
    if (kind == Notice::delayed) said[0] = '4';
    return said;
  }
  return std::string(1, class_of(recipient, kind)) + '.' + std::string(detail_of(recipient));
}

bool may_return_whole(const NoticeSubject& subject) {
  const MessageRecord& message = subject.message;
  if (subject.kind() != Notice::failed || message.envelope.ret != DsnReturn::full || message.body != BodyState::present)
    return false;
  return std::none_of(subject.recipients.begin(), subject.recipients.end(), [&message](std::uint32_t index) {
    const Reason& reason = message.recipients[index].reason;
    return reason.cause == Cause::content || reason.cause == Cause::capability ||
           (reason.stage >= Stage::data && reason.stage <= Stage::final_dot);
  });
}

}  // namespace postrider::relay
