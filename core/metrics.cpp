#include "core/metrics.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <stdexcept>
#include <unordered_map>

namespace postrider {

Histogram::Histogram(std::vector<double> bounds) : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

void Histogram::observe(double seconds) {
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), seconds) - bounds_.begin();
  counts_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  if (seconds > 0) sum_us_.fetch_add(static_cast<std::uint64_t>(seconds * 1e6), std::memory_order_relaxed);
}

Histogram::Snapshot Histogram::snapshot() const {
  Snapshot snapshot;
  snapshot.bounds = bounds_;
  snapshot.counts.reserve(counts_.size());
  for (const auto& count : counts_) snapshot.counts.push_back(count.load(std::memory_order_relaxed));
  snapshot.sum = static_cast<double>(sum_us_.load(std::memory_order_relaxed)) / 1e6;
  return snapshot;
}

namespace {

// The shortest text that reads back as `value`; whole numbers up to 2^53, beyond which a double has gaps, as integers.
std::string number(double value) {
  constexpr double kExact = 9007199254740992.0;
  std::array<char, 32> text{};
  const bool whole = std::abs(value) <= kExact && std::trunc(value) == value;
  const auto end = whole ? std::to_chars(text.begin(), text.end(), static_cast<std::int64_t>(value))
                         : std::to_chars(text.begin(), text.end(), value);
  return {text.data(), end.ptr};
}

// Of a sample that is no histogram.
std::string number(const decltype(MetricFamily::Sample::value)& value) {
  if (const auto* count = std::get_if<std::uint64_t>(&value)) return std::to_string(*count);
  if (const auto* level = std::get_if<std::int64_t>(&value)) return std::to_string(*level);
  return number(std::get<double>(value));
}

std::string escape_help(std::string_view help) {
  std::string out;
  for (const char c : help) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

void put_sample(std::string& out, std::string_view name, std::string_view labels, std::string_view extra,
                std::string_view value) {
  out += name;
  if (!labels.empty() || !extra.empty()) {
    out += '{';
    out += labels;
    if (!labels.empty() && !extra.empty()) out += ',';
    out += extra;
    out += '}';
  }
  out += ' ';
  out += value;
  out += '\n';
}

void histogram_samples(std::string& out, const std::string& name, const std::string& labels,
                       const Histogram::Snapshot& snapshot) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < snapshot.counts.size(); ++i) {
    total += snapshot.counts[i];
    const std::string bound = i < snapshot.bounds.size() ? number(snapshot.bounds[i]) : "+Inf";
    put_sample(out, name + "_bucket", labels, "le=\"" + bound + "\"", std::to_string(total));
  }
  put_sample(out, name + "_sum", labels, {}, number(snapshot.sum));
  put_sample(out, name + "_count", labels, {}, std::to_string(total));
}

}  // namespace

struct MetricsRegistry::Entry {
  MetricKind kind = MetricKind::counter;
  std::string name, help, labels;
  Counter counter;
  Gauge gauge;
  std::unique_ptr<Histogram> histogram;
  std::function<double()> read;                 // a computed gauge
  std::function<std::uint64_t()> read_counter;  // a computed counter
  std::function<Samples()> read_family;

  void read_into(std::vector<MetricFamily::Sample>& samples) const {
    if (read_family) {
      for (auto& [sample_labels, value] : read_family()) samples.push_back({std::move(sample_labels), value});
      return;
    }
    MetricFamily::Sample sample{labels, {}};
    switch (kind) {
      case MetricKind::counter:
        sample.value = read_counter ? read_counter() : counter.value();
        break;
      case MetricKind::gauge:
        if (read)
          sample.value = read();
        else
          sample.value = gauge.value();
        break;
      case MetricKind::histogram:
        sample.value = histogram->snapshot();
        break;
    }
    samples.push_back(std::move(sample));
  }
};

MetricsRegistry::MetricsRegistry() = default;
MetricsRegistry::~MetricsRegistry() = default;

MetricsRegistry::Entry& MetricsRegistry::entry(MetricKind kind, std::string name, std::string help,
                                               std::string labels) {
  for (const auto& known : entries_) {
    if (known->name != name) continue;
    if (known->kind != kind) throw std::logic_error("metric " + name + " is registered as two kinds");
    if (known->labels == labels) return *known;
  }
  entries_.push_back(std::make_unique<Entry>());
  Entry& made = *entries_.back();
  made.kind = kind;
  made.name = std::move(name);
  made.help = std::move(help);
  made.labels = std::move(labels);
  return made;
}

Counter& MetricsRegistry::counter(std::string name, std::string help, std::string labels) {
  return entry(MetricKind::counter, std::move(name), std::move(help), std::move(labels)).counter;
}

Gauge& MetricsRegistry::gauge(std::string name, std::string help, std::string labels) {
  return entry(MetricKind::gauge, std::move(name), std::move(help), std::move(labels)).gauge;
}

Histogram& MetricsRegistry::histogram(std::string name, std::string help, std::vector<double> bounds,
                                      std::string labels) {
  Entry& made = entry(MetricKind::histogram, std::move(name), std::move(help), std::move(labels));
  if (!made.histogram) made.histogram = std::make_unique<Histogram>(std::move(bounds));
  return *made.histogram;
}

void MetricsRegistry::computed_gauge(std::string name, std::string help, std::function<double()> read,
                                     std::string labels) {
  entry(MetricKind::gauge, std::move(name), std::move(help), std::move(labels)).read = std::move(read);
}

void MetricsRegistry::computed_counter(std::string name, std::string help, std::function<std::uint64_t()> read,
                                       std::string labels) {
  entry(MetricKind::counter, std::move(name), std::move(help), std::move(labels)).read_counter = std::move(read);
}

void MetricsRegistry::computed_family(MetricKind kind, std::string name, std::string help,
                                      std::function<Samples()> read) {
  entry(kind, std::move(name), std::move(help), {}).read_family = std::move(read);
}

std::uint64_t MetricsRegistry::total(std::string_view name, std::string_view label) const {
  std::uint64_t sum = 0;
  for (const auto& each : entries_) {
    if (each->kind != MetricKind::counter || each->name != name) continue;
    if (each->read_family) {
      for (const auto& [labels, value] : each->read_family()) {
        if (labels.find(label) != std::string::npos) sum += static_cast<std::uint64_t>(value);
      }
      continue;
    }
    if (each->labels.find(label) == std::string::npos) continue;
    sum += each->read_counter ? each->read_counter() : each->counter.value();
  }
  return sum;
}

std::vector<MetricFamily> MetricsRegistry::families() const {
  std::vector<MetricFamily> families;
  std::unordered_map<std::string_view, std::size_t> known;  // all samples of one name stand together
  for (const auto& each : entries_) {
    const auto [at, is_new] = known.emplace(each->name, families.size());
    if (is_new) families.push_back({each->kind, each->name, each->help, {}});
    each->read_into(families[at->second].samples);
  }
  return families;
}

std::string MetricsRegistry::render() const {
  std::string out;
  for (const MetricFamily& family : families()) {
    out += "# HELP " + family.name + ' ' + escape_help(family.help) + '\n';
    out += "# TYPE " + family.name + ' ' + std::string(to_string(family.kind)) + '\n';
    for (const MetricFamily::Sample& sample : family.samples) {
      if (const auto* histogram = std::get_if<Histogram::Snapshot>(&sample.value))
        histogram_samples(out, family.name, sample.labels, *histogram);
      else
        put_sample(out, family.name, sample.labels, {}, number(sample.value));
    }
  }
  return out;
}

std::string_view to_string(MetricKind kind) {
  switch (kind) {
    case MetricKind::counter:
      return "counter";
    case MetricKind::gauge:
      return "gauge";
    case MetricKind::histogram:
      return "histogram";
  }
  return "untyped";
}

}  // namespace postrider
