#include "mgmt/users_api.h"

#include <optional>

#include "mgmt/answers.h"
#include "mgmt/json_fields.h"
#include "mgmt/media_type.h"
#include "mgmt/problem.h"
#include "mgmt/user_rules.h"
#include "net/await.h"
#include "relay/inbound/password.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
using storage::UserRecord;

struct NewUser {
  UserRecord user;
  std::string password;
  bool scram = false;
};

std::string read_password(JsonFields& fields) {
  const auto password = fields.text("password", relay::kMaxPassword);
  if (!fields.has("password"))
    fields.fault("password", "must be given");
  else if (password && password->empty())
    fields.fault("password", "must not be empty");
  return password.value_or("");
}

NewUser read_new_user(std::string_view body, Faults& faults) {
  NewUser added;
  const auto document = parse_document(body, faults);
  if (!document) return added;
  JsonFields fields(*document, "", faults);
  if (!document->is_object()) return added;
  if (!fields.has("name")) fields.fault("name", "must be given");
  added.user.name = fields.text("name").value_or("");
  added.password = read_password(fields);
  added.user.role = fields.text("role").value_or(std::string(kDefaultRole));
  added.user.senders = read_patterns(fields, "senders", faults);
  added.scram = fields.flag("scram").value_or(false);
  added.user.guard = read_guard(fields, faults);
  fields.finish();
  Faults of_rules;
  check_user(added.user, of_rules);
  add_other_faults(std::move(of_rules), faults);
  return added;
}

struct NewPassword {
  std::string password;
  std::optional<RecipientGuard> guard;  // as a whole; `"capture": false` alone takes it away
};

NewPassword read_new_password(std::string_view body, Faults& faults) {
  NewPassword given;
  const auto document = parse_document(body, faults);
  if (!document) return given;
  JsonFields fields(*document, "", faults);
  if (!document->is_object()) return given;
  given.password = read_password(fields);
  const bool speaks_of_guard = has_guard(fields);
  RecipientGuard guard = read_guard(fields, faults);
  fields.finish();
  Faults of_rules;
  check_guard(guard, of_rules);
  add_other_faults(std::move(of_rules), faults);
  if (speaks_of_guard) given.guard = std::move(guard);
  return given;
}

Response wrong_members(Faults faults) {
  Refusal refusal = invalid_fields(std::move(faults));
  refusal.type = ProblemType::invalid_body;
  return problem(refusal);
}

Response wrong_password(const Fault& fault) {
  return wrong_members({{"/password", fault.text}});
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
  Faults faults;
  NewUser added = read_new_user(request.body, faults);
  if (!faults.empty()) co_return wrong_members(std::move(faults));
  if (auto set = set_password_(added.user, added.password, added.scram); !set) co_return wrong_password(set.error());
  added.user.created_at = added.user.changed_at = clock_.now();
  UserRecord user = added.user;
  const auto stored = co_await put(std::move(user), true);
  if (!stored) co_return problem(stored.error());
  Response response = json_response(to_json(added.user), http::status::created);
  co_return response;
}

asio::awaitable<Response> UsersApi::change_password(const Request& request) {
  Faults faults;
  NewPassword given = read_new_password(request.body, faults);
  if (!faults.empty()) co_return wrong_members(std::move(faults));
  auto start = [&](Done<UserRecord> done) { store_.find_user(request.captures[0], std::move(done)); };
  auto user = co_await net::await_done<UserRecord>(home_, start);
  if (!user) co_return problem(user.error());
  const bool scram = !user->scram.empty();
  if (auto set = set_password_(*user, given.password, scram); !set) co_return wrong_password(set.error());
  if (given.guard) user->guard = std::move(*given.guard);
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
