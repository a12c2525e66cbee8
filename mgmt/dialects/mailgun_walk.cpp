#include "mgmt/dialects/mailgun_walk.h"

#include <algorithm>
#include <limits>

#include "mgmt/event_feed.h"
#include "mgmt/message_access.h"
#include "net/await.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;

// Events are numbered when they are committed and stamped a little earlier, and the wall clock may have been set: a place found by time
// is looked for this far off.
constexpr Duration kSlack = std::chrono::hours(1);

constexpr std::uint32_t kLastRecipient = std::numeric_limits<std::uint32_t>::max();

}  // namespace

MailgunWalk::MailgunWalk(const DialectParts& parts, const MailgunQuery& query, const Principal& principal)
    : parts_(parts), query_(query), principal_(principal), stop_at_(parts.clock.monotonic() + kMaxTime) {}

asio::awaitable<result<MailgunPage>> MailgunWalk::run() {
  reached_ = query_.place;
  if (query_.upwards()) {
    const auto walked = co_await up();
    if (!walked) co_return walked.error();
  } else {
    const auto walked = co_await down();
    if (!walked) co_return walked.error();
  }
  MailgunPage page;
  if (query_.backwards) std::reverse(found_.begin(), found_.end());
  for (auto& [place, item] : found_) page.items.push_back(std::move(item));
  if (found_.empty())
    page.first = page.last = reached_;
  else
    page.first = found_.front().first, page.last = found_.back().first;
  co_return page;
}

// Where in the feed `time` is; what is after it is later, but for the slack.
asio::awaitable<result<std::uint64_t>> MailgunWalk::sequence_at(Time time) {
  EventFeed feed(parts_.loop, parts_.store);
  EventFilter filter;
  filter.since = time;
  co_return co_await feed.start(filter);
}

asio::awaitable<result<Nothing>> MailgunWalk::up() {
  if (!reached_) {
    std::uint64_t before = 0;
    if (const auto oldest = query_.oldest()) {
      const auto found = co_await sequence_at(*oldest);
      if (!found) co_return found.error();
      before = *found;
    }
    reached_ = MailgunPlace{before, kLastRecipient};
  }
  const bool whole = reached_->recipient == kLastRecipient || reached_->seq == 0;
  std::uint64_t after = whole ? reached_->seq : reached_->seq - 1;
  while (!is_done()) {
    auto some = co_await rows(after);
    if (!some) co_return some.error();
    if (some->empty()) break;
    for (Event& event : *some) {
      after = event.seq;
      auto taken = co_await take(std::move(event));
      if (!taken) co_return taken.error();
      if (is_done()) break;
    }
  }
  co_return Nothing{};
}

// The store reads upwards only: a window below `top` at a time, which widens where retention has left gaps.
asio::awaitable<result<Nothing>> MailgunWalk::down() {
  const std::uint64_t last = parts_.store.stats().last_seq;
  if (!reached_) {
    std::uint64_t top = last;
    const auto newest = query_.newest();
    if (newest && *newest < parts_.clock.now() - kSlack) {
      const auto found = co_await sequence_at(*newest + 2 * kSlack);
      if (!found) co_return found.error();
      top = *found;
    }
    reached_ = MailgunPlace{top + 1, 0};
  }
  const bool whole = reached_->recipient == 0 && reached_->seq > 0;
  std::uint64_t top = std::min(whole ? reached_->seq - 1 : reached_->seq, last);  // the newest that is still to be read
  std::uint64_t width = kRows;
  while (top > 0 && !is_done()) {
    const std::uint64_t bottom = top > width ? top - width : 0;
    auto some = co_await rows(bottom);
    if (!some) co_return some.error();
    const bool cut = some->size() == kRows && some->back().seq < top;  // the window holds more than a page
    std::erase_if(*some, [&](const Event& event) { return event.seq > top; });
    if (cut) {
      width /= 2;
      continue;
    }
    width = some->empty() ? width * 2 : kRows;
    top = bottom;
    for (auto event = some->rbegin(); event != some->rend() && !is_done(); ++event) {
      auto taken = co_await take(std::move(*event));
      if (!taken) co_return taken.error();
    }
  }
  co_return Nothing{};
}

asio::awaitable<result<std::vector<Event>>> MailgunWalk::rows(std::uint64_t after) {
  const storage::EventQuery query{after, kRows};
  auto start = [&](Done<std::vector<Event>> done) { parts_.store.events(query, std::move(done)); };
  co_return co_await net::await_done<std::vector<Event>>(parts_.loop, start);
}

asio::awaitable<result<Nothing>> MailgunWalk::take(Event event) {
  const MailgunPlace whole{event.seq, query_.upwards() ? kLastRecipient : 0};
  const auto kind = mailgun_event(event.type);
  if (!in_time(event) || !kind) {
    past_end_ = is_past_end(event.at);
    reached_ = whole;
    co_return Nothing{};
  }
  const auto message = co_await look_up(event.message);
  if (!message) co_return message.error();
  if (*message && may_see(principal_, **message)) {
    const auto count = static_cast<std::uint32_t>((*message)->recipients.size());
    for (std::uint32_t i = 0; i < count && !is_done(); ++i) {
      const std::uint32_t index = query_.upwards() ? i : count - 1 - i;
      if (event.recipient == kAllRecipients || event.recipient == index) take_recipient(event, *kind, **message, index);
    }
  }
  if (!is_done()) reached_ = whole;
  co_return Nothing{};
}

void MailgunWalk::take_recipient(const Event& event, const MailgunEvent& kind, const MessageRecord& message,
                                 std::uint32_t index) {
  const MailgunPlace place{event.seq, index};
  if (query_.upwards() ? place <= *reached_ : place >= *reached_) return;  // of the page before
  const auto fits = [&](const auto& filter) {
    return filter.second.fits(mailgun_values(filter.first, kind, message, index));
  };
  if (std::all_of(query_.filters.begin(), query_.filters.end(), fits))
    found_.emplace_back(place, mailgun_item(kind, event, message, index));
}

// Null for a message that is not there any more, or cannot be read.
asio::awaitable<result<std::shared_ptr<const MessageRecord>>> MailgunWalk::look_up(MessageId id) {
  if (const auto known = messages_.find(id); known != messages_.end()) co_return known->second;
  auto start = [&](Done<MessageRecord> done) { parts_.store.find(id, std::move(done)); };
  auto found = co_await net::await_done<MessageRecord>(parts_.loop, start);
  if (!found && found.error().kind == FaultKind::unavailable) co_return found.error();
  std::shared_ptr<const MessageRecord> message;
  if (found) message = std::make_shared<const MessageRecord>(std::move(*found));
  if (messages_.size() >= kMaxMessages) messages_.clear();
  messages_.emplace(id, message);
  co_return message;
}

bool MailgunWalk::in_time(const Event& event) const {
  const auto oldest = query_.oldest(), newest = query_.newest();
  return (!oldest || event.at >= *oldest) && (!newest || event.at <= *newest);
}

// Nothing that follows can be in time.
bool MailgunWalk::is_past_end(Time at) const {
  const auto oldest = query_.oldest(), newest = query_.newest();
  return query_.upwards() ? newest && at > *newest + kSlack : oldest && at < *oldest - kSlack;
}

bool MailgunWalk::is_done() const {
  return past_end_ || found_.size() >= query_.limit || parts_.clock.monotonic() >= stop_at_;
}

}  // namespace postrider::mgmt
