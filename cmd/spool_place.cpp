#include "cmd/spool_place.h"

#include <numeric>

#include "cmd/config_command.h"
#include "cmd/settings.h"

namespace postrider::cmd {

storage::SpoolOptions options_of(const SpoolPlace& place) {
  storage::SpoolOptions options;
  if (!place.data_dir.empty()) {
    options.data_dir = place.data_dir;
    return options;
  }
  const LoadedConfig loaded = load_config(place.config_file);
  if (!loaded.ok()) {
    print_findings(loaded);
    throw CommandError(EX_CONFIG, "the configuration has faults; --data-dir makes it unnecessary");
  }
  return spool_options(loaded.result.config);
}

CommandError command_error(const storage::SpoolError& error) {
  const std::string text = error.what();
  switch (error.kind()) {
    case storage::SpoolError::Kind::absent:
      return {EX_NOINPUT, text + ": --data-dir names the directory that holds `spool`"};
    case storage::SpoolError::Kind::permission:
      return {EX_NOPERM, text};
    case storage::SpoolError::Kind::in_use:
      return {EX_TEMPFAIL, text + ": stop it first"};
    case storage::SpoolError::Kind::exists:
    case storage::SpoolError::Kind::no_space:
      return {EX_CANTCREAT, text};
    case storage::SpoolError::Kind::other:
      return {EX_DATAERR, text};
  }
  return {EX_SOFTWARE, text};
}

Spool::Spool(const SpoolPlace& place) {
  try {
    store_ = storage::open_lmdb_store_read_only(options_of(place), log_);
  } catch (const storage::SpoolError& error) {
    throw command_error(error);
  }
}

Spool::~Spool() {
  if (store_) store_->close();
}

result<MessageRecord> Spool::find(MessageId id) const {
  return wait_for<MessageRecord>([&](Done<MessageRecord> done) { store_->find(id, std::move(done)); });
}

result<std::vector<Event>> Spool::history(MessageId id) const {
  using Events = std::vector<Event>;
  return wait_for<Events>([&](Done<Events> done) { store_->history(id, std::move(done)); });
}

storage::ListPage Spool::list(const storage::ListQuery& query) const {
  return value_of(
      wait_for<storage::ListPage>([&](Done<storage::ListPage> done) { store_->list(query, std::move(done)); }));
}

std::uint64_t Spool::messages() const {
  const storage::SpoolStats stats = store_->stats();
  return std::accumulate(std::begin(stats.messages), std::end(stats.messages), std::uint64_t{0});
}

}  // namespace postrider::cmd
