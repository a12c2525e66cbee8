// How commands speak to people: aligned tables, times relative and absolute, colours only on a terminal. Pure but for the
// question whether stdout is a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"

namespace postrider::cmd {

// Columns as wide as their widest cell (in characters), two blanks between; the last column is not padded.
class Table {
 public:
  explicit Table(std::vector<std::string> titles);
  void add(std::vector<std::string> cells);
  std::string render(bool colour) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

enum class Tone : unsigned char { plain, bold, good, warn, bad, faint };
std::string paint(std::string_view text, Tone tone, bool colour);
Tone tone_of_state(std::string_view state);

// "3m ago", "in 9m", "now".
std::string relative_time(Time time, Time now);
// "3m ago (2026-01-31T08:15:00Z)"
std::string describe_time(Time time, Time now);
// "25.0 MiB"
std::string format_bytes(std::uint64_t bytes);
// What a stranger wrote must not steer the terminal: control characters become '?'.
std::string printable(std::string_view text);

// stdout is a terminal, TERM is not dumb, NO_COLOR is not set.
bool stdout_has_colours();

}  // namespace postrider::cmd
