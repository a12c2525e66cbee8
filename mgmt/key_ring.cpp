#include "mgmt/key_ring.h"

#include "net/await.h"

namespace postrider::mgmt {

namespace asio = boost::asio;
using storage::ApiKeyRecord;
using storage::ApiKeyUsage;

namespace {

constexpr std::size_t kKeyIdOctets = 10;  // 16 characters of base32

}  // namespace

NewKey make_key(ApiKeyRecord record) {
  NewKey made;
  made.token = make_token();
  record.id = base32_lower(random_octets(kKeyIdOctets));
  record.digest = digest_of(made.token);
  made.record = std::move(record);
  return made;
}

KeyDigest digest_of(std::string_view token) {
  return sha256(token);
}

KeyRing::KeyRing(net::Loop& loop, storage::Store& store, Log& log)
    : loop_(loop), store_(store), log_(log), alarm_(loop.make_alarm()) {}

asio::awaitable<result<Nothing>> KeyRing::load() {
  auto list_keys = [this](Done<std::vector<ApiKeyRecord>> done) { store_.list_api_keys(std::move(done)); };
  auto keys = co_await net::await_done<std::vector<ApiKeyRecord>>(loop_, list_keys);
  if (!keys) co_return keys.error();
  auto list_usage = [this](Done<std::vector<ApiKeyUsage>> done) { store_.list_api_key_usage(std::move(done)); };
  auto usage = co_await net::await_done<std::vector<ApiKeyUsage>>(loop_, list_usage);
  if (!usage) co_return usage.error();
  for (ApiKeyRecord& key : *keys) insert(std::move(key));
  for (const ApiKeyUsage& used : *usage) {
    const auto key = keys_.find(used.name);
    if (key == keys_.end()) continue;
    key->second.usage.last_used_at = used.last_used_at;
    key->second.usage.day = used.day;
    key->second.usage.today = used.recipients;
  }
  co_return Nothing{};
}

// The look-up takes the digest, not the key: what its time tells is of a hash nobody can aim at.
const ApiKeyRecord* KeyRing::find(std::string_view token) const {
  const auto found = by_digest_.find(digest_of(token));
  return found == by_digest_.end() ? nullptr : &found->second->record;
}

const ApiKeyRecord* KeyRing::find_by_id(std::string_view id) const {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &found->second->record;
}

const ApiKeyRecord* KeyRing::find_by_name(std::string_view name) const {
  const auto found = keys_.find(name);
  return found == keys_.end() ? nullptr : &found->second.record;
}

std::vector<const ApiKeyRecord*> KeyRing::all() const {
  std::vector<const ApiKeyRecord*> out;
  for (const auto& [name, entry] : keys_) out.push_back(&entry.record);
  return out;
}

KeyRing::Usage& KeyRing::usage(const std::string& name) {
  return keys_.at(name).usage;
}

asio::awaitable<result<Nothing>> KeyRing::add(ApiKeyRecord record) {
  auto put = [this, &record](Done<Nothing> done) { store_.put_api_key(record, true, std::move(done)); };
  auto stored = co_await net::await_done<Nothing>(loop_, put);
  if (stored) insert(std::move(record));
  co_return stored;
}

asio::awaitable<result<Nothing>> KeyRing::remove(std::string name) {
  auto drop = [this, &name](Done<Nothing> done) { store_.remove_api_key(name, std::move(done)); };
  auto removed = co_await net::await_done<Nothing>(loop_, drop);
  const auto key = keys_.find(name);
  if (removed && key != keys_.end()) {
    by_digest_.erase(key->second.record.digest);
    by_id_.erase(key->second.record.id);
    keys_.erase(key);
  }
  co_return removed;
}

void KeyRing::start() {
  alarm_->set(loop_.clock().now() + kWritePause, [this] { write(); });
}

asio::awaitable<void> KeyRing::stop() {
  stopped_ = true;
  alarm_->cancel();
  std::vector<ApiKeyUsage> rest = take_changed();
  if (rest.empty()) co_return;
  auto put = [this, &rest](Done<Nothing> done) { store_.put_api_key_usage(std::move(rest), std::move(done)); };
  const auto done = co_await net::await_done<Nothing>(loop_, put);
  if (!done) log_.warn("key.usage_not_kept", {{"reason", done.error().text}});
}

void KeyRing::insert(ApiKeyRecord record) {
  std::string name = record.name;
  const auto [key, added] = keys_.try_emplace(std::move(name));
  if (!added) return;  // a name is in the store once
  key->second.record = std::move(record);
  by_digest_[key->second.record.digest] = &key->second;
  by_id_[key->second.record.id] = &key->second;
}

std::vector<ApiKeyUsage> KeyRing::take_changed() {
  std::vector<ApiKeyUsage> out;
  for (auto& [name, entry] : keys_) {
    if (!std::exchange(entry.usage.changed, false)) continue;
    out.push_back({name, entry.usage.last_used_at, entry.usage.day, entry.usage.today});
  }
  return out;
}

void KeyRing::write() {
  std::vector<ApiKeyUsage> usage = take_changed();
  if (usage.empty()) return start();
  std::vector<std::string> names;
  names.reserve(usage.size());
  for (const ApiKeyUsage& used : usage) names.push_back(used.name);
  store_.put_api_key_usage(
      std::move(usage),
      Done<Nothing>(loop_, [this, names = std::move(names)](const result<Nothing>& done) { written(names, done); }));
}

void KeyRing::written(const std::vector<std::string>& names, const result<Nothing>& done) {
  if (stopped_) return;
  if (!done) {
    log_.warn("key.usage_not_kept", {{"reason", done.error().text}});
    for (const std::string& name : names)
      if (const auto key = keys_.find(name); key != keys_.end()) key->second.usage.changed = true;
  }
  start();
}

}  // namespace postrider::mgmt
