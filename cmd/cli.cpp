#include "cmd/cli.h"

#include <sysexits.h>

#include <CLI/CLI.hpp>

namespace postrider::cmd {

int run(int argc, const char* const* argv) {
  CLI::App app{"Postrider, a store-and-forward mail relay for applications", "postrider"};
  app.set_version_flag("--version", "postrider " POSTRIDER_VERSION);
  app.require_subcommand(1);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? EX_OK : EX_USAGE;
  }
  return EX_OK;
}

}  // namespace postrider::cmd
