#include "cmd/sendmail_places.h"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "cmd/exit_codes.h"
#include "core/config_toml.h"

namespace postrider::cmd {

namespace {

constexpr std::size_t kMaxFile = 64 << 10;

// "host:port", "[::1]:port"
bool take_smtp(std::string_view text, ClientPlaces& places) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  std::string_view host = text.substr(0, colon);
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port == 0 || host.empty()) return false;
  places.host = host;
  places.port = port;
  return true;
}

result<Nothing> take_file(std::string_view text, ClientPlaces& places) {
  const auto at = [](const FilePlace& place) {
    return std::string(kClientFile) + ": line " + std::to_string(place.line) + ": ";
  };
  const auto parsed = parse_toml(text);
  if (!parsed) return invalid(at(parsed.error().at) + parsed.error().text);
  for (const TomlField& field : parsed->fields) {
    const std::string where = at(field.value.at) + field.name;
    if (field.name != "smtp" && field.name != "maildrop")
      return invalid(where + " is not a key: smtp and maildrop are");
    if (field.value.kind != TomlValue::Kind::text) return invalid(where + " must be a string");
    if (field.name == "maildrop") {
      places.maildrop = field.value.text;
      places.maildrop_from_file = true;
    } else if (!take_smtp(field.value.text, places)) {
      return invalid(where + " must be host:port");
    }
  }
  return Nothing();
}

std::optional<std::string> read_client_file() {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(kClientFile, "re"), std::fclose);
  if (!file) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    throw CommandError(EX_CONFIG, std::string("cannot read ") + kClientFile + ": " + std::strerror(errno) +
                                      "; everybody must be able to");
  }
  std::string text(kMaxFile, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  return text;
}

}  // namespace

std::string ClientPlaces::smtp() const {
  const bool v6 = host.find(':') != std::string::npos;
  return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

result<ClientPlaces> find_places(const std::function<std::string(const char*)>& variable,
                                 const std::optional<std::string>& file) {
  ClientPlaces places;
  if (file) {
    const auto taken = take_file(*file, places);
    if (!taken) return taken.error();
  }
  const std::string smtp = variable("POSTRIDER_SMTP"), maildrop = variable("POSTRIDER_MAILDROP");
  if (!smtp.empty() && !take_smtp(smtp, places)) return invalid("POSTRIDER_SMTP must be host:port");
  if (!maildrop.empty()) {
    places.maildrop = maildrop;
    places.maildrop_from_file = false;
  }
  return places;
}

ClientPlaces find_places() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  auto places = find_places(variable, read_client_file());
  if (!places) throw CommandError(EX_CONFIG, places.error().text);
  return std::move(*places);
}

}  // namespace postrider::cmd
