// What a provider's report does to one MessageRecord: pure, as storage/record_rules.h, with the same words on faults and events.
// Shared by the stores' report(), and by salvage, which does again what later rows of events say.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/delivery.h"
#include "core/message.h"
#include "core/result.h"
#include "storage/store.h"

namespace postrider::storage {

// What a report may take of the spool, over whose high-water mark none is taken: its event, in a record that grows.
inline constexpr std::uint64_t kReportRoom = 1024;

// The reports that are in a message's history.
class KnownReports {
 public:
  void add(const Event& event);  // any of the history
  bool has(const Report& report, std::uint32_t recipient) const;

 private:
  struct Whose {
    std::uint32_t recipient = 0;
    std::string upstream;
  };
  std::unordered_multimap<std::uint64_t, Whose> reports_;  // by key
};

// Whether the history takes no more reports of that type, but for those that move a recipient: a mail is opened as often as a stranger
// likes, and a bounce must still be heard after it.
bool is_history_full(const MessageRecord& record, EventType type);
Fault history_is_full(const MessageRecord& record);  // invalid

// Faults: invalid (no key, a type that providers do not report).
result<Nothing> check_report(const Report& report);

// Events: one a recipient that did not have this report yet, and `known` has them then. Faults: not_found (the upstream took nobody
// of this message, or nobody whom the report means), conflict (one whom it means is still `sending`), invalid (history_is_full).
result<std::vector<Event>> report_record(MessageRecord& record, const Report& report, KnownReports& known, Time now);

// How a report moves a recipient, by core's transition function; nothing: it only goes into the history.
std::optional<Trigger> trigger_of_report(EventType type);

}  // namespace postrider::storage
