// The operator's log on stderr: an asynchronous, bounded writer of core's Log. A line that finds the queue full is
// dropped and counted, never waited for. Any thread may write; made and destroyed by cmd/serve. Writes no body, no secret.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
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
  // Lines dropped because the queue was full, since start.
  virtual std::uint64_t dropped() const = 0;
  virtual void set_level(LogLevel level) = 0;
  virtual void flush() = 0;  // returns when all that was written before is out
};

// Writes finished lines, newline included; called on the logging thread only.
using LineSink = std::function<void(std::string_view line)>;

std::unique_ptr<OperatorLog> make_stderr_log(LoggingOptions options);
std::unique_ptr<OperatorLog> make_log(LoggingOptions options, LineSink sink, std::function<Time()> now);

}  // namespace postrider::cmd
