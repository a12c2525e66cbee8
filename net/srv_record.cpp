#include "net/srv_record.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace postrider::net {

// RFC 2782, "Weight": those of weight 0 stand first, so that they are drawn only by the lowest number; each draw is among the rest.
SrvRecords in_order(SrvRecords records, const Dice& dice) {
  std::stable_sort(records.begin(), records.end(), [](const SrvRecord& a, const SrvRecord& b) {
    return std::tuple(a.priority, a.weight != 0) < std::tuple(b.priority, b.weight != 0);
  });
  for (auto next = records.begin(); next != records.end(); ++next) {
    const auto end =
        std::find_if(next, records.end(), [&](const SrvRecord& r) { return r.priority != next->priority; });
    const auto add = [](std::uint32_t sum, const SrvRecord& r) { return sum + r.weight; };
    const std::uint32_t drawn = dice(std::accumulate(next, end, std::uint32_t{0}, add));
    std::uint32_t running = 0;
    const auto chosen = std::find_if(next, end, [&](const SrvRecord& r) { return (running += r.weight) >= drawn; });
    std::rotate(next, chosen, chosen + 1);
  }
  return records;
}

}  // namespace postrider::net
