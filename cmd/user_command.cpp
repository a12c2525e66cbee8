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

std::string joined(const json::object& user, std::string_view name) {
  std::string out;
  const json::value* list = user.if_contains(name);
  if (!list || !list->is_array()) return out;
  for (const json::value& item : list->get_array())
    if (item.is_string()) out.append(out.empty() ? "" : ", ").append(item.get_string());
  return out;
}

}  // namespace

int run_user_add(const ApiOptions& api, const UserAddOptions& options) {
  storage::UserRecord user;
  user.name = options.name;
  user.role = options.role.empty() ? std::string(mgmt::kDefaultRole) : options.role;
  user.senders = options.senders;
  if (const auto checked = mgmt::check_user(user); !checked) throw CommandError(EX_DATAERR, checked.error().text);
  const std::string password = ask_new_password(options.password_stdin);
  open_user_directory(api)->add(std::move(user), password, options.scram);
  return EX_OK;
}

int run_user_passwd(const ApiOptions& api, const std::string& name, bool password_stdin) {
  const std::string password = ask_new_password(password_stdin);
  open_user_directory(api)->change_password(name, password);
  return EX_OK;
}

int run_user_list(const ApiOptions& api, bool as_json) {
  const json::object answer = open_user_directory(api)->list();
  if (as_json) {
    std::cout << json::serialize(answer) << '\n';
    return EX_OK;
  }
  Table table({"NAME", "ROLE", "SCRAM", "MAY SEND AS", "CREATED"});
  for (const json::object* user : objects_of(answer, "users")) {
    const std::string senders = joined(*user, "senders");
    table.add({text_of(*user, "name"), text_of(*user, "role"), flag_of(*user, "scram") ? "yes" : "no",
               senders.empty() ? "anyone" : senders, text_of(*user, "created_at")});
  }
  std::cout << table.render(stdout_has_colours());
  return EX_OK;
}

int run_user_remove(const ApiOptions& api, const std::string& name) {
  open_user_directory(api)->remove(name);
  return EX_OK;
}

}  // namespace postrider::cmd
