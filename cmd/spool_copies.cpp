// `postrider spool backup|compact|salvage`: the copies that storage makes, with progress and a report.
#include <boost/json/serialize.hpp>
#include <iostream>

#include "cmd/output.h"
#include "cmd/progress.h"
#include "cmd/spool_command.h"
#include "storage/salvage.h"

namespace postrider::cmd {

namespace {

namespace json = boost::json;

constexpr std::size_t kShownIds = 20;  // the JSON has them all

template <typename Work>
auto with_exit_codes(Work work) {
  try {
    return work();
  } catch (const storage::SpoolError& error) {
    throw command_error(error);
  }
}

json::array strings(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());
}
json::array strings(const std::vector<MessageId>& ids) {
  json::array all;
  for (const MessageId& id : ids) all.emplace_back(id.str());
  return all;
}

json::object to_json(const storage::SalvageReport& report) {
  return {{"complete", report.complete()},
          {"messages", report.messages},
          {"finished", report.finished},
          {"held", report.held},
          {"already_held", report.already_held},
          {"chunks", report.chunks},
          {"events", report.events},
          {"users", strings(report.users)},
          {"api_keys", strings(report.api_keys)},
          {"suppressions", report.suppressions},
          {"without_body_count", report.without_body_count},
          {"without_body", strings(report.without_body)},
          {"without_record_count", report.without_record_count},
          {"without_record", strings(report.without_record)},
          {"with_gaps", report.with_gaps},
          {"pages", report.pages},
          {"unreadable_pages", report.unreadable_pages},
          {"broken_values", report.broken_values},
          {"old_versions", report.old_versions},
          {"file_bytes", report.file_bytes}};
}

void print_ids(const char* what, std::uint64_t count, const std::vector<MessageId>& ids, const char* then) {
  if (count == 0) return;
  std::cout << count << ' ' << what << ":\n";
  for (std::size_t i = 0; i < ids.size() && i < kShownIds; ++i) std::cout << "  " << ids[i].str() << '\n';
  if (count > kShownIds) std::cout << "  ... " << count - kShownIds << " more, see --json\n";
  std::cout << "  " << then << '\n';
}

void print_credentials(const char* what, const std::vector<std::string>& names, bool brought_back) {
  if (names.empty()) return;
  std::cout << what
            << (brought_back ? " brought back, check that each still may log in:"
                             : " found and left out (--users brings them back):");
  for (const std::string& name : names) std::cout << ' ' << printable(name);
  std::cout << '\n';
}

void print_report(const storage::SalvageReport& report, const SalvageOptions& options) {
  std::cout << "salvaged " << counted(report.messages, "message") << " to " << options.output << ": " << report.finished
            << " finished, " << report.held << " held now, " << report.already_held << " held before\n"
            << "read " << report.pages << " pages (" << report.unreadable_pages << " unreadable), "
            << report.old_versions << " older versions and copies left out, " << report.broken_values
            << " values not whole\n";
  if (report.with_gaps > 0) std::cout << report.with_gaps << " histories miss events\n";
  print_ids("live messages have lost their body and cannot be sent", report.without_body_count, report.without_body,
            "cancel them (postrider queue cancel ID) once their senders know");
  print_ids("messages have left only events", report.without_record_count, report.without_record,
            "they are not in the new spool; some may be remains of messages removed long ago");
  print_credentials("users", report.users, options.with_users);
  print_credentials("API keys", report.api_keys, options.with_users);
  if (report.suppressions > 0) std::cout << counted(report.suppressions, "suppression") << " brought back\n";
  std::cout << "start a daemon on it; `postrider queue list --state held` shows what waits, `postrider queue release "
               "ID` sends it\n";
}

}  // namespace

int run_spool_backup(const SpoolPlace& place, const BackupOptions& options) {
  const storage::SpoolOptions from = options_of(place);
  Progress progress;
  storage::BackupRequest request;
  request.output_dir = options.output;
  request.live = options.keep_live ? storage::LiveMessages::keep : storage::LiveMessages::hold;
  request.on_progress = [&](std::string_view phase, std::uint64_t done, std::uint64_t total) {
    progress.show(phase, ProgressUnit::messages, done, total);
  };
  const storage::BackupReport report = with_exit_codes([&] { return storage::backup_spool(from, request); });
  progress.finish("copied " + counted(report.messages, "message"));
  if (options.json) {
    const json::object shown{{"output", options.output},
                             {"messages", report.messages},
                             {"chunks", report.chunks},
                             {"events", report.events},
                             {"users", report.users},
                             {"api_keys", report.api_keys},
                             {"suppressions", report.suppressions},
                             {"held", report.held},
                             {"file_bytes", report.file_bytes},
                             {"fault_count", report.fault_count},
                             {"faults", strings(report.faults)}};
    std::cout << json::serialize(shown) << '\n';
  } else {
    for (const std::string& fault : report.faults) std::cout << printable(fault) << '\n';
    std::cout << "copied " << counted(report.messages, "message") << " to " << options.output << " ("
              << format_bytes(report.file_bytes) << ")";
    if (options.keep_live)
      std::cout << "; live messages are live in it: a daemon that starts on it sends them\n";
    else
      std::cout << "; " << report.held << " live ones are held in it, to be released after a restore\n";
    if (report.fault_count > 0) std::cout << report.fault_count << " values could not be read and are not in it\n";
  }
  return report.fault_count == 0 ? EX_OK : EX_DATAERR;
}

int run_spool_compact(const SpoolPlace& place, bool as_json) {
  const storage::SpoolOptions spool = options_of(place);
  Progress progress;
  storage::CompactRequest request;
  request.on_progress = [&](std::string_view phase, std::uint64_t done, std::uint64_t total) {
    progress.show(phase, ProgressUnit::bytes, done, total);
  };
  const storage::CompactReport report = with_exit_codes([&] { return storage::compact_spool(spool, request); });
  const std::string sizes = format_bytes(report.bytes_before) + " before, " + format_bytes(report.bytes_after) + " now";
  progress.finish("compacted: " + sizes);
  if (as_json)
    std::cout << json::serialize(
                     json::object{{"bytes_before", report.bytes_before}, {"bytes_after", report.bytes_after}})
              << '\n';
  else
    std::cout << "the database takes " << sizes << '\n';
  return EX_OK;
}

int run_spool_salvage(const SpoolPlace& place, const SalvageOptions& options) {
  const storage::SpoolOptions from = options_of(place);
  Progress progress;
  storage::SalvageRequest request;
  request.output_dir = options.output;
  request.with_users = options.with_users;
  request.on_progress = [&](std::string_view phase, std::uint64_t done, std::uint64_t total) {
    progress.show(phase, phase == "scanning" ? ProgressUnit::bytes : ProgressUnit::messages, done, total);
  };
  const storage::SalvageReport report = with_exit_codes([&] { return storage::salvage_spool(from, request); });
  progress.finish("salvaged " + counted(report.messages, "message"));
  if (options.json)
    std::cout << json::serialize(to_json(report)) << '\n';
  else
    print_report(report, options);
  return report.complete() ? EX_OK : EX_DATAERR;
}

}  // namespace postrider::cmd
