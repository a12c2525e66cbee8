#include "storage/lmdb/keys.h"

#include <xxhash.h>

#include <algorithm>

namespace postrider::storage::lmdb {

namespace {

constexpr std::size_t kDueKey = 4 + 1 + 8 + MessageId::kBytes;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

Key due_table_key(const DueKey& key) {
  return Key()
      .be32(key.bucket)
      .u8(static_cast<std::uint8_t>(key.lane))
      .be64(static_cast<std::uint64_t>(std::max<std::int64_t>(to_ms(key.due), 0)))
      .id(key.id);
}

std::optional<MessageId> parse_id(std::string_view key) {
  if (key.size() != MessageId::kBytes) return std::nullopt;
  std::array<std::uint8_t, MessageId::kBytes> bytes;
  std::memcpy(bytes.data(), key.data(), bytes.size());
  return MessageId(bytes);
}

std::optional<DueKey> parse_due_key(std::string_view key) {
  if (key.size() != kDueKey) return std::nullopt;
  DueKey parsed;
  parsed.bucket = static_cast<std::uint32_t>(load_be(key.substr(0, 4)));
  const auto lane = static_cast<std::uint8_t>(key[4]);
  if (lane > static_cast<std::uint8_t>(Lane::low)) return std::nullopt;
  parsed.lane = static_cast<Lane>(lane);
  parsed.due = from_ms(static_cast<std::int64_t>(load_be(key.substr(5, 8))));
  parsed.id = *parse_id(key.substr(13));
  return parsed;
}

std::optional<Expiring> parse_expiring_key(std::string_view key) {
  if (key.size() != 8 + MessageId::kBytes) return std::nullopt;
  return Expiring{from_ms(static_cast<std::int64_t>(load_be(key.substr(0, 8)))), *parse_id(key.substr(8))};
}

std::uint64_t provider_id_hash(std::string_view upstream, std::string_view provider_id) {
  std::string both(upstream);
  both.append(1, '\0').append(provider_id);
  return XXH3_64bits(both.data(), both.size());
}

Key address_prefix(AddressKind kind, std::string_view text) {
  std::array<char, 512> folded;  // longer than any address that SMTP can carry; the rest of a longer one is not indexed
  const std::size_t size = std::min(text.size(), folded.size());
  std::transform(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size), folded.begin(), lower);
  return Key().be64(XXH3_64bits(folded.data(), size)).u8(static_cast<std::uint8_t>(kind));
}

IdemHash idem_hash(std::string_view scope_and_key) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(scope_and_key.data(), scope_and_key.size()));
  IdemHash hash;
  std::memcpy(hash.data(), canonical.digest, hash.size());
  return hash;
}

std::string idem_expiry_key(Time expires, const IdemHash& hash) {
  std::string key(Key().be64(static_cast<std::uint64_t>(to_ms(expires))));
  return key.append(as_view(hash));
}

}  // namespace postrider::storage::lmdb
