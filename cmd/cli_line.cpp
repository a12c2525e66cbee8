#include "cmd/cli_line.h"

namespace postrider::cmd {

CLI::App* add_verb(CLI::App& parent, Line& line, const std::string& name, const std::string& help, Action action) {
  CLI::App* verb = parent.add_subcommand(name, help);
  verb->callback([&line, action = std::move(action)] { line.action = action; });
  return verb;
}

void add_config_option(CLI::App& app, Line& line) {
  app.add_option("--config", line.config,
                 "Configuration file (default: " + std::string(kDefaultConfigFile) + " if it exists)")
      ->type_name("FILE");
}

void add_json_flag(CLI::App& app, Line& line) {
  app.add_flag("--json", line.json, "JSON, the same as the API gives");
}

void add_api_options(CLI::App& app, Line& line) {
  app.add_option("--url", line.api.url, "Where the daemon's API is (default: POSTRIDER_URL, then the configuration)");
  app.add_option(
      "--token", line.api.token,
      "Its key (default: POSTRIDER_TOKEN, then data_dir/operator.token); visible to other users of this machine");
  add_config_option(app, line);
}

}  // namespace postrider::cmd
