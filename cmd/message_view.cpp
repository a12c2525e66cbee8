#include "cmd/message_view.h"

#include <algorithm>

#include "cmd/json_view.h"
#include "cmd/output.h"

namespace postrider::cmd {

namespace {

namespace json = boost::json;

using Objects = std::vector<const json::object*>;

std::string or_dash(std::string text) {
  return text.empty() ? "-" : std::move(text);
}

std::string sender_text(const json::object& message) {
  const std::string sender = text_of(message, "sender");
  return sender.empty() ? "<>" : sender;
}

std::string when(const json::object& object, std::string_view name, Time now) {
  const auto time = time_of(object, name);
  return time ? describe_time(*time, now) : "-";
}

std::string recipients_text(const json::object& message) {
  const Objects recipients = objects_of(message, "recipients");
  if (recipients.empty()) return "-";
  std::string text = text_of(*recipients.front(), "address");
  if (recipients.size() > 1) text += " +" + std::to_string(recipients.size() - 1);
  return text;
}

// The recipient whose state is the message's own: the one the sentence is about.
const json::object* leading_recipient(const json::object& message) {
  const std::string state = text_of(message, "state");
  for (const json::object* recipient : objects_of(message, "recipients"))
    if (text_of(*recipient, "state") == state) return recipient;
  return nullptr;
}

std::string because(const json::object& recipient) {
  const std::string reason = text_of(recipient, "reason");
  return reason.empty() ? "" : ", because " + reason;
}

std::string colon(const json::object& recipient) {
  const std::string reason = text_of(recipient, "reason");
  return reason.empty() ? "" : ": " + reason;
}

// "Sent by primary 3m ago (...)"
std::string settled(std::string_view verb, const json::object& recipient, Time now) {
  const std::string upstream = text_of(recipient, "upstream");
  return std::string(verb) + (upstream.empty() ? "" : " by " + upstream) + " " + when(recipient, "changed_at", now);
}

std::string waiting(std::string_view word, const json::object& recipient, Time now) {
  const auto due = time_of(recipient, "next_try_at");
  std::string text(word);
  if (!due || *due <= now) return text + ": due now, waits for its turn" + because(recipient);
  return text + ": next try " + describe_time(*due, now) + because(recipient);
}

std::string sentence(const std::string& state, const json::object& recipient, const std::string& id, Time now) {
  if (state == "queued") return waiting("Queued", recipient, now);
  if (state == "deferred") return waiting("Deferred", recipient, now);
  if (state == "sending") {
    const std::string upstream = text_of(recipient, "upstream");
    return upstream.empty() ? "Being handed over now" : "Being handed to " + upstream + " now";
  }
  if (state == "held") return "Held" + colon(recipient) + " (to let it go: postrider queue release " + id + ")";
  if (state == "failed")
    return settled("Failed and kept", recipient, now) + because(recipient) + " (to try again: postrider queue retry " +
           id + ")";
  if (state == "sent") {
    const std::string remote = text_of(recipient, "remote_id");
    return settled("Sent", recipient, now) + (remote.empty() ? "" : ": " + remote);
  }
  if (state == "bounced") return settled("Bounced", recipient, now) + because(recipient);
  if (state == "suppressed") return "Suppressed" + colon(recipient);
  std::string word = state.empty() ? "Unknown" : state;
  word.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(word.front())));
  return word + " " + when(recipient, "changed_at", now) + colon(recipient);
}

std::string said(const json::object& attempt) {
  std::string text = text_of(attempt, "code");
  for (const char* part : {"enhanced_code", "text"}) {
    const std::string value = text_of(attempt, part);
    if (!value.empty()) text += (text.empty() ? "" : " ") + value;
  }
  return text;
}

void line(std::string& out, std::string_view name, const std::string& value) {
  if (value.empty()) return;
  std::string label(name);
  label.resize(12, ' ');
  out += label + printable(value) + "\n";
}

std::string envelope_lines(const json::object& message, Time now) {
  std::string out;
  line(out, "id", text_of(message, "id"));
  line(out, "state", text_of(message, "state"));
  line(out, "sender", sender_text(message));
  line(out, "subject", text_of(message, "subject"));
  line(out, "accepted", when(message, "created_at", now));
  line(out, "message-id", text_of(message, "message_id"));
  const auto size = static_cast<std::uint64_t>(std::max<std::int64_t>(0, number_of(message, "size")));
  line(out, "size", format_bytes(size) + (text_of(message, "body") == "removed" ? ", body removed" : ""));
  line(out, "came by", text_of(message, "door") + " from " + or_dash(text_of(message, "client")));
  line(out, "user", text_of(message, "tenant"));
  return out;
}

std::string section(std::string_view title, bool colour) {
  return "\n" + paint(title, Tone::bold, colour) + "\n";
}

std::string recipient_table(const json::object& message, Time now, bool colour) {
  Table table({"RECIPIENT", "STATE", "TRIES", "NEXT TRY", "UPSTREAM", "REASON"});
  for (const json::object* r : objects_of(message, "recipients"))
    table.add({text_of(*r, "address"), text_of(*r, "state"), text_of(*r, "tries"), when(*r, "next_try_at", now),
               or_dash(text_of(*r, "upstream")), or_dash(text_of(*r, "reason"))});
  return section("Recipients", colour) + table.render(colour);
}

std::string attempt_table(const Objects& attempts, Time now, bool colour) {
  Table table({"STARTED", "TOOK", "UPSTREAM", "PEER", "TLS", "STAGE", "OUTCOME", "ANSWER"});
  for (const json::object* a : attempts)
    table.add({when(*a, "started_at", now), text_of(*a, "duration_ms") + " ms", text_of(*a, "upstream"),
               or_dash(text_of(*a, "peer")), or_dash(text_of(*a, "tls")), text_of(*a, "stage"), text_of(*a, "outcome"),
               or_dash(said(*a))});
  return section("Attempts", colour) + table.render(colour);
}

std::string event_table(const Objects& events, Time now, bool colour) {
  Table table({"AT", "EVENT", "RECIPIENT", "BY", "REASON"});
  for (const json::object* e : events)
    table.add({when(*e, "at", now), text_of(*e, "type"), or_dash(text_of(*e, "recipient")),
               or_dash(text_of(*e, "actor")), or_dash(text_of(*e, "reason"))});
  return section("Events", colour) + table.render(colour);
}

}  // namespace

std::string render_list(const json::object& page, Time now, bool colour) {
  const Objects messages = objects_of(page, "messages");
  const std::string next = text_of(page, "next");
  if (messages.empty() && next.empty()) return "no messages\n";
  Table table({"ID", "STATE", "ACCEPTED", "NEXT TRY", "SENDER", "RECIPIENTS", "REASON"});
  for (const json::object* message : messages) {
    const json::object* leading = leading_recipient(*message);
    const auto due = time_of(*message, "next_try_at");
    table.add({text_of(*message, "id"), text_of(*message, "state"), when(*message, "created_at", now),
               due ? relative_time(*due, now) : "-", sender_text(*message), recipients_text(*message),
               or_dash(leading ? text_of(*leading, "reason") : "")});
  }
  std::string out = table.render(colour);
  if (!next.empty()) out += "more: --cursor " + next + "\n";
  return out;
}

std::string render_message(const json::object& message, Time now, bool colour) {
  std::string out = paint(where_and_why(message, now), Tone::bold, colour) + "\n\n" + envelope_lines(message, now);
  out += recipient_table(message, now, colour);
  const Objects attempts = objects_of(message, "attempts"), events = objects_of(message, "events");
  if (!attempts.empty()) out += attempt_table(attempts, now, colour);
  if (!events.empty()) out += event_table(events, now, colour);
  return out;
}

std::string where_and_why(const json::object& message, Time now) {
  const std::string state = text_of(message, "state");
  const Objects recipients = objects_of(message, "recipients");
  const json::object* leading = leading_recipient(message);
  if (!leading) return "Unknown: this message has no recipient in its state.";
  std::string text = sentence(state, *leading, text_of(message, "id"), now);
  if (recipients.size() > 1) {
    const auto same = std::count_if(recipients.begin(), recipients.end(),
                                    [&](const json::object* r) { return text_of(*r, "state") == state; });
    text += " [" + std::to_string(same) + " of " + std::to_string(recipients.size()) + " recipients]";
  }
  return printable(text) + ".";
}

}  // namespace postrider::cmd
