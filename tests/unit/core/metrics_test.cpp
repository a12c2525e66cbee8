#include "core/metrics.h"

#include <stdexcept>

namespace postrider {
namespace {

TEST(Metrics, RendersTheTextFormat) {
  MetricsRegistry registry;
  registry.counter("postrider_accepted_total", "Messages accepted.", "door=\"smtp\"").add(3);
  registry.gauge("postrider_connections", "Open connections.").set(-2);
  registry.counter("postrider_accepted_total", "Messages accepted.", "door=\"http\"").add();
  registry.computed_gauge("postrider_spool_fill", "Share of the spool\nin use, \\ as a ratio.", [] { return 0.25; });
  EXPECT_EQ(registry.render(),
            "# HELP postrider_accepted_total Messages accepted.\n"
            "# TYPE postrider_accepted_total counter\n"
            "postrider_accepted_total{door=\"smtp\"} 3\n"
            "postrider_accepted_total{door=\"http\"} 1\n"
            "# HELP postrider_connections Open connections.\n"
            "# TYPE postrider_connections gauge\n"
            "postrider_connections -2\n"
            "# HELP postrider_spool_fill Share of the spool\\nin use, \\\\ as a ratio.\n"
            "# TYPE postrider_spool_fill gauge\n"
            "postrider_spool_fill 0.25\n");
}

TEST(Metrics, HistogramBucketsAreCumulativeAndIncludeTheirBound) {
  MetricsRegistry registry;
  Histogram& histogram = registry.histogram("postrider_commit_seconds", "Commits.", {0.001, 0.01}, "kind=\"sync\"");
  for (const double seconds : {0.0005, 0.001, 0.002, 5.0}) histogram.observe(seconds);
  EXPECT_EQ(registry.render(),
            "# HELP postrider_commit_seconds Commits.\n"
            "# TYPE postrider_commit_seconds histogram\n"
            "postrider_commit_seconds_bucket{kind=\"sync\",le=\"0.001\"} 2\n"
            "postrider_commit_seconds_bucket{kind=\"sync\",le=\"0.01\"} 3\n"
            "postrider_commit_seconds_bucket{kind=\"sync\",le=\"+Inf\"} 4\n"
            "postrider_commit_seconds_sum{kind=\"sync\"} 5.0035\n"
            "postrider_commit_seconds_count{kind=\"sync\"} 4\n");
}

TEST(Metrics, ValuesKeepAllTheirDigits) {
  MetricsRegistry registry;
  registry.computed_gauge("postrider_a_bytes", "A.", [] { return 17179869185.0; });
  registry.computed_gauge("postrider_b_seconds", "B.", [] { return 1769847300.123; });
  registry.computed_gauge("postrider_c", "C.", [] { return -3.0; });
  registry.computed_counter("postrider_d_total", "D.", [] { return std::uint64_t{18446744073709551615u}; });
  const std::string text = registry.render();
  EXPECT_NE(text.find("\npostrider_a_bytes 17179869185\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\npostrider_b_seconds 1769847300.123\n"), std::string::npos) << text;
  EXPECT_NE(text.find("\npostrider_c -3\n"), std::string::npos) << text;
  EXPECT_NE(text.find("# TYPE postrider_d_total counter\npostrider_d_total 18446744073709551615\n"), std::string::npos)
      << text;
}

TEST(Metrics, SameNameAndLabelsIsTheSameMetric) {
  MetricsRegistry registry;
  Counter& first = registry.counter("postrider_x_total", "X.", "a=\"1\"");
  EXPECT_EQ(&first, &registry.counter("postrider_x_total", "X.", "a=\"1\""));
  EXPECT_NE(&first, &registry.counter("postrider_x_total", "X.", "a=\"2\""));
  EXPECT_THROW(registry.gauge("postrider_x_total", "X."), std::logic_error);
}

TEST(Metrics, AFamilyIsAskedForItsSamplesEachTime) {
  MetricsRegistry registry;
  MetricsRegistry::Samples samples{{"upstream=\"a\"", 1}};
  registry.computed_family(MetricKind::gauge, "postrider_in_service", "In service.", [&] { return samples; });
  EXPECT_EQ(registry.render(),
            "# HELP postrider_in_service In service.\n"
            "# TYPE postrider_in_service gauge\n"
            "postrider_in_service{upstream=\"a\"} 1\n");
  samples = {{"upstream=\"b\"", 0.5}, {"upstream=\"c\"", 17179869185.0}};
  EXPECT_EQ(registry.render(),
            "# HELP postrider_in_service In service.\n"
            "# TYPE postrider_in_service gauge\n"
            "postrider_in_service{upstream=\"b\"} 0.5\n"
            "postrider_in_service{upstream=\"c\"} 17179869185\n");
}

TEST(Metrics, AFamilyOfAnotherKindIsABug) {
  MetricsRegistry registry;
  registry.counter("postrider_x_total", "X.");
  EXPECT_THROW(
      registry.computed_family(MetricKind::gauge, "postrider_x_total", "X.", [] { return MetricsRegistry::Samples(); }),
      std::logic_error);
}

TEST(Metrics, TotalsAddUpCountersOfAllSorts) {
  MetricsRegistry registry;
  registry.counter("postrider_x_total", "X.", "door=\"smtp\"").add(3);
  registry.counter("postrider_x_total", "X.", "door=\"http\"").add(4);
  registry.computed_family(MetricKind::counter, "postrider_y_total", "Y.", [] {
    return MetricsRegistry::Samples{{"upstream=\"a\",outcome=\"sent\"", 5}, {"upstream=\"b\",outcome=\"sent\"", 6}};
  });
  registry.computed_family(MetricKind::gauge, "postrider_z", "Z.", [] { return MetricsRegistry::Samples{{"", 7}}; });
  EXPECT_EQ(registry.total("postrider_x_total"), 7u);
  EXPECT_EQ(registry.total("postrider_x_total", "door=\"http\""), 4u);
  EXPECT_EQ(registry.total("postrider_y_total"), 11u);
  EXPECT_EQ(registry.total("postrider_y_total", "upstream=\"b\""), 6u);
  EXPECT_EQ(registry.total("postrider_z"), 0u) << "a gauge is no count";
  EXPECT_EQ(registry.total("postrider_unknown_total"), 0u);
}

}  // namespace
}  // namespace postrider
