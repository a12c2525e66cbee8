#include "mgmt/parameters.h"

#include <charconv>

namespace postrider::mgmt {

namespace {

Fault parameter_must_be(std::string_view name, const std::string& what) {
  return invalid("parameter '" + std::string(name) + "' must be " + what);
}

}  // namespace

result<bool> flag_parameter(const Request& request, std::string_view name) {
  const auto text = request.parameter(name);
  if (!text || *text == "false") return false;
  if (*text == "true") return true;
  return parameter_must_be(name, "true or false");
}

result<std::optional<std::uint64_t>> number_parameter(const Request& request, std::string_view name,
                                                      std::uint64_t least, std::uint64_t most) {
  const auto text = request.parameter(name);
  if (!text) return std::optional<std::uint64_t>();
  std::uint64_t value = 0;
  const char* const stop = text->data() + text->size();
  const auto [end, error] = std::from_chars(text->data(), stop, value);
  if (error == std::errc() && end == stop && value >= least && value <= most)
    return std::optional<std::uint64_t>(value);
  return parameter_must_be(name, "a number from " + std::to_string(least) + " to " + std::to_string(most));
}

result<std::optional<Time>> time_parameter(const Request& request, std::string_view name) {
  const auto text = request.parameter(name);
  if (!text) return std::optional<Time>();
  const auto time = parse_rfc3339(*text);
  if (!time) return parameter_must_be(name, "a time such as 2026-01-31T08:15:00Z");
  return time;
}

}  // namespace postrider::mgmt
