#include "mgmt/spool_metrics.h"

namespace postrider::mgmt {

namespace {

using storage::SpoolStats;

struct SpoolGauge {
  const char* name;
  const char* help;
  double (*read)(const SpoolStats&);
};

constexpr SpoolGauge kSpoolGauges[] = {
    {"postrider_spool_live_messages", "Messages with a live recipient.",
     [](const SpoolStats& s) { return double(s.live_messages); }},
    {"postrider_spool_live_bytes", "Spool pages held by live messages and bodies being received.",
     [](const SpoolStats& s) { return double(s.live_bytes); }},
    {"postrider_spool_finished_bytes", "Spool pages held by finished messages and their history.",
     [](const SpoolStats& s) { return double(s.finished_bytes); }},
    {"postrider_spool_max_bytes", "spool.max_size.", [](const SpoolStats& s) { return double(s.max_bytes); }},
    {"postrider_spool_high_water_bytes", "Above this many bytes no mail is accepted.",
     [](const SpoolStats& s) { return double(s.high_water_bytes); }},
    {"postrider_spool_file_bytes", "Size of the spool's file.",
     [](const SpoolStats& s) { return double(s.file_bytes); }},
    {"postrider_spool_quarantined_records", "Records that could not be read and were put aside.",
     [](const SpoolStats& s) { return double(s.quarantined); }},
    {"postrider_spool_last_commit_seconds", "How long the last commit took.",
     [](const SpoolStats& s) { return double(s.last_commit_us) / 1e6; }},
    {"postrider_spool_oldest_due_timestamp_seconds", "Due time of the message that is due first; 0: none waits.",
     [](const SpoolStats& s) { return double(s.oldest_due_ms) / 1e3; }},
    {"postrider_spool_last_event_seq", "Sequence number of the newest event.",
     [](const SpoolStats& s) { return double(s.last_seq); }},
    {"postrider_spool_epoch", "How often this spool was opened for writing.",
     [](const SpoolStats& s) { return double(s.epoch); }},
    {"postrider_spool_accepting", "1 while mail is accepted.",
     [](const SpoolStats& s) { return s.accepting ? 1.0 : 0.0; }},
    {"postrider_spool_can_settle", "1 while results of deliveries can be written.",
     [](const SpoolStats& s) { return s.can_settle ? 1.0 : 0.0; }},
};

}  // namespace

void add_spool_metrics(MetricsRegistry& registry, const storage::Store& store) {
  for (int i = 0; i < kRecipientStates; ++i) {
    const std::string state(to_string(RecipientState(i)));
    registry.computed_gauge(
        "postrider_spool_messages", "Messages in the spool and its history, by state.",
        [&store, i] { return double(store.stats().messages[i]); }, "state=\"" + state + "\"");
  }
  for (const SpoolGauge& gauge : kSpoolGauges)
    registry.computed_gauge(gauge.name, gauge.help, [&store, read = gauge.read] { return read(store.stats()); });
  registry.computed_counter("postrider_spool_commits_total", "Commits since start, each with one sync.",
                            [&store] { return store.stats().commits; });
  registry.computed_counter("postrider_spool_committed_operations_total", "Operations those commits made durable.",
                            [&store] { return store.stats().synced_operations; });
}

}  // namespace postrider::mgmt
