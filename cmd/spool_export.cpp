// `postrider spool export`: messages as files. ID.eml is the body as it is sent, trace fields included; ID.json beside it is what
// `spool show --json` prints: envelope, recipients with states and reasons, attempts, events. A message whose body was removed
// has only the second.
#include <boost/json/serialize.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>

#include "cmd/filters.h"
#include "cmd/output.h"
#include "cmd/progress.h"
#include "cmd/spool_command.h"
#include "mgmt/message_json.h"
#include "mgmt/messages_api.h"
#include "net/loop.h"
#include "storage/partial_directory.h"

namespace postrider::cmd {

namespace {

namespace json = boost::json;

constexpr std::size_t kExportedAtOnce = 200;

class Export {
 public:
  Export(const Spool& spool, const std::string& directory) : spool_(spool), directory_(directory) {}

  void message(const MessageRecord& listed) {
    const std::string path = directory_ + "/" + listed.id.str();
    const bool has_body = listed.body == BodyState::present && body(listed, path + ".eml");
    // As it is now: it may have been sent, and its body removed, since it was listed.
    const auto record = spool_.find(listed.id);
    const auto history = spool_.history(listed.id);
    if (!record && record.error().kind != FaultKind::not_found) return fault(listed.id, record.error());
    if (!history && history.error().kind != FaultKind::not_found) fault(listed.id, history.error());
    const json::object shown = mgmt::to_json(record ? *record : listed, history ? *history : std::vector<Event>());
    write(path + ".json", json::serialize(shown) + "\n");
    ++messages;
    bodies += has_body ? 1 : 0;
  }

  std::uint64_t messages = 0, bodies = 0, bytes = 0, fault_count = 0;
  json::array faults;

 private:
  bool body(const MessageRecord& message, const std::string& path) {
    std::ofstream file(path, std::ios::binary);
    const auto read = spool_.read_body(message, [&](const std::string& octets) {
      file.write(octets.data(), static_cast<std::streamsize>(octets.size()));
    });
    file.close();
    check(file, path);
    if (read) {
      bytes += message.body_size;
      return true;
    }
    std::filesystem::remove(path);
    if (read.error().kind != FaultKind::not_found) fault(message.id, read.error());
    return false;
  }
  void write(const std::string& path, const std::string& text) const {
    std::ofstream file(path, std::ios::binary);
    file << text;
    file.close();
    check(file, path);
  }
  static void check(const std::ofstream& file, const std::string& path) {
    if (!file) throw CommandError(EX_CANTCREAT, "cannot write " + path + ": " + std::strerror(errno));
  }
  void fault(const MessageId& id, const Fault& what) {
    ++fault_count;
    if (faults.size() < storage::kMaxListedFaults) faults.emplace_back(id.str() + ": " + what.text);
  }

  const Spool& spool_;
  const std::string directory_;
};

void print_report(const Export& done, const ExportOptions& options) {
  if (options.json) {
    const json::object report{{"output", options.output}, {"messages", done.messages},       {"bodies", done.bodies},
                              {"bytes", done.bytes},      {"fault_count", done.fault_count}, {"faults", done.faults}};
    std::cout << json::serialize(report) << '\n';
    return;
  }
  for (const json::value& fault : done.faults) std::cout << printable(fault.as_string()) << '\n';
  std::cout << "exported " << counted(done.messages, "message") << " to " << options.output << ", " << done.bodies
            << " with body (" << format_bytes(done.bytes) << "); faults: " << done.fault_count << '\n';
}

}  // namespace

int run_spool_export(const SpoolPlace& place, const ExportOptions& options) {
  auto query = mgmt::parse_list_query(with_absolute_times(options.filters, net::SystemClock().now()));
  if (!query) throw CommandError(EX_USAGE, query.error().text);
  query->limit = kExportedAtOnce;
  const Spool spool(place);
  Progress progress;
  const std::uint64_t total = options.filters.empty() ? spool.messages() : 0;
  try {
    storage::PartialDirectory directory(options.output);
    Export messages(spool, directory.path());
    do {
      const storage::ListPage page = spool.list(*query);
      for (const MessageRecord& message : page.messages) {
        messages.message(message);
        progress.show("exporting", ProgressUnit::messages, messages.messages, total);
      }
      query->before = page.next;
    } while (query->before);
    directory.publish();
    progress.finish("exported " + counted(messages.messages, "message"));
    print_report(messages, options);
    return messages.fault_count == 0 ? EX_OK : EX_DATAERR;
  } catch (const storage::SpoolError& error) {
    throw command_error(error);
  }
}

}  // namespace postrider::cmd
