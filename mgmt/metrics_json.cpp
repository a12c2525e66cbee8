#include "mgmt/metrics_json.h"

#include <algorithm>
#include <boost/json/array.hpp>
#include <cmath>

namespace postrider::mgmt {

namespace {

namespace json = boost::json;

// `name="value",name="value"` with \\, \" and \n escaped, as the registry has it.
json::object labels_json(std::string_view labels) {
  json::object out;
  while (!labels.empty()) {
    const auto equals = labels.find("=\"");
    if (equals == std::string_view::npos) break;
    const std::string_view name = labels.substr(0, equals);
    std::string value;
    std::size_t at = equals + 2;
    for (; at < labels.size() && labels[at] != '"'; ++at) {
      const bool escaped = labels[at] == '\\' && at + 1 < labels.size();
      if (escaped) ++at;
      value += escaped && labels[at] == 'n' ? '\n' : labels[at];
    }
    out[name] = value;
    labels.remove_prefix(std::min(at + 2, labels.size()));  // the quote, and the comma if there is one
  }
  return out;
}

// JSON has neither infinities nor NaN (RFC 8259 6).
json::value number(double value) {
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (!std::isfinite(value)) return nullptr;
  if (std::trunc(value) == value && std::abs(value) <= kExact) return static_cast<std::int64_t>(value);
  return value;
}

void add_number(json::object& out, const MetricFamily::Sample& sample) {
  if (const auto* count = std::get_if<std::uint64_t>(&sample.value)) out["value"] = *count;
  if (const auto* level = std::get_if<std::int64_t>(&sample.value)) out["value"] = *level;
  if (const auto* value = std::get_if<double>(&sample.value)) out["value"] = number(*value);
}

void add_histogram(json::object& out, const Histogram::Snapshot& histogram) {
  json::array buckets;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
    total += histogram.counts[i];
    const json::value bound = i < histogram.bounds.size() ? number(histogram.bounds[i]) : json::value(nullptr);
    buckets.push_back(json::object{{"le", bound}, {"count", total}});
  }
  out["count"] = total;
  out["sum"] = number(histogram.sum);
  out["buckets"] = std::move(buckets);
}

}  // namespace

json::object metrics_json(const std::vector<MetricFamily>& families) {
  json::array metrics;
  for (const MetricFamily& family : families) {
    json::array samples;
    for (const MetricFamily::Sample& sample : family.samples) {
      json::object out{{"labels", labels_json(sample.labels)}};
      if (const auto* histogram = std::get_if<Histogram::Snapshot>(&sample.value))
        add_histogram(out, *histogram);
      else
        add_number(out, sample);
      samples.push_back(std::move(out));
    }
    metrics.push_back(json::object{{"name", family.name},
                                   {"type", to_string(family.kind)},
                                   {"help", family.help},
                                   {"samples", std::move(samples)}});
  }
  return {{"metrics", std::move(metrics)}};
}

}  // namespace postrider::mgmt
