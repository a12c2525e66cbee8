// The operator's log: a closed vocabulary of typed events with fields. core knows only the interface; cmd/logging writes
// it (asynchronous, bounded, counts what it drops). Never a body, never a secret.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "core/id.h"

namespace postrider {

enum class LogLevel : std::uint8_t { trace, debug, info, warn, error };

struct LogField {
  std::string_view name;
  std::string value;
};

// Any thread. `event` is a word from docs/log-events.md, such as "message.accepted" or "upstream.failed".
class Log {
 public:
  virtual ~Log() = default;
  virtual bool enabled(LogLevel level) const = 0;
  virtual void write(LogLevel level, std::string_view event, const MessageId* message,
                     std::initializer_list<LogField> fields) = 0;

  void info(std::string_view event, std::initializer_list<LogField> f) {
    if (enabled(LogLevel::info)) write(LogLevel::info, event, nullptr, f);
  }
  void warn(std::string_view event, std::initializer_list<LogField> f) {
    if (enabled(LogLevel::warn)) write(LogLevel::warn, event, nullptr, f);
  }
  void error(std::string_view event, std::initializer_list<LogField> f) {
    if (enabled(LogLevel::error)) write(LogLevel::error, event, nullptr, f);
  }
};

class NullLog final : public Log {
 public:
  bool enabled(LogLevel) const override { return false; }
  void write(LogLevel, std::string_view, const MessageId*, std::initializer_list<LogField>) override {}
};

}  // namespace postrider
