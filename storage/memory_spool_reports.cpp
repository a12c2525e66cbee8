// What comes from outside about mail and its recipients, as the memory spool knows it: reports of providers, the suppression list.
#include <algorithm>

#include "storage/memory_spool.h"
#include "storage/memory_spool_change.h"
#include "storage/report_rules.h"

namespace postrider::storage {

// ---- reports ------------------------------------------------------------------------------------------------------

std::vector<result<Reported>> MemorySpool::report(const std::vector<Report>& reports, Time now) {
  std::vector<result<Reported>> answers;
  answers.reserve(reports.size());
  for (const Report& report : reports) answers.push_back(take_report(report, now));
  return answers;
}

result<Reported> MemorySpool::take_report(const Report& report, Time now) {
  const auto checked = check_report(report);
  if (!checked) return checked.error();
  const auto id = report.id ? result<MessageId>(*report.id) : find_by_provider_id(report.upstream, report.provider_id);
  if (!id) return id.error();
  const auto found = messages_.find(*id);
  if (found == messages_.end()) return Fault{FaultKind::not_found, "no message " + id->str()};
  if (!fits(kReportRoom)) return Fault{FaultKind::full, "the spool is full"};
  MessageRecord& record = found->second.record;
  KnownReports known;
  for (const std::uint64_t seq : record.history) known.add(feed_.at(seq));
  Change change(*this, record);
  auto events = report_record(record, report, known, now);
  if (!events) return events.error();
  const Reported answer{*id, static_cast<std::uint32_t>(events->size()), record.owes_notice()};
  number(std::move(*events), record);
  return answer;
}

// ---- suppression --------------------------------------------------------------------------------------------------

FindSuppression MemorySpool::find_in_list() const {
  if (suppressions_.empty()) return {};
  return [this](const std::string& key) -> std::optional<Suppression> {
    const auto found = suppressions_.find(key);
    return found == suppressions_.end() ? std::nullopt : std::optional(found->second);
  };
}

result<Nothing> MemorySpool::put_suppression(Suppression entry) {
  auto checked = check_suppression(std::move(entry));
  if (!checked) return checked.error();
  std::string key = checked->address;
  if (!suppressions_.contains(key) && !fits(kSuppressionRoom)) return Fault{FaultKind::full, "the spool is full"};
  suppressions_.insert_or_assign(std::move(key), std::move(*checked));
  return Nothing{};
}

result<Nothing> MemorySpool::remove_suppression(const std::string& address) {
  const auto key = suppression_key(address);
  if (!key || suppressions_.erase(*key) == 0) return no_suppression(address);
  return Nothing{};
}

std::vector<std::optional<Suppression>> MemorySpool::find_suppressions(
    const std::vector<std::string>& addresses) const {
  std::vector<std::optional<Suppression>> found;
  const FindSuppression find = find_in_list();
  for (const std::string& address : addresses) {
    const auto key = suppression_key(address);
    found.push_back(key && find ? find(*key) : std::nullopt);
  }
  return found;
}

SuppressionPage MemorySpool::list_suppressions(const SuppressionQuery& query) const {
  SuppressionPage page;
  const std::size_t limit = std::max<std::size_t>(query.limit, 1);
  auto at = query.after.empty() ? suppressions_.begin() : suppressions_.upper_bound(behind(query.after));
  for (; at != suppressions_.end(); ++at) {
    if (page.entries.size() == limit) {
      page.more = true;
      break;
    }
    page.entries.push_back(at->second);
  }
  return page;
}

}  // namespace postrider::storage
