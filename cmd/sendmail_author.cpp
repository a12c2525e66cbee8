#include "cmd/sendmail_author.h"

#include <pwd.h>
#include <unistd.h>

#include <fstream>

#include "cmd/settings.h"
#include "relay/smtp/ascii.h"

namespace postrider::cmd {

Author calling_user() {
  Author author;
  author.address.local = "uid-" + std::to_string(::getuid());
  const passwd* entry = ::getpwuid(::getuid());
  if (entry == nullptr) return author;
  const std::string login = entry->pw_name;
  if (auto address = parse_address(login); address && !address->is_null() && address->domain.empty())
    author.address = std::move(*address);
  author.full_name = gecos_name(entry->pw_gecos == nullptr ? "" : entry->pw_gecos, login);
  return author;
}

std::string mail_name() {
  std::ifstream file("/etc/mailname");
  std::string name;
  file >> name;
  if (!name.empty() && domain_to_ascii(name)) return name;
  const std::string host = hostname_of(Config());
  return domain_to_ascii(host) ? host : "localhost";
}

std::string gecos_name(const std::string& gecos, const std::string& login) {
  std::string name;
  for (const char c : gecos.substr(0, gecos.find(','))) {
    if (c != '&') {
      name += c;
      continue;
    }
    const std::size_t from = name.size();
    name += login;
    if (from < name.size() && name[from] >= 'a' && name[from] <= 'z') name[from] = static_cast<char>(name[from] - 32);
  }
  return std::string(smtp::trim(name));
}

}  // namespace postrider::cmd
