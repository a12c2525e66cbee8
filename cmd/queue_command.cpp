#include "cmd/queue_command.h"

#include <boost/json/serialize.hpp>
#include <iostream>

#include "cmd/exit_codes.h"
#include "cmd/filters.h"
#include "cmd/json_view.h"
#include "cmd/message_view.h"
#include "net/loop.h"

namespace postrider::cmd {

namespace {

namespace json = boost::json;

constexpr std::size_t kUsualLimit = 50, kMaxLimit = 100'000;
constexpr std::size_t kMessagesAtOnce = 1000;  // the most the API gives at once

std::string message_path(const std::string& id) {
  return "/v1/messages/" + url_encode(id);
}

// Which upstream a message waits for. Only an operator may know; the rest of the message is worth showing without it.
json::value route_of(ApiClient& client, const json::object& message) {
  const std::string state = text_of(message, "state");
  if (state != "queued" && state != "deferred") return json::object();
  try {
    return client.get(message_path(text_of(message, "id")) + "/route");
  } catch (const CommandError&) {
    return json::object();
  }
}

}  // namespace

int run_queue_list(const ApiOptions& api, const ListOptions& options) {
  Parameters filters = with_absolute_times(options.filters, net::SystemClock().now());
  const std::size_t limit = take_number(filters, "limit", kUsualLimit, kMaxLimit);
  ApiClient client(api);
  json::array messages;
  std::string next;
  do {
    set(filters, "limit", std::to_string(std::min(limit - messages.size(), kMessagesAtOnce)));
    const json::value page = client.get("/v1/messages", filters);
    for (const json::object* message : objects_of(object_of(page), "messages")) messages.emplace_back(*message);
    next = text_of(object_of(page), "next");
    set(filters, "cursor", next);
  } while (!next.empty() && messages.size() < limit);
  const json::object listed{{"messages", std::move(messages)},
                            {"next", next.empty() ? json::value(nullptr) : json::value(next)}};
  if (options.json)
    std::cout << json::serialize(listed) << '\n';
  else
    std::cout << render_list(listed, stdout_look(net::SystemClock().now(), options.absolute));
  return EX_OK;
}

int run_queue_show(const ApiOptions& api, const std::string& id, bool as_json, bool absolute) {
  ApiClient client(api);
  const json::value message = client.get(message_path(id));
  if (as_json) {
    std::cout << json::serialize(message) << '\n';
    return EX_OK;
  }
  const json::value route = route_of(client, object_of(message));
  std::cout << render_message(object_of(message), object_of(route), stdout_look(net::SystemClock().now(), absolute));
  return EX_OK;
}

int run_queue_cat(const ApiOptions& api, const std::string& id, bool only_header) {
  ApiClient client(api);
  // Asked first: what the API says of a removed body names its own parameter.
  if (!only_header && text_of(object_of(client.get(message_path(id))), "body") == "removed")
    throw CommandError(EX_NOINPUT, "the body of this message was removed; its header is still there: --headers");
  std::cout << client.get_text(message_path(id) + "/body" + (only_header ? "?headers=true" : ""), "message/rfc822");
  return EX_OK;
}

}  // namespace postrider::cmd
