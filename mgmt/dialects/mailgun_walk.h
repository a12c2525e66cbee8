// A walk through the feed of events for one page of Mailgun's events API: up or down, from a place or a time, through filters, over the
// messages that the asking tenant may see. Reads through the store only, a few hundred rows at a time. mgmt thread; one per request.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "mgmt/dialects/dialect.h"
#include "mgmt/dialects/mailgun_event.h"
#include "mgmt/dialects/mailgun_query.h"

namespace postrider::mgmt {

struct MailgunPage {
  std::vector<boost::json::object> items;   // in the direction of the query
  std::optional<MailgunPlace> first, last;  // of the items; without any: how far the walk came
};

class MailgunWalk {
 public:
  static constexpr std::size_t kRows = 500;                      // read at a time
  static constexpr std::size_t kMaxMessages = 2000;              // kept at a time
  static constexpr Duration kMaxTime = std::chrono::seconds(5);  // then it is a page, however short

  MailgunWalk(const DialectParts& parts, const MailgunQuery& query, const Principal& principal);
  boost::asio::awaitable<result<MailgunPage>> run();

 private:
  boost::asio::awaitable<result<Nothing>> up();
  boost::asio::awaitable<result<Nothing>> down();
  boost::asio::awaitable<result<std::uint64_t>> sequence_at(Time time);
  boost::asio::awaitable<result<std::vector<Event>>> rows(std::uint64_t after);
  boost::asio::awaitable<result<Nothing>> take(Event event);
  boost::asio::awaitable<result<std::shared_ptr<const MessageRecord>>> look_up(MessageId id);
  void take_recipient(const Event& event, const MailgunEvent& kind, const MessageRecord& message, std::uint32_t index);
  bool in_time(const Event& event) const;
  bool is_past_end(Time at) const;
  bool is_done() const;

  const DialectParts& parts_;
  const MailgunQuery& query_;
  const Principal& principal_;
  Duration stop_at_;
  bool past_end_ = false;
  std::optional<MailgunPlace> reached_;
  std::vector<std::pair<MailgunPlace, boost::json::object>> found_;  // in the order of the walk
  std::unordered_map<MessageId, std::shared_ptr<const MessageRecord>> messages_;
};

}  // namespace postrider::mgmt
