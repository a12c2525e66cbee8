// One command line while it is read: where CLI11 writes what it says, and the options that several commands share. Of cmd/cli.cpp and the
// files that hold parts of its table.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cmd/api_client.h"
#include "cmd/bootstrap.h"
#include "cmd/config_command.h"
#include "cmd/events_command.h"
#include "cmd/import_command.h"
#include "cmd/queue_command.h"
#include "cmd/spool_command.h"
#include "cmd/suppression_command.h"
#include "cmd/token_command.h"
#include "cmd/upstream_classify.h"
#include "cmd/upstream_command.h"
#include "cmd/user_command.h"

namespace postrider::cmd {

// What the chosen subcommand will do; set by its callback while the line is parsed, called when all of it was understood.
using Action = std::function<int()>;

// The options of one command line; CLI11 writes into them.
struct Line {
  Action action;
  std::string config;
  ApiOptions api;
  std::string data_dir, output;
  bool no_hold = false, with_users = false;
  bool json = false, absolute = false;
  bool only_header = false;
  ListOptions list;
  std::string id;
  SteerOptions steer;
  EventsOptions events;
  UpstreamOptions upstream;
  ClassifyOptions classify;
  SuppressionOptions suppression;
  UserOptions user;
  TokenOptions token;
  BootstrapOptions bootstrap;
  std::string scopes, senders, networks, allow_recipients;
  bool toml = false;
  std::string page;
  Shown shown = Shown::all;
  ImportCommand importing;

  std::optional<std::string> config_file() const {
    return config.empty() ? std::nullopt : std::optional<std::string>(config);
  }
  ApiOptions api_options() const {
    ApiOptions options = api;
    options.config_file = config_file();
    return options;
  }
  BootstrapOptions bootstrap_options() const {
    BootstrapOptions options = bootstrap;
    options.config_file = config_file();
    return options;
  }
  SpoolPlace spool() const { return {data_dir, config_file()}; }
  UpstreamOptions upstream_options() const {
    UpstreamOptions options = upstream;
    options.json = json;
    options.absolute = absolute;
    return options;
  }
  ListOptions list_options() const {
    ListOptions options = list;
    options.json = json;
    options.absolute = absolute;
    return options;
  }
};

CLI::App* add_verb(CLI::App& parent, Line& line, const std::string& name, const std::string& help, Action action);
void add_config_option(CLI::App& app, Line& line);
void add_json_flag(CLI::App& app, Line& line);
void add_api_options(CLI::App& app, Line& line);  // --url, --token, --config

// Parts of the table.
void add_user(CLI::App& app, Line& line);
void add_token(CLI::App& app, Line& line);
void add_bootstrap(CLI::App& app, Line& line);
void add_suppression(CLI::App& app, Line& line);

}  // namespace postrider::cmd
