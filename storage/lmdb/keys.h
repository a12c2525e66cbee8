// The keys of the spool's tables: big-endian, so that LMDB's byte order is the order of the domain. Fixed buffers, no
// allocation. The table of tables is in docs/spool.md.
//
//   messages, claims, staged, owing, revivable   id                  owing, revivable: value empty
//   chunks                     id index:be32
//   due                        bucket:be32 lane:u8 due_ms:be64 id              value: sender_hash:u64le
//   feed                       seq:be64
//   addresses                  xxh3-64(search key):be64 kind:u8 id             value: empty
//   idem                       xxh3-128(scope and key)
//   idem_expiry                expires_ms:be64 xxh3-128
//   batches                    batch id                                        value: empty
//   users, upstreams, api_keys, api_key_usage    name
//   suppressions               mailbox_key of the address
//   expiring                   expires_ms:be64 id                              value: empty
//   upstream_feed              seq:be64                                        value: at_ms:i64le
//   provider_ids               xxh3-64(upstream, 0, provider's id):be64 id     value: empty
//   quarantine                 table:u8 key
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "core/address.h"
#include "core/id.h"
#include "storage/store.h"

namespace postrider::storage::lmdb {

class Key {
 public:
  Key& u8(std::uint8_t value) {
    bytes_[size_++] = static_cast<char>(value);
    return *this;
  }
  Key& be32(std::uint32_t value) { return be(value, 4); }
  Key& be64(std::uint64_t value) { return be(value, 8); }
  Key& id(const MessageId& id) {
    std::memcpy(bytes_.data() + size_, id.bytes().data(), MessageId::kBytes);
    size_ += MessageId::kBytes;
    return *this;
  }
  operator std::string_view() const { return {bytes_.data(), size_}; }  // NOLINT: a key is its bytes

 private:
  Key& be(std::uint64_t value, unsigned bytes) {
    for (unsigned i = bytes; i-- > 0;) u8(static_cast<std::uint8_t>(value >> (8 * i)));
    return *this;
  }
  std::array<char, 64> bytes_;
  std::size_t size_ = 0;
};

inline std::uint64_t load_be(std::string_view bytes) {
  std::uint64_t value = 0;
  for (char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

inline Key id_key(const MessageId& id) {
  return Key().id(id);
}
inline Key chunk_key(const MessageId& id, std::uint32_t index) {
  return Key().id(id).be32(index);
}
inline Key batch_key(const MessageId& batch, const MessageId& id) {
  return Key().id(batch).id(id);
}
inline Key seq_key(std::uint64_t seq) {
  return Key().be64(seq);
}
Key due_table_key(const DueKey& key);
inline Key due_lane_key(std::uint32_t bucket, Lane lane) {
  return Key().be32(bucket).u8(static_cast<std::uint8_t>(lane));
}

// Nothing when the bytes are no such key: a damaged page, not a mistake of the caller.
std::optional<MessageId> parse_id(std::string_view key);
std::optional<DueKey> parse_due_key(std::string_view key);

inline Key expiring_key(Time expires_at, const MessageId& id) {
  return Key().be64(static_cast<std::uint64_t>(std::max<std::int64_t>(to_ms(expires_at), 0))).id(id);
}
struct Expiring {
  Time at{};
  MessageId id;
};
std::optional<Expiring> parse_expiring_key(std::string_view key);

std::uint64_t provider_id_hash(std::string_view upstream, std::string_view provider_id);

enum class AddressKind : std::uint8_t { sender, recipient };
// The part of an address key before the id. `text` is a whole address or "@domain", any case.
Key address_prefix(AddressKind kind, std::string_view text);
inline constexpr std::size_t kAddressPrefix = 9;

using IdemHash = std::array<char, 16>;
IdemHash idem_hash(std::string_view scope_and_key);
inline std::string_view as_view(const IdemHash& hash) {
  return {hash.data(), hash.size()};
}
std::string idem_expiry_key(Time expires, const IdemHash& hash);

}  // namespace postrider::storage::lmdb
