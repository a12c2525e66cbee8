#include "mgmt/sending_limits.h"

#include <algorithm>

namespace postrider::mgmt {

namespace {

using storage::ApiKeyRecord;
using Usage = KeyRing::Usage;

constexpr Duration kMinute = std::chrono::minutes(1);
constexpr Duration kSlot = std::chrono::seconds(1);  // what the last minute is counted in: at most 61 of them
constexpr Duration kDay = std::chrono::hours(24);

Time day_of(Time at) {
  return std::chrono::floor<std::chrono::days>(at);
}

// Forgets what lies before the last minute and before today; another day is another day, also when the clock was set back.
void age(Usage& usage, const Clock& clock) {
  const Duration now = clock.monotonic();
  std::erase_if(usage.last_minute, [now](const auto& slot) { return slot.first + kMinute <= now; });
  const Time today = day_of(clock.now());
  if (usage.day == today) return;
  usage.day = today;
  usage.today = 0;
}

std::uint64_t in_last_minute(const Usage& usage) {
  std::uint64_t sum = 0;
  for (const auto& [at, recipients] : usage.last_minute) sum += recipients;
  return sum;
}

// Until so many of the last minute's recipients lie behind.
Duration until_gone(const Usage& usage, std::uint64_t recipients, Duration now) {
  std::uint64_t gone = 0;
  Duration wait{};
  for (const auto& [at, count] : usage.last_minute) {
    if (gone >= recipients) break;
    gone += count;
    wait = at + kMinute - now;
  }
  return wait;
}

Refusal never(std::uint64_t recipients, std::uint32_t limit, const std::string& span) {
  Refusal no;
  no.type = ProblemType::forbidden;
  no.detail = "this key may send to " + std::to_string(limit) + " recipients a " + span + ", and one call names " +
              std::to_string(recipients);
  return no;
}

Refusal later(std::uint32_t limit, const std::string& span, Duration wait) {
  Refusal no;
  no.type = ProblemType::too_many_requests;
  no.detail = "this key may send to " + std::to_string(limit) + " recipients a " + span;
  no.retry_after = std::max<Duration>(wait, kSlot);
  return no;
}

std::uint64_t left(std::uint32_t limit, std::uint64_t used) {
  return limit > used ? limit - used : 0;
}

std::string seconds_up(Duration duration) {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(duration).count());
}

}  // namespace

std::optional<Refusal> SendingLimits::take(const Principal& principal, std::uint64_t recipients) {
  if (principal.key.empty()) return std::nullopt;
  const ApiKeyRecord* key = keys_.find_by_name(principal.key);
  if (!key) {
    Refusal revoked;
    revoked.type = ProblemType::unauthorized;
    revoked.detail = "this key was revoked";
    return revoked;
  }
  if (key->per_minute > 0 && recipients > key->per_minute) return never(recipients, key->per_minute, "minute");
  if (key->per_day > 0 && recipients > key->per_day) return never(recipients, key->per_day, "day");
  Usage& usage = keys_.usage(key->name);
  age(usage, clock_);
  const Duration now = clock_.monotonic();
  if (key->per_day > 0 && recipients > left(key->per_day, usage.today))
    return later(key->per_day, "day", usage.day + kDay - clock_.now());
  const std::uint64_t sent = in_last_minute(usage);
  if (key->per_minute > 0 && recipients > left(key->per_minute, sent))
    return later(key->per_minute, "minute", until_gone(usage, sent + recipients - key->per_minute, now));

  usage.today += recipients;
  usage.changed = true;
  if (key->per_minute == 0) return std::nullopt;  // nobody asks for the last minute
  const Duration slot = std::chrono::floor<std::chrono::seconds>(now);
  if (usage.last_minute.empty() || usage.last_minute.back().first != slot) usage.last_minute.emplace_back(slot, 0);
  usage.last_minute.back().second += static_cast<std::uint32_t>(recipients);
  return std::nullopt;
}

void SendingLimits::give_back(const Principal& principal, std::uint64_t recipients) {
  if (principal.key.empty() || !keys_.find_by_name(principal.key)) return;
  Usage& usage = keys_.usage(principal.key);
  age(usage, clock_);
  usage.today -= std::min(usage.today, recipients);
  usage.changed = true;
  for (auto slot = usage.last_minute.rbegin(); slot != usage.last_minute.rend() && recipients > 0; ++slot) {
    const auto returned = static_cast<std::uint32_t>(std::min<std::uint64_t>(slot->second, recipients));
    slot->second -= returned;
    recipients -= returned;
  }
}

std::vector<std::pair<std::string, std::string>> SendingLimits::headers(const Principal& principal) const {
  const ApiKeyRecord* key = principal.key.empty() ? nullptr : keys_.find_by_name(principal.key);
  if (!key || (key->per_minute == 0 && key->per_day == 0)) return {};
  Usage& usage = keys_.usage(key->name);
  age(usage, clock_);
  const std::uint64_t of_minute = left(key->per_minute, in_last_minute(usage)),
                      of_day = left(key->per_day, usage.today);
  const bool minute_is_nearer = key->per_minute > 0 && (key->per_day == 0 || of_minute <= of_day);
  // Until all of it is there again.
  const Duration reset =
      minute_is_nearer ? until_gone(usage, in_last_minute(usage), clock_.monotonic()) : usage.day + kDay - clock_.now();
  return {{"RateLimit-Limit", std::to_string(minute_is_nearer ? key->per_minute : key->per_day)},
          {"RateLimit-Remaining", std::to_string(minute_is_nearer ? of_minute : of_day)},
          {"RateLimit-Reset", seconds_up(reset)}};
}

}  // namespace postrider::mgmt
