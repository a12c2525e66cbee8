#include "cmd/filters.h"

#include <algorithm>
#include <charconv>

#include "cmd/exit_codes.h"

namespace postrider::cmd {

namespace {

Parameters::iterator find(Parameters& filters, const std::string& name) {
  return std::find_if(filters.begin(), filters.end(), [&](const auto& filter) { return filter.first == name; });
}

}  // namespace

Parameters with_absolute_times(Parameters filters, Time now) {
  for (auto& [name, value] : filters) {
    if (name != "since" && name != "until") continue;
    if (const auto ago = parse_duration(value)) value = format_rfc3339(now - *ago);
  }
  return filters;
}

std::size_t take_number(Parameters& filters, const std::string& name, std::size_t otherwise, std::size_t most) {
  const auto given = find(filters, name);
  if (given == filters.end()) return otherwise;
  const std::string text = given->second;
  filters.erase(given);
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1 || number > most)
    throw CommandError(EX_USAGE, "--" + name + " must be a number from 1 to " + std::to_string(most));
  return number;
}

void set(Parameters& filters, const std::string& name, std::string value) {
  const auto given = find(filters, name);
  if (given == filters.end())
    filters.emplace_back(name, std::move(value));
  else
    given->second = std::move(value);
}

}  // namespace postrider::cmd
