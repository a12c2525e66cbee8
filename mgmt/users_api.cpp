#include "mgmt/users_api.h"

#include "mgmt/answers.h"
#include "mgmt/body_fields.h"
#include "mgmt/media_type.h"
#include "mgmt/problem.h"
#include "mgmt/user_rules.h"
#include "net/await.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
using storage::UserRecord;

struct NewUser {
  UserRecord user;
  std::string password;
  bool scram = false;
};

// The guard as a whole; nothing when the request does not speak of one. `"capture": false` alone takes it away.
result<std::optional<RecipientGuard>> read_guard(const BodyFields& fields) {
  if (!fields.has("allow_recipients") && !fields.has("redirect_to") && !fields.has("capture"))
    return std::optional<RecipientGuard>();
  const auto allowed = fields.texts("allow_recipients");
  if (!allowed) return allowed.error();
  const auto redirect = fields.text("redirect_to");
  if (!redirect) return redirect.error();
  const auto capture = fields.flag("capture", false);
  if (!capture) return capture.error();
  RecipientGuard guard;
  guard.allow_recipients = *allowed;
  guard.redirect_to = redirect->value_or("");
  if (*capture) guard.capture = kCapture;
  return std::optional<RecipientGuard>(std::move(guard));
}

result<NewUser> read_new_user(std::string_view body) {
  const auto fields = BodyFields::parse(
      body, {"name", "password", "role", "senders", "scram", "allow_recipients", "redirect_to", "capture"});
  if (!fields) return fields.error();
  const auto name = fields->text("name");
  if (!name) return name.error();
  const auto password = fields->text("password", 4096);
  if (!password) return password.error();
  const auto role = fields->text("role");
  if (!role) return role.error();
  const auto senders = fields->texts("senders");
  if (!senders) return senders.error();
  const auto scram = fields->flag("scram", false);
  if (!scram) return scram.error();
  if (!*name || !*password) return invalid("'name' and 'password' are needed");
  NewUser added;
  added.user.name = **name;
  added.user.role = role->value_or(std::string(kDefaultRole));
  added.user.senders = *senders;
  const auto guard = read_guard(*fields);
  if (!guard) return guard.error();
  if (*guard) added.user.guard = **guard;
  added.password = **password;
  added.scram = *scram;
  if (auto checked = check_user(added.user); !checked) return checked.error();
  return added;
}

}  // namespace

UsersApi::UsersApi(Mailbox& home, const Clock& clock, storage::Store& store, SetPassword set_password)
    : home_(home), clock_(clock), store_(store), set_password_(std::move(set_password)) {}

void UsersApi::add_routes(Router& router) {
  router.add({http::verb::get, "/v1/users", Access::admin, kJson, {}, [this](const Request& r) { return list(r); }});
  router.add({http::verb::post, "/v1/users", Access::admin, kJson, {}, [this](const Request& r) { return add(r); }});
  router.add({http::verb::put, "/v1/users/{name}/password", Access::admin, "", {}, [this](const Request& r) {
                return change_password(r);
              }});
  router.add(
      {http::verb::delete_, "/v1/users/{name}", Access::admin, "", {}, [this](const Request& r) { return remove(r); }});
}

asio::awaitable<Response> UsersApi::list(const Request&) {
  auto start = [&](Done<std::vector<UserRecord>> done) { store_.list_users(std::move(done)); };
  const auto users = co_await net::await_done<std::vector<UserRecord>>(home_, start);
  if (!users) co_return problem(users.error());
  co_return json_response(users_json(*users));
}

asio::awaitable<Response> UsersApi::add(const Request& request) {
  auto added = read_new_user(request.body);
  if (!added) co_return problem(ProblemType::invalid_body, added.error().text);
  if (auto set = set_password_(added->user, added->password, added->scram); !set)
    co_return problem(ProblemType::invalid_body, set.error().text);
  added->user.created_at = added->user.changed_at = clock_.now();
  UserRecord user = added->user;
  const auto stored = co_await put(std::move(user), true);
  if (!stored) co_return problem(stored.error());
  Response response = json_response(to_json(added->user), http::status::created);
  co_return response;
}

asio::awaitable<Response> UsersApi::change_password(const Request& request) {
  const auto fields = BodyFields::parse(request.body, {"password", "allow_recipients", "redirect_to", "capture"});
  if (!fields) co_return problem(ProblemType::invalid_body, fields.error().text);
  const auto password = fields->text("password", 4096);
  if (!password) co_return problem(ProblemType::invalid_body, password.error().text);
  if (!*password) co_return problem(ProblemType::invalid_body, "'password' is needed");
  const auto guard = read_guard(*fields);
  if (!guard) co_return problem(ProblemType::invalid_body, guard.error().text);
  auto start = [&](Done<UserRecord> done) { store_.find_user(request.captures[0], std::move(done)); };
  auto user = co_await net::await_done<UserRecord>(home_, start);
  if (!user) co_return problem(user.error());
  const bool scram = !user->scram.empty();
  if (auto set = set_password_(*user, **password, scram); !set)
    co_return problem(ProblemType::invalid_body, set.error().text);
  if (*guard) user->guard = **guard;
  if (const auto checked = check_user(*user); !checked)
    co_return problem(ProblemType::invalid_body, checked.error().text);
  user->changed_at = clock_.now();
  UserRecord changed = std::move(*user);
  const auto stored = co_await put(std::move(changed), false);
  if (!stored) co_return problem(stored.error());
  co_return no_content();
}

asio::awaitable<Response> UsersApi::remove(const Request& request) {
  auto start = [&](Done<Nothing> done) { store_.remove_user(request.captures[0], std::move(done)); };
  const auto removed = co_await net::await_done<Nothing>(home_, start);
  if (!removed) co_return problem(removed.error());
  co_return no_content();
}

asio::awaitable<result<Nothing>> UsersApi::put(UserRecord user, bool must_be_new) {
  auto start = [&](Done<Nothing> done) { store_.put_user(std::move(user), must_be_new, std::move(done)); };
  co_return co_await net::await_done<Nothing>(home_, start);
}

}  // namespace postrider::mgmt
