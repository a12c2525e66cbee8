#include "storage/upstream_rules.h"

#include <string>

namespace postrider::storage {

result<std::vector<Event>> upstream_events(const UpstreamState& state, std::vector<Event> events) {
  if (state.name.empty() || state.name.size() > kMaxUpstreamName)
    return invalid("the name of an upstream has 1 to " + std::to_string(kMaxUpstreamName) + " octets");
  for (Event& event : events) {
    if (!is_upstream_event(event.type))
      return invalid("the event " + std::string(to_string(event.type)) + " is not one of an upstream");
    event.message = MessageId();
    event.upstream = state.name;
    event.recipient = kAllRecipients;
    event.attempt = nullptr;
  }
  return events;
}

}  // namespace postrider::storage
