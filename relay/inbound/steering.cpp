#include "relay/inbound/steering.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "core/utf8.h"
#include "relay/smtp/ascii.h"
#include "relay/smtp/date_parser.h"

namespace postrider::relay {
namespace {

constexpr std::string_view kPrefix = "X-Postrider-";
constexpr std::size_t kMaxQuoted = 64;  // of a bad value in a fault

// What every reader is given besides its value.
struct Limits {
  const SteeringBounds& bounds;
  Time now;
};
using Complaint = std::optional<std::string>;  // what the value should have been

// The value on one line (RFC 5322 2.2.3).
std::string unfolded(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  for (char c : value) {
    if (c == '\t') c = ' ';
    if (c != '\r' && c != '\n') out += c;
  }
  return out;
}

// The value may be anything, a reply is printable ASCII (RFC 5321 4.2).
std::string quoted(std::string_view value) {
  std::string out = "'";
  for (char c : value.substr(0, kMaxQuoted)) out += c >= ' ' && c < 0x7f ? c : '?';
  return out += value.size() > kMaxQuoted ? "...'" : "'";
}

Complaint read_lane(std::string_view value, const Limits&, Steering& steering) {
  for (Lane lane : {Lane::high, Lane::normal, Lane::low}) {
    if (!smtp::iequals(to_string(lane), value)) continue;
    steering.lane = lane;
    return std::nullopt;
  }
  return "a lane is high, normal or low";
}

Complaint read_send_at(std::string_view value, const Limits& limits, Steering& steering) {
  steering.hold_for = {};
  steering.send_at = {};
  if (value.starts_with('+')) {
    const auto span = parse_duration(value.substr(1));
    if (!span) return "give a time like +10m, +2h or +1d";
    steering.hold_for = *span;
  } else {
    auto time = parse_rfc3339(value);
    if (!time) time = smtp::parse_rfc5322_date(value);
    if (!time) return "give 2026-01-31T08:15:00Z, Sat, 31 Jan 2026 08:15:00 +0000, or +10m";
    steering.send_at = *time;
  }
  return too_long_held(steering, limits.bounds.max_hold, limits.now);
}

Complaint read_expires_in(std::string_view value, const Limits&, Steering& steering) {
  const auto span = parse_duration(value);
  if (!span || *span <= Duration::zero()) return "give a time to live like 1m, 2h or 5d";
  steering.expires_in = *span;
  return std::nullopt;
}

Complaint read_retries(std::string_view value, const Limits& limits, Steering& steering) {
  std::uint32_t retries = 0;
  const char* const last = value.data() + value.size();
  const auto [end, error] = std::from_chars(value.data(), last, retries);
  if (value.empty() || error != std::errc() || end != last || retries > limits.bounds.max_retries)
    return "give a number from 0 to " + std::to_string(limits.bounds.max_retries);
  steering.retry.retries = retries;
  return std::nullopt;
}

Complaint read_retry_interval(std::string_view value, const Limits& limits, Steering& steering) {
  const Duration least = limits.bounds.min_retry_interval, most = limits.bounds.max_retry_interval;
  const auto span = parse_duration(value);
  if (!span || *span < least || *span > most)
    return "give a time from " + format_duration(least) + " to " + format_duration(most);
  steering.retry.interval = *span;
  return std::nullopt;
}

bool is_tag(std::string_view tag) {
  return !tag.empty() && tag.size() <= kMaxTagOctets && is_utf8(tag) &&
         std::none_of(tag.begin(), tag.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

Complaint read_tags(std::string_view value, const Limits&, Steering& steering) {
  for (;;) {
    const std::size_t comma = value.find(',');
    const std::string_view tag = smtp::trim(value.substr(0, comma));
    if (!is_tag(tag))
      return "a tag has 1 to " + std::to_string(kMaxTagOctets) + " octets of printable UTF-8; commas divide tags";
    if (std::find(steering.tags.begin(), steering.tags.end(), tag) == steering.tags.end())
      steering.tags.emplace_back(tag);
    if (steering.tags.size() > kMaxTags) return "a message has at most " + std::to_string(kMaxTags) + " tags";
    if (comma == std::string_view::npos) return std::nullopt;
    value.remove_prefix(comma + 1);
  }
}

struct FieldRow {
  std::string_view name;  // after X-Postrider-
  bool once;
  Complaint (*read)(std::string_view value, const Limits& limits, Steering& steering);
};
constexpr std::array<FieldRow, 6> kFields = {{{"Lane", true, read_lane},
                                              {"Send-At", true, read_send_at},
                                              {"Expires-In", true, read_expires_in},
                                              {"Retries", true, read_retries},
                                              {"Retry-Interval", true, read_retry_interval},
                                              {"Tag", false, read_tags}}};

std::optional<std::size_t> row_of(std::string_view field_name) {
  const std::string_view name = field_name.substr(kPrefix.size());
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    if (smtp::iequals(kFields[i].name, name)) return i;
  }
  return std::nullopt;
}

Fault fault_of(const FieldRow& row, std::string_view value, const std::string& complaint) {
  return invalid(std::string(kPrefix) + std::string(row.name) + ": " + quoted(value) + ": " + complaint);
}

}  // namespace

result<void> read_steering(std::span<const smtp::HeaderField> fields, const SteeringBounds& bounds, Time now,
                           Steering& steering) {
  const Limits limits{bounds, now};
  std::array<bool, kFields.size()> seen{};
  for (const smtp::HeaderField& field : fields) {
    if (field.kind != smtp::FieldKind::steering) continue;
    const auto index = row_of(field.name);
    if (!index) continue;
    const FieldRow& row = kFields[*index];
    const std::string text = unfolded(field.value());
    const std::string_view value = smtp::trim(text);
    if (row.once && seen[*index]) return fault_of(row, value, "give it once");
    seen[*index] = true;
    if (const Complaint complaint = row.read(value, limits, steering)) return fault_of(row, value, *complaint);
  }
  return {};
}

std::optional<std::string> too_long_held(const Steering& steering, Duration max_hold, Time now) {
  const bool fits = steering.hold_for <= max_hold && (steering.send_at <= now || steering.send_at - now <= max_hold);
  if (fits) return std::nullopt;
  return "a message is held for at most " + format_duration(max_hold);
}

Lane lane_of_priority(int priority) {
  if (priority == 0) return Lane::normal;
  return priority > 0 ? Lane::high : Lane::low;
}

Time release_time(const Steering& steering, Time accepted) {
  return std::max(accepted + steering.hold_for, steering.send_at);
}

Time expiry_time(const Steering& steering, Time accepted) {
  if (steering.expires_in == Duration::zero()) return kNever;
  return release_time(steering, accepted) + steering.expires_in;
}

}  // namespace postrider::relay
