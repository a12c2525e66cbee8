#include "cmd/bind.h"

#include <cerrno>
#include <cstring>

#include "cmd/exit_codes.h"

namespace postrider::cmd {

std::unique_ptr<net::Listener> bind_listener(std::vector<net::Loop*> loops, const std::string& address,
                                             std::string_view section, net::Listener::OnConnection on_connection,
                                             Log& log) {
  const std::string where = "[[" + std::string(section) + "]] address = \"" + address + "\": ";
  const auto endpoint = net::parse_endpoint(address);
  if (!endpoint) throw CommandError(EX_CONFIG, where + endpoint.error().text);
  // ":25" means every address of the machine; "[::]:25" says IPv6 and gets that only.
  const auto dual = address.front() == ':' ? net::DualStack::on : net::DualStack::off;
  auto listener = net::Listener::bind(std::move(loops), *endpoint, std::move(on_connection), log, dual);
  if (listener) return std::move(*listener);
  std::string hint;
  if (listener.error().text.find(std::strerror(EACCES)) != std::string::npos)
    hint = " (ports below 1024 need the capability CAP_NET_BIND_SERVICE)";
  throw CommandError(EX_UNAVAILABLE, where + listener.error().text + hint);
}

}  // namespace postrider::cmd
