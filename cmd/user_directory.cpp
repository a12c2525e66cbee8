#include "cmd/user_directory.h"

#include "cmd/blocking.h"
#include "cmd/exit_codes.h"
#include "cmd/own_spool.h"
#include "mgmt/user_rules.h"
#include "net/loop.h"
#include "relay/inbound/password.h"

namespace postrider::cmd {

namespace {

namespace json = boost::json;
using storage::UserRecord;

void put_guard(json::object& request, const RecipientGuard& guard) {
  request["allow_recipients"] = json::array(guard.allow_recipients.begin(), guard.allow_recipients.end());
  if (!guard.redirect_to.empty()) request["redirect_to"] = guard.redirect_to;
  request["capture"] = !guard.capture.empty();
}

class ApiUsers final : public UserDirectory {
 public:
  explicit ApiUsers(const ApiOptions& options) : client_(options) {}

  void add(UserRecord user, const std::string& password, bool scram) override {
    json::object request{{"name", user.name},
                         {"password", password},
                         {"role", user.role},
                         {"senders", json::array(user.senders.begin(), user.senders.end())},
                         {"scram", scram}};
    put_guard(request, user.guard);
    client_.send("POST", "/v1/users", std::move(request));
  }
  void change_password(const std::string& name, const std::string& password,
                       const std::optional<RecipientGuard>& guard) override {
    json::object request{{"password", password}};
    if (guard) put_guard(request, *guard);
    client_.send("PUT", "/v1/users/" + url_encode(name) + "/password", std::move(request));
  }
  void remove(const std::string& name) override { client_.send("DELETE", "/v1/users/" + url_encode(name), nullptr); }
  json::object list() override {
    json::value answer = client_.get("/v1/users");
    if (!answer.is_object()) throw CommandError(EX_PROTOCOL, "the answer is not what postrider gives");
    return std::move(answer.get_object());
  }

 private:
  ApiClient client_;
};

template <typename T>
T value_of(result<T> answer) {
  if (answer) return std::move(*answer);
  const Fault& fault = answer.error();
  const int code = fault.kind == FaultKind::not_found ? EX_NOUSER
                   : fault.kind == FaultKind::full    ? EX_TEMPFAIL
                                                      : EX_DATAERR;
  throw CommandError(code, fault.text);
}

class SpoolUsers final : public UserDirectory {
 public:
  explicit SpoolUsers(OwnSpool own) : own_(std::move(own)), store_(own_.store.get()) {}
  ~SpoolUsers() override { store_->close(); }

  void add(UserRecord user, const std::string& password, bool scram) override {
    check(mgmt::check_user(user));
    check(set_password(user, password, scram));
    user.created_at = user.changed_at = net::SystemClock().now();
    put(std::move(user), true);
  }
  void change_password(const std::string& name, const std::string& password,
                       const std::optional<RecipientGuard>& guard) override {
    UserRecord user =
        value_of(wait_for<UserRecord>([&](Done<UserRecord> done) { store_->find_user(name, std::move(done)); }));
    if (guard) user.guard = *guard;
    check(mgmt::check_user(user));
    const bool scram = !user.scram.empty();
    check(set_password(user, password, scram));
    user.changed_at = net::SystemClock().now();
    put(std::move(user), false);
  }
  void remove(const std::string& name) override {
    value_of(wait_for<Nothing>([&](Done<Nothing> done) { store_->remove_user(name, std::move(done)); }));
  }
  json::object list() override {
    using Users = std::vector<UserRecord>;
    return mgmt::users_json(value_of(wait_for<Users>([&](Done<Users> done) { store_->list_users(std::move(done)); })));
  }

 private:
  static void check(const result<void>& checked) {
    if (!checked) throw CommandError(EX_DATAERR, checked.error().text);
  }
  void put(UserRecord user, bool must_be_new) {
    value_of(wait_for<Nothing>(
        [&](Done<Nothing> done) { store_->put_user(std::move(user), must_be_new, std::move(done)); }));
  }

  OwnSpool own_;
  storage::Store* store_;
};

}  // namespace

std::unique_ptr<UserDirectory> open_user_directory(const ApiOptions& options) {
  OwnSpool own = open_own_spool(options);
  if (own.store) return std::make_unique<SpoolUsers>(std::move(own));
  std::unique_ptr<ApiUsers> users;
  ask_daemon(own.why_not, [&] {
    users = std::make_unique<ApiUsers>(options);
    if (!own.why_not.empty()) users->list();
  });
  return users;
}

result<void> set_password(UserRecord& user, std::string_view password, bool scram) {
  auto hash = relay::make_password_hash(password);
  if (!hash) return hash.error();
  std::string verifier;
  if (scram) {
    auto text = relay::make_scram_text(password);
    if (!text) return text.error();
    verifier = std::move(*text);
  }
  user.password_hash = std::move(*hash);
  user.scram = std::move(verifier);
  return {};
}

}  // namespace postrider::cmd
