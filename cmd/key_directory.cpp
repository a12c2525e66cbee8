#include "cmd/key_directory.h"

#include <boost/json/serialize.hpp>

#include "cmd/data_dir.h"
#include "cmd/own_spool.h"
#include "cmd/spool_place.h"
#include "mgmt/key_rules.h"

namespace postrider::cmd {

namespace {

namespace json = boost::json;
using storage::ApiKeyRecord;
using storage::ApiKeyUsage;

class ApiKeys final : public KeyDirectory {
 public:
  explicit ApiKeys(const ApiOptions& options) : client_(options) {}

  json::object create(const json::object& request) override {
    return object_of(client_.send("POST", "/v1/keys", request));
  }
  void revoke(const std::string& name) override { client_.send("DELETE", "/v1/keys/" + url_encode(name), nullptr); }
  json::object list() override { return object_of(client_.get("/v1/keys")); }
  void rotate_sessions() override { client_.send("POST", "/v1/tokens/rotate", json::object()); }

 private:
  ApiClient client_;
};

class SpoolKeys final : public KeyDirectory {
 public:
  explicit SpoolKeys(OwnSpool own) : own_(std::move(own)), store_(*own_.store) {}
  ~SpoolKeys() override { store_.close(); }

  json::object create(const json::object& request) override {
    mgmt::Faults faults;
    const Time now = net::SystemClock().now();
    const mgmt::NewKey made = mgmt::make_key(mgmt::read_key(json::serialize(request), now, faults));
    if (!faults.empty()) throw CommandError(EX_DATAERR, faults.front().pointer + " " + faults.front().detail);
    const std::string aws_key = ensure_relay_key(own_.data_dir, RelayKey::aws);
    value_of(wait_for<Nothing>([&](Done<Nothing> done) { store_.put_api_key(made.record, true, std::move(done)); }));
    return mgmt::new_key_json(made, aws_key, now);
  }
  void revoke(const std::string& name) override {
    value_of(wait_for<Nothing>([&](Done<Nothing> done) { store_.remove_api_key(name, std::move(done)); }));
  }
  json::object list() override {
    using Usage = std::vector<ApiKeyUsage>;
    const Usage usage =
        value_of(wait_for<Usage>([&](Done<Usage> done) { store_.list_api_key_usage(std::move(done)); }));
    return mgmt::keys_json(keys(), usage, net::SystemClock().now());
  }
  void rotate_sessions() override {
    const auto replaced = replace_relay_key(own_.data_dir, RelayKey::session, mgmt::random_octets(mgmt::kSecretOctets));
    if (!replaced) throw CommandError(EX_CANTCREAT, replaced.error().text);
  }

 private:
  std::vector<ApiKeyRecord> keys() {
    using Keys = std::vector<ApiKeyRecord>;
    return value_of(wait_for<Keys>([&](Done<Keys> done) { store_.list_api_keys(std::move(done)); }));
  }

  OwnSpool own_;
  storage::Store& store_;
};

}  // namespace

std::unique_ptr<KeyDirectory> open_key_directory(const ApiOptions& options) {
  OwnSpool own = open_own_spool(options);
  if (own.store) return std::make_unique<SpoolKeys>(std::move(own));
  std::unique_ptr<ApiKeys> keys;
  ask_daemon(own.why_not, [&] {
    keys = std::make_unique<ApiKeys>(options);
    if (!own.why_not.empty()) keys->list();
  });
  return keys;
}

}  // namespace postrider::cmd
