// `postrider queue retry|hold|release|cancel`: messages by their ids, one after the other, or all that fit a filter, step by step
// for as long as the daemon says there is more.
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <iostream>
#include <map>

#include "cmd/exit_codes.h"
#include "cmd/filters.h"
#include "cmd/json_view.h"
#include "cmd/message_view.h"
#include "cmd/progress.h"
#include "cmd/queue_command.h"
#include "net/loop.h"

namespace postrider::cmd {

namespace {

namespace json = boost::json;

constexpr std::uint64_t kAskAbove = 100;

struct Totals {
  std::uint64_t matched = 0, applicable = 0, changed = 0, skipped = 0;
  std::map<std::string, std::uint64_t> by_state, skipped_because;
};

std::string past_tense(const std::string& verb) {
  if (verb == "hold") return "held";
  if (verb == "retry") return "made due now";
  return verb == "release" ? "released" : "cancelled";
}

std::string gerund(const std::string& verb) {
  if (verb == "retry") return "retrying";
  return verb == "release" ? "releasing" : verb == "cancel" ? "cancelling" : "holding";
}

void add_counts(std::map<std::string, std::uint64_t>& counts, const json::object& answer, std::string_view name) {
  const json::value* map = answer.if_contains(name);
  if (!map || !map->is_object()) return;
  for (const auto& member : map->get_object())
    counts[std::string(member.key())] += static_cast<std::uint64_t>(number_of(map->get_object(), member.key()));
}

void add(Totals& totals, const json::object& answer) {
  const auto count = [&](const char* name) { return static_cast<std::uint64_t>(number_of(answer, name)); };
  totals.matched += count("matched");
  totals.applicable += count("applicable");
  totals.changed += count("changed");
  totals.skipped += count("skipped");
  add_counts(totals.by_state, answer, "by_state");
  add_counts(totals.skipped_because, answer, "skipped_because");
}

// " (sent 3, failed 1)"
std::string listed(const std::map<std::string, std::uint64_t>& counts) {
  std::string text;
  for (const auto& [name, count] : counts) text += (text.empty() ? " (" : ", ") + name + " " + std::to_string(count);
  return text.empty() ? text : text + ")";
}

std::string summary(const std::string& verb, bool dry_run, const Totals& totals) {
  const std::string fit = counted(totals.matched, "message") + (totals.matched == 1 ? " fits" : " fit");
  std::string text = fit + listed(totals.by_state) + "; ";
  text += dry_run ? std::to_string(totals.applicable) + " would be " + past_tense(verb)
                  : std::to_string(totals.changed) + " " + past_tense(verb);
  if (totals.skipped > 0) text += ", " + std::to_string(totals.skipped) + " skipped" + listed(totals.skipped_because);
  return text + "\n";
}

json::object counts_json(const std::map<std::string, std::uint64_t>& counts) {
  json::object out;
  for (const auto& [name, count] : counts) out[name] = count;
  return out;
}

json::object totals_json(const SteerOptions& options, const Totals& totals) {
  return {{"verb", options.verb},
          {"dry_run", options.dry_run},
          {"matched", totals.matched},
          {"by_state", counts_json(totals.by_state)},
          {"applicable", totals.applicable},
          {"changed", totals.changed},
          {"skipped", totals.skipped},
          {"skipped_because", counts_json(totals.skipped_because)},
          {"next", nullptr}};
}

class BulkRun {
 public:
  BulkRun(ApiClient& client, const SteerOptions& options, Parameters query)
      : client_(client), options_(options), query_(std::move(query)) {
    if (!options.reason.empty()) body_ = json::object{{"reason", options.reason}};
  }

  // `expected`: how many messages fit, 0: not known.
  Totals run(bool dry_run, std::uint64_t expected) {
    Totals totals;
    Progress progress;
    Parameters query = query_;
    set(query, "dry_run", dry_run ? "true" : "false");
    while (true) {
      const json::value answer = step(query, totals);
      add(totals, object_of(answer));
      const std::string next = text_of(object_of(answer), "next");
      if (next.empty()) return totals;
      set(query, "cursor", next);
      progress.show(dry_run ? "counting" : gerund(options_.verb), ProgressUnit::messages, totals.matched, expected);
    }
  }

 private:
  json::value step(const Parameters& query, const Totals& so_far) {
    try {
      return client_.send("POST", "/v1/messages/" + options_.verb, body_, query);
    } catch (const CommandError& error) {
      if (so_far.changed == 0) throw;
      throw CommandError(error.exit_code(), std::string(error.what()) + "; " + std::to_string(so_far.changed) +
                                                " were " + past_tense(options_.verb) +
                                                " before that: the same command goes on with the rest");
    }
  }

  ApiClient& client_;
  const SteerOptions& options_;
  Parameters query_;
  json::value body_;
};

bool agreed(const std::string& verb, std::uint64_t count) {
  std::cerr << counted(count, "message") << " would be " << past_tense(verb) << ". Go on? [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

int steer_by_filter(ApiClient& client, const SteerOptions& options) {
  Parameters query = with_absolute_times(options.filters, net::SystemClock().now());
  if (!options.recipient.empty()) query.emplace_back("recipient", options.recipient);
  if (options.all) query.emplace_back("all", "true");
  BulkRun bulk(client, options, std::move(query));
  const bool asks = options.interactive.value_or(::isatty(STDIN_FILENO) == 1 && stderr_is_terminal()) && !options.yes;
  std::uint64_t expected = 0;
  if (asks && !options.dry_run) {
    const Totals counted_now = bulk.run(true, 0);
    expected = counted_now.matched;
    if (counted_now.applicable > kAskAbove && !agreed(options.verb, counted_now.applicable)) {
      std::cerr << "nothing was changed\n";
      return EX_OK;
    }
  }
  const Totals totals = bulk.run(options.dry_run, expected);
  if (options.json)
    std::cout << json::serialize(totals_json(options, totals)) << '\n';
  else
    std::cout << summary(options.verb, options.dry_run, totals);
  return EX_OK;
}

int steer_by_id(ApiClient& client, const SteerOptions& options) {
  json::object body;
  if (!options.recipient.empty()) body["recipient"] = options.recipient;
  if (!options.reason.empty()) body["reason"] = options.reason;
  const json::value sent(std::move(body));
  int exit_code = EX_OK;
  for (const std::string& id : options.ids) {
    try {
      const json::value message = client.send("POST", "/v1/messages/" + url_encode(id) + "/" + options.verb, sent);
      if (options.json)
        std::cout << json::serialize(message) << '\n';
      else
        std::cout << id << ": " << where_and_why(object_of(message), net::SystemClock().now()) << '\n';
    } catch (const CommandError& error) {
      std::cerr << "postrider: " << id << ": " << error.what() << '\n';
      if (exit_code == EX_OK) exit_code = error.exit_code();
      if (error.exit_code() == EX_UNAVAILABLE) break;
    }
  }
  return exit_code;
}

}  // namespace

int run_queue_steer(const ApiOptions& api, const SteerOptions& options) {
  const bool filtered = !options.filters.empty() || options.all;
  if (!options.ids.empty() && (filtered || options.dry_run))
    throw CommandError(EX_USAGE, "give ids of messages, or filters with --dry-run or without; not both");
  if (options.ids.empty() && !filtered && options.recipient.empty())
    throw CommandError(EX_USAGE,
                       "say which messages: by their ids, or --state, --sender, --recipient, --since or "
                       "--until; or --all");
  ApiClient client(api);
  return options.ids.empty() ? steer_by_filter(client, options) : steer_by_id(client, options);
}

}  // namespace postrider::cmd
