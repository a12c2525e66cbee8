#include "cmd/message_view.h"

#include <algorithm>

#include "cmd/json_view.h"

namespace postrider::cmd {

namespace {

namespace json = boost::json;

using Objects = std::vector<const json::object*>;

std::string sender_text(const json::object& message) {
  const std::string sender = text_of(message, "sender");
  return sender.empty() ? "<>" : sender;
}

// Relative and absolute: in one message's story both matter.
std::string when(const json::object& object, std::string_view name, const Look& look) {
  const auto time = time_of(object, name);
  if (!time) return "-";
  return look.absolute ? absolute_time(*time) : describe_time(*time, look.now);
}

std::string recipients_text(const json::object& message) {
  const Objects recipients = objects_of(message, "recipients");
  if (recipients.empty()) return "-";
  std::string text = text_of(*recipients.front(), "address");
  if (recipients.size() > 1) text += " +" + std::to_string(recipients.size() - 1);
  return text;
}

void line(std::string& out, std::string_view label, const std::string& value) {
  if (!value.empty()) out += labelled(label, 12, printable(value));
}

std::string tags_text(const json::object& message) {
  std::string text;
  const json::value* tags = message.if_contains("tags");
  if (!tags || !tags->is_array()) return text;
  for (const json::value& tag : tags->get_array())
    if (tag.is_string()) text += (text.empty() ? "" : ", ") + std::string(tag.get_string());
  return text;
}

// "order=4711, customer=17"
std::string metadata_text(const json::object& message) {
  std::string text;
  const json::object* metadata = object_in(message, "metadata");
  if (!metadata) return text;
  for (const auto& [name, value] : *metadata) {
    if (!text.empty()) text += ", ";
    text.append(std::string_view(name)).append("=").append(text_of(*metadata, name));
  }
  return text;
}

// "5, every 1m", as far as the submitter asked for it.
std::string retry_text(const json::object& message) {
  const json::object* retry = object_in(message, "retry");
  if (!retry) return "";
  std::string retries = text_of(*retry, "retries");
  const std::string interval = text_of(*retry, "interval");
  if (interval.empty()) return retries;
  return retries.empty() ? "every " + interval : retries + ", every " + interval;
}

// "qa@example.com (for user@example.net)": a guard put the one in the place of the other.
std::string address_text(const json::object& recipient) {
  const std::string address = text_of(recipient, "address"), asked = text_of(recipient, "redirected_from");
  return asked.empty() ? address : address + " (for " + asked + ")";
}

std::string envelope_lines(const json::object& message, const Look& look) {
  std::string out;
  line(out, "id", text_of(message, "id"));
  line(out, "state", text_of(message, "state"));
  line(out, "sender", sender_text(message));
  line(out, "subject", text_of(message, "subject"));
  line(out, "accepted", when(message, "created_at", look));
  line(out, "message-id", text_of(message, "message_id"));
  const auto size = static_cast<std::uint64_t>(std::max<std::int64_t>(0, number_of(message, "size")));
  line(out, "size", format_bytes(size) + (text_of(message, "body") == "removed" ? ", body removed" : ""));
  line(out, "came by", text_of(message, "door") + " from " + or_dash(text_of(message, "client")));
  line(out, "user", text_of(message, "tenant"));
  line(out, "lane", text_of(message, "lane"));
  line(out, "tags", tags_text(message));
  line(out, "metadata", metadata_text(message));
  line(out, "batch", text_of(message, "batch"));
  line(out, "retries", retry_text(message));
  if (time_of(message, "expires_at")) line(out, "expires", when(message, "expires_at", look));
  if (flag_of(message, "capture_only")) line(out, "guard", "captured only, by the guard of its user");
  return out;
}

std::string section(std::string_view title, bool colour) {
  return "\n" + paint(title, Tone::bold, colour) + "\n";
}

std::string recipient_table(const json::object& message, const Look& look) {
  Table table({"RECIPIENT", "STATE", "TRIES", "NEXT TRY", "UPSTREAM", "REASON"});
  table.fold_last();
  for (const json::object* r : objects_of(message, "recipients"))
    table.add({address_text(*r), text_of(*r, "state"), text_of(*r, "tries"), when(*r, "next_try_at", look),
               or_dash(text_of(*r, "upstream")), or_dash(text_of(*r, "reason"))});
  return section("Recipients", look.colour) + table.render(look);
}

// "primary (mx.example[192.0.2.1]:25, TLSv1.3): deferred at rcpt after 12 ms, 451 4.7.1 later"
std::string attempt_text(const json::object& attempt) {
  std::string text = text_of(attempt, "upstream");
  const std::string peer = text_of(attempt, "peer"), tls = text_of(attempt, "tls");
  if (!peer.empty()) text += " (" + peer + (tls.empty() ? "" : ", " + tls) + ")";
  text += ": " + text_of(attempt, "outcome");
  if (const std::string stage = text_of(attempt, "stage"); !stage.empty() && stage != "none") text += " at " + stage;
  text += " after " + text_of(attempt, "duration_ms") + " ms";
  if (attempt.contains("counted") && !flag_of(attempt, "counted")) text += ", not counted as a try";
  if (flag_of(attempt, "lossy")) text += ", MIME structure rebuilt";
  if (const std::string id = text_of(attempt, "provider_id"); !id.empty()) text += ", known there as " + id;
  if (const std::string answer = said(attempt); !answer.empty()) text += ", " + answer;
  const std::string why = text_of(attempt, "why");
  return why.empty() ? text : text + "; asked because: " + why;
}

std::string event_text(const json::object& event) {
  std::string text = text_of(event, "recipient");
  const std::string actor = text_of(event, "actor"), reason = text_of(event, "reason");
  if (!actor.empty()) text += (text.empty() ? "by " : ", by ") + actor;
  if (!reason.empty()) text += (text.empty() ? "" : ": ") + reason;
  return or_dash(text);
}

// Events in order, each `attempted` with the attempt it is about: the two lists are in the same order.
std::string story_table(const json::object& message, const Look& look) {
  const Objects events = objects_of(message, "events"), attempts = objects_of(message, "attempts");
  if (events.empty()) return "";
  Table table({"AT", "EVENT", "WHAT"});
  table.fold_last();
  std::size_t next = 0;
  for (const json::object* event : events) {
    const std::string type = text_of(*event, "type");
    const bool attempted = type == "attempted" && next < attempts.size();
    table.add({when(*event, "at", look), type, attempted ? attempt_text(*attempts[next++]) : event_text(*event)});
  }
  return section("Story", look.colour) + table.render(look);
}

}  // namespace

std::string render_list(const json::object& page, const Look& look) {
  const Objects messages = objects_of(page, "messages");
  const std::string next = text_of(page, "next");
  if (messages.empty() && next.empty()) return "no messages\n";
  Table table({"ID", "STATE", "ACCEPTED", "NEXT TRY", "SENDER", "RECIPIENTS", "REASON"});
  for (const json::object* message : messages) {
    const json::object* leading = leading_recipient(*message);
    table.add({text_of(*message, "id"), text_of(*message, "state"), time_cell(time_of(*message, "created_at"), look),
               time_cell(time_of(*message, "next_try_at"), look), sender_text(*message), recipients_text(*message),
               or_dash(leading ? text_of(*leading, "reason") : "")});
  }
  std::string out = table.render(look);
  if (!next.empty()) out += "more: --cursor " + next + "\n";
  return out;
}

std::string render_message(const json::object& message, const Look& look) {
  return render_message(message, {}, look);
}

std::string render_message(const json::object& message, const json::object& route, const Look& look) {
  std::string out;
  for (const std::string& text : fold(where_and_why(message, route, look.now), look.width))
    out += paint(text, Tone::bold, look.colour) + "\n";
  return out + "\n" + envelope_lines(message, look) + recipient_table(message, look) + story_table(message, look);
}

}  // namespace postrider::cmd
