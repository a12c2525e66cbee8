#include "cmd/output.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace postrider::cmd {

namespace {

// Characters, not octets: continuation octets of UTF-8 take no place of their own.
std::size_t width(std::string_view text) {
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

}  // namespace

Table::Table(std::vector<std::string> titles) {
  rows_.push_back(std::move(titles));
}

void Table::add(std::vector<std::string> cells) {
  cells.resize(rows_.front().size());
  for (std::string& cell : cells) cell = printable(cell);
  rows_.push_back(std::move(cells));
}

std::string Table::render(bool colour) const {
  std::vector<std::size_t> widths(rows_.front().size(), 0);
  for (const auto& row : rows_)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  std::string out;
  for (std::size_t r = 0; r < rows_.size(); ++r) {
    std::string line;
    for (std::size_t i = 0; i < rows_[r].size(); ++i) {
      const std::string& cell = rows_[r][i];
      const Tone tone = r == 0 ? Tone::bold : rows_[0][i] == "STATE" ? tone_of_state(cell) : Tone::plain;
      line += paint(cell, tone, colour);
      if (i + 1 < rows_[r].size()) line.append(widths[i] - width(cell) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string paint(std::string_view text, Tone tone, bool colour) {
  if (!colour || tone == Tone::plain || text.empty()) return std::string(text);
  return std::string(escape_of(tone)).append(text).append("\033[0m");
}

Tone tone_of_state(std::string_view state) {
  if (state == "sent" || state == "delivered") return Tone::good;
  if (state == "deferred" || state == "held" || state == "suppressed") return Tone::warn;
  if (state == "failed" || state == "bounced" || state == "expired") return Tone::bad;
  return Tone::plain;
}

std::string relative_time(Time time, Time now) {
  using std::chrono::seconds;
  const bool past = time <= now;
  const auto distance = std::chrono::duration_cast<seconds>(past ? now - time : time - now).count();
  if (distance == 0) return "now";
  const std::pair<std::int64_t, const char*> units[] = {{86400, "d"}, {3600, "h"}, {60, "m"}, {1, "s"}};
  std::string text;
  for (const auto& [size, name] : units) {
    if (distance < size) continue;
    text = std::to_string(distance / size) + name;
    break;
  }
  return past ? text + " ago" : "in " + text;
}

std::string describe_time(Time time, Time now) {
  const Time whole = std::chrono::floor<std::chrono::seconds>(time);
  std::string absolute = format_rfc3339(whole);
  if (const auto dot = absolute.find('.'); dot != std::string::npos) absolute.erase(dot, absolute.size() - dot - 1);
  return relative_time(time, now) + " (" + absolute + ")";
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

bool stdout_has_colours() {
  const char* term = std::getenv("TERM");
  const char* no_colour = std::getenv("NO_COLOR");
  return ::isatty(STDOUT_FILENO) == 1 && term && std::string_view(term) != "dumb" && !(no_colour && *no_colour);
}

}  // namespace postrider::cmd
