#include "cmd/output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace postrider::cmd {

namespace {

// Characters, not octets: continuation octets of UTF-8 take no place of their own.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::string_view escape_of(Tone tone) {
  switch (tone) {
    case Tone::plain:
      return "";
    case Tone::bold:
      return "\033[1m";
    case Tone::good:
      return "\033[32m";
    case Tone::warn:
      return "\033[33m";
    case Tone::bad:
      return "\033[31m";
    case Tone::faint:
      return "\033[2m";
  }
  return "";
}

constexpr std::size_t kGap = 2;
constexpr std::size_t kNarrowest =
    8;  // a column is not cut below this: better a line that is too long than nothing to read

// The first `characters` characters.
std::string_view head(std::string_view text, std::size_t characters) {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) continue;
    if (characters-- == 0) break;
  }
  return text.substr(0, at);
}

struct Unit {
  std::int64_t seconds;
  const char* letter;
  const char* word;
};
constexpr Unit kUnits[] = {{86400, "d", "day"}, {3600, "h", "hour"}, {60, "m", "minute"}, {1, "s", "second"}};

struct Distance {
  std::int64_t count = 0;  // 0: now
  const Unit* unit = nullptr;
  bool past = false;
};

Distance distance_of(Time time, Time now) {
  const bool past = time <= now;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(past ? now - time : time - now).count();
  for (const Unit& unit : kUnits)
    if (seconds >= unit.seconds) return {seconds / unit.seconds, &unit, past};
  return {};
}

std::string in_or_ago(const Distance& distance, const std::string& text) {
  return distance.past ? text + " ago" : "in " + text;
}

}  // namespace

Table::Table(std::vector<std::string> titles) {
  rows_.push_back(std::move(titles));
}

void Table::add(std::vector<std::string> cells) {
  cells.resize(rows_.front().size());
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::render(bool colour, std::size_t width) const {
  const std::vector<std::size_t> widths = widths_for(width);
  std::string out;
  for (std::size_t row = 0; row < rows_.size(); ++row) out += render_row(row, widths, colour);
  return out;
}

// What does not fit is taken from whichever column is the widest at that moment.
std::vector<std::size_t> Table::widths_for(std::size_t width) const {
  std::vector<std::size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  if (width == 0) return widths;
  std::size_t total = kGap * (widths.size() - 1);
  for (const std::size_t each : widths) total += each;
  for (; total > width; --total) {
    std::size_t widest = widths.size();
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (rows_.front()[i] == "ID" || widths[i] <= std::max(kNarrowest, width_of(rows_.front()[i]))) continue;
      if (widest == widths.size() || widths[i] >= widths[widest]) widest = i;
    }
    if (widest == widths.size()) break;
    --widths[widest];
  }
  return widths;
}

std::string Table::render_row(std::size_t row, const std::vector<std::size_t>& widths, bool colour) const {
  const std::vector<std::string>& cells = rows_[row];
  const std::size_t last = cells.size() - 1;
  std::string line;
  std::size_t indent = 0;
  for (std::size_t i = 0; i < last; ++i) {
    const std::string cell = cut(cells[i], widths[i]);
    const Tone tone = row == 0 ? Tone::bold : rows_[0][i] == "STATE" ? tone_of_state(cell) : Tone::plain;
    line += paint(cell, tone, colour);
    line.append(widths[i] - width_of(cell) + kGap, ' ');
    indent += widths[i] + kGap;
  }
  const std::vector<std::string> texts =
      fold_last_ ? fold(cells[last], widths[last]) : std::vector<std::string>{cut(cells[last], widths[last])};
  std::string out;
  for (const std::string& text : texts) {
    line += paint(text, row == 0 ? Tone::bold : rows_[0][last] == "STATE" ? tone_of_state(text) : Tone::plain, colour);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
    line.assign(indent, ' ');
  }
  return out;
}

std::string paint(std::string_view text, Tone tone, bool colour) {
  if (!colour || tone == Tone::plain || text.empty()) return std::string(text);
  return std::string(escape_of(tone)).append(text).append("\033[0m");
}

Tone tone_of_state(std::string_view state) {
  if (state == "sent" || state == "delivered" || state == "in service") return Tone::good;
  if (state == "deferred" || state == "held" || state == "suppressed") return Tone::warn;
  if (state == "failed" || state == "bounced" || state == "expired") return Tone::bad;
  if (state.starts_with("out of service")) return Tone::bad;
  if (state.starts_with("paused") || state == "stopped" || state == "quota used up") return Tone::warn;
  return Tone::plain;
}

std::string cut(std::string_view text, std::size_t width) {
  if (width == 0 || width_of(text) <= width) return std::string(text);
  return std::string(head(text, width - 1)) + "\u2026";
}

std::vector<std::string> fold(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  while (width > 0 && width_of(text) > width) {
    std::string_view line = head(text, width + 1);  // a blank right behind the line does no harm
    const auto blank = line.rfind(' ');
    if (blank == std::string_view::npos || blank == 0) {
      line = head(text, width);
      text.remove_prefix(line.size());
    } else {
      line = line.substr(0, blank);
      text.remove_prefix(blank + 1);
    }
    lines.emplace_back(line);
  }
  lines.emplace_back(text);
  return lines;
}

std::string relative_time(Time time, Time now) {
  const Distance distance = distance_of(time, now);
  return distance.unit ? in_or_ago(distance, std::to_string(distance.count) + distance.unit->letter) : "now";
}

std::string relative_time_in_words(Time time, Time now) {
  const Distance distance = distance_of(time, now);
  if (!distance.unit) return "now";
  return in_or_ago(distance, counted(static_cast<std::uint64_t>(distance.count), distance.unit->word));
}

std::string clock_time(Time time, Time now) {
  const std::string text = absolute_time(time);  // 2026-01-31T08:15:00Z
  const std::string clock = text.substr(11, 5) + " UTC";
  return text.substr(0, 10) == absolute_time(now).substr(0, 10) ? clock : text.substr(0, 10) + " " + clock;
}

std::string absolute_time(Time time) {
  std::string text = format_rfc3339(time);
  return text.substr(0, text.find('.')) + "Z";
}

std::string describe_time(Time time, Time now) {
  return relative_time(time, now) + " (" + absolute_time(time) + ")";
}

std::string time_cell(const std::optional<Time>& time, const Look& look) {
  if (!time) return "-";
  return look.absolute ? absolute_time(*time) : relative_time(*time, look.now);
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

std::string labelled(std::string_view label, std::size_t width, std::string_view value) {
  std::string line(label);
  line.resize(width, ' ');
  return line.append(value).append("\n");
}

std::string counted(std::uint64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::string format_bytes(std::uint64_t bytes) {
  const char* const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(units)) {
    value /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return text;
}

std::string printable(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return out;
}

bool stdout_is_terminal() {
  return ::isatty(STDOUT_FILENO) == 1;
}

bool stderr_is_terminal() {
  return ::isatty(STDERR_FILENO) == 1;
}

bool stdout_has_colours() {
  const char* term = std::getenv("TERM");
  const char* no_colour = std::getenv("NO_COLOR");
  return stdout_is_terminal() && term && std::string_view(term) != "dumb" && !(no_colour && *no_colour);
}

Look stdout_look(Time now, bool absolute) {
  Look look{now, stdout_has_colours(), absolute, 0};
  winsize size{};
  if (stdout_is_terminal() && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) look.width = size.ws_col;
  return look;
}

}  // namespace postrider::cmd
