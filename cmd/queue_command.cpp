#include "cmd/queue_command.h"

#include <boost/json/serialize.hpp>
#include <iostream>

#include "cmd/exit_codes.h"
#include "cmd/json_view.h"
#include "cmd/message_view.h"
#include "cmd/output.h"
#include "net/loop.h"

namespace postrider::cmd {

namespace {

namespace json = boost::json;

std::string message_path(const std::string& id) {
  return "/v1/messages/" + url_encode(id);
}

const json::object& object_of(const json::value& value) {
  if (!value.is_object()) throw CommandError(EX_PROTOCOL, "the answer is not what postrider gives: another version?");
  return value.get_object();
}

Time now() {
  return net::SystemClock().now();
}

}  // namespace

int run_queue_list(const ApiOptions& api, const ListOptions& options) {
  ApiClient client(api);
  const json::value page = client.get("/v1/messages", options.filters);
  if (options.json)
    std::cout << json::serialize(page) << '\n';
  else
    std::cout << render_list(object_of(page), now(), stdout_has_colours());
  return EX_OK;
}

int run_queue_show(const ApiOptions& api, const std::string& id, bool as_json) {
  ApiClient client(api);
  const json::value message = client.get(message_path(id));
  if (as_json)
    std::cout << json::serialize(message) << '\n';
  else
    std::cout << render_message(object_of(message), now(), stdout_has_colours());
  return EX_OK;
}

int run_queue_cat(const ApiOptions& api, const std::string& id) {
  ApiClient client(api);
  std::cout << client.get_text(message_path(id) + "/body", "message/rfc822");
  return EX_OK;
}

int run_queue_steer(const ApiOptions& api, const SteerOptions& options) {
  ApiClient client(api);
  json::object body;
  if (!options.recipient.empty()) body["recipient"] = options.recipient;
  if (!options.reason.empty()) body["reason"] = options.reason;
  const json::value sent(std::move(body));
  int exit_code = EX_OK;
  for (const std::string& id : options.ids) {
    try {
      const json::value message = client.send("POST", message_path(id) + "/" + options.verb, sent);
      if (options.json)
        std::cout << json::serialize(message) << '\n';
      else
        std::cout << id << ": " << where_and_why(object_of(message), now()) << '\n';
    } catch (const CommandError& error) {
      std::cerr << "postrider: " << id << ": " << error.what() << '\n';
      if (exit_code == EX_OK) exit_code = error.exit_code();
      if (error.exit_code() == EX_UNAVAILABLE) break;
    }
  }
  return exit_code;
}

}  // namespace postrider::cmd
