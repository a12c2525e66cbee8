#include "cmd/suppression_command.h"

#include <boost/json/serialize.hpp>
#include <iostream>

#include "cmd/exit_codes.h"
#include "cmd/json_view.h"
#include "cmd/output.h"
#include "net/loop.h"

namespace postrider::cmd {

namespace {

namespace json = boost::json;

constexpr const char* kPath = "/v1/suppressions";

// Calls `change(address)` for each; a refusal names the address it is of.
template <typename Change>
int change_each(const SuppressionOptions& options, Change change) {
  for (const std::string& address : options.addresses) {
    try {
      change(address);
    } catch (const CommandError& error) {
      throw CommandError(error.exit_code(), printable(address) + ": " + error.what());
    }
  }
  return EX_OK;
}

// All pages as one, in the form of the API's answer.
json::object whole_list(const ApiOptions& api) {
  ApiClient client(api);
  json::array entries;
  std::string next;
  do {
    Parameters query{{"limit", "1000"}};
    if (!next.empty()) query.emplace_back("cursor", next);
    const json::value page = client.get(kPath, query);
    for (const json::object* entry : objects_of(object_of(page), "suppressions")) entries.emplace_back(*entry);
    next = text_of(object_of(page), "next");
  } while (!next.empty());
  return {{"suppressions", std::move(entries)}, {"next", nullptr}};
}

}  // namespace

int run_suppression_list(const ApiOptions& api, const SuppressionOptions& options) {
  const json::object all = whole_list(api);
  if (options.json) {
    std::cout << json::serialize(all) << '\n';
    return EX_OK;
  }
  const Look look = stdout_look(net::SystemClock().now());
  Table table({"ADDRESS", "SINCE", "BY", "REASON"});
  for (const json::object* entry : objects_of(all, "suppressions"))
    table.add({printable(text_of(*entry, "address")), time_cell(time_of(*entry, "created_at"), look),
               printable(text_of(*entry, "actor")), printable(text_of(*entry, "reason"))});
  std::cout << table.render(look);
  return EX_OK;
}

int run_suppression_add(const ApiOptions& api, const SuppressionOptions& options) {
  ApiClient client(api);
  return change_each(options, [&](const std::string& address) {
    json::object entry{{"address", address}};
    if (!options.reason.empty()) entry["reason"] = options.reason;
    client.send("POST", kPath, entry);
  });
}

int run_suppression_remove(const ApiOptions& api, const SuppressionOptions& options) {
  ApiClient client(api);
  return change_each(options, [&](const std::string& address) {
    client.send("DELETE", std::string(kPath) + "/" + url_encode(address), nullptr);
  });
}

}  // namespace postrider::cmd
