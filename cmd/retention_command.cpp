#include "cmd/retention_command.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <iostream>

#include "cmd/exit_codes.h"
#include "cmd/json_view.h"
#include "cmd/output.h"
#include "net/loop.h"

namespace postrider::cmd {

namespace {

namespace json = boost::json;

// "3 messages and 5 bodies, 1.2 MiB"
std::string removal(const json::object& removed) {
  const std::uint64_t bodies = count_of(removed, "bodies");
  return counted(count_of(removed, "messages"), "message") + " and " + std::to_string(bodies) +
         (bodies == 1 ? " body, " : " bodies, ") + format_bytes(count_of(removed, "bytes"));
}

void say(std::string_view label, std::string_view value) {
  std::cout << labelled(label, 22, value);
}

void print_run(const std::string& name, const json::object& answer, const char* member, Time now) {
  const json::value* run = answer.if_contains(member);
  if (!run || !run->is_object()) return say(name, "none since the daemon was started");
  const auto ended = time_of(run->get_object(), "ended_at");
  say(name, (ended ? describe_time(*ended, now) + ": " : "") + removal(run->get_object()));
}

void print_policy(const json::object& policy) {
  say("history", text_of(policy, "history") + ", at most " + format_bytes(count_of(policy, "history_max_bytes")));
  const bool at_once = number_of(policy, "sent_bodies_seconds") == 0;
  say("bodies of sent mail", at_once ? "removed when sent" : text_of(policy, "sent_bodies"));
  say("bodies of failed mail", text_of(policy, "failed_bodies"));
}

}  // namespace

int run_retention_show(const ApiOptions& api, bool as_json) {
  ApiClient client(api);
  const json::value answer = client.get("/v1/retention");
  if (as_json) {
    std::cout << json::serialize(answer) << '\n';
    return EX_OK;
  }
  const json::object& shown = object_of(answer);
  const Time now = net::SystemClock().now();
  if (const json::value* policy = shown.if_contains("policy"); policy && policy->is_object())
    print_policy(policy->get_object());
  if (const json::value* next = shown.if_contains("next_run"); next && next->is_object())
    say("next run would remove",
        (flag_of(next->get_object(), "at_least") ? "at least " : "") + removal(next->get_object()));
  print_run("last run", shown, "last_run", now);
  print_run("last that removed", shown, "last_removal", now);
  return EX_OK;
}

int run_retention_run(const ApiOptions& api, bool dry_run, bool as_json) {
  ApiClient client(api);
  json::object total{{"messages", 0}, {"bodies", 0}, {"bytes", 0}, {"notices_owed", 0}};
  bool more = true;
  while (more) {
    const json::value answer =
        client.send("POST", "/v1/retention/run", nullptr, {{"dry_run", dry_run ? "true" : "false"}});
    const json::object& step = object_of(answer);
    for (auto& member : total) member.value() = number_of(total, member.key()) + number_of(step, member.key());
    more = flag_of(step, "more");
    if (dry_run) break;
  }
  total["dry_run"] = dry_run;
  total["more"] = more;
  if (as_json)
    std::cout << json::serialize(total) << '\n';
  else
    std::cout << (dry_run ? more ? "would remove at least " : "would remove " : "removed ") << removal(total) << '\n';
  return EX_OK;
}

}  // namespace postrider::cmd
