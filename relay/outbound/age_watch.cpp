#include "relay/outbound/age_watch.h"

#include <algorithm>

namespace postrider::relay {

void AgeWatch::set_max_age(Duration max_age) {
  if (max_age != max_age_) deadlines_.clear();
  max_age_ = max_age;
}

AgeWatch::Findings AgeWatch::look(const DueWindow& window, std::size_t most, Time now) const {
  Findings findings;
  window.each([&](const storage::DueEntry& entry) {
    const MessageId& id = entry.key.id;
    const auto known = deadlines_.find(id);
    const Time deadline = known != deadlines_.end() ? known->second : id.created_at() + max_age_;
    if (deadline > now) {
      findings.look_again = std::min(findings.look_again, deadline);
    } else if (known == deadlines_.end()) {
      if (findings.unknown.size() < most) findings.unknown.push_back(id);
    } else if (findings.too_old.size() < most) {
      findings.too_old.push_back(id);
    }
  });
  return findings;
}

void AgeWatch::learn(const MessageRecord& record, Time now) {
  Time deadline = kNever;
  for (const Recipient& recipient : record.recipients) {
    const bool waits = recipient.state == RecipientState::queued || recipient.state == RecipientState::deferred;
    if (waits && recipient.due <= now) deadline = std::min(deadline, recipient.age_from + max_age_);
  }
  remember(record.id, deadline);
}

void AgeWatch::learn_gone(const MessageId& id) {
  remember(id, kNever);
}

void AgeWatch::remember(const MessageId& id, Time deadline) {
  if (deadlines_.size() >= kMostKnown) deadlines_.clear();  // read again when wanted
  deadlines_[id] = deadline;
}

}  // namespace postrider::relay
