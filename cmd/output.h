// How commands speak to people: aligned tables that fit the terminal, times relative and absolute, colours only on a terminal.
// Pure but for the questions what stdout is.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"

namespace postrider::cmd {

// What a rendering depends on besides its content.
struct Look {
  Time now{};
  bool colour = false;
  bool absolute = false;  // times in tables: RFC 3339 instead of "3m ago"
  std::size_t width = 0;  // columns of the terminal; 0: no limit
};
// For stdout as it is; the width only when it is a terminal.
Look stdout_look(Time now, bool absolute = false);

// Columns as wide as their widest cell (in characters), two blanks between; the last column is not padded. In a limited width
// the widest columns are cut, with an ellipsis; a column titled ID never is.
class Table {
 public:
  explicit Table(std::vector<std::string> titles);
  // The last column is folded between words, under itself, instead of cut: for texts that must be readable in full.
  void fold_last() { fold_last_ = true; }
  void add(std::vector<std::string> cells);
  std::string render(bool colour, std::size_t width = 0) const;
  std::string render(const Look& look) const { return render(look.colour, look.width); }

 private:
  std::vector<std::size_t> widths_for(std::size_t width) const;
  std::string render_row(std::size_t row, const std::vector<std::size_t>& widths, bool colour) const;

  std::vector<std::vector<std::string>> rows_;
  bool fold_last_ = false;
};

enum class Tone : unsigned char { plain, bold, good, warn, bad, faint };
std::string paint(std::string_view text, Tone tone, bool colour);
Tone tone_of_state(std::string_view state);  // of a message or an upstream

// Cut to `width` characters, the last of which is then an ellipsis. 0: as it is.
std::string cut(std::string_view text, std::size_t width);
// Lines of at most `width` characters, broken at blanks where there are any.
std::vector<std::string> fold(std::string_view text, std::size_t width);

// "3m ago", "in 9m", "now".
std::string relative_time(Time time, Time now);
// "3 minutes ago", "in 9 minutes", "now".
std::string relative_time_in_words(Time time, Time now);
// "14:10 UTC", or with the date when it is not of the same day.
std::string clock_time(Time time, Time now);
// "2026-01-31T08:15:00Z"
std::string absolute_time(Time time);
// "3m ago (2026-01-31T08:15:00Z)"
std::string describe_time(Time time, Time now);
// A time in a table; "-" when there is none.
std::string time_cell(const std::optional<Time>& time, const Look& look);
// "25.0 MiB"
std::string format_bytes(std::uint64_t bytes);
std::string or_dash(const std::string& text);  // "-" for nothing
// "label     value\n", the value from column `width` on.
std::string labelled(std::string_view label, std::size_t width, std::string_view value);
// "1 message", "2 messages"
std::string counted(std::uint64_t count, std::string_view noun);
// What a stranger wrote must not steer the terminal: control characters become '?'.
std::string printable(std::string_view text);

bool stdout_is_terminal();
bool stderr_is_terminal();
// stdout is a terminal, TERM is not dumb, NO_COLOR is not set.
bool stdout_has_colours();

}  // namespace postrider::cmd
