#include "mgmt/dialects/status_text.h"

#include <algorithm>
#include <optional>

#include "mgmt/reason_text.h"

namespace postrider::mgmt {

namespace {

std::string ended(std::string sentence) {
  if (!sentence.ends_with('.')) sentence += '.';
  return sentence;
}

// "Sentence: why."
std::string because(std::string sentence, const Reason& reason) {
  const std::string why = reason_sentence(reason);
  return ended(why.empty() ? std::move(sentence) : sentence + ": " + why);
}

std::string queued_sentence(const Recipient& recipient, Time now) {
  if (recipient.due > now) return "Scheduled for " + format_rfc3339(recipient.due) + ".";
  return recipient.tries == 0 ? "Waiting for its first try." : "Due for another try.";
}

std::string deferred_sentence(const Recipient& recipient) {
  const std::string failed =
      recipient.tries == 0 ? "Waiting" : "Try " + std::to_string(recipient.tries) + " did not succeed";
  const std::string next = recipient.due == kNever ? "" : " The next try is at " + format_rfc3339(recipient.due) + ".";
  return because(failed, recipient.reason) + next;
}

std::string sent_sentence(const Recipient& recipient) {
  std::string sentence = recipient.upstream.empty() ? "Sent" : "Sent: " + recipient.upstream + " took it";
  if (!recipient.remote_id.empty()) sentence += " (" + recipient.remote_id + ")";
  return ended(std::move(sentence));
}

std::string failed_sentence(const Recipient& recipient) {
  const std::string tries = std::to_string(recipient.tries) + (recipient.tries == 1 ? " try" : " tries");
  const std::string why = reason_sentence(recipient.reason);
  return why.starts_with("gave up ") ? ended("G" + why.substr(1))
                                     : because("Given up after " + tries, recipient.reason);
}

std::string held_sentence(const Recipient& recipient) {
  constexpr std::string_view kHeld = "held: ";
  const std::string& text = recipient.reason.text;
  return text.starts_with(kHeld) ? ended("Held: " + text.substr(kHeld.size()))
                                 : because("Held until it is released", recipient.reason);
}

std::string bounced_sentence(const Recipient& recipient) {
  const std::string why = reason_sentence(recipient.reason);
  for (const std::string_view who : {"recipient", "message"}) {
    const std::string refused = std::string(who) + " refused";
    if (!why.starts_with(refused)) continue;
    const std::string_view subject = who == "recipient" ? "Recipient" : "Message";
    return ended(std::string(subject) + " refused for good" + why.substr(refused.size()));
  }
  return because("Refused for good", recipient.reason);
}

std::string suppressed_sentence(const Recipient& recipient) {
  const std::string& text = recipient.reason.text;
  if (text.starts_with("on the suppression list")) return ended("Not sent: the recipient is " + text);
  return because("Not sent: the recipient is on the suppression list", recipient.reason);
}

std::string sentence_of(const Recipient& recipient, Time now) {
  switch (recipient.state) {
    case RecipientState::queued:
      return queued_sentence(recipient, now);
    case RecipientState::sending:
      return recipient.upstream.empty() ? "Being handed over." : "Being handed over to " + recipient.upstream + ".";
    case RecipientState::deferred:
      return deferred_sentence(recipient);
    case RecipientState::held:
      return held_sentence(recipient);
    case RecipientState::sent:
      return sent_sentence(recipient);
    case RecipientState::delivered:
      return "Delivered: the provider confirmed that the mailbox has it.";
    case RecipientState::bounced:
      return bounced_sentence(recipient);
    case RecipientState::failed:
      return failed_sentence(recipient);
    case RecipientState::expired:
      return "Its time to live passed before it could be sent.";
    case RecipientState::cancelled:
      return because("Cancelled", recipient.reason);
    case RecipientState::suppressed:
      return suppressed_sentence(recipient);
  }
  return "";
}

// The last of these; nothing: there is none.
std::optional<EventType> last_of(std::initializer_list<EventType> types, const std::vector<Event>& history) {
  const auto is_one = [&](const Event& event) {
    return std::find(types.begin(), types.end(), event.type) != types.end();
  };
  const auto last = std::find_if(history.rbegin(), history.rend(), is_one);
  return last == history.rend() ? std::nullopt : std::optional(last->type);
}

// What people did with a message that arrived; nothing: not told yet.
std::optional<EventType> last_reaction(const std::vector<Event>& history) {
  return last_of({EventType::opened, EventType::clicked, EventType::complained, EventType::unsubscribed}, history);
}

// What the provider of a message says of it on its way from there to the mailbox.
std::optional<EventType> on_its_way(const MessageRecord& message, const std::vector<Event>& history) {
  if (message.state() != RecipientState::sent) return std::nullopt;
  return last_of({EventType::sent, EventType::processed, EventType::deferred}, history);
}

bool was_sent(const std::vector<Event>& history) {
  const auto is_sent = [](const Event& event) { return event.type == EventType::sent; };
  return std::any_of(history.begin(), history.end(), is_sent);
}

}  // namespace

std::string status_sentence(const MessageRecord& message, Time now) {
  const RecipientState state = message.state();
  const auto in_state = [&](const Recipient& recipient) { return recipient.state == state; };
  const auto& all = message.recipients;
  const auto first = std::find_if(all.begin(), all.end(), in_state);
  std::string sentence = sentence_of(*first, now);
  if (all.size() == 1) return sentence;
  const auto count = std::count_if(all.begin(), all.end(), in_state);
  return sentence + " So for " + std::to_string(count) + " of " + std::to_string(all.size()) + " recipients.";
}

std::string_view last_event(const MessageRecord& message, const std::vector<Event>& history, Time now) {
  switch (message.state()) {
    case RecipientState::queued:
      return message.due() > now ? "scheduled" : "queued";
    case RecipientState::sending:
    case RecipientState::held:
      return "queued";
    case RecipientState::deferred:
      return "delivery_delayed";
    case RecipientState::bounced:
      return "bounced";
    case RecipientState::failed:
    case RecipientState::expired:
      return "failed";
    case RecipientState::cancelled:
      return "canceled";
    case RecipientState::suppressed:
      return "suppressed";
    case RecipientState::sent:
    case RecipientState::delivered:
      break;
  }
  const auto reaction = last_reaction(history);
  if (reaction && *reaction != EventType::unsubscribed) return to_string(*reaction);
  if (on_its_way(message, history) == EventType::deferred) return "delivery_delayed";
  return to_string(message.state());
}

std::string_view job_status(const MessageRecord& message, const std::vector<Event>& history) {
  switch (message.state()) {
    case RecipientState::queued:
    case RecipientState::sending:
    case RecipientState::deferred:
    case RecipientState::held:
      return "queued";
    case RecipientState::bounced:
      return was_sent(history) ? "bounced" : "failed";
    case RecipientState::failed:
    case RecipientState::expired:
    case RecipientState::cancelled:
    case RecipientState::suppressed:
      return "failed";
    case RecipientState::sent:
    case RecipientState::delivered:
      break;
  }
  const auto reaction = last_reaction(history);
  if (reaction) return to_string(*reaction);
  return on_its_way(message, history) == EventType::processed ? "processed" : "sent";
}

std::uint32_t retries_in(const std::vector<Event>& history) {
  const auto is_contact = [](const Event& event) {
    return event.attempt && event.attempt->stage != Stage::none && event.attempt->stage != Stage::route;
  };
  const auto contacts = std::count_if(history.begin(), history.end(), is_contact);
  return contacts > 1 ? static_cast<std::uint32_t>(contacts - 1) : 0;
}

std::uint32_t tries_of(const MessageRecord& message) {
  std::uint32_t most = 0;
  for (const Recipient& recipient : message.recipients) most = std::max(most, recipient.tries);
  return most;
}

Time updated_at(const MessageRecord& message, const std::vector<Event>& history) {
  Time latest = message.envelope.created_at;
  for (const Recipient& recipient : message.recipients) latest = std::max(latest, recipient.changed_at);
  for (const Event& event : history) latest = std::max(latest, event.at);
  return latest;
}

}  // namespace postrider::mgmt
