#include "cmd/message_sentence.h"

#include <cctype>
#include <map>

#include "cmd/json_view.h"
#include "cmd/output.h"

namespace postrider::cmd {

namespace {

namespace json = boost::json;

// "1st", "2nd", "3rd", "4th"
std::string ordinal(std::int64_t n) {
  const bool teen = n % 100 >= 11 && n % 100 <= 13;
  const char* const endings[] = {"th", "st", "nd", "rd"};
  return std::to_string(n) + (teen || n % 10 > 3 ? "th" : endings[n % 10]);
}

// " at 14:10 UTC (3 minutes ago)", or nothing.
std::string at(const json::object& object, std::string_view name, Time now) {
  const auto time = time_of(object, name);
  return time ? " at " + clock_time(*time, now) + " (" + relative_time_in_words(*time, now) + ")" : "";
}

// "mx.example.net[192.0.2.1]:25" to "mx.example.net"; the upstream's name when no server was reached.
std::string server_of(const json::object& attempt) {
  const std::string peer = text_of(attempt, "peer");
  const auto bracket = peer.find('[');
  if (bracket != std::string::npos && bracket > 0) return peer.substr(0, bracket);
  return peer.empty() ? text_of(attempt, "upstream") : peer;
}

const json::object* last_attempt(const json::object& message) {
  const auto attempts = objects_of(message, "attempts");
  return attempts.empty() ? nullptr : attempts.back();
}

// The server that gave `code`, if the last attempt was the one.
std::string speaker(const json::object& message, const json::object& recipient, std::int64_t code) {
  const json::object* attempt = last_attempt(message);
  if (attempt && number_of(*attempt, "code") == code) return server_of(*attempt);
  return text_of(recipient, "upstream");
}

// Why a recipient is where it is: what the other side said when it said something, else our own sentence.
std::string why(const json::object& message, const json::object& recipient) {
  const json::value* detail = recipient.if_contains("reason_detail");
  if (detail && detail->is_object()) {
    const json::object& reason = detail->get_object();
    const std::int64_t code = number_of(reason, "code");
    const std::string who = code > 0 ? speaker(message, recipient, code) : "";
    if (!who.empty()) return ": " + who + " said " + said(reason);
  }
  const std::string sentence = text_of(recipient, "reason");
  return sentence.empty() ? "" : ": " + sentence;
}

std::string by_upstream(const json::object& recipient) {
  const std::string upstream = text_of(recipient, "upstream");
  return upstream.empty() ? "" : " by " + upstream;
}

// " in the low lane", for who wonders why others go first.
std::string in_its_lane(const json::object& message) {
  const std::string lane = text_of(message, "lane");
  return lane.empty() || lane == "normal" ? "" : " in the " + lane + " lane";
}

// What the route says of a recipient; empty: nothing is known.
std::string by_route(const json::object& route, const json::object& recipient) {
  for (const json::object* one : objects_of(route, "recipients")) {
    if (text_of(*one, "address") != text_of(recipient, "address")) continue;
    const json::object* explained = object_in(*one, "route");
    std::string text = explained ? text_of(*explained, "summary") : "";
    if (text.ends_with('.')) text.pop_back();
    return text.empty() ? "" : "; " + text;
  }
  return "";
}

std::string waiting(const json::object& message, const json::object& recipient, const json::object& route, Time now) {
  const std::string nth = "its " + ordinal(number_of(recipient, "tries") + 1) + " try";
  const auto due = time_of(recipient, "next_try_at");
  std::string text;
  if (!due || *due <= now)
    text = "Due now" + in_its_lane(message) + ", waiting for its turn for " + nth + why(message, recipient) +
           by_route(route, recipient);
  else if (text_of(recipient, "state") == "queued" && number_of(recipient, "tries") == 0)
    text = "Scheduled" + at(recipient, "next_try_at", now) + why(message, recipient);
  else
    text = "Waiting for " + nth + at(recipient, "next_try_at", now) + why(message, recipient);
  const std::string expires = at(message, "expires_at", now);
  return expires.empty() ? text : text + "; expires" + expires;
}

// Its own time to live was over: the reason says when, "by policy" would say less.
std::string expired(const json::object& message, const json::object& recipient, Time now) {
  const json::object* detail = object_in(recipient, "reason_detail");
  const std::string text = detail ? text_of(*detail, "text") : "";
  return "Expired" + at(recipient, "changed_at", now) + (text.empty() ? why(message, recipient) : ": " + text);
}

std::string sending(const json::object& recipient, Time now) {
  const std::string upstream = text_of(recipient, "upstream");
  std::string text = "Being handed to " + (upstream.empty() ? "an upstream" : upstream);
  if (const auto since = time_of(recipient, "changed_at")) text += ", begun " + relative_time_in_words(*since, now);
  if (flag_of(recipient, "cancel_requested")) return text + "; will be cancelled unless it is taken";
  if (flag_of(recipient, "hold_requested")) return text + "; will be held unless it is taken";
  return text;
}

std::string failed(const json::object& message, const json::object& recipient, Time now) {
  const std::int64_t tries = number_of(recipient, "tries");
  std::string text = "Failed" + at(recipient, "changed_at", now);
  if (tries > 0) text += " after " + (tries == 1 ? "1 try" : std::to_string(tries) + " tries");
  const json::object* attempt = last_attempt(message);
  if (attempt && !said(*attempt).empty())
    text += "; the last: " + server_of(*attempt) + (number_of(*attempt, "code") > 0 ? " said " : ": ") + said(*attempt);
  else
    text += why(message, recipient);
  if (text_of(message, "body") == "removed") return text + "; its body was removed, it cannot be sent again";
  return text + " (to try again: postrider queue retry " + text_of(message, "id") + ")";
}

std::string sentence(const json::object& message, const json::object& recipient, const json::object& route, Time now) {
  const std::string state = text_of(message, "state");
  if (state == "queued" || state == "deferred") return waiting(message, recipient, route, now);
  if (state == "sending") return sending(recipient, now);
  if (state == "held")
    return "Held" + at(recipient, "changed_at", now) + why(message, recipient) +
           " (to let it go: postrider queue release " + text_of(message, "id") + ")";
  if (state == "failed") return failed(message, recipient, now);
  if (state == "sent") {
    const std::string answer = text_of(recipient, "remote_id");
    return "Sent" + by_upstream(recipient) + at(recipient, "changed_at", now) + (answer.empty() ? "" : ": " + answer);
  }
  if (state == "expired") return expired(message, recipient, now);
  if (state == "suppressed")
    return "Suppressed" + at(recipient, "changed_at", now) + why(message, recipient) +
           " (once it is off the list: postrider queue release " + text_of(message, "id") + ")";
  std::string word = state.empty() ? "Unknown" : state;  // delivered, bounced, cancelled
  word.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(word.front())));
  return word + at(recipient, "changed_at", now) + why(message, recipient);
}

// "Of 3 recipients: 2 sent, 1 deferred."
std::string summary(const std::vector<const json::object*>& recipients) {
  std::vector<std::pair<std::string, std::uint64_t>> states;  // as they first appear
  std::map<std::string, std::size_t> places;
  for (const json::object* recipient : recipients) {
    const std::string state = text_of(*recipient, "state");
    const auto [place, is_new] = places.emplace(state, states.size());
    if (is_new) states.emplace_back(state, 0);
    ++states[place->second].second;
  }
  std::string text = " Of " + std::to_string(recipients.size()) + " recipients: ";
  for (std::size_t i = 0; i < states.size(); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(states[i].second) + " " + states[i].first;
  return text + ".";
}

}  // namespace

std::string where_and_why(const json::object& message, Time now) {
  return where_and_why(message, {}, now);
}

std::string where_and_why(const json::object& message, const json::object& route, Time now) {
  const json::object* leading = leading_recipient(message);
  if (!leading) return "Unknown: this message has no recipient in its state.";
  std::string text = sentence(message, *leading, route, now);
  if (!text.ends_with('.')) text += '.';
  const auto recipients = objects_of(message, "recipients");
  if (recipients.size() > 1) text += summary(recipients);
  return printable(text);
}

std::string said(const json::object& attempt) {
  std::string text = text_of(attempt, "code");
  for (const char* part : {"enhanced_code", "text"}) {
    const std::string value = text_of(attempt, part);
    if (!value.empty()) text += (text.empty() ? "" : " ") + value;
  }
  return text;
}

const json::object* leading_recipient(const json::object& message) {
  const std::string state = text_of(message, "state");
  for (const json::object* recipient : objects_of(message, "recipients"))
    if (text_of(*recipient, "state") == state) return recipient;
  return nullptr;
}

}  // namespace postrider::cmd
