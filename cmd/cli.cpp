#include "cmd/cli.h"

#include <iostream>
#include <tuple>

#include "cmd/cli_line.h"
#include "cmd/exit_codes.h"
#include "cmd/mailq.h"
#include "cmd/manual.h"
#include "cmd/retention_command.h"
#include "cmd/sendmail.h"
#include "cmd/sendmail_options.h"
#include "cmd/serve.h"
#include "core/nearest.h"

namespace postrider::cmd {

namespace {

void add_absolute_flag(CLI::App& app, Line& line) {
  app.add_flag("--absolute", line.absolute, "Times as dates instead of \"3m ago\"");
}

using Filters = std::initializer_list<std::pair<const char*, const char*>>;

// Each goes on under the name it has in the API.
void add_filters(CLI::App& app, Parameters& into, Filters filters) {
  for (const auto& [name, help] : filters)
    app.add_option_function<std::string>(
        std::string("--") + name,
        [&into, n = std::string(name)](const std::string& value) { into.emplace_back(n, value); }, help);
}

void add_message_filters(CLI::App& app, Line& line) {
  add_filters(app, line.list.filters,
              {{"state", "Only messages in this state"},
               {"sender", "Only from this address, or @domain"},
               {"recipient", "Only to this address, or @domain"},
               {"since", "Only accepted at or after this time (2026-01-31T08:15:00Z, or 2h ago: 2h)"},
               {"until", "Only accepted before this time"}});
}

void add_list_options(CLI::App& app, Line& line) {
  add_message_filters(app, line);
  add_filters(app, line.list.filters,
              {{"limit", "At most this many (default 50; spool list: at most 1000)"},
               {"cursor", "Where an earlier listing ended"}});
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
  CLI::App* check = add_verb(*config, line, "check", "Report every fault and warn of traps",
                             [&line] { return run_config_check(line.config_file(), line.json); });
  CLI::App* show = add_verb(*config, line, "show", "Show every value in force and where it comes from", [&line] {
    return run_config_show(line.config_file(), {line.shown, line.json});
  });
  show->add_flag_callback(
      "--changed", [&line] { line.shown = Shown::given; }, "Only what the file or the environment says");
  for (CLI::App* verb : {check, show}) {
    verb->add_flag("--json", line.json, "As JSON");
    add_config_option(*verb, line);
  }
  CLI::App* reference = add_verb(*config, line, "reference", "Print the reference of all options", [&line] {
    return run_config_reference(line.toml ? ReferenceFormat::toml : ReferenceFormat::markdown);
  });
  reference->add_flag("--toml", line.toml, "As an annotated configuration file");
}

void add_import(CLI::App& app, Line& line) {
  CLI::App* group = app.add_subcommand("import", "Make a postrider.toml from the configuration of another program");
  group->require_subcommand(1);
  const auto verb = [&](const char* name, const char* help, const char* type) {
    CLI::App* added = add_verb(*group, line, name, help, [&line, n = std::string(name)] {
      line.importing.program = n;
      return run_import(line.importing);
    });
    added->add_option("file", line.importing.file, "Its configuration")->required()->type_name(type);
    added->add_option("--output,-o", line.importing.output, "Write it there (default: print it)")->type_name("FILE");
    added->add_flag("--force", line.importing.force, "Replace that file if it is there");
    added->add_flag("--with-secrets", line.importing.options.with_secrets,
                    "Write passwords into it (default: name files that you make)");
    added->add_option("--secrets-dir", line.importing.options.secrets_dir, "Where these files will be")
        ->type_name("DIR")
        ->capture_default_str();
    return added;
  };
  CLI::App* postfix = verb("postfix", "From Postfix's main.cf, and master.cf beside it", "MAIN.CF");
  postfix->add_option("sasl_passwd", line.importing.sasl_passwd, "Text of smtp_sasl_password_maps")->type_name("FILE");
  postfix->add_option("--master", line.importing.master, "master.cf (default: beside main.cf)")->type_name("FILE");
  postfix->add_option("--aliases", line.importing.aliases, "Text of alias_maps, such as /etc/aliases")
      ->type_name("FILE");
  postfix->add_option("--generic", line.importing.generic, "Text of smtp_generic_maps or sender_canonical_maps")
      ->type_name("FILE");
  verb("msmtp", "From msmtp's .msmtprc", "FILE");
  verb("ssmtp", "From ssmtp.conf", "FILE");
  verb("nullmailer", "From nullmailer's directory, or its remotes alone", "DIR|FILE");
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
    verb->add_option("id", line.steer.ids, "Ids of messages; or filters, for all that fit");
    add_filters(*verb, line.steer.filters,
                {{"state", "All messages in this state"},
                 {"sender", "All from this address, or @domain"},
                 {"since", "All accepted at or after this time (2026-01-31T08:15:00Z, or 2h: ago)"},
                 {"until", "All accepted before this time"}});
    verb->add_option("--recipient", line.steer.recipient,
                     "Only this recipient; without ids: of all messages to it, or @domain");
    verb->add_flag("--all", line.steer.all, "Every message");
    verb->add_flag("--dry-run", line.steer.dry_run, "Count what fits and change nothing");
    verb->add_flag("--yes", line.steer.yes, "Do not ask, however many would change");
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
  add_absolute_flag(*list, line);
  add_api_options(*list, line);
  CLI::App* show = add_verb(*queue, line, "show", "Where a message is, why, and all that happened to it",
                            [&line] { return run_queue_show(line.api_options(), line.id, line.json, line.absolute); });
  add_id(*show, line);
  add_absolute_flag(*show, line);
  add_json_flag(*show, line);
  add_api_options(*show, line);
  CLI::App* cat = add_verb(*queue, line, "cat", "Print a message as it is sent",
                           [&line] { return run_queue_cat(line.api_options(), line.id, line.only_header); });
  add_id(*cat, line);
  cat->add_flag("--headers", line.only_header, "Its header alone, which is kept longer than the body");
  add_api_options(*cat, line);
  add_queue_steering(*queue, line);
}

void add_events(CLI::App& app, Line& line) {
  CLI::App* events = add_verb(app, line, "events", "What happened to all messages and upstreams, in order", [&line] {
    line.events.json = line.json;
    return run_events(line.api_options(), line.events);
  });
  events->add_flag("--follow,-f", line.events.follow,
                   "Go on with what happens from now on (or since --since); Ctrl-C ends it");
  add_filters(*events, line.events.filters,
              {{"type", "Only these, separated by commas: accepted, sent, deferred, bounced, ...; upstream_*"},
               {"message", "Only of this message"},
               {"upstream", "Only of this upstream, and attempts at it"},
               {"since", "Only from this time on (2026-01-31T08:15:00Z, or 2h: ago)"},
               {"until", "Only before this time"},
               {"limit", "At most this many"}});
  add_json_flag(*events, line);
  add_api_options(*events, line);
}

void add_upstream_steering(CLI::App& upstream, Line& line) {
  using Run = int (*)(const ApiOptions&, const UpstreamOptions&);
  const std::tuple<const char*, const char*, Run> verbs[] = {
      {"test", "Connect and log in to it as a delivery would, without a message", run_upstream_test},
      {"pause", "Hand nothing more to it until it is resumed; mail goes to the next", run_upstream_pause},
      {"resume", "Let it go on, also when it asked for a pause, and probe it at once", run_upstream_resume}};
  for (const auto& [name, help, run] : verbs) {
    CLI::App* verb = add_verb(upstream, line, name, help,
                              [&line, run = run] { return run(line.api_options(), line.upstream_options()); });
    verb->add_option("name", line.upstream.name, "Name of the upstream")->required();
    add_json_flag(*verb, line);
    add_api_options(*verb, line);
  }
  CLI::App* prefer = add_verb(upstream, line, "prefer", "Ask it before all others, or as a canary first",
                              [&line] { return run_upstream_prefer(line.api_options(), line.upstream_options()); });
  prefer->add_option("name", line.upstream.name, "Name of the upstream");
  prefer->add_option("--canary", line.upstream.canary,
                     "Only this share (5%) or number (100) of messages first; goes back by itself when it does worse");
  prefer->add_flag("--dry-run", line.upstream.dry_run, "Say how many waiting messages would move and change nothing");
  prefer->add_flag("--none", line.upstream.none, "Back to the configured order");
  add_json_flag(*prefer, line);
  add_api_options(*prefer, line);
}

void add_upstream_explain(CLI::App& upstream, Line& line) {
  CLI::App* explain =
      add_verb(upstream, line, "explain", "Which upstream takes a message, why not the others, and what is next",
               [&line] { return run_upstream_explain(line.api_options(), line.upstream_options()); });
  explain->add_option("id", line.upstream.id, "Id of a message; or what is known of one:");
  add_filters(*explain, line.upstream.parameters,
              {{"from", "Its sender (default: the null sender)"},
               {"to", "A recipient"},
               {"lane", "high, normal or low (default: what the lane rules give it)"},
               {"tag", "Its tags, separated by commas"},
               {"credential", "The user that submits it (default: a client of a trusted network)"}});
  add_absolute_flag(*explain, line);
  add_json_flag(*explain, line);
  add_api_options(*explain, line);
}

void add_upstream_hooks(CLI::App& upstream, Line& line) {
  CLI::App* hooks = add_verb(upstream, line, "hooks", "Whether its provider reports events to this relay, and where to",
                             [&line] { return run_upstream_hooks(line.api_options(), line.upstream_options()); });
  hooks->add_option("name", line.upstream.name, "Name of the upstream")->required();
  hooks->add_flag("--register", line.upstream.register_hooks, "Tell the provider to report here");
  hooks->add_option("--report-to", line.upstream.url,
                    "Address that the provider is to report to (default: mgmt.public_url and /hooks/NAME)");
  hooks->add_flag("--dry-run", line.upstream.dry_run, "Say what would be changed there and change nothing");
  add_json_flag(*hooks, line);
  add_api_options(*hooks, line);
}

void add_upstream(CLI::App& app, Line& line) {
  CLI::App* upstream = app.add_subcommand("upstream", "See and steer where mail is handed to");
  upstream->require_subcommand(1);
  CLI::App* list = add_verb(*upstream, line, "list", "Each upstream's state, limits, last error, and what waits for it",
                            [&line] { return run_upstream_list(line.api_options(), line.upstream_options()); });
  add_absolute_flag(*list, line);
  add_json_flag(*list, line);
  add_api_options(*list, line);
  add_upstream_steering(*upstream, line);
  add_upstream_hooks(*upstream, line);
  add_upstream_explain(*upstream, line);
  CLI::App* classify =
      add_verb(*upstream, line, "classify", "What an answer of a provider's API would mean; asks nobody", [&line] {
        line.classify.json = line.json;
        return run_upstream_classify(line.classify);
      });
  add_classify_options(*classify, line.classify);
  classify->add_flag("--json", line.json, "As JSON");
}

void add_retention(CLI::App& app, Line& line) {
  CLI::App* retention = app.add_subcommand("retention", "What is kept for how long, and its removal");
  retention->require_subcommand(1);
  CLI::App* show =
      add_verb(*retention, line, "show", "The policy, what the next run would remove, what the last one did",
               [&line] { return run_retention_show(line.api_options(), line.json); });
  CLI::App* run = add_verb(*retention, line, "run", "Remove now what may go",
                           [&line] { return run_retention_run(line.api_options(), line.steer.dry_run, line.json); });
  run->add_flag("--dry-run", line.steer.dry_run, "Say what would be removed and remove nothing");
  for (CLI::App* verb : {show, run}) {
    add_json_flag(*verb, line);
    add_api_options(*verb, line);
  }
}

void add_spool_place(CLI::App& verb, Line& line) {
  verb.add_option("--data-dir", line.data_dir, "The data directory (default: the configuration's)")->type_name("DIR");
  add_config_option(verb, line);
}

void add_output(CLI::App& verb, Line& line, const std::string& help) {
  verb.add_option("--output", line.output, help)->type_name("DIR")->required();
}

void add_spool_copies(CLI::App& spool, Line& line) {
  CLI::App* write =
      add_verb(spool, line, "export", "Write messages as files: ID.eml, and ID.json with its history", [&line] {
        return run_spool_export(line.spool(), {line.list.filters, line.output, line.json});
      });
  add_message_filters(*write, line);
  add_output(*write, line, "Directory to make");
  CLI::App* backup = add_verb(spool, line, "backup", "Copy the spool, beside a running relay or without one", [&line] {
    return run_spool_backup(line.spool(), {line.output, line.no_hold, line.json});
  });
  add_output(*backup, line, "Data directory to make");
  backup->add_flag("--no-hold", line.no_hold,
                   "Leave live messages live: a relay that starts on the copy sends them, also what was sent since");
  CLI::App* compact =
      add_verb(spool, line, "compact", "Give free pages of the database back; the relay must be stopped",
               [&line] { return run_spool_compact(line.spool(), line.json); });
  CLI::App* salvage =
      add_verb(spool, line, "salvage", "Read what is left of a damaged database into a new one", [&line] {
        return run_spool_salvage(line.spool(), {line.output, line.with_users, line.json});
      });
  add_output(*salvage, line, "Data directory to make");
  salvage->add_flag("--users", line.with_users, "Bring back users and API keys too; removed ones may be among them");
  for (CLI::App* verb : {write, backup, compact, salvage}) {
    add_json_flag(*verb, line);
    add_spool_place(*verb, line);
  }
}

void add_spool(CLI::App& app, Line& line) {
  CLI::App* spool = app.add_subcommand("spool", "The spool on disk, beside a running relay or without one");
  spool->require_subcommand(1);
  const auto place = [&line](CLI::App* verb) { add_spool_place(*verb, line); };
  CLI::App* stat = add_verb(*spool, line, "stat", "Figures of the spool",
                            [&line] { return run_spool_stat(line.spool(), line.json); });
  add_json_flag(*stat, line);
  place(stat);
  CLI::App* list = add_verb(*spool, line, "list", "List messages, newest first",
                            [&line] { return run_spool_list(line.spool(), line.list_options()); });
  add_list_options(*list, line);
  add_absolute_flag(*list, line);
  place(list);
  CLI::App* show = add_verb(*spool, line, "show", "One message and its history",
                            [&line] { return run_spool_show(line.spool(), line.id, line.json, line.absolute); });
  add_id(*show, line);
  add_json_flag(*show, line);
  add_absolute_flag(*show, line);
  place(show);
  CLI::App* cat = add_verb(*spool, line, "cat", "Print the body of a message",
                           [&line] { return run_spool_cat(line.spool(), line.id); });
  add_id(*cat, line);
  place(cat);
  CLI::App* verify = add_verb(*spool, line, "verify", "Read everything and report what is damaged",
                              [&line] { return run_spool_verify(line.spool(), line.json); });
  add_json_flag(*verify, line);
  place(verify);
  add_spool_copies(*spool, line);
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

using Everything = bool (*)(const CLI::App*);
constexpr Everything kEverything = [](const CLI::App*) { return true; };

// The first word that stands where a subcommand has to: CLI11 only says that one is required. Empty: there is none.
std::string unknown_verb(CLI::App& app) {
  CLI::App* group = &app;
  std::string name = "postrider";
  while (!group->get_subcommands().empty()) {
    group = group->get_subcommands().front();
    name += ' ' + group->get_name();
  }
  const std::vector<std::string> left = group->remaining();
  const auto verbs = group->get_subcommands(kEverything);
  if (verbs.empty() || left.empty() || left.front().starts_with('-')) return {};
  std::vector<std::string_view> names;
  std::string all;
  for (const CLI::App* verb : verbs) {
    names.emplace_back(verb->get_name());
    all += (all.empty() ? "" : ", ") + verb->get_name();
  }
  const std::string_view near = nearest(left.front(), names);
  return "'" + left.front() + "' is not a command of " + name +
         (near.empty() ? "; there are " + all : "; did you mean " + std::string(near) + "?");
}

int refuse_line(CLI::App& app, const CLI::ParseError& error) {
  if (const std::string text = unknown_verb(app); !text.empty()) {
    std::cerr << text << "\nRun with --help for more information.\n";
    return EX_USAGE;
  }
  return app.exit(error) == 0 ? EX_OK : EX_USAGE;
}

// Known here for --help only: their options are those of other programs.
void add_mail_programs(CLI::App& app) {
  app.add_subcommand("sendmail", "Submit a message as the sendmail program does (also by that name)")
      ->footer(sendmail_help());
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
  add_import(app, line);
  add_queue(app, line);
  add_upstream(app, line);
  add_events(app, line);
  add_retention(app, line);
  add_spool(app, line);
  add_user(app, line);
  add_token(app, line);
  add_suppression(app, line);
  add_bootstrap(app, line);
  add_mail_programs(app);
  add_manual(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return refuse_line(app, error);
  }
  return perform([&line] {
    DropGroup().give_up();  // only sendmail has a use for it
    return line.action();
  });
}

}  // namespace postrider::cmd
