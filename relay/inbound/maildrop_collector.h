// Takes what the sendmail program left in the drop directory through the one submission door. Looks at start, when told to, and once
// a minute; a few files at a time. A file is removed only when its message is on stable storage, and both are tied by an idempotency
// key, so that a crash in between makes no second message. Lives on the Loop of the maildrop thread, where reading may block.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <set>
#include <string>

#include "core/clock.h"
#include "core/log.h"
#include "net/task_group.h"
#include "relay/inbound/maildrop_directory.h"
#include "relay/inbound/submission.h"

namespace postrider::relay {

struct MaildropParts {
  net::Loop& loop;
  const Clock& clock;
  AlarmSource& alarms;
  Submission& submission;
  Log& log;
};

struct DropVerdict;

class MaildropCollector {
 public:
  static constexpr Duration kScanInterval = std::chrono::seconds(60);
  static constexpr int kInFlight = 8;  // files at a time: enough to share commits

  MaildropCollector(MaildropParts parts, std::string directory);

  void start();
  void look();  // something may have come; cheap while a pass is under way
  // Takes no further file; ends when those under way are settled.
  boost::asio::awaitable<void> drain();
  bool idle() const { return !passing_; }

 private:
  void scan();
  boost::asio::awaitable<void> pass();
  boost::asio::awaitable<void> take_files(MaildropDirectory& directory);
  boost::asio::awaitable<void> take(MaildropDirectory& directory, std::string name);
  boost::asio::awaitable<DropVerdict> submit(const DropFile& file);
  void settle(MaildropDirectory& directory, const std::string& name, const DropFile& file, const DropVerdict& verdict);
  void leave(const std::string& name, const std::string& reason);

  MaildropParts parts_;
  const std::string directory_;
  std::unique_ptr<Alarm> alarm_;
  bool passing_ = false;
  bool again_ = false;              // look() was called during the pass
  bool stopping_ = false;           // drain() was called
  bool over_ = false;               // this pass takes no further file
  std::set<std::string> reported_;  // what was left and said so; forgotten when it grows too large
  net::TaskGroup tasks_;
};

}  // namespace postrider::relay
