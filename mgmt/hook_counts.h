// What became of event callbacks, by upstream, as metrics; and when a refusal was last told to the log, since anybody can cause one.
// Names of upstreams come and go with a reload, those in use are few: bounded by them. mgmt thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "core/metrics.h"
#include "core/time.h"

namespace postrider::mgmt {

class HookCounts {
 public:
  explicit HookCounts(MetricsRegistry& metrics);  // which outlives the last look at it

  void recorded(const std::string& upstream, std::string_view type, std::uint64_t events);
  // Reports that changed nothing: "duplicate", "unknown_message", "history_full", "other_kind", "damaged".
  void unused(const std::string& upstream, std::string_view reason, std::uint64_t reports);
  // Requests: "forged", "stale", "unconfigured", "unreadable", "unavailable".
  void rejected(const std::string& upstream, std::string_view reason);

  // How many refusals of that kind a line of the log may tell of now; 0: there was one within the last minute.
  std::uint64_t untold(const std::string& upstream, std::string_view reason, Duration monotonic);

 private:
  using Key = std::pair<std::string, std::string_view>;  // upstream, a literal
  using Counts = std::map<Key, std::uint64_t>;
  struct Told {
    std::uint64_t times = 0;
    Duration at{};
  };
  static void add_family(MetricsRegistry& metrics, std::string name, std::string help, std::string label,
                         const Counts& counts);

  Counts recorded_, unused_, rejected_;
  std::map<Key, Told> told_;
};

}  // namespace postrider::mgmt
