// The thread that collects the drop directory: its Loop, its submission, the collector, and the watch that wakes it. Apart from the
// relay threads, because reading files blocks; what it accepts waits in the spool for a relay thread. Made, started and stopped by
// the daemon on the main thread.
#pragma once

#include <future>
#include <memory>
#include <string>

#include "cmd/loop_thread.h"
#include "core/budget.h"
#include "relay/inbound/maildrop_collector.h"
#include "relay/inbound/maildrop_watch.h"
#include "storage/store.h"

namespace postrider::cmd {

struct MaildropThreadParts {
  storage::Store& store;
  Budget& body_memory;
  Log& log;
};

class MaildropThread {
 public:
  // Makes the directory when it is missing; throws CommandError when it cannot be used.
  MaildropThread(const MaildropThreadParts& parts, std::shared_ptr<const relay::SubmissionOptions> submission,
                 const std::string& directory);
  ~MaildropThread() { finish(); }

  void start();
  std::future<void> drain();  // ends when the files under way are settled
  void finish() { thread_.finish(); }
  // For messages from now on.
  void use(std::shared_ptr<const relay::SubmissionOptions> submission);

 private:
  LoopThread thread_;
  std::unique_ptr<relay::Submission> submission_;
  relay::MaildropCollector collector_;
  relay::MaildropWatch watch_;
};

}  // namespace postrider::cmd
