#include "relay/outbound/notice_text.h"

#include <algorithm>

#include "relay/outbound/notice_encoding.h"
#include "relay/smtp/xtext.h"

namespace postrider::relay {

namespace {

constexpr std::size_t kWidth = 76;      // RFC 5322 2.1.1 asks for at most 78
constexpr std::size_t kNarrowest = 20;  // of the text beside a long label

// `text` after `label`, broken at blanks, later lines under the first.
void say(std::string& out, std::string_view label, std::string_view text) {
  const std::string clean = one_line(text);
  std::string_view rest = clean;
  std::string line(label);
  const std::size_t room = kWidth - std::min(kWidth - kNarrowest, label.size());
  while (true) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    if (rest.empty()) return;
    std::size_t cut = rest.size();
    if (cut > room) cut = rest.rfind(' ', room);
    if (cut == std::string_view::npos) cut = std::min(rest.find(' '), rest.size());
    out.append(line).append(rest.substr(0, cut)).append("\r\n");
    rest.remove_prefix(cut);
    line.assign(label.size(), ' ');
  }
}

// What is said of the whole must hold for each: one whose answer was lost may have it.
std::string not_delivered(const std::string& to, std::size_t told, std::size_t in_doubt) {
  if (in_doubt == 0) return "Your message could not be delivered" + to;
  const std::string doubt = "It is not known whether your message was delivered" + to;
  return in_doubt == told ? doubt : doubt + "; see below to whom it was not";
}

std::string opening(const NoticeSubject& subject, const std::vector<NoticeFact>& facts) {
  const std::size_t told = subject.recipients.size(), all = subject.message.recipients.size();
  std::string whom;
  if (all > 1) whom = told == all ? "any of its " : std::to_string(told) + " of its ";
  if (all > 1) whom += std::to_string(all) + " recipients";
  const std::string to = whom.empty() ? "" : " to " + whom;
  const std::string for_whom = told == all ? "" : told == 1 ? " for this one" : " for these";
  const auto in_doubt = static_cast<std::size_t>(
      std::count_if(facts.begin(), facts.end(), [](const NoticeFact& fact) { return fact.unanswered > 0; }));
  switch (subject.kind()) {
    case Notice::relayed:
      return "Your message was passed on" + (told == all ? std::string() : to) + ". You asked to be told.";
    case Notice::delayed:
      return not_delivered(to, told, in_doubt) + (in_doubt == 0 ? " yet" : "") + ". It is still being tried" +
             for_whom + ".";
    case Notice::none:
    case Notice::failed:
      break;
  }
  return not_delivered(to, told, in_doubt) + ". Nothing more will be tried" + for_whom + ".";
}

std::string what_happened(const NoticeFact& fact, Notice kind) {
  const std::string said = what_was_said(fact.said);
  if (kind == Notice::relayed) {
    const std::string who = fact.host.empty() ? "the next hop" : fact.host;
    return "passed on to " + who + ", which does not report delivery. Nothing more is heard of it from here";
  }
  const RecipientState state = fact.recipient->state;
  if (state == RecipientState::expired) return "its time to live was over before it could be delivered";
  if (state == RecipientState::suppressed) return "mail to this address is not sent: " + said;
  const bool answered = fact.said.code != 0;
  if (state == RecipientState::bounced) {
    if (!answered) return "it cannot be passed on: " + said;
    return (fact.host.empty() ? "it was refused: " : fact.host + " refused it: ") + said;
  }
  const std::string end = kind == Notice::delayed ? "not yet: " : "given up: ";
  if (!answered) return end + said;
  return end + "the last answer" + (fact.host.empty() ? " was: " : ", from " + fact.host + ", was: ") + said;
}

// An answer was lost, once or more: the next hop may have taken it each time.
std::string may_have_arrived(const NoticeFact& fact, Notice kind) {
  if (kind == Notice::relayed || fact.unanswered == 0) return {};
  if (fact.unanswered == 1) return "yes: it was handed over once without an answer";
  return "yes, also more than once: it was handed over " + std::to_string(fact.unanswered) + " times without an answer";
}

std::string_view advice_for_status(std::string_view detail, const Recipient& recipient) {
  if (detail == "2.2") return "the mailbox is full: send again later, or reach the recipient another way";
  if (detail == "2.3" || detail == "3.4") return "send a smaller message";
  if (detail == "1.8" || detail == "1.7") return "check your own address, or show this to the operator of this relay";
  if (detail.starts_with("1.")) return "check the address for a mistake, or ask the recipient for the right one";
  if (detail.starts_with("7.")) return "it was refused by a rule of the other side: show this to its postmaster";
  if (recipient.state == RecipientState::failed) return "send it again later, or reach the recipient another way";
  return "if it fails again, show this to the postmaster of the recipient's domain";
}

std::string_view advice(const NoticeFact& fact, Notice kind) {
  const Recipient& recipient = *fact.recipient;
  if (kind == Notice::relayed) return "nothing";
  if (kind == Notice::delayed) return "nothing; you are told if it fails in the end";
  if (fact.unanswered > 0) return "ask the recipient whether it arrived, before you send it again";
  if (recipient.state == RecipientState::expired)
    return "if it is still of use, send it again with a longer time to live, or with none";
  if (recipient.state == RecipientState::suppressed) return "ask the operator of this relay to take it off the list";
  if (recipient.failed_by_route)
    return "show this to the operator of this relay, whose next hop did not work; then send again";
  const bool incapable = recipient.reason.cause == Cause::capability;
  if (incapable && notice_status(recipient, kind).ends_with(".3.4")) return advice_for_status("3.4", recipient);
  if (incapable) return "show this to the operator of this relay, none of whose next hops takes such a message";
  const std::string_view status = recipient.reason.enhanced;
  return advice_for_status(status.substr(std::min<std::size_t>(2, status.size())), recipient);
}

std::string when(const Recipient& recipient) {
  std::string text = format_rfc5322(recipient.changed_at);
  if (recipient.tries == 0) return text;
  return text += recipient.tries == 1 ? ", after 1 try" : ", after " + std::to_string(recipient.tries) + " tries";
}

// Aliases may have led elsewhere than the sender wrote.
std::string written_to(const Recipient& recipient) {
  const std::size_t type = recipient.orcpt.find(';');
  if (type == std::string::npos) return {};
  const std::string xtext = recipient.orcpt.substr(type + 1);
  std::string text = smtp::decode_xtext(xtext).value_or(xtext);
  return text == recipient.address.str() ? std::string() : text;
}

void explain(std::string& out, const NoticeFact& fact, Notice kind, Duration max_age) {
  const Recipient& recipient = *fact.recipient;
  out += "\r\n";
  say(out, "<", recipient.address.str() + ">");
  say(out, "  You wrote to:   ", written_to(recipient));
  say(out, "  What happened:  ", what_happened(fact, kind));
  say(out, "  Perhaps there:  ", may_have_arrived(fact, kind));
  say(out, kind == Notice::delayed ? "  Last tried:     " : "  When:           ", when(recipient));
  if (kind == Notice::delayed)
    say(out, "  Given up:       ", "at the latest on " + format_rfc5322(recipient.age_from + max_age));
  say(out, "  What to do:     ", advice(fact, kind));
}

}  // namespace

std::string notice_text(const NoticeSubject& subject, const std::vector<NoticeFact>& facts, std::string_view hostname,
                        Duration max_age) {
  const MessageRecord& message = subject.message;
  std::string out;
  say(out, "", "This is the mail relay at " + std::string(hostname) + ".");
  out += "\r\n";
  say(out, "", opening(subject, facts));
  out += "\r\n";
  say(out, "  Subject:   ", message.envelope.subject);
  say(out, "  Accepted:  ", format_rfc5322(message.envelope.created_at));
  say(out, "  Its id:    ", message.id.str());
  const std::size_t explained = std::min(facts.size(), kMostExplained);
  for (std::size_t i = 0; i < explained; ++i) explain(out, facts[i], subject.kind(), max_age);
  if (explained == facts.size()) return out;
  out += "\r\n";
  say(out, "",
      "The other " + std::to_string(facts.size() - explained) + " are named in the report for programs below.");
  return out;
}

std::string what_was_said(const Reason& reason) {
  std::string text;
  if (reason.code != 0) text += std::to_string(reason.code) + ' ';
  if (!reason.enhanced.empty()) text += reason.enhanced + ' ';
  return text += reason.text;
}

}  // namespace postrider::relay
