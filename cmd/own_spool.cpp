#include "cmd/own_spool.h"

#include <cstdlib>

#include "cmd/config_command.h"
#include "cmd/data_dir.h"
#include "cmd/settings.h"
#include "storage/lmdb_store.h"

namespace postrider::cmd {

OwnSpool open_own_spool(const ApiOptions& options) {
  OwnSpool own;
  if (!options.url.empty() || std::getenv("POSTRIDER_URL")) return own;
  const LoadedConfig loaded = load_config(options.config_file);
  if (!loaded.ok()) {
    print_findings(loaded);
    throw CommandError(EX_CONFIG, "the configuration has faults");
  }
  const Config& config = loaded.result.config;
  own.data_dir = config.server.data_dir;
  prepare_data_dir(own.data_dir);
  become_owner_of(own.data_dir);
  own.log = std::make_unique<NullLog>();
  try {
    own.store = storage::open_lmdb_store(spool_options(config), *own.log);
  } catch (const storage::SpoolError& error) {
    own.why_not = error.what();
  }
  return own;
}

}  // namespace postrider::cmd
