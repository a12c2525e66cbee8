#include "mgmt/event_feed.h"

#include <algorithm>

#include "mgmt/message_access.h"
#include "mgmt/message_json.h"
#include "mgmt/parameters.h"
#include "net/await.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;

// Events are numbered when they are committed and stamped a little earlier; and the wall clock may have been set.
constexpr Duration kClockSlack = std::chrono::hours(1);

constexpr int kEventTypes = static_cast<int>(EventType::processed) + 1;

std::optional<EventType> parse_event_type(std::string_view text) {
  for (int i = 0; i < kEventTypes; ++i)
    if (to_string(EventType(i)) == text) return EventType(i);
  return std::nullopt;
}

constexpr std::string_view kAllOfUpstreams = "upstream_*";

// Of a message that is gone nobody can say whose it was.
bool may_see_event(const Principal& principal, const Event& event, const MessageRecord* message) {
  if (is_upstream_event(event.type)) return principal.is_operator();
  return message ? may_see(principal, *message) : principal.everyone;
}

// "sent,bounced,upstream_*"
result<std::vector<EventType>> parse_event_types(std::string_view text) {
  std::vector<EventType> types;
  while (true) {
    const auto comma = text.find(',');
    const std::string_view word = text.substr(0, comma);
    const auto type = parse_event_type(word);
    if (word == kAllOfUpstreams) {
      for (int i = 0; i < kEventTypes; ++i)
        if (is_upstream_event(EventType(i))) types.push_back(EventType(i));
    } else if (type) {
      types.push_back(*type);
    } else {
      std::string known;
      for (int i = 0; i < kEventTypes; ++i) known.append(i == 0 ? "" : ", ").append(to_string(EventType(i)));
      return invalid("parameter 'type' must be one or several, separated by commas, of " + known + ", or upstream_*");
    }
    if (comma == std::string_view::npos) return types;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

bool EventFilter::fits(const Event& event) const {
  if (message && event.message != *message) return false;
  if (!upstream.empty() && event.upstream != upstream && !(event.attempt && event.attempt->upstream == upstream))
    return false;
  if (since && event.at < *since) return false;
  if (until && event.at >= *until) return false;
  return types.empty() || std::find(types.begin(), types.end(), event.type) != types.end();
}

result<EventFilter> read_event_filter(const Request& request) {
  EventFilter filter;
  filter.from_end = request.parameter("after") == "end";
  if (!filter.from_end) {
    const auto after = number_parameter(request, "after", 0, UINT64_MAX);
    if (!after) return invalid("parameter 'after' must be the `next` of an earlier page, or end");
    filter.after = after->value_or(0);
  }
  const auto limit = number_parameter(request, "limit", 1, kMaxPage);
  if (!limit) return limit.error();
  filter.limit = limit->value_or(filter.limit);
  if (const auto text = request.parameter("type")) {
    auto types = parse_event_types(*text);
    if (!types) return types.error();
    filter.types = std::move(*types);
  }
  if (const auto text = request.parameter("message")) {
    filter.message = MessageId::parse(*text);
    if (!filter.message) return invalid("parameter 'message' must be the id of a message");
  }
  filter.upstream = request.parameter("upstream").value_or("");
  const auto since = time_parameter(request, "since"), until = time_parameter(request, "until");
  if (!since) return since.error();
  if (!until) return until.error();
  filter.since = *since;
  filter.until = *until;
  return filter;
}

// The messages of one page, each looked up once: their recipients are named in events, and their tenant decides who sees them.
struct EventFeed::Reading {
  std::unordered_map<MessageId, std::shared_ptr<const MessageRecord>> messages;
};

EventFeed::EventFeed(Mailbox& home, storage::Store& store, EventFeedLimits limits)
    : home_(home), store_(store), limits_(limits) {}

asio::awaitable<result<std::uint64_t>> EventFeed::start(const EventFilter& filter) {
  if (filter.from_end) co_return last();
  if (filter.after > 0 || !filter.since || filter.message) co_return filter.after;
  const Time since = *filter.since - kClockSlack;
  std::uint64_t low = 0, high = last();  // what is after `high` is late enough, what is up to `low` is not
  while (low < high) {
    const std::uint64_t middle = low + (high - low) / 2;
    const auto found = co_await rows(middle, 1);
    if (!found) co_return found.error();
    if (found->empty() || found->front().at >= since)
      high = middle;
    else
      low = std::max(found->front().seq, middle + 1);
  }
  co_return low;
}

asio::awaitable<result<EventPage>> EventFeed::read(EventFilter filter, Principal principal) {
  if (filter.message) co_return co_await read_message(std::move(filter), std::move(principal));
  EventPage page;
  page.next = filter.after;
  Reading reading;
  for (std::size_t looked_at = 0; looked_at < limits_.max_rows;) {
    const auto some = co_await rows(page.next, limits_.page);
    if (!some) co_return some.error();
    if (some->empty()) co_return page;
    looked_at += some->size();
    for (const Event& event : *some) {
      if (page.events.size() == filter.limit || reading.messages.size() >= limits_.max_messages) {
        page.more = true;
        co_return page;
      }
      page.next = event.seq;
      if (!filter.fits(event)) continue;
      const auto message = co_await look_up(event, reading);
      if (!message) co_return message.error();
      if (may_see_event(principal, event, message->get())) page.events.emplace_back(feed_json(event, message->get()));
    }
  }
  page.more = true;
  co_return page;
}

// One message has its own list; a walk through the feed for it would be a search for a needle.
asio::awaitable<result<EventPage>> EventFeed::read_message(EventFilter filter, Principal principal) {
  EventPage page;
  page.next = std::max(filter.after, last());  // asked first: whatever comes later is numbered higher
  const auto message = co_await find_message(home_, store_, filter.message->str(), principal);
  if (!message) co_return message.error();
  auto start = [&](Done<std::vector<Event>> done) { store_.history(*filter.message, std::move(done)); };
  const auto history = co_await net::await_done<std::vector<Event>>(home_, start);
  if (!history) co_return history.error();
  for (const Event& event : *history) {
    if (event.seq <= filter.after || event.seq > page.next || !filter.fits(event)) continue;
    if (page.events.size() == filter.limit) {
      page.more = true;
      page.next = static_cast<std::uint64_t>(page.events.back().at("seq").to_number<std::uint64_t>());
      break;
    }
    page.events.emplace_back(feed_json(event, &*message));
  }
  co_return page;
}

asio::awaitable<result<std::vector<Event>>> EventFeed::rows(std::uint64_t after, std::size_t limit) {
  const storage::EventQuery query{after, limit};
  auto start = [&](Done<std::vector<Event>> done) { store_.events(query, std::move(done)); };
  co_return co_await net::await_done<std::vector<Event>>(home_, start);
}

// Null for a message that is not there any more, or cannot be read, and for events that are of none.
asio::awaitable<result<std::shared_ptr<const MessageRecord>>> EventFeed::look_up(const Event& event, Reading& reading) {
  if (is_upstream_event(event.type)) co_return std::shared_ptr<const MessageRecord>();
  const MessageId id = event.message;
  if (const auto known = reading.messages.find(id); known != reading.messages.end()) co_return known->second;
  auto start = [&](Done<MessageRecord> done) { store_.find(id, std::move(done)); };
  auto found = co_await net::await_done<MessageRecord>(home_, start);
  if (!found && found.error().kind == FaultKind::unavailable) co_return found.error();
  std::shared_ptr<const MessageRecord> message;
  if (found) message = std::make_shared<const MessageRecord>(std::move(*found));
  reading.messages.emplace(id, message);
  co_return message;
}

}  // namespace postrider::mgmt
