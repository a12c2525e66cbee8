#include "cmd/bootstrap.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "cmd/certificates.h"
#include "cmd/config_command.h"
#include "cmd/data_dir.h"
#include "cmd/exit_codes.h"
#include "cmd/json_view.h"
#include "cmd/password_prompt.h"
#include "cmd/settings.h"
#include "cmd/user_directory.h"
#include "mgmt/user_rules.h"

namespace postrider::cmd {

namespace {

namespace fs = std::filesystem;

// Makes a thing unless it is there, and says which.
template <typename Make>
void ensure(const std::string& what, const fs::path& file, Make make) {
  std::error_code error;
  const bool was_there = fs::exists(file, error);
  make();
  std::cout << what << ' ' << file.string() << (was_there ? ": is there already\n" : ": made\n");
}

fs::path certificate_file(const Config& config) {
  if (!config.tls.certificate.empty()) return config.tls.certificate;
  return fs::path(config.server.data_dir) / "certs" / "relay.crt";
}

void add_admin(const BootstrapOptions& options) {
  ApiOptions api;
  api.config_file = options.config_file;
  const auto users = open_user_directory(api);
  const boost::json::object known = users->list();
  for (const boost::json::object* user : objects_of(known, "users")) {
    if (text_of(*user, "name") != options.admin) continue;
    std::cout << "user " << options.admin << ": is there already, as " << text_of(*user, "role") << "; left as it is\n";
    return;
  }
  storage::UserRecord admin;
  admin.name = options.admin;
  admin.role = "admin";
  if (const auto checked = mgmt::check_user(admin); !checked) throw CommandError(EX_DATAERR, checked.error().text);
  const std::string password = ask_new_password(options.password_stdin);
  users->add(std::move(admin), password, false);
  std::cout << "user " << options.admin << ": made, with the role admin\n";
}

}  // namespace

int run_bootstrap(const BootstrapOptions& options) {
  const LoadedConfig loaded = load_config(options.config_file);
  print_findings(loaded);
  if (!loaded.ok()) throw CommandError(EX_CONFIG, "the configuration has faults; nothing was made");
  const Config& config = loaded.result.config;
  const std::string& data_dir = config.server.data_dir;
  ::umask(077);
  ::unsetenv("POSTRIDER_URL");  // it is about this data directory, whatever daemon the environment names
  NullLog log;
  ensure("data directory", data_dir, [&] { prepare_data_dir(data_dir); });
  become_owner_of(data_dir);
  ensure("certificate", certificate_file(config), [&] { load_certificate(config, hostname_of(config), log); });
  ensure("operator token", operator_token_file(data_dir), [&] { ensure_operator_token(data_dir); });
  ensure("key", fs::path(data_dir) / "session.key", [&] { ensure_relay_key(data_dir, RelayKey::session); });
  ensure("key", fs::path(data_dir) / "aws.key", [&] { ensure_relay_key(data_dir, RelayKey::aws); });
  if (!options.admin.empty()) add_admin(options);
  return EX_OK;
}

}  // namespace postrider::cmd
