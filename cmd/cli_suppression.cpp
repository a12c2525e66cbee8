// The part of the command table that is about the suppression list.
#include "cmd/cli_line.h"

namespace postrider::cmd {

void add_suppression(CLI::App& app, Line& line) {
  CLI::App* group = app.add_subcommand("suppression", "Manage the addresses that get no mail");
  group->require_subcommand(1);
  CLI::App* list = add_verb(*group, line, "list", "List them with reason, time and who put them there", [&line] {
    line.suppression.json = line.json;
    return run_suppression_list(line.api_options(), line.suppression);
  });
  add_json_flag(*list, line);
  CLI::App* add = add_verb(*group, line, "add", "Let addresses get no mail; what waits for them is suppressed when due",
                           [&line] { return run_suppression_add(line.api_options(), line.suppression); });
  add->add_option("--reason", line.suppression.reason, "Why, for people and for the history of messages");
  CLI::App* remove = add_verb(*group, line, "remove",
                              "Let addresses get mail again; suppressed messages stay so until "
                              "they are released",
                              [&line] { return run_suppression_remove(line.api_options(), line.suppression); });
  for (CLI::App* verb : {add, remove}) verb->add_option("address", line.suppression.addresses, "Addresses")->required();
  for (CLI::App* verb : {list, add, remove}) add_api_options(*verb, line);
}

}  // namespace postrider::cmd
