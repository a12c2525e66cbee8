// Progress of a long command on stderr: one line that is drawn over itself, as wide as the terminal, and one final line. Nothing
// at all when stderr is not a terminal. Used on the command's own thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

namespace postrider::cmd {

enum class ProgressUnit : unsigned char { messages, bytes };
struct ProgressState {
  std::string phase;  // "copying"
  ProgressUnit unit = ProgressUnit::messages;
  std::uint64_t done = 0;
  std::uint64_t total = 0;              // 0: not known
  std::chrono::milliseconds elapsed{};  // in this phase
};

// "copying  [=======>      ]  45%  12,345 of 27,000 messages, 1,024/s, 14s left", at most `width` characters. Pure.
std::string render_progress(const ProgressState& state, std::size_t width);
// "1,234,567"
std::string with_commas(std::uint64_t number);

class Progress {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;
  Progress();  // on stderr, as it is
  // Draws to `out`; width 0: never.
  Progress(std::ostream& out, std::size_t width, Clock clock);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();  // a line that was left is cleared

  // Draws at most ten times a second, and when the phase changes.
  void show(std::string_view phase, ProgressUnit unit, std::uint64_t done, std::uint64_t total);
  void finish(const std::string& line);  // takes the bar's place

 private:
  void draw(const std::string& text);
  void clear();

  std::ostream& out_;
  std::size_t width_;
  Clock clock_;
  ProgressState state_;
  std::chrono::steady_clock::time_point phase_began_, drawn_;
  bool drawn_any_ = false;
};

}  // namespace postrider::cmd
