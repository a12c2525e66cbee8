#include "cmd/events_command.h"

#include <unistd.h>
#include <csignal>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <iostream>
#include <limits>
#include <thread>

#include "cmd/exit_codes.h"
#include "cmd/filters.h"
#include "cmd/json_view.h"
#include "cmd/output.h"
#include "cmd/upstream_view.h"
#include "net/loop.h"

namespace postrider::cmd {

namespace {

namespace json = boost::json;

constexpr std::size_t kEventsAtOnce = 500;
constexpr std::chrono::seconds kWait(30);  // how long the daemon holds a request when there is nothing new
constexpr Duration kFirstPause = std::chrono::milliseconds(250), kLongestPause = std::chrono::seconds(5);

bool has(const Parameters& filters, std::string_view name) {
  return std::any_of(filters.begin(), filters.end(), [&](const auto& filter) { return filter.first == name; });
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.resize(width, ' ');
  return text;
}

Tone tone_of_event(const std::string& type) {
  if (type == "upstream_opened" || type == "upstream_rolled_back") return Tone::bad;
  if (type == "upstream_closed" || type == "upstream_promoted") return Tone::good;
  return type == "upstream_paused" ? Tone::warn : tone_of_state(type);
}

bool of_upstream(const json::object& event) {
  return text_of(event, "type").starts_with("upstream_");
}

bool takes_mail_away(const json::object& event) {
  const std::string type = text_of(event, "type");
  return type == "upstream_opened" || type == "upstream_paused";
}

// "01hf7...  user@example.net: upstream trouble ..."
std::string about_message(const json::object& event) {
  const std::string type = text_of(event, "type");
  std::string what = text_of(event, "recipient");
  if (type == "accepted") {
    const std::string sender = text_of(event, "sender");
    what = "from " + (sender.empty() ? "<>" : sender);
  }
  const json::value* attempt = event.if_contains("attempt");
  if (attempt && attempt->is_object()) {
    const json::object& made = attempt->get_object();
    what = text_of(made, "upstream") + ": " + text_of(made, "outcome");
  }
  if (const std::string upstream = text_of(event, "upstream"); !upstream.empty())
    what += ", says " + upstream;  // what its provider reported
  if (const std::string actor = text_of(event, "actor"); !actor.empty())
    what += (what.empty() ? "by " : ", by ") + actor;
  if (const std::string reason = text_of(event, "reason"); !reason.empty()) what += (what.empty() ? "" : ": ") + reason;
  return text_of(event, "message") + "  " + what;
}

// "2026-01-31T08:15:00Z  deferred   01hf7...  user@example.net: upstream trouble ..."
// "2026-01-31T08:15:00Z  upstream_opened   primary out of service: connection refused at connect; mail goes to backup"
// `after`: what is known beyond the event itself.
std::string render_event(const json::object& event, const std::string& after, const Look& look) {
  const auto time = time_of(event, "at");
  const std::string type = text_of(event, "type");
  const std::string head = (time ? absolute_time(*time) : "-") + "  ";
  std::string what = of_upstream(event) ? upstream_sentence(event) : about_message(event);
  if (!after.empty()) what += "; " + after;
  const std::string tail = "  " + printable(what);
  const std::string kind = padded(type, 16);
  const std::size_t taken = head.size() + kind.size();
  const std::size_t room = look.width > taken + 30 ? look.width - taken : 0;
  return head + paint(kind, tone_of_event(type), look.colour) + cut(tail, room);
}

// Lines go out page by page, whole: so the process may end at any moment between two pages.
void end_at_interrupt() {
  struct sigaction action {};
  action.sa_handler = [](int) { ::_exit(EX_OK); };
  ::sigaction(SIGINT, &action, nullptr);
}

class EventReader {
 public:
  EventReader(const ApiOptions& api, const EventsOptions& options)
      : client_(api),
        options_(options),
        filters_(with_absolute_times(options.filters, net::SystemClock().now())),
        left_(take_number(filters_, "limit", std::numeric_limits<std::size_t>::max(), 1'000'000'000)) {}

  void run() {
    if (options_.follow) begin();
    bool more = true;
    while (left_ > 0 && (more || options_.follow)) {
      set(filters_, "limit", std::to_string(std::min(left_, kEventsAtOnce)));
      const json::value page = options_.follow ? next_page() : client_.get("/v1/events", filters_);
      more = show(object_of(page));
    }
  }

 private:
  // Without --since only what is yet to come. The cursor is fetched before the first wait, so that no restart can lose it.
  void begin() {
    if (has(filters_, "since")) return;
    const json::value end = client_.get("/v1/events", {{"after", "end"}, {"limit", "1"}});
    set(filters_, "after", text_of(object_of(end), "next"));
  }

  bool show(const json::object& page) {
    const Look look = stdout_look(Time());
    for (const json::object* event : objects_of(page, "events")) {
      if (options_.json)
        std::cout << json::serialize(*event) << '\n';
      else
        std::cout << render_event(*event, what_follows(*event), look) << '\n';
      --left_;
    }
    std::cout.flush();
    if (!std::cout) throw CommandError(EX_IOERR, "cannot write to stdout");
    set(filters_, "after", text_of(page, "next"));
    return flag_of(page, "more");
  }

  // Who takes over, as long as that is news: asked of the daemon now, which knows nothing of how it was back then.
  std::string what_follows(const json::object& event) {
    if (!options_.follow || !takes_mail_away(event)) return {};
    try {
      const json::value upstreams = client_.get("/v1/upstreams");
      return where_mail_goes(object_of(upstreams), text_of(event, "upstream"));
    } catch (const CommandError&) {
      return {};  // the event itself is what was asked for
    }
  }

  json::value next_page() {
    set(filters_, "wait", std::to_string(kWait.count()));
    Duration pause = kFirstPause;
    for (bool lost = false;; lost = true) {
      try {
        json::value page = client_.get("/v1/events", filters_, kWait);
        if (lost) std::cerr << "postrider: the daemon answers again; " << where() << '\n';
        return page;
      } catch (const CommandError& error) {
        const bool passes = error.exit_code() == EX_UNAVAILABLE || error.exit_code() == EX_TEMPFAIL;
        if (!passes) throw;
        if (!lost) std::cerr << "postrider: lost the daemon, trying again: " << error.what() << '\n';
      }
      std::this_thread::sleep_for(pause);
      pause = std::min(pause * 2, kLongestPause);
    }
  }

  std::string where() const {
    for (const auto& [name, value] : filters_)
      if (name == "after") return "going on after event " + value;
    return "beginning again";
  }

  ApiClient client_;
  const EventsOptions& options_;
  Parameters filters_;
  std::size_t left_;
};

}  // namespace

int run_events(const ApiOptions& api, const EventsOptions& options) {
  if (options.follow) end_at_interrupt();
  EventReader(api, options).run();
  return EX_OK;
}

}  // namespace postrider::cmd
