#include "cmd/spool_command.h"

#include <boost/json/serialize.hpp>
#include <iostream>

#include "cmd/blocking.h"
#include "cmd/config_command.h"
#include "cmd/exit_codes.h"
#include "cmd/message_view.h"
#include "cmd/output.h"
#include "cmd/settings.h"
#include "mgmt/message_json.h"
#include "mgmt/messages_api.h"
#include "net/loop.h"
#include "storage/lmdb_store.h"

namespace postrider::cmd {

namespace {

namespace json = boost::json;
using storage::Store;

constexpr std::uint32_t kWindow = 16;

// The spool, open for reading while this lives.
class Spool {
 public:
  explicit Spool(const SpoolPlace& place) {
    storage::SpoolOptions options;
    if (place.data_dir.empty()) {
      const LoadedConfig loaded = load_config(place.config_file);
      if (!loaded.ok()) {
        print_findings(loaded);
        throw CommandError(EX_CONFIG, "the configuration has faults; --data-dir makes it unnecessary");
      }
      options = spool_options(loaded.result.config);
    } else {
      options.data_dir = place.data_dir;
    }
    try {
      store_ = storage::open_lmdb_store_read_only(options, log_);
    } catch (const storage::SpoolError& error) {
      throw CommandError(EX_NOINPUT, error.what());
    }
  }
  ~Spool() {
    if (store_) store_->close();
  }
  Store* operator->() const { return store_.get(); }

 private:
  NullLog log_;
  std::unique_ptr<Store> store_;
};

template <typename T>
T value_of(result<T> answer) {
  if (answer) return std::move(*answer);
  throw CommandError(answer.error().kind == FaultKind::not_found ? EX_NOINPUT : EX_DATAERR, answer.error().text);
}

MessageId id_of(const std::string& text) {
  const auto id = MessageId::parse(text);
  if (!id) throw CommandError(EX_USAGE, "'" + text + "' is not a message id: those have 26 letters and digits");
  return *id;
}

MessageRecord find(const Spool& spool, MessageId id) {
  return value_of(wait_for<MessageRecord>([&](Done<MessageRecord> done) { spool->find(id, std::move(done)); }));
}

Time now() {
  return net::SystemClock().now();
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
  auto query = mgmt::parse_list_query(options.filters);
  if (!query) throw CommandError(EX_USAGE, query.error().text);
  const Spool spool(place);
  const auto page = value_of(wait_for<storage::ListPage>(
      [&](Done<storage::ListPage> done) { spool->list(std::move(*query), std::move(done)); }));
  const json::object listed = mgmt::list_json(page);
  if (options.json)
    std::cout << json::serialize(listed) << '\n';
  else
    std::cout << render_list(listed, now(), stdout_has_colours());
  return EX_OK;
}

int run_spool_show(const SpoolPlace& place, const std::string& id, bool as_json) {
  const MessageId message_id = id_of(id);
  const Spool spool(place);
  const MessageRecord message = find(spool, message_id);
  using Events = std::vector<Event>;
  const Events history =
      value_of(wait_for<Events>([&](Done<Events> done) { spool->history(message_id, std::move(done)); }));
  const json::object shown = mgmt::to_json(message, history);
  if (as_json)
    std::cout << json::serialize(shown) << '\n';
  else
    std::cout << render_message(shown, now(), stdout_has_colours());
  return EX_OK;
}

int run_spool_cat(const SpoolPlace& place, const std::string& id) {
  const MessageId message_id = id_of(id);
  const Spool spool(place);
  const MessageRecord message = find(spool, message_id);
  if (message.body == BodyState::removed) throw CommandError(EX_NOINPUT, "the body of this message was removed");
  using Chunks = std::vector<std::shared_ptr<const std::string>>;
  for (std::uint32_t next = 0; next < message.body_chunks;) {
    const storage::BodyQuery query{message_id, next, kWindow};
    const Chunks chunks =
        value_of(wait_for<Chunks>([&](Done<Chunks> done) { spool->read_body(query, std::move(done)); }));
    if (chunks.empty()) throw CommandError(EX_DATAERR, "the body ends before its size");
    for (const auto& chunk : chunks) std::cout << *chunk;
    next += static_cast<std::uint32_t>(chunks.size());
  }
  return EX_OK;
}

int run_spool_verify(const SpoolPlace& place, bool as_json) {
  const Spool spool(place);
  storage::VerifyQuery query;
  std::uint64_t records = 0, chunks = 0, events = 0, faults = 0;
  json::array all;
  while (true) {
    const auto page = value_of(
        wait_for<storage::VerifyPage>([&](Done<storage::VerifyPage> done) { spool->verify(query, std::move(done)); }));
    records += page.records;
    chunks += page.chunks;
    events += page.events;
    faults += page.faults.size();
    for (const std::string& fault : page.faults) {
      if (as_json)
        all.emplace_back(fault);
      else
        std::cout << printable(fault) << '\n';
    }
    if (!page.next) break;
    query.after = page.next;
  }
  if (as_json) {
    const json::object report{{"records", records}, {"chunks", chunks}, {"events", events}, {"faults", std::move(all)}};
    std::cout << json::serialize(report) << '\n';
  } else {
    std::cout << "read: messages " << records << ", body chunks " << chunks << ", events " << events
              << "; faults: " << faults << '\n';
  }
  return faults == 0 ? EX_OK : EX_DATAERR;
}

}  // namespace postrider::cmd
