#include "mgmt/hook_counts.h"

namespace postrider::mgmt {

namespace {

constexpr Duration kTellAgain = std::chrono::minutes(1);

}  // namespace

HookCounts::HookCounts(MetricsRegistry& metrics) {
  add_family(metrics, "postrider_hook_events_total", "Events that providers reported and histories have.", "type",
             recorded_);
  add_family(metrics, "postrider_hook_unused_total", "Reports of providers that changed nothing.", "reason", unused_);
  add_family(metrics, "postrider_hook_rejected_total", "Requests with reports that were not taken.", "reason",
             rejected_);
}

void HookCounts::add_family(MetricsRegistry& metrics, std::string name, std::string help, std::string label,
                            const Counts& counts) {
  auto read = [&counts, label = std::move(label)] {
    MetricsRegistry::Samples samples;
    for (const auto& [key, count] : counts) {
      std::string labels = "upstream=\"" + key.first + "\"," + label + "=\"";
      samples.emplace_back(labels.append(key.second) + "\"", static_cast<double>(count));
    }
    return samples;
  };
  metrics.computed_family(MetricKind::counter, std::move(name), std::move(help), std::move(read));
}

void HookCounts::recorded(const std::string& upstream, std::string_view type, std::uint64_t events) {
  if (events > 0) recorded_[{upstream, type}] += events;
}

void HookCounts::unused(const std::string& upstream, std::string_view reason, std::uint64_t reports) {
  if (reports > 0) unused_[{upstream, reason}] += reports;
}

void HookCounts::rejected(const std::string& upstream, std::string_view reason) {
  ++rejected_[{upstream, reason}];
}

std::uint64_t HookCounts::untold(const std::string& upstream, std::string_view reason, Duration monotonic) {
  const auto [at, is_first] = told_.try_emplace({upstream, reason});
  Told& told = at->second;
  ++told.times;
  if (!is_first && monotonic - told.at < kTellAgain) return 0;
  told.at = monotonic;
  return std::exchange(told.times, 0);
}

}  // namespace postrider::mgmt
