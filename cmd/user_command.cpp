#include "cmd/user_command.h"

#include <boost/json/serialize.hpp>
#include <iostream>

#include "cmd/exit_codes.h"
#include "cmd/json_view.h"
#include "cmd/output.h"
#include "cmd/password_prompt.h"
#include "cmd/user_directory.h"
#include "mgmt/user_rules.h"

namespace postrider::cmd {

namespace {

namespace json = boost::json;

RecipientGuard guard_of(const UserOptions& options) {
  RecipientGuard guard;
  guard.allow_recipients = options.allow_recipients;
  guard.redirect_to = options.redirect_to;
  if (options.capture) guard.capture = mgmt::kCapture;
  return guard;
}

// "*@example.com, else to qa@example.com"
std::string guard_text(const json::object& user) {
  const std::string allowed = joined(user, "allow_recipients", ", "), redirect = text_of(user, "redirect_to");
  const bool capture = flag_of(user, "capture");
  if (allowed.empty() && redirect.empty() && !capture) return "anyone";
  const std::string rest = !redirect.empty() ? "to " + redirect : capture ? "captured" : "";
  if (allowed.empty()) return "all " + rest;
  return rest.empty() ? allowed : allowed + ", else " + rest;
}

}  // namespace

int run_user_add(const ApiOptions& api, const UserOptions& options) {
  storage::UserRecord user;
  user.name = options.name;
  user.role = options.role.empty() ? std::string(mgmt::kDefaultRole) : options.role;
  user.senders = options.senders;
  user.guard = guard_of(options);
  if (const auto checked = mgmt::check_user(user); !checked) throw CommandError(EX_DATAERR, checked.error().text);
  const std::string password = ask_new_password(options.password_stdin);
  open_user_directory(api)->add(std::move(user), password, options.scram);
  return EX_OK;
}

int run_user_passwd(const ApiOptions& api, const UserOptions& options) {
  std::optional<RecipientGuard> guard = guard_of(options);
  if (guard->empty() && !options.no_guard) guard.reset();
  const std::string password = ask_new_password(options.password_stdin);
  open_user_directory(api)->change_password(options.name, password, guard);
  return EX_OK;
}

int run_user_list(const ApiOptions& api, bool as_json) {
  const json::object answer = open_user_directory(api)->list();
  if (as_json) {
    std::cout << json::serialize(answer) << '\n';
    return EX_OK;
  }
  Table table({"NAME", "ROLE", "SCRAM", "MAY SEND AS", "MAY SEND TO", "CREATED"});
  for (const json::object* user : objects_of(answer, "users")) {
    const std::string senders = joined(*user, "senders", ", ");
    table.add({text_of(*user, "name"), text_of(*user, "role"), flag_of(*user, "scram") ? "yes" : "no",
               senders.empty() ? "anyone" : senders, guard_text(*user), text_of(*user, "created_at")});
  }
  std::cout << table.render(stdout_has_colours());
  return EX_OK;
}

int run_user_remove(const ApiOptions& api, const std::string& name) {
  open_user_directory(api)->remove(name);
  return EX_OK;
}

}  // namespace postrider::cmd
