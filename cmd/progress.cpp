#include "cmd/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "cmd/output.h"

namespace postrider::cmd {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kBetweenDrawings{100};
constexpr milliseconds kRateAfter{1000};  // before that a rate says nothing
constexpr std::size_t kUsualWidth = 80, kLeastBar = 10, kMostBar = 40;

std::size_t stderr_width() {
  if (!stderr_is_terminal()) return 0;
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kUsualWidth;
  return size.ws_col;
}

std::string amount(std::uint64_t number, ProgressUnit unit) {
  return unit == ProgressUnit::bytes ? format_bytes(number) : with_commas(number);
}

std::string span(std::uint64_t seconds) {
  if (seconds < 60) return std::to_string(seconds) + "s";
  if (seconds < 3600) return std::to_string(seconds / 60) + "m " + std::to_string(seconds % 60) + "s";
  return std::to_string(seconds / 3600) + "h " + std::to_string(seconds / 60 % 60) + "m";
}

std::string bar(std::size_t width, std::uint64_t done, std::uint64_t total) {
  const std::size_t inside = width - 2;
  const auto filled =
      static_cast<std::size_t>(static_cast<double>(inside) * static_cast<double>(done) / static_cast<double>(total));
  std::string text(inside, ' ');
  std::fill_n(text.begin(), filled, '=');
  if (filled < inside) text[filled] = '>';
  return "[" + text + "]";
}

// What stands right of the bar.
std::string figures(const ProgressState& state) {
  const ProgressUnit unit = state.unit;
  std::string text = amount(state.done, unit);
  if (state.total > 0) text += " of " + amount(state.total, unit);
  if (unit == ProgressUnit::messages) text += " messages";
  if (state.elapsed < kRateAfter || state.done == 0) return text;
  const double rate = static_cast<double>(state.done) * 1000 / static_cast<double>(state.elapsed.count());
  text += ", " + amount(static_cast<std::uint64_t>(rate), unit) + "/s";
  if (state.total > state.done)
    text += ", " + span(static_cast<std::uint64_t>(static_cast<double>(state.total - state.done) / rate)) + " left";
  return text;
}

}  // namespace

std::string render_progress(const ProgressState& given, std::size_t width) {
  ProgressState state = given;
  if (state.total > 0) state.done = std::min(state.done, state.total);  // a total may be an estimate
  std::string text = state.phase + "  ";
  const std::string right = figures(state);
  if (state.total > 0) {
    const std::string percent = std::to_string(state.done * 100 / state.total) + "%";
    const std::size_t others = text.size() + 2 + 4 + 2 + right.size();
    if (width >= others + kLeastBar) text += bar(std::min(kMostBar, width - others), state.done, state.total) + "  ";
    text += std::string(4 - percent.size(), ' ') + percent + "  ";
  }
  text += right;
  return text.substr(0, width);
}

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

Progress::Progress() : Progress(std::cerr, stderr_width(), [] { return steady_clock::now(); }) {}

Progress::Progress(std::ostream& out, std::size_t width, Clock clock)
    : out_(out), width_(width), clock_(std::move(clock)) {}

Progress::~Progress() {
  clear();
}

void Progress::show(std::string_view phase, ProgressUnit unit, std::uint64_t done, std::uint64_t total) {
  if (width_ == 0) return;
  const auto now = clock_();
  const bool new_phase = state_.phase != phase;
  if (new_phase) {
    state_.phase = phase;
    phase_began_ = now;
  }
  state_.unit = unit;
  state_.done = done;
  state_.total = total;
  state_.elapsed = std::chrono::duration_cast<milliseconds>(now - phase_began_);
  if (drawn_any_ && !new_phase && now - drawn_ < kBetweenDrawings) return;
  drawn_ = now;
  draw(render_progress(state_, width_ - 1));  // a full line would wrap on some terminals
}

void Progress::finish(const std::string& line) {
  if (width_ == 0) return;
  clear();
  out_ << line << '\n' << std::flush;
}

void Progress::draw(const std::string& text) {
  out_ << '\r' << text << "\033[K" << std::flush;  // erase to the end of the line
  drawn_any_ = true;
}

void Progress::clear() {
  if (!drawn_any_) return;
  out_ << "\r\033[K" << std::flush;
  drawn_any_ = false;
}

}  // namespace postrider::cmd
