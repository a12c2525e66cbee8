// The second half of `spool salvage`: from the places where values were found to a new spool.
#include "storage/salvage.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "core/header_fields.h"
#include "storage/lmdb/new_spool.h"
#include "storage/salvage_index.h"
#include "storage/salvage_scan.h"

namespace postrider::storage {

namespace {

using namespace lmdb;  // the parts named below are all from there

constexpr std::uint64_t kCommitBytes = 4ull << 20;
// Newer numbers may have been lost: whoever follows the feed shall not meet one of them again with another event.
constexpr std::uint64_t kSeqGap = 1'000'000;

// A daemon that writes would change pages under the scan. Nothing to lock is no daemon: the file may lie on a rescue disk.
UniqueFd refuse_running(const std::string& directory) {
  UniqueFd fd(open((directory + "/lock").c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() >= 0 && flock(fd.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    throw SpoolError("another postrider is running on " + directory, SpoolError::Kind::in_use);
  return fd;
}

class Salvage {
 public:
  Salvage(const std::string& directory, std::uint64_t max_size, const SalvageRequest& request, Time now)
      : directory_(directory),
        request_(request),
        now_(now),
        file_(directory + "/data.mdb"),
        to_(request.output_dir, std::max(max_size, 2 * file_.size())) {}

  SalvageReport run() {
    SalvageScan scan(file_, [this](const FoundValue& found, std::string_view value) { index_.add(found, value); });
    scan.run(request_.on_progress);
    index_.sort();
    if (const auto format = scan.other_format(); format && index_.records().empty())
      throw SpoolError(directory_ + " has format " + std::to_string(*format) + ", this program knows " +
                       std::to_string(kOldestFormat) + " to " + std::to_string(kSpoolFormat) +
                       ": salvage it with the version that wrote it");
    report_.pages = scan.pages();
    report_.broken_values = scan.broken();
    report_.old_versions = index_.old_versions();
    report_.unreadable_pages = file_.unreadable_pages();

    std::uint64_t bytes = 0;
    for (const RecordPlace& place : index_.records()) {
      bytes += write_message(place);
      if (bytes >= kCommitBytes) {
        to_.commit();
        bytes = 0;
      }
      if (request_.on_progress) request_.on_progress("writing", report_.messages, index_.records().size());
    }
    to_.commit();
    write_credentials();
    write_upstreams();
    write_suppressions();
    for (const MessageId& id : index_.ids_without_record())
      list(id, report_.without_record_count, report_.without_record);
    to_.meta().next_seq = index_.next_seq() + kSeqGap;
    to_.note_lost_bodies(now_);
    report_.held = to_.hold_live("held: this message was salvaged from a damaged spool on " + format_rfc3339(now_) +
                                     " and may have been sent before; release it to send it",
                                 now_, request_.on_progress);
    report_.file_bytes = to_.finish(directory_);
    return std::move(report_);
  }

 private:
  // The octets it wrote, about.
  std::uint64_t write_message(const RecordPlace& place) {
    const std::string value(file_.at(place.place.offset, place.place.size));
    auto stored = decode_message(value, place.id);
    if (!stored) return 0;  // the disk gave it once and now does not
    WholeMessage message{std::move(*stored), {}, {}};
    MessageRecord& record = message.stored.record;
    const std::vector<std::string> rows = read_rows(message, place.last_row);
    const std::vector<std::string> chunks = read_chunks(message);
    const bool lost_body = record.body == BodyState::present && message.chunks.size() != record.body_chunks;
    if (record.live() && (lost_body || record.body == BodyState::removed))
      list(record.id, report_.without_body_count, report_.without_body);
    if (!record.live()) ++report_.finished;
    if (record.state() == RecipientState::held) ++report_.already_held;
    ++report_.messages;
    report_.chunks += message.chunks.size();
    const std::uint64_t bytes = value.size() + record.body_size;
    to_.add(std::move(message));
    return bytes;
  }

  // Fills message.rows with views into what it answers, and lets the record catch up with rows it does not know.
  std::vector<std::string> read_rows(WholeMessage& message, std::uint64_t last_row) {
    const std::vector<std::uint64_t> known = message.stored.record.history;
    std::vector<std::string> values;
    std::vector<Event> later;
    std::size_t found_known = 0;
    const std::vector<RowPlace> places = index_.rows_of(message.stored.record.id);
    values.reserve(places.size());
    for (const RowPlace& row : places) {
      const bool is_known = std::binary_search(known.begin(), known.end(), row.seq);
      if (!is_known && row.seq < last_row) continue;  // of a commit that never was
      values.emplace_back(file_.at(row.place.offset, row.place.size));
      const auto decoded = decode_feed_row(values.back(), row.seq);
      if (!decoded) {
        values.pop_back();
        continue;
      }
      found_known += is_known ? 1 : 0;
      if (!is_known) later.insert(later.end(), decoded->events.begin(), decoded->events.end());
      message.rows.emplace_back(row.seq, values.back());
      report_.events += decoded->events.size();
    }
    if (found_known < known.size()) ++report_.with_gaps;
    catch_up(message.stored.record, later);
    return values;
  }

  // Fills message.chunks with views into what it answers: all of the body or nothing.
  std::vector<std::string> read_chunks(WholeMessage& message) {
    MessageRecord& record = message.stored.record;
    std::vector<std::string> values;
    if (record.body == BodyState::removed) return values;
    const std::vector<ChunkPlace> places = index_.chunks_of(record.id);
    values.reserve(places.size());
    std::uint64_t size = 0;
    for (const ChunkPlace& chunk : places) {
      if (chunk.index != values.size() || chunk.index >= record.body_chunks) break;
      values.emplace_back(file_.at(chunk.place.offset, chunk.place.size));
      const auto payload = decode_chunk(values.back(), record.id, chunk.index);
      if (!payload) break;
      message.chunks.push_back(*payload);
      size += payload->size();
    }
    if (message.chunks.size() == record.body_chunks && size == record.body_size) return values;
    if (!message.chunks.empty()) record.headers = header_fields(message.chunks.front());
    message.chunks.clear();
    return values;
  }

  void write_credentials() {
    for (const auto& [name, user] : index_.users()) {
      report_.users.push_back(name);
      if (request_.with_users) to_.add_user(user);
    }
    for (const auto& [name, key] : index_.api_keys()) {
      report_.api_keys.push_back(name);
      if (request_.with_users) to_.add_api_key(key);
    }
    to_.commit();
  }

  // Their states, and their events, which belong to no message.
  void write_upstreams() {
    for (const auto& [name, upstream] : index_.upstreams()) to_.add_upstream(upstream);
    for (const auto& [seq, place] : index_.upstream_rows()) {
      const std::string value(file_.at(place.offset, place.size));
      const auto row = decode_feed_row(value, seq);
      if (row && to_.add_upstream_row(*row, value)) report_.events += row->events.size();
    }
    to_.commit();
  }

  // All of them, also one that may have been removed since: mail that is kept back can be released, mail that went cannot be called back.
  void write_suppressions() {
    for (const auto& [address, entry] : index_.suppressions()) to_.add_suppression(entry);
    report_.suppressions = index_.suppressions().size();
    to_.commit();
  }

  static void list(const MessageId& id, std::uint64_t& count, std::vector<MessageId>& ids) {
    ++count;
    if (ids.size() < kMaxListedFaults) ids.push_back(id);
  }

  const std::string directory_;
  const SalvageRequest& request_;
  const Time now_;
  DamagedFile file_;
  SalvageIndex index_;
  NewSpool to_;
  SalvageReport report_;
};

}  // namespace

SalvageReport salvage_spool(const SpoolOptions& damaged, const SalvageRequest& request) {
  const std::string directory = damaged.data_dir + "/spool";
  const UniqueFd lock = refuse_running(directory);
  const Time now =
      damaged.now ? damaged.now() : std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  return Salvage(directory, damaged.max_size, request, now).run();
}

}  // namespace postrider::storage
