// Tells when something new lies in the drop directory (inotify). A convenience: whoever listens looks from time to time anyway, so a
// machine without inotify, or a directory that was replaced, only makes mail wait for that. On its Loop only.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <string>

#include "net/task_group.h"

namespace postrider::relay {

class MaildropWatch {
 public:
  MaildropWatch(net::Loop& loop, const std::string& directory, std::function<void()> changed);
  void start();
  void stop();

 private:
  boost::asio::awaitable<void> watch();

  boost::asio::posix::stream_descriptor events_;
  std::function<void()> changed_;
  net::TaskGroup tasks_;
};

}  // namespace postrider::relay
