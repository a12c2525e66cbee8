// Counters, gauges and histograms that any thread may bump, read as families of samples or as Prometheus text (exposition format 0.0.4).
// Metrics are made at start and live as long as the registry; updating one is a relaxed atomic.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace postrider {

class Counter {
 public:
  void add(std::uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class Gauge {
 public:
  void set(std::int64_t v) { value_.store(v, std::memory_order_relaxed); }
  void add(std::int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  std::int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> value_{0};
};

class Histogram {  // fixed upper bounds in seconds, ascending
 public:
  explicit Histogram(std::vector<double> bounds);
  void observe(double seconds);
  struct Snapshot {
    std::vector<double> bounds;
    std::vector<std::uint64_t> counts;  // per bucket, not cumulative; one more than bounds
    double sum = 0;
  };
  Snapshot snapshot() const;

 private:
  std::vector<double> bounds_;
  std::vector<std::atomic<std::uint64_t>> counts_;
  std::atomic<std::uint64_t> sum_us_{0};
};

enum class MetricKind : std::uint8_t { counter, gauge, histogram };
std::string_view to_string(MetricKind kind);

// What all metrics of one name say at an instant.
struct MetricFamily {
  struct Sample {
    std::string labels;  // rendered: `upstream="primary"`
    std::variant<std::uint64_t, std::int64_t, double, Histogram::Snapshot> value;
  };
  MetricKind kind = MetricKind::counter;
  std::string name, help;
  std::vector<Sample> samples;
};

// Filled once at start from one thread (the make functions are not thread-safe); the rest from any thread after.
class MetricsRegistry {
 public:
  MetricsRegistry();
  ~MetricsRegistry();
  // `name` in Prometheus style with unit suffix; `labels` rendered, e.g. `upstream="primary"`, or empty. The same name
  // and labels give the same metric again; the same name as another kind is a bug and throws.
  Counter& counter(std::string name, std::string help, std::string labels = {});
  Gauge& gauge(std::string name, std::string help, std::string labels = {});
  Histogram& histogram(std::string name, std::string help, std::vector<double> bounds, std::string labels = {});
  void computed_gauge(std::string name, std::string help, std::function<double()> read, std::string labels = {});
  void computed_counter(std::string name, std::string help, std::function<std::uint64_t()> read,
                        std::string labels = {});
  // Samples whose labels are only known when they are asked for (they come and go with a reload).
  using Samples = std::vector<std::pair<std::string, double>>;  // labels, value
  void computed_family(MetricKind kind, std::string name, std::string help, std::function<Samples()> read);
  std::vector<MetricFamily> families() const;
  std::string render() const;
  // The sum of the counters of that name whose labels contain `label`; 0 when there is none. Any thread, after start.
  std::uint64_t total(std::string_view name, std::string_view label = {}) const;

 private:
  struct Entry;
  Entry& entry(MetricKind kind, std::string name, std::string help, std::string labels);
  std::vector<std::unique_ptr<Entry>> entries_;
};

}  // namespace postrider
