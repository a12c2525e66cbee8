// The part of the command table that is about credentials: user, token, bootstrap.
#include "cmd/cli_line.h"

namespace postrider::cmd {

namespace {

// "a@example.com, *@example.net" to a list.
std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> out;
  for (const std::string& part : CLI::detail::split(text, ','))
    if (std::string trimmed = CLI::detail::trim_copy(part); !trimmed.empty()) out.push_back(std::move(trimmed));
  return out;
}

// An empty list lifts a bound. Who says one most likely has a shell variable that is not set: leaving the option out says it too.
void refuse_empty(CLI::Option* option) {
  option->check([](const std::string& text) {
    return split_list(text).empty() ? "is empty; leave it out where there is to be no such bound" : "";
  });
}

// What a user and a key may have alike.
void add_guard(CLI::App& verb, std::string& allow_recipients, std::string& redirect_to, bool& capture) {
  refuse_empty(verb.add_option("--allow-recipients", allow_recipients,
                               "Addresses or *@domain it may mail, separated by commas; others are refused"));
  refuse_empty(verb.add_option("--redirect-to", redirect_to, "Send what is for other recipients to this address"));
  verb.add_flag("--capture", capture, "Send messages that have other recipients to a capture upstream only");
}

constexpr const char* kSendersHelp = "Addresses or domains it may send as, separated by commas (default: any)";

}  // namespace

void add_user(CLI::App& app, Line& line) {
  CLI::App* user = app.add_subcommand("user", "Manage users of SMTP and of the API");
  user->require_subcommand(1);
  const auto common = [&line](CLI::App* verb, bool named) {
    if (named) verb->add_option("name", line.user.name, "Name of the user")->required();
    add_api_options(*verb, line);
  };
  CLI::App* add = add_verb(*user, line, "add", "Add a user", [&line] {
    line.user.senders = split_list(line.senders);
    line.user.allow_recipients = split_list(line.allow_recipients);
    return run_user_add(line.api_options(), line.user);
  });
  add->add_option("--role", line.user.role, "sender (default), operator or admin");
  refuse_empty(add->add_option("--senders", line.senders, kSendersHelp));
  add->add_flag("--scram", line.user.scram, "Let it log in with SCRAM-SHA-256 too");
  common(add, true);
  CLI::App* passwd = add_verb(*user, line, "passwd", "Change a user's password", [&line] {
    line.user.allow_recipients = split_list(line.allow_recipients);
    return run_user_passwd(line.api_options(), line.user);
  });
  common(passwd, true);
  for (CLI::App* verb : {add, passwd}) {
    verb->add_flag("--password-stdin", line.user.password_stdin, "Read the password as one line of stdin");
    add_guard(*verb, line.allow_recipients, line.user.redirect_to, line.user.capture);
  }
  passwd->add_flag("--no-guard", line.user.no_guard, "Let it mail anyone again")
      ->excludes("--allow-recipients", "--redirect-to", "--capture");
  CLI::App* list =
      add_verb(*user, line, "list", "List users", [&line] { return run_user_list(line.api_options(), line.json); });
  add_json_flag(*list, line);
  common(list, false);
  CLI::App* remove = add_verb(*user, line, "remove", "Remove a user",
                              [&line] { return run_user_remove(line.api_options(), line.user.name); });
  common(remove, true);
}

namespace {

void add_token_create(CLI::App& token, Line& line) {
  CLI::App* create = add_verb(token, line, "create", "Make an API key and print it once", [&line] {
    line.token.scopes = split_list(line.scopes);
    line.token.senders = split_list(line.senders);
    line.token.networks = split_list(line.networks);
    line.token.allow_recipients = split_list(line.allow_recipients);
    return run_token_create(line.api_options(), line.token, line.json);
  });
  create->add_option("name", line.token.name, "Name of the key")->required();
  create->add_option("--scopes", line.scopes, "What it may do: send, read, steer, admin, separated by commas")
      ->required();
  create->add_option("--tenant", line.token.tenant, "Who owns what it submits (default: its name)");
  refuse_empty(create->add_option("--senders", line.senders, kSendersHelp));
  refuse_empty(
      create->add_option("--networks", line.networks,
                         "Networks it may be used from, such as 10.0.0.0/8, separated by commas (default: any)"));
  create->add_option("--expires", line.token.expires, "When it ends: 90d, or 2026-12-31T00:00:00Z (default: never)");
  create->add_option("--per-minute", line.token.per_minute,
                     "Recipients it may send to within a minute (default: no limit)");
  create->add_option("--per-day", line.token.per_day,
                     "Recipients it may send to within a day (UTC; default: no limit)");
  add_guard(*create, line.allow_recipients, line.token.redirect_to, line.token.capture);
  add_json_flag(*create, line);
  add_api_options(*create, line);
}

}  // namespace

void add_token(CLI::App& app, Line& line) {
  CLI::App* token = app.add_subcommand("token", "Manage API keys, and end sessions");
  token->require_subcommand(1);
  add_token_create(*token, line);
  CLI::App* list = add_verb(*token, line, "list", "List API keys, without their secrets",
                            [&line] { return run_token_list(line.api_options(), line.json); });
  add_json_flag(*list, line);
  CLI::App* revoke = add_verb(*token, line, "revoke", "Make an API key void at once",
                              [&line] { return run_token_revoke(line.api_options(), line.token.name); });
  revoke->add_option("name", line.token.name, "Name of the key")->required();
  CLI::App* rotate = add_verb(*token, line, "rotate", "End all sessions of POST /tokens; API keys stay",
                              [&line] { return run_token_rotate(line.api_options()); });
  for (CLI::App* verb : {list, revoke, rotate}) add_api_options(*verb, line);
}

void add_bootstrap(CLI::App& app, Line& line) {
  CLI::App* bootstrap = add_verb(app, line, "bootstrap",
                                 "Make data directory, certificate, operator token and keys, unless they are there",
                                 [&line] { return run_bootstrap(line.bootstrap_options()); });
  bootstrap
      ->add_option("--admin", line.bootstrap.admin, "Add a user of this name with the role admin, unless it is there")
      ->type_name("NAME");
  bootstrap->add_flag("--password-stdin", line.bootstrap.password_stdin, "Read its password as one line of stdin");
  add_config_option(*bootstrap, line);
}

}  // namespace postrider::cmd
