#include "cmd/upstream_view.h"

#include <algorithm>
#include <boost/json/array.hpp>

#include "cmd/json_view.h"
#include "cmd/message_sentence.h"

namespace postrider::cmd {

namespace {

namespace json = boost::json;

std::string until(const json::object& object, std::string_view name, const Look& look) {
  const auto time = time_of(object, name);
  if (!time) return "";
  return " until " + (look.absolute ? absolute_time(*time) : clock_time(*time, look.now));
}

// "out of service, probing", "paused until 14:10 UTC"
std::string state_text(const json::object& upstream, const Look& look) {
  std::string state = text_of(upstream, "state");
  if (state == "paused") return state + until(upstream, "paused_until", look);
  if (text_of(upstream, "health") == "probing") return state + ", probing";
  return state;
}

std::string type_text(const json::object& upstream) {
  std::string text = text_of(upstream, "type");
  if (flag_of(upstream, "lossy")) text += ", lossy";
  if (flag_of(upstream, "guarded")) text += ", guarded";
  return text;
}

// "lane high, low; tag invoice"
std::string match_text(const json::object& upstream) {
  const json::object* match = object_in(upstream, "match");
  if (!match) return "all";
  std::string text;
  for (const auto& key : *match) {
    if (!key.value().is_array()) continue;
    text += (text.empty() ? "" : "; ") + std::string(key.key());
    std::string values;
    for (const json::value& value : key.value().get_array())
      if (value.is_string()) values += (values.empty() ? " " : ", ") + std::string(value.get_string());
    text += values;
  }
  return text;
}

std::string connections_text(const json::object& upstream) {
  const json::object* connections = object_in(upstream, "connections");
  return connections ? text_of(*connections, "in_use") + "/" + text_of(*connections, "max") : "-";
}

std::string rate_text(const json::object& upstream) {
  const json::object* rate = object_in(upstream, "rate");
  if (!rate) return "-";
  return text_of(*rate, "limit") + (text_of(*rate, "full_until").empty() ? "" : ", full");
}

// "412 today, 9000 this month"
std::string quota_text(const json::object& upstream) {
  const json::object* quota = object_in(upstream, "quota");
  std::string text;
  for (const auto& [name, words] : {std::pair("day", " today"), std::pair("month", " this month")})
    if (const json::object* period = quota ? object_in(*quota, name) : nullptr)
      text += (text.empty() ? "" : ", ") + text_of(*period, "left") + words;
  return or_dash(text);
}

std::string error_text(const json::object& upstream, const Look& look) {
  const json::object* error = object_in(upstream, "last_error");
  if (!error) return "-";
  const std::string when = time_cell(time_of(*error, "at"), look);
  return when + (text_of(*error, "text").empty() ? "" : ": " + text_of(*error, "text"));
}

std::string for_which_mail(const json::object& preference) {
  if (const std::string percent = text_of(preference, "percent"); !percent.empty())
    return "for " + percent + "% of mail";
  const std::uint64_t messages = count_of(preference, "messages");
  return messages > 0 ? "for " + counted(messages, "message") + " first" : "for all mail";
}

// "backup is preferred for 5% of mail by ops, since 3m ago; 12 hand-overs there, 0 failed; 230 elsewhere, 3 failed"
std::string preference_text(const json::object& preference, const Look& look) {
  std::string text = text_of(preference, "upstream") + " is preferred " + for_which_mail(preference);
  if (const std::string by = text_of(preference, "by"); !by.empty()) text += " by " + by;
  if (const auto since = time_of(preference, "since"))
    text += ", since " + (look.absolute ? absolute_time(*since) : clock_time(*since, look.now));
  if (const json::object* score = object_in(preference, "score"))
    text += "; " + counted(count_of(*score, "here"), "hand-over") + " there, " + text_of(*score, "here_failed") +
            " failed; " + text_of(*score, "elsewhere") + " elsewhere, " + text_of(*score, "elsewhere_failed") +
            " failed";
  return text;
}

std::string bold_lines(const std::string& text, const Look& look) {
  std::string out;
  for (const std::string& line : fold(printable(text), look.width)) out += paint(line, Tone::bold, look.colour) + "\n";
  return out;
}

// "connection refused at connect", "421 4.7.0 too busy at greeting"
std::string cause_text(const json::object& event) {
  const json::object* detail = object_in(event, "reason_detail");
  if (!detail) return text_of(event, "reason");
  std::string text = said(*detail), stage = text_of(*detail, "stage");
  std::replace(stage.begin(), stage.end(), '_', ' ');
  if (!text.empty() && !stage.empty() && stage != "none") text += " at " + stage;
  return text;
}

std::string candidate_text(const json::object& one) {
  if (flag_of(one, "in_service")) return flag_of(one, "guarded") ? "yes, guarded" : "yes";
  return flag_of(one, "eligible") ? "not now" : "no";
}

}  // namespace

// ---- upstreams ------------------------------------------------------------------------------------------------------

std::string render_upstreams(const json::object& answer, const Look& look) {
  Table table(
      {"NAME", "TYPE", "PRIORITY", "STATE", "WAITING", "CONNECTIONS", "RATE", "QUOTA LEFT", "MAIL", "LAST ERROR"});
  table.fold_last();
  for (const json::object* upstream : objects_of(answer, "upstreams"))
    table.add({text_of(*upstream, "name"), type_text(*upstream), text_of(*upstream, "priority"),
               state_text(*upstream, look), text_of(*upstream, "waiting"), connections_text(*upstream),
               rate_text(*upstream), quota_text(*upstream), match_text(*upstream), error_text(*upstream, look)});
  std::string out = table.render(look);
  if (const json::object* preference = object_in(answer, "preference"))
    out += "\n" + printable(preference_text(*preference, look)) + "\n";
  const json::object* waiting = object_in(answer, "waiting");
  if (const std::uint64_t nobody = waiting ? count_of(*waiting, "for_nobody") : 0; nobody > 0)
    out += "\n" +
           paint(counted(nobody, "message") + " of " + text_of(*waiting, "messages") +
                     " that wait fit no upstream's match (postrider upstream explain ID says why)",
                 Tone::warn, look.colour) +
           "\n";
  return out;
}

std::string render_steered(const json::object& upstream, const Look& look) {
  const std::string name = text_of(upstream, "name");
  std::string text = name + " is " + state_text(upstream, look);
  if (flag_of(upstream, "stopped")) text += " (to let it go on: postrider upstream resume " + name + ")";
  if (const json::object* preferred = object_in(upstream, "preferred"))
    text += "; it is preferred " + for_which_mail(*preferred) + " (to take it back: postrider upstream prefer --none)";
  text += "; " + counted(count_of(upstream, "waiting"), "waiting message") + " may go there";
  return printable(text) + "\n";
}

std::string render_forecast(const json::object& answer, const Look&) {
  const std::string name = text_of(answer, "upstream");
  std::string text = text_of(answer, "would_move") + " of " + counted(count_of(answer, "waiting"), "waiting message") +
                     " would move to " + name;
  if (const json::object* lanes = object_in(answer, "lanes")) {
    std::string each;
    for (const char* lane : {"high", "normal", "low"})
      if (const json::object* counts = object_in(*lanes, lane))
        each += (each.empty() ? "" : ", ") + std::string(lane) + " " + text_of(*counts, "would_move");
    text += " (" + each + ")";
  }
  text += "; nothing was changed";
  if (!flag_of(answer, "in_service")) text += "; " + name + " is not in service: none moves before it is";
  return printable(text) + "\n";
}

std::string render_test(const json::object& answer, const Look& look) {
  const bool ok = flag_of(answer, "ok");
  const std::string peer = text_of(answer, "peer"), tls = text_of(answer, "tls"), said_there = said(answer);
  std::string stage = text_of(answer, "stage");
  std::replace(stage.begin(), stage.end(), '_', ' ');
  std::string text = text_of(answer, "upstream") + (ok ? " works" : " fails");
  if (ok && stage != "local") text += ": reached and, where it has a login, logged in";
  if (!ok && !stage.empty() && stage != "none") text += " at " + stage;
  text += " after " + text_of(answer, "duration_ms") + " ms";
  if (!peer.empty()) text += ", " + peer + (tls.empty() ? "" : ", " + tls);
  if (!said_there.empty()) text += ": " + said_there;
  return paint(printable(text), ok ? Tone::good : Tone::bad, look.colour) + "\n";
}

std::string render_hooks(const json::object& answer, const Look& look) {
  const std::string name = text_of(answer, "upstream"), problem = text_of(answer, "problem");
  const bool registered = flag_of(answer, "registered");
  std::string text = name + (registered ? " reports events to " : " does not report all events to ");
  std::string out = paint(printable(text + text_of(answer, "url")), registered ? Tone::good : Tone::warn, look.colour);
  for (const json::object* change : objects_of(answer, "changes"))
    out += "\n  " + printable(text_of(*change, "state") + ": " + text_of(*change, "what"));
  if (!problem.empty()) out += "\n" + paint(printable(problem), Tone::bad, look.colour);
  if (const json::value* keys = answer.if_contains("keys"); keys && keys->is_array())
    for (const json::value& key : keys->get_array())
      if (key.is_string()) out += "\nfor the configuration: " + printable(std::string(key.get_string()));
  return out + "\n";
}

// ---- routes ---------------------------------------------------------------------------------------------------------

std::string render_route(const json::object& route, const Look& look) {
  std::string out = bold_lines(text_of(route, "summary"), look);
  if (const std::string asked = text_of(route, "redirected_from"); !asked.empty())
    out += "redirected by the guard of " + printable(text_of(route, "credential")) + ": " +
           printable(asked + " becomes " + text_of(route, "to")) + "\n";
  if (flag_of(route, "capture_only")) out += "captured only, by the guard of its credential\n";
  if (const json::object* preference = object_in(route, "preference"))
    out += printable(preference_text(*preference, look)) + "\n";
  Table table({"UPSTREAM", "ASKED", "UNTIL", "WHY"});
  table.fold_last();
  for (const json::object* one : objects_of(route, "upstreams"))
    table.add({text_of(*one, "upstream"), candidate_text(*one), time_cell(time_of(*one, "until"), look),
               or_dash(text_of(*one, "why"))});
  return out + "\n" + table.render(look);
}

std::string render_message_route(const json::object& answer, const Look& look) {
  std::string out;
  for (const json::object* recipient : objects_of(answer, "recipients")) {
    out += (out.empty() ? "" : "\n") + printable(text_of(*recipient, "address") + ", " + text_of(*recipient, "state"));
    const json::object* route = object_in(*recipient, "route");
    out += route ? ":\n" + render_route(*route, look) : ": no upstream will be asked\n";
  }
  if (flag_of(answer, "more")) out += "\nand further recipients\n";
  return out;
}

// ---- events ---------------------------------------------------------------------------------------------------------

std::string upstream_sentence(const json::object& event) {
  const std::string type = text_of(event, "type"), name = text_of(event, "upstream"), actor = text_of(event, "actor");
  const std::string cause = cause_text(event), by = actor.empty() ? "" : " by " + actor;
  const auto with_cause = [&](const std::string& text) { return cause.empty() ? text : text + ": " + cause; };
  if (type == "upstream_opened") return with_cause(name + " out of service");
  if (type == "upstream_closed") return name + " in service again";
  if (type == "upstream_paused") return actor.empty() ? with_cause(name + " paused") : name + " paused" + by;
  if (type == "upstream_resumed") return name + " resumed" + by;
  if (type == "upstream_preferred") return name + " " + or_dash(cause) + (actor.empty() ? "" : "," + by);
  if (type == "upstream_promoted") return with_cause(name + " did well as a canary and takes all mail");
  if (type != "upstream_rolled_back") return with_cause(name + " " + type + by);
  return actor.empty() ? with_cause("canary " + name + " rolled back") : name + " not preferred any more" + by;
}

std::string where_mail_goes(const json::object& answer, const std::string& upstream) {
  const auto upstreams = objects_of(answer, "upstreams");
  const auto by_name = [&](const json::object* one) { return text_of(*one, "name") == upstream; };
  const auto found = std::find_if(upstreams.begin(), upstreams.end(), by_name);
  if (found != upstreams.end() && flag_of(**found, "in_service")) return "mail goes to it";
  for (const json::object* one : upstreams)  // in the order they are asked
    if (flag_of(*one, "in_service") && !object_in(*one, "match")) return "mail goes to " + text_of(*one, "name");
  const bool some = std::any_of(upstreams.begin(), upstreams.end(),
                                [](const json::object* one) { return flag_of(*one, "in_service"); });
  return some ? "mail goes to others as far as they take it" : "no other is in service: mail waits";
}

}  // namespace postrider::cmd
