// The API keys in memory, found by digest or id, and what each did; the store's are read at start and changed through here only. One,
// on the mgmt thread; what is not yet durable of the usage is written every few seconds and at the end.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/clock.h"
#include "core/log.h"
#include "mgmt/secret.h"
#include "net/loop.h"
#include "storage/store.h"

namespace postrider::mgmt {

using KeyDigest = Digest;

struct NewKey {
  storage::ApiKeyRecord record;  // id and digest set
  std::string token;             // "pr_" and 43 characters of base64url: 256 random bits; shown once
};
// Gives a record its id, digest and token.
NewKey make_key(storage::ApiKeyRecord record);
KeyDigest digest_of(std::string_view token);

class KeyRing {
 public:
  static constexpr Duration kWritePause = std::chrono::seconds(5);

  struct Usage {
    Time last_used_at{};
    Time day{};
    std::uint64_t today = 0;                                      // recipients
    std::vector<std::pair<Duration, std::uint32_t>> last_minute;  // monotonic, recipients; oldest first
    bool changed = false;                                         // since it was written
  };

  // The loop must have stopped, or hold no answer of the store, before this goes.
  KeyRing(net::Loop& loop, storage::Store& store, Log& log);

  boost::asio::awaitable<result<Nothing>> load();  // before the first request
  // Null: there is none. Pointers hold until the next change.
  const storage::ApiKeyRecord* find(std::string_view token) const;
  const storage::ApiKeyRecord* find_by_id(std::string_view id) const;
  const storage::ApiKeyRecord* find_by_name(std::string_view name) const;
  std::vector<const storage::ApiKeyRecord*> all() const;  // by name
  // Of a key that is there; the reference holds until that key is removed.
  Usage& usage(const std::string& name);

  // Durable before it is in force, and gone from the store before it is void. Faults: conflict (the name is taken, too many keys),
  // not_found, those of the store.
  boost::asio::awaitable<result<Nothing>> add(storage::ApiKeyRecord record);
  boost::asio::awaitable<result<Nothing>> remove(std::string name);

  void start();  // writes the usage now and then
  boost::asio::awaitable<void> stop();

 private:
  struct Entry {
    storage::ApiKeyRecord record;
    Usage usage;
  };
  struct DigestHash {  // a digest is as good a hash as any
    std::size_t operator()(const KeyDigest& digest) const noexcept {
      std::size_t out;
      std::memcpy(&out, digest.data(), sizeof out);
      return out;
    }
  };

  void insert(storage::ApiKeyRecord record);
  std::vector<storage::ApiKeyUsage> take_changed();
  void write();
  void written(const std::vector<std::string>& names, const result<Nothing>& done);

  net::Loop& loop_;
  storage::Store& store_;
  Log& log_;
  std::unique_ptr<Alarm> alarm_;
  bool stopped_ = false;
  std::map<std::string, Entry, std::less<>> keys_;  // by name; the others point into it
  std::unordered_map<KeyDigest, Entry*, DigestHash> by_digest_;
  std::map<std::string, Entry*, std::less<>> by_id_;
};

}  // namespace postrider::mgmt
