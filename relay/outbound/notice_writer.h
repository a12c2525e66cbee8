// NoticeWriter: pays what is owed to senders (RFC 3461). Looks through Store::owing at start and whenever it is told, writes a
// notice a message and kind, and submits it through the one door; the accept clears the debt in its own transaction, so that a
// crash at any instant leaves either the debt or the notice. One per daemon, on the Loop of a relay thread; never polls.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/clock.h"
#include "core/log.h"
#include "core/notice.h"
#include "net/loop.h"
#include "net/task_group.h"
#include "relay/inbound/submission.h"
#include "relay/outbound/notice_facts.h"
#include "relay/outbound/wakeup.h"
#include "storage/store.h"

namespace postrider::relay {

struct NoticeOptions {
  std::string hostname;
  bool remove_sent_body = true;              // as in DispatchOptions
  Duration max_age{};                        // of delivery, for Will-Retry-Until
  std::uint64_t max_returned = 10ull << 20;  // octets of a message that is returned whole; of a larger one, the header
};

struct NoticeParts {
  net::Loop& loop;
  const Clock& clock;
  AlarmSource& alarms;
  storage::Store& store;
  Submission& submission;
  Log& log;
};

class NoticeWriter {
 public:
  NoticeWriter(const NoticeParts& parts, NoticeOptions options);
  NoticeWriter(const NoticeWriter&) = delete;
  NoticeWriter& operator=(const NoticeWriter&) = delete;

  void start();
  void owed() { work_.signal(); }  // a debt was noted; on the Loop's thread
  boost::asio::awaitable<void> drain();

 private:
  enum class Written : std::uint8_t { yes, later, unreadable };

  boost::asio::awaitable<void> work();
  boost::asio::awaitable<bool> pay_all();  // false: something could not be paid now
  boost::asio::awaitable<bool> try_to_pay(MessageId id);
  boost::asio::awaitable<bool> pay(MessageId id);
  boost::asio::awaitable<Written> write(const MessageRecord& message, Notice kind);
  boost::asio::awaitable<Written> submit(const NoticeSubject& subject, const std::optional<std::string>& header);
  boost::asio::awaitable<result<std::string>> header_of(MessageId id);
  boost::asio::awaitable<result<Nothing>> copy_body(Intake& intake, const MessageRecord& message);
  EnvelopeSpec envelope(const NoticeSubject& subject);

  NoticeParts parts_;
  const NoticeOptions options_;
  net::TaskGroup tasks_;
  Wakeup work_;
  std::unique_ptr<Alarm> again_;
  bool stopping_ = false;
};

}  // namespace postrider::relay
