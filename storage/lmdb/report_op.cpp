// What providers report, a batch in one transaction: each message is read once, with its history, and written once, with one row of
// events, however many of the reports are about it.
#include <map>
#include <optional>
#include <utility>

#include "storage/lmdb/queries.h"
#include "storage/lmdb/write_context.h"
#include "storage/lmdb/write_ops.h"
#include "storage/report_rules.h"

namespace postrider::storage::lmdb {

namespace {

class Batch {
 public:
  Batch(WriteContext& context, Time now) : context_(context), now_(now) {}

  result<Reported> take(const Report& report) {
    const auto checked = check_report(report);
    if (!checked) return checked.error();
    const auto id = message_of(report);
    if (!id) return id.error();
    auto at = open_.find(*id);
    if (at == open_.end()) {
      auto opened = open(*id);
      if (!opened) return opened.error();
      at = open_.emplace(*id, std::move(*opened)).first;
    }
    Open& message = at->second;
    if (!context_.take_room(kReportRoom)) return Fault{FaultKind::full, "the spool is full"};
    if (message.events.size() >= kMaxHistoryToReport)  // of one row: the next batch begins another
      return Fault{FaultKind::unavailable, "more reports of " + id->str() + " than are taken at once"};
    if (!trigger_of_report(report.type) && is_history_full(message.loaded.record(), report.type))
      return history_is_full(message.loaded.record());  // without reading it
    if (!message.known) message.known = known_of(message.loaded.record());
    auto events = report_record(message.loaded.record(), report, *message.known, now_);
    if (!events) return events.error();
    const Reported answer{*id, static_cast<std::uint32_t>(events->size()), message.loaded.record().owes_notice()};
    std::move(events->begin(), events->end(), std::back_inserter(message.events));
    return answer;
  }

  void write() {
    for (auto& [id, message] : open_) {
      if (message.events.empty()) continue;
      context_.append(message.loaded.stored, std::move(message.events));
      context_.save(message.loaded, WriteContext::Notice::quiet);
    }
  }

 private:
  struct Open {
    Loaded loaded;
    std::optional<KnownReports> known;  // of its history, once it is read
    std::vector<Event> events;          // new
  };

  result<MessageId> message_of(const Report& report) {
    if (report.id) return *report.id;
    Snapshot snapshot{context_.txn(), context_.tables(), {}};
    return find_by_provider_id(snapshot, report.upstream, report.provider_id);
  }

  result<Open> open(const MessageId& id) {
    auto loaded = context_.load(id);
    if (!loaded) return loaded.error();
    return Open{std::move(*loaded), {}, {}};
  }

  KnownReports known_of(const MessageRecord& record) {
    KnownReports known;
    for (const std::uint64_t seq : record.history) {
      const auto value = context_.txn().get(context_.tables().feed, seq_key(seq));
      const auto row = value ? decode_feed_row(*value, seq) : result<FeedRow>(Fault{FaultKind::damaged, "missing"});
      if (!row) continue;  // a gap in the history: what was reported there may be reported again
      for (const Event& event : row->events) known.add(event);
    }
    return known;
  }

  WriteContext& context_;
  const Time now_;
  std::map<MessageId, Open> open_;
};

}  // namespace

TakeReports::TakeReports(std::vector<Report> reports, Time now, Done<std::vector<result<Reported>>> done)
    : Answering(std::move(done), Haste::lazy, Need::nothing_new, kReportRoom * (1 + reports.size())),
      reports_(std::move(reports)),
      now_(now) {}

void TakeReports::run(WriteContext& context) {
  Batch batch(context, now_);
  std::vector<result<Reported>> answers;
  answers.reserve(reports_.size());
  for (const Report& report : reports_) answers.push_back(batch.take(report));
  batch.write();
  answer_with(std::move(answers));
}

}  // namespace postrider::storage::lmdb
