#include "cmd/cli.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>

#include "cmd/config_command.h"
#include "cmd/exit_codes.h"
#include "cmd/mailq.h"
#include "cmd/queue_command.h"
#include "cmd/sendmail.h"
#include "cmd/serve.h"
#include "cmd/spool_command.h"
#include "cmd/user_command.h"

namespace postrider::cmd {

namespace {

// What the chosen subcommand will do; set by its callback while the line is parsed, called when all of it was understood.
using Action = std::function<int()>;

// The options of one command line; CLI11 writes into them.
struct Line {
  Action action;
  std::string config;
  ApiOptions api;
  std::string data_dir;
  bool json = false;
  ListOptions list;
  std::string id;
  SteerOptions steer;
  UserAddOptions user;
  std::string senders;
  bool toml = false;

  std::optional<std::string> config_file() const {
    return config.empty() ? std::nullopt : std::optional<std::string>(config);
  }
  ApiOptions api_options() const {
    ApiOptions options = api;
    options.config_file = config_file();
    return options;
  }
  SpoolPlace spool() const { return {data_dir, config_file()}; }
  ListOptions list_options() const {
    ListOptions options = list;
    options.json = json;
    return options;
  }
};

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

// --state, --sender, ...: each goes on under the name it has in the API.
void add_list_options(CLI::App& app, Line& line) {
  const std::pair<const char*, const char*> filters[] = {
      {"state", "Only messages in this state"},
      {"sender", "Only from this address, or @domain"},
      {"recipient", "Only to this address, or @domain"},
      {"since", "Only accepted at or after this time (2026-01-31T08:15:00Z)"},
      {"until", "Only accepted before this time"},
      {"limit", "At most this many (1 to 1000, default 50)"},
      {"cursor", "Where an earlier listing ended"}};
  for (const auto& [name, help] : filters)
    app.add_option_function<std::string>(
        std::string("--") + name,
        [&line, n = std::string(name)](const std::string& value) { line.list.filters.emplace_back(n, value); }, help);
  add_json_flag(app, line);
}

void add_id(CLI::App& app, Line& line) {
  app.add_option("id", line.id, "Id of the message")->required();
}

void add_serve(CLI::App& app, Line& line) {
  CLI::App* serve = add_verb(app, line, "serve", "Run the relay", [&line] { return run_serve(line.config_file()); });
  add_config_option(*serve, line);
}

void add_config(CLI::App& app, Line& line) {
  CLI::App* config = app.add_subcommand("config", "Check and show the configuration");
  config->require_subcommand(1);
  add_config_option(
      *add_verb(*config, line, "check", "Report every fault", [&line] { return run_config_check(line.config_file()); }),
      line);
  add_config_option(*add_verb(*config, line, "show", "Show every value in force and where it comes from",
                              [&line] { return run_config_show(line.config_file()); }),
                    line);
  CLI::App* reference = add_verb(*config, line, "reference", "Print the reference of all options", [&line] {
    return run_config_reference(line.toml ? ReferenceFormat::toml : ReferenceFormat::markdown);
  });
  reference->add_flag("--toml", line.toml, "As an annotated configuration file");
}

void add_queue_steering(CLI::App& queue, Line& line) {
  const std::pair<const char*, const char*> verbs[] = {
      {"retry", "Make messages due now (queued, deferred, held or failed ones)"},
      {"hold", "Hold messages back"},
      {"release", "Let held, failed or suppressed messages go"},
      {"cancel", "Cancel messages that are not sent yet"}};
  for (const auto& [name, help] : verbs) {
    CLI::App* verb = add_verb(queue, line, name, help, [&line, n = std::string(name)] {
      line.steer.verb = n;
      line.steer.json = line.json;
      return run_queue_steer(line.api_options(), line.steer);
    });
    verb->add_option("id", line.steer.ids, "Ids of messages")->required();
    verb->add_option("--recipient", line.steer.recipient, "Only this recipient");
    verb->add_option("--reason", line.steer.reason, "Why, for the history");
    add_json_flag(*verb, line);
    add_api_options(*verb, line);
  }
}

void add_queue(CLI::App& app, Line& line) {
  CLI::App* queue = app.add_subcommand("queue", "See and steer the messages of the running relay");
  queue->require_subcommand(1);
  CLI::App* list = add_verb(*queue, line, "list", "List messages, newest first",
                            [&line] { return run_queue_list(line.api_options(), line.list_options()); });
  add_list_options(*list, line);
  add_api_options(*list, line);
  CLI::App* show = add_verb(*queue, line, "show", "Where a message is, why, and all that happened to it",
                            [&line] { return run_queue_show(line.api_options(), line.id, line.json); });
  add_id(*show, line);
  add_json_flag(*show, line);
  add_api_options(*show, line);
  CLI::App* cat = add_verb(*queue, line, "cat", "Print the body of a message",
                           [&line] { return run_queue_cat(line.api_options(), line.id); });
  add_id(*cat, line);
  add_api_options(*cat, line);
  add_queue_steering(*queue, line);
}

void add_spool(CLI::App& app, Line& line) {
  CLI::App* spool = app.add_subcommand("spool", "Read the spool on disk, beside a running relay or without one");
  spool->require_subcommand(1);
  const auto place = [&line](CLI::App* verb) {
    verb->add_option("--data-dir", line.data_dir, "The data directory (default: the configuration's)")
        ->type_name("DIR");
    add_config_option(*verb, line);
  };
  CLI::App* stat = add_verb(*spool, line, "stat", "Figures of the spool",
                            [&line] { return run_spool_stat(line.spool(), line.json); });
  add_json_flag(*stat, line);
  place(stat);
  CLI::App* list = add_verb(*spool, line, "list", "List messages, newest first",
                            [&line] { return run_spool_list(line.spool(), line.list_options()); });
  add_list_options(*list, line);
  place(list);
  CLI::App* show = add_verb(*spool, line, "show", "One message and its history",
                            [&line] { return run_spool_show(line.spool(), line.id, line.json); });
  add_id(*show, line);
  add_json_flag(*show, line);
  place(show);
  CLI::App* cat = add_verb(*spool, line, "cat", "Print the body of a message",
                           [&line] { return run_spool_cat(line.spool(), line.id); });
  add_id(*cat, line);
  place(cat);
  CLI::App* verify = add_verb(*spool, line, "verify", "Read everything and report what is damaged",
                              [&line] { return run_spool_verify(line.spool(), line.json); });
  add_json_flag(*verify, line);
  place(verify);
}

// "a@example.com, *@example.net" to a list.
std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> out;
  for (const std::string& part : CLI::detail::split(text, ','))
    if (std::string trimmed = CLI::detail::trim_copy(part); !trimmed.empty()) out.push_back(std::move(trimmed));
  return out;
}

void add_user(CLI::App& app, Line& line) {
  CLI::App* user = app.add_subcommand("user", "Manage SMTP users");
  user->require_subcommand(1);
  const auto common = [&line](CLI::App* verb, bool named) {
    if (named) verb->add_option("name", line.user.name, "Name of the user")->required();
    add_api_options(*verb, line);
  };
  CLI::App* add = add_verb(*user, line, "add", "Add a user", [&line] {
    line.user.senders = split_list(line.senders);
    return run_user_add(line.api_options(), line.user);
  });
  add->add_option("--role", line.user.role, "sender (default), operator or admin");
  add->add_option("--senders", line.senders, "Addresses or domains it may send as, separated by commas (default: any)");
  add->add_flag("--scram", line.user.scram, "Let it log in with SCRAM-SHA-256 too");
  common(add, true);
  CLI::App* passwd = add_verb(*user, line, "passwd", "Change a user's password", [&line] {
    return run_user_passwd(line.api_options(), line.user.name, line.user.password_stdin);
  });
  common(passwd, true);
  for (CLI::App* verb : {add, passwd})
    verb->add_flag("--password-stdin", line.user.password_stdin, "Read the password as one line of stdin");
  CLI::App* list =
      add_verb(*user, line, "list", "List users", [&line] { return run_user_list(line.api_options(), line.json); });
  add_json_flag(*list, line);
  common(list, false);
  CLI::App* remove = add_verb(*user, line, "remove", "Remove a user",
                              [&line] { return run_user_remove(line.api_options(), line.user.name); });
  common(remove, true);
}

int perform(const Action& action, const char* program = "postrider") {
  try {
    const int exit_code = action();
    std::cout.flush();
    if (!std::cout) throw CommandError(EX_IOERR, "cannot write to stdout");
    return exit_code;
  } catch (const CommandError& error) {
    std::cerr << program << ": " << error.what() << '\n';
    return error.exit_code();
  } catch (const std::exception& error) {
    std::cerr << program << ": " << error.what() << '\n';
    return EX_SOFTWARE;
  }
}

// Known here for --help only: their options are those of other programs.
void add_mail_programs(CLI::App& app) {
  app.add_subcommand("sendmail",
                     "Submit a message as the sendmail program does (also by that name); see sendmail --help");
  app.add_subcommand("mailq", "Show the queue as the mailq program does (also by that name)");
}

// Both print what this very table says, and so read it when all of it is there.
void add_manual(CLI::App& app, Line& line) {
  CLI::App* man = add_verb(app, line, "man", "Print a manual page", [&app, &line] {
    return line.output.empty() ? print_manual(app, line.page) : write_manual(app, line.output);
  });
  man->add_option("page", line.page, "Of which command (default: postrider(1))")->type_name("COMMAND");
  man->add_option("--output", line.output, "Write every page into this directory")->type_name("DIR");
  add_verb(app, line, "completion", "Print a completion script for bash", [&app] {
    std::cout << bash_completion(app);
    return EX_OK;
  });
}

// The program this process is to be when it is not the command line of postrider: by the name it was called with, or by its first
// argument. Its own arguments begin at `first`.
struct MailProgram {
  std::string name;  // empty: none
  int first = 1;
};

MailProgram mail_program(int argc, const char* const* argv) {
  const auto known = [](std::string_view name) { return name == "sendmail" || name == "mailq"; };
  std::string_view called = argc > 0 ? argv[0] : "";
  called.remove_prefix(called.rfind('/') + 1);  // npos + 1 is 0
  if (known(called)) return {std::string(called), 1};
  if (argc > 1 && known(argv[1])) return {argv[1], 2};
  return {};
}

int run_mail_program(const MailProgram& program, int argc, const char* const* argv) {
  return perform(
      [&] {
        DropGroup group;
        const std::vector<std::string> arguments(argv + program.first, argv + argc);
        if (program.name == "sendmail") return run_sendmail(arguments, group);
        group.give_up();
        return run_mailq();
      },
      program.name.c_str());
}

}  // namespace

int run(int argc, const char* const* argv) {
  const MailProgram program = mail_program(argc, argv);
  if (!program.name.empty()) return run_mail_program(program, argc, argv);
  Line line;
  CLI::App app{"Postrider, a store-and-forward mail relay for applications", "postrider"};
  app.set_version_flag("--version", "postrider " POSTRIDER_VERSION);
  app.require_subcommand(1);
  add_serve(app, line);
  add_config(app, line);
  add_queue(app, line);
  add_spool(app, line);
  add_user(app, line);
  add_mail_programs(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? EX_OK : EX_USAGE;
  }
  return perform([&line] {
    DropGroup().give_up();  // only sendmail has a use for it
    return line.action();
  });
}

}  // namespace postrider::cmd
