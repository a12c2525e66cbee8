// The operator's log: an asynchronous, bounded writer of core's Log. A line that finds the queue full pushes out the
// oldest one, which is counted; nobody ever waits. Any thread may write; made by cmd/serve, and destroyed after everyone
// who writes: destruction writes out what is queued. It never sees a body or a secret.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "core/config.h"
#include "core/log.h"
#include "core/time.h"

namespace postrider::cmd {

struct LoggingOptions {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::text;
  std::size_t queue_lines = 8192;
};

class OperatorLog : public Log {
 public:
  virtual std::uint64_t dropped() const = 0;  // lines, since start
  virtual void set_level(LogLevel level) = 0;
};

// Writes finished lines, one or more, each with its newline; called on the logging thread only.
using LineSink = std::function<void(std::string_view lines)>;

std::unique_ptr<OperatorLog> make_stderr_log(const LoggingOptions& options);
std::unique_ptr<OperatorLog> make_log(const LoggingOptions& options, LineSink sink, std::function<Time()> now);

// One line without newline: "2026-01-31T08:15:00.123Z info message.accepted id=... sender=a@example.com", or as JSON.
std::string format_log_line(LogFormat format, Time at, LogLevel level, std::string_view event, const MessageId* message,
                            std::initializer_list<LogField> fields);

}  // namespace postrider::cmd
