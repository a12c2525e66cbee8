#include "mgmt/upstream_explain.h"

#include <boost/json/array.hpp>

#include "mgmt/json_values.h"
#include "mgmt/message_json.h"
#include "mgmt/upstream_json.h"

namespace postrider::mgmt {

namespace {

namespace json = boost::json;
using relay::Candidate;
using relay::Routes;
using relay::UpstreamSet;

// Who is asked first, what follows if that does not work out or cannot begin, and all of it in one sentence.
struct Outlook {
  std::optional<std::size_t> chosen, next;
  std::string why, next_why, summary;
  Time next_at = kNever;
};

std::string until(Time time) {
  return time == kNever ? "" : ", until " + format_rfc3339(time);
}

// Somebody has room: the order of one try.
Outlook with_room(const Routes& routes, const RouteQuestion& question, const relay::Choice& choice, Time now) {
  Outlook outlook;
  const std::vector<Candidate> order = routes.order(question.envelope, question.recipient, choice.upstream, now);
  outlook.chosen = order.empty() ? choice.upstream : order.front().upstream;
  outlook.why = order.empty() || order.front().why.empty() ? choice.why : order.front().why;
  outlook.summary = routes.at(*outlook.chosen).name() + " takes it (" + outlook.why + "); ";
  if (order.size() > 1) {
    outlook.next = order[1].upstream;
    outlook.next_why = "asked within the same try if the first fails";
    outlook.summary += routes.at(*outlook.next).name() + " is " + outlook.next_why;
  } else {
    outlook.next_why = "no other is in service: a failed try is repeated after the retry interval";
    outlook.summary += outlook.next_why;
  }
  return outlook;
}

Outlook without_room(const Routes& routes, const RouteQuestion& question, const relay::Choice& choice, Time now) {
  Outlook outlook;
  const std::vector<Candidate> order = routes.order(question.envelope, question.recipient, std::nullopt, now);
  outlook.next_at = choice.look_again;
  outlook.next_why = "has no room now: the message waits for it and spends no try";
  if (!order.empty()) outlook.next = order.front().upstream;
  if (outlook.next && routes.at(*outlook.next).paused(now))
    outlook.next_why = "is paused, for less than spill_after: the message waits for it and spends no try";
  outlook.summary =
      (outlook.next ? routes.at(*outlook.next).name() + " " : "") + outlook.next_why + until(outlook.next_at);
  return outlook;
}

// Of those that are out of service the one that comes back first, if it asked for its pause itself.
std::optional<std::size_t> paused_first(const Routes& routes, UpstreamSet set, Time now) {
  std::optional<std::size_t> first;
  Time soonest = kNever;
  for (std::size_t i = 0; i < routes.size(); ++i) {
    const relay::Upstream& upstream = routes.at(i);
    const bool waits = relay::has(set, i) && !upstream.stopped();
    const bool paused = waits && upstream.paused(now);
    const Time back =
        paused ? upstream.paused_until() : routes.service_again(set & relay::only(i), now);  // nobody: never
    if (back >= soonest) continue;
    soonest = back;
    first = paused ? std::optional(i) : std::nullopt;
  }
  return first;
}

Outlook out_of_service(const Routes& routes, UpstreamSet set, Time now) {
  Outlook outlook;
  outlook.next = routes.preferred(set, now);
  outlook.next_at = routes.service_again(set, now);
  if (outlook.next) {
    outlook.next_why = "none is in service: a few of the waiting messages are tried as probes";
    outlook.summary = "None is in service; " + routes.at(*outlook.next).name() +
                      " is probed next, with a few of the waiting messages";
    if (outlook.next_at != kNever && outlook.next_at > now)
      outlook.summary += ", at " + format_rfc3339(outlook.next_at);
    return outlook;
  }
  if (const auto paused = paused_first(routes, set, now)) {
    outlook.next = paused;
    outlook.next_at = routes.at(*paused).paused_until();
    outlook.next_why = "is paused: the message waits for the end of the pause and spends no try";
    outlook.summary = routes.at(*paused).name() + " " + outlook.next_why + until(outlook.next_at);
    return outlook;
  }
  outlook.next_why = outlook.next_at == kNever ? "all are paused by an operator: the message waits until one is resumed"
                                               : "none is in service: the message waits for the first to come back";
  outlook.summary = outlook.next_why + until(outlook.next_at);
  return outlook;
}

Outlook look(const Routes& routes, const RouteQuestion& question, Time now) {
  const UpstreamSet set = routes.eligible(question.envelope, question.recipient);
  if (set == 0) {
    Outlook nobody;
    nobody.summary = nobody.next_why = "no upstream takes it: it waits until the configuration changes";
    return nobody;
  }
  const relay::Choice choice = routes.look(set, 0, question.waited, now);
  if (choice.upstream) return with_room(routes, question, choice, now);
  return choice.out_of_service ? out_of_service(routes, set, now) : without_room(routes, question, choice, now);
}

std::string name_of(const Routes& routes, std::optional<std::size_t> upstream) {
  return upstream ? routes.at(*upstream).name() : std::string();
}

json::array upstreams_json(const Routes& routes, const RouteQuestion& question, Time now) {
  json::array out;
  for (const Routes::Explained& one : routes.explain(question.envelope, question.recipient, now)) {
    const relay::Upstream& upstream = routes.at(one.upstream);
    const RecipientGuard& guard = upstream.config().guard;
    out.push_back(json::object{{"upstream", upstream.name()},
                               {"eligible", one.eligible},
                               {"in_service", one.in_service},
                               {"why", one.why},
                               {"until", time_or_null(one.until)},
                               {"guarded", !guard.empty() && !guard.allows(question.recipient.address)}});
  }
  return out;
}

}  // namespace

Guarded apply_guard(const RecipientGuard& guard, RouteQuestion& question) {
  Recipient& recipient = question.recipient;
  if (guard.empty() || guard.allows(recipient.address)) return Guarded::no;
  if (!guard.redirect_to.empty()) {
    const auto target = parse_address(guard.redirect_to);
    if (!target) return Guarded::refused;
    recipient.redirected_from = recipient.address.str();
    recipient.address = *target;
    return Guarded::redirected;
  }
  if (guard.capture.empty()) return Guarded::refused;
  question.envelope.capture_only = true;
  return Guarded::captured;
}

json::object explain_json(const Routes& routes, const RouteQuestion& question, Guarded guarded, Time now) {
  const Envelope& envelope = question.envelope;
  json::object out{{"from", envelope.sender.str()},
                   {"to", question.recipient.address.str()},
                   {"redirected_from", text_or_null(question.recipient.redirected_from)},
                   {"lane", to_string(envelope.lane)},
                   {"tags", tags_json(envelope)},
                   {"credential", text_or_null(envelope.tenant)},
                   {"capture_only", envelope.capture_only},
                   {"refused", guarded == Guarded::refused},
                   {"chosen", nullptr},
                   {"next", nullptr},
                   {"preference", preference_json(routes)},
                   {"upstreams", upstreams_json(routes, question, now)}};
  if (guarded == Guarded::refused) {
    out["summary"] = "The guard of " + envelope.tenant + " refuses this recipient at submission.";
    return out;
  }
  const Outlook outlook = look(routes, question, now);
  if (outlook.chosen) out["chosen"] = json::object{{"upstream", name_of(routes, outlook.chosen)}, {"why", outlook.why}};
  out["next"] = json::object{{"upstream", text_or_null(name_of(routes, outlook.next))},
                             {"why", outlook.next_why},
                             {"at", time_or_null(outlook.next_at)}};
  out["summary"] = outlook.summary + ".";
  return out;
}

}  // namespace postrider::mgmt
