#include "cmd/certificates.h"

#include <filesystem>

#include "cmd/exit_codes.h"

namespace postrider::cmd {

net::TlsContext load_certificate(const Config& config, const std::string& hostname, Log& log) {
  std::string certificate = config.tls.certificate, key = config.tls.key;
  if (certificate.empty()) {
    const auto directory = std::filesystem::path(config.server.data_dir) / "certs";
    auto pair = net::ensure_self_signed(directory.string(), hostname);
    if (!pair) throw CommandError(EX_CANTCREAT, pair.error().text);
    if (pair->made) log.info("tls.certificate_made", {{"file", pair->certificate_file}});
    certificate = std::move(pair->certificate_file);
    key = std::move(pair->key_file);
  }
  auto context = net::make_server_tls(certificate, key);
  if (!context) throw CommandError(EX_CONFIG, context.error().text);
  return std::move(*context);
}

}  // namespace postrider::cmd
