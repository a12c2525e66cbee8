// `postrider bootstrap`: makes what the first start would make (data directory, certificate, operator token, keys of this relay), and a
// first admin, so that an image or a script has the credentials before anything runs. Does each thing once, however often it is run,
// and says what it did.
#pragma once

#include <optional>
#include <string>

namespace postrider::cmd {

struct BootstrapOptions {
  std::optional<std::string> config_file;
  std::string admin;  // name of a user of role admin; empty: none
  bool password_stdin = false;
};

int run_bootstrap(const BootstrapOptions& options);

}  // namespace postrider::cmd
