#include "storage/lmdb/meta.h"

#include <xxhash.h>

#include <algorithm>

#include "storage/record_frame.h"
#include "storage/wire.h"

namespace postrider::storage::lmdb {

namespace {
constexpr std::string_view kMagic = "PRspool";
}  // namespace

void encode_meta(const Meta& meta, std::string& out) {
  out.assign(kMagic);
  wire::Put to(out);
  to.u8(kSpoolFormat);
  to.u32(meta.epoch);
  for (std::uint64_t value : {meta.next_seq, meta.live_messages, meta.live_bytes, meta.finished_bytes, meta.quarantined,
                              meta.history_cursor, meta.sent_cursor, meta.failed_cursor, meta.passed_over}) {
    to.u64(value);
  }
  for (std::uint64_t count : meta.messages) to.u64(count);
  to.u64(XXH3_64bits(out.data(), out.size()));
}

std::optional<std::uint8_t> format_of_meta(std::string_view value) {
  if (value.size() <= kMagic.size() || !value.starts_with(kMagic)) return std::nullopt;
  return static_cast<std::uint8_t>(value[kMagic.size()]);
}

result<Meta> decode_meta(std::string_view value) {
  if (!is_known_format(format_of_meta(value).value_or(0)))  // Environment refuses others
    return Fault{FaultKind::damaged, "the spool's own row is none of this program's"};
  wire::Take in(value.substr(kMagic.size() + 1));
  Meta meta;
  meta.epoch = in.u32();
  for (std::uint64_t* field :
       {&meta.next_seq, &meta.live_messages, &meta.live_bytes, &meta.finished_bytes, &meta.quarantined,
        &meta.history_cursor, &meta.sent_cursor, &meta.failed_cursor, &meta.passed_over}) {
    *field = in.u64();
  }
  for (std::uint64_t& count : meta.messages) count = in.u64();
  const std::uint64_t checksum = in.u64();
  if (!in.ok_and_empty() || checksum != XXH3_64bits(value.data(), value.size() - sizeof checksum)) {
    return Fault{FaultKind::damaged, "the spool's own row is damaged"};
  }
  return meta;
}

void fill_stats(const Meta& meta, SpoolStats& stats) {
  std::copy(meta.messages.begin(), meta.messages.end(), stats.messages);
  stats.live_messages = meta.live_messages;
  stats.live_bytes = meta.live_bytes;
  stats.finished_bytes = meta.finished_bytes;
  stats.quarantined = meta.quarantined;
  stats.last_seq = meta.next_seq - 1;
  stats.epoch = meta.epoch;
}

}  // namespace postrider::storage::lmdb
