#include "cmd/spool_command.h"

#include <boost/json/serialize.hpp>
#include <iostream>

#include "cmd/filters.h"
#include "cmd/message_view.h"
#include "cmd/output.h"
#include "cmd/progress.h"
#include "mgmt/message_json.h"
#include "mgmt/messages_api.h"
#include "net/loop.h"

namespace postrider::cmd {

namespace {

namespace json = boost::json;

MessageId id_of(const std::string& text) {
  const auto id = MessageId::parse(text);
  if (!id) throw CommandError(EX_NOINPUT, "'" + text + "' is not a message id: those have 26 letters and digits");
  return *id;
}

std::string render_stats(const storage::SpoolStats& stats) {
  std::string out;
  const auto row = [&](std::string name, const std::string& value) {
    name.resize(22, ' ');
    out += name + value + "\n";
  };
  row("live messages", std::to_string(stats.live_messages));
  for (int i = 0; i < kRecipientStates; ++i)
    if (stats.messages[i] > 0) row("  " + std::string(to_string(RecipientState(i))), std::to_string(stats.messages[i]));
  row("live mail", format_bytes(stats.live_bytes));
  row("finished and history", format_bytes(stats.finished_bytes));
  row("largest size", format_bytes(stats.max_bytes));
  row("file", format_bytes(stats.file_bytes));
  row("quarantined records", std::to_string(stats.quarantined));
  row("daemon starts", std::to_string(stats.epoch));
  return out;
}

}  // namespace

int run_spool_stat(const SpoolPlace& place, bool as_json) {
  const Spool spool(place);
  const storage::SpoolStats stats = spool->stats();
  if (as_json) {
    json::object shown = mgmt::to_json(stats);
    // What a writer is able to do; this one only reads.
    for (const char* name : {"accepting", "can_settle", "trouble", "high_water_bytes"}) shown.erase(name);
    std::cout << json::serialize(shown) << '\n';
  } else {
    std::cout << render_stats(stats);
  }
  return EX_OK;
}

int run_spool_list(const SpoolPlace& place, const ListOptions& options) {
  const Time at = net::SystemClock().now();
  auto query = mgmt::parse_list_query(with_absolute_times(options.filters, at));
  if (!query) throw CommandError(EX_USAGE, query.error().text);
  const Spool spool(place);
  const json::object listed = mgmt::list_json(spool.list(*query));
  if (options.json)
    std::cout << json::serialize(listed) << '\n';
  else
    std::cout << render_list(listed, stdout_look(at, options.absolute));
  return EX_OK;
}

int run_spool_show(const SpoolPlace& place, const std::string& id, bool as_json, bool absolute) {
  const MessageId message_id = id_of(id);
  const Spool spool(place);
  const MessageRecord message = value_of(spool.find(message_id));
  const json::object shown = mgmt::to_json(message, value_of(spool.history(message_id)));
  if (as_json)
    std::cout << json::serialize(shown) << '\n';
  else
    std::cout << render_message(shown, stdout_look(net::SystemClock().now(), absolute));
  return EX_OK;
}

int run_spool_cat(const SpoolPlace& place, const std::string& id) {
  const MessageId message_id = id_of(id);
  const Spool spool(place);
  const MessageRecord message = value_of(spool.find(message_id));
  if (message.body == BodyState::removed) throw CommandError(EX_NOINPUT, "the body of this message was removed");
  const auto read = spool.read_body(message, [](const std::string& octets) {
    std::cout.write(octets.data(), static_cast<std::streamsize>(octets.size()));
  });
  if (!read) throw CommandError(EX_DATAERR, read.error().text);
  return EX_OK;
}

int run_spool_verify(const SpoolPlace& place, bool as_json) {
  const Spool spool(place);
  Progress progress;
  const std::uint64_t messages = spool.messages();
  storage::VerifyQuery query;
  std::uint64_t records = 0, chunks = 0, events = 0, faults = 0;
  json::array all;
  std::string lines;
  do {
    const auto page = value_of(
        wait_for<storage::VerifyPage>([&](Done<storage::VerifyPage> done) { spool->verify(query, std::move(done)); }));
    records += page.records;
    chunks += page.chunks;
    events += page.events;
    faults += page.faults.size();
    for (const std::string& fault : page.faults) {
      if (all.size() >= storage::kMaxListedFaults) break;
      all.emplace_back(fault);
      lines += printable(fault) + "\n";
    }
    query.after = page.next;
    progress.show("verifying", ProgressUnit::messages, records, messages);
  } while (query.after);
  progress.finish("verified " + counted(records, "message") + ", " + counted(faults, "fault"));
  if (as_json) {
    const json::object report{{"records", records},
                              {"chunks", chunks},
                              {"events", events},
                              {"fault_count", faults},
                              {"faults", std::move(all)}};
    std::cout << json::serialize(report) << '\n';
  } else {
    std::cout << lines << "read: messages " << records << ", body chunks " << chunks << ", events " << events
              << "; faults: " << faults << '\n';
  }
  return faults == 0 ? EX_OK : EX_DATAERR;
}

}  // namespace postrider::cmd
