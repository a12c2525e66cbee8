// nullmailer's control files: `remotes`, one upstream a line, asked in turn; the others hold one value each.
#include <algorithm>
#include <charconv>

#include "core/import_page.h"
#include "core/time.h"

namespace postrider {
namespace {

// Words of a line, with quotes and backslashes as a shell has them.
std::vector<std::string> shell_words(std::string_view line) {
  std::vector<std::string> words;
  bool inside = false;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool blank = c == ' ' || c == '\t';
    if (blank && quote == 0) {
      inside = false;
      continue;
    }
    if (!inside) words.emplace_back();
    inside = true;
    if (quote != 0 && c == quote)
      quote = 0;
    else if (quote == 0 && (c == '"' || c == '\''))
      quote = c;
    else if (c == '\\' && quote != '\'' && i + 1 < line.size())
      words.back() += line[++i];
    else
      words.back() += c;
  }
  return words;
}

struct Remote {
  std::string host, protocol = "smtp";
  std::map<std::string, std::string> options;  // "port", "user"; a flag has an empty value
  int line = 0;
};

std::vector<Remote> read_remotes(std::string_view text) {
  std::vector<Remote> remotes;
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view line = trim_blanks(take_line(text));
    if (line.empty() || line.front() == '#') continue;
    Remote remote;
    remote.line = number;
    const std::vector<std::string> words = shell_words(line);
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (i == 0) {
        remote.host = words[i];
      } else if (words[i].starts_with("--")) {
        const std::size_t equals = words[i].find('=');
        remote.options[words[i].substr(2, equals - 2)] = equals == std::string::npos ? "" : words[i].substr(equals + 1);
      } else if (i == 1) {
        remote.protocol = words[i];
      }
    }
    remotes.push_back(std::move(remote));
  }
  return remotes;
}

class NullmailerImport {
 public:
  NullmailerImport(const NullmailerFiles& files, const ImportOptions& options)
      : files_(files), page_("nullmailer", files.remotes.name, options) {}

  ImportResult run() {
    identity();
    addresses();
    const std::vector<Remote> remotes = read_remotes(files_.remotes.text);
    if (remotes.empty())
      page_.note("remotes",
                 "names none: until an [[upstream]] is written, mail is captured on this machine and none is sent on.");
    for (const Remote& remote : remotes) upstream(remote);
    delivery();
    return page_.finish();
  }

 private:
  // The first line of a control file.
  std::string control(const std::string& name) const {
    const auto found = files_.controls.find(name);
    if (found == files_.controls.end()) return {};
    std::string_view text = found->second;
    return std::string(trim_blanks(take_line(text)));
  }
  std::optional<std::int64_t> seconds(const std::string& name) const {
    const std::string text = control(name);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || value < 1 || value > 1'000'000'000)
      return std::nullopt;
    return value;
  }
  void identity();
  void addresses();
  void upstream(const Remote& remote);
  void login(ImportBlock& block, const Remote& remote, const std::string& name);
  std::string unused_name(const std::string& host);
  void delivery();

  const NullmailerFiles& files_;
  ImportPage page_;
  std::vector<std::string> names_;
};

void NullmailerImport::identity() {
  if (const std::string me = control("me"); !me.empty()) page_.section("server").set("hostname", me, "me");
}

void NullmailerImport::addresses() {
  ImportBlock& block = page_.section("addresses");
  // A host without a dot gets the default domain behind it.
  std::string host = control("defaulthost");
  const std::string domain = control("defaultdomain");
  std::string from = "defaulthost";
  if (host.empty()) host = control("me"), from = "me";
  if (!host.empty() && host.find('.') == std::string::npos && !domain.empty())
    host += '.' + domain, from += " and defaultdomain";
  if (!host.empty() && from != "me") block.set("origin", host, from);
  const std::vector<std::string> admins = split_words(control("adminaddr"), ", \t");
  if (!admins.empty()) {
    block.set(
        "aliases",
        std::vector<std::pair<std::string, std::string>>{{"root", admins.front()}, {"postmaster", admins.front()}},
        "adminaddr");
    page_.note("adminaddr",
               "nullmailer sends mail to any user of this host there. Aliases go by name: add the other names that get "
               "mail, such as www-data.");
  }
  if (admins.size() > 1) page_.note("adminaddr", "only its first address is taken: an alias has one.");
  if (const std::string sender = control("allmailfrom"); !sender.empty())
    block.set("rewrite_sender", std::vector<std::pair<std::string, std::string>>{{"*", sender}}, "allmailfrom");
}

std::string NullmailerImport::unused_name(const std::string& host) {
  const std::string name = upstream_name_of(host).substr(0, 60);
  std::string unused = name;
  for (int i = 2; std::find(names_.begin(), names_.end(), unused) != names_.end(); ++i)
    unused = name + '-' + std::to_string(i);
  names_.push_back(unused);
  return unused;
}

void NullmailerImport::upstream(const Remote& remote) {
  const std::string at = "remotes, line " + std::to_string(remote.line);
  if (remote.protocol != "smtp") return page_.note(at, remote.protocol + " is not spoken: the remote is left out.");
  const auto has = [&](const char* name) { return remote.options.contains(name); };
  const auto value = [&](const char* name) { return has(name) ? remote.options.at(name) : ""; };
  ImportBlock& block = page_.add("upstream");
  const std::string name = unused_name(remote.host);
  block.set("name", name, at);
  block.set("type", "smtp", "");
  if (!block.set("host", remote.host, at)) block.comment_out();
  const bool implicit = has("ssl") || has("tls"), starttls = has("starttls");
  block.set("port", has("port") ? value("port") : implicit ? "465" : "25", has("port") ? "" : "nullmailer's default");
  block.set("tls",
            starttls   ? "starttls"
            : implicit ? "implicit"
                       : "none",
            starttls || implicit ? "" : "nullmailer's default");
  if (has("insecure"))
    page_.note(at,
               "--insecure has no equivalent: the certificate is verified. With one of your own, name its authority in "
               "tls_ca_file.");
  if (const std::string authorities = value("x509cafile");
      (starttls || implicit) && !authorities.empty() && authorities != "/etc/ssl/certs/ca-certificates.crt")
    block.set("tls_ca_file", authorities, "");
  login(block, remote, name);
  if (const auto timeout = seconds("sendtimeout"))
    block.set("final_timeout", format_duration(std::chrono::seconds(*timeout)), "sendtimeout");
  if (const std::string helo = control("helohost"); !helo.empty()) block.set("helo", helo, "helohost");
  static constexpr std::string_view kKnown[] = {"port",       "ssl",  "tls",  "starttls",  "insecure",
                                                "x509cafile", "user", "pass", "auth-login"};
  for (const auto& [option, ignored] : remote.options)
    if (std::find(std::begin(kKnown), std::end(kKnown), option) == std::end(kKnown))
      page_.note(at, "--" + option + " has no equivalent.");
}

void NullmailerImport::login(ImportBlock& block, const Remote& remote, const std::string& name) {
  const std::string at = "remotes, line " + std::to_string(remote.line);
  const auto user = remote.options.find("user"), password = remote.options.find("pass");
  if (user == remote.options.end() || user->second.empty()) return;
  const bool here = password != remote.options.end() && !password->second.empty();
  if (!block.set_login(user->second, "", here ? std::optional(password->second) : std::nullopt, name + ".password",
                       here ? "the password in " + at : "the password of " + user->second))
    return;
  if (remote.options.contains("auth-login")) block.set("auth", "login", "--auth-login");
}

// Its pauses double from pausetime to maxpause, until queuelifetime has passed.
void NullmailerImport::delivery() {
  constexpr std::int64_t kPause = 60, kLifetime = 604'800;  // nullmailer-send(8)
  const auto pause = seconds("pausetime"), lifetime = seconds("queuelifetime");
  ImportBlock& block = page_.section("delivery");
  const std::string interval = format_duration(std::chrono::seconds(pause.value_or(kPause)));
  const std::string retries =
      std::to_string(std::clamp<std::int64_t>(lifetime.value_or(kLifetime) / pause.value_or(kPause), 1, 1000));
  if (!pause && !lifetime) {
    block.suggest("retry_interval", "1h", "nullmailer's patience: about this,");
    block.suggest("retries", "168", "for 7 days");
    return page_.note("delivery",
                      "nullmailer tries for 7 days. Postrider by default tries three times more at intervals of 10 "
                      "minutes and then keeps the message as failed, to be retried or released.");
  }
  block.set("retry_interval", interval, pause ? "pausetime" : "nullmailer's default");
  block.set("retries", retries, "as many as fit into the age, at most 1000");
  if (lifetime) block.set("max_age", format_duration(std::chrono::seconds(*lifetime)), "queuelifetime");
  page_.note("delivery",
             "nullmailer doubles its pauses; Postrider waits equally long each time. A longer retry_interval is kinder "
             "to an upstream that is down for long.");
}

}  // namespace

const std::vector<std::string>& nullmailer_controls() {
  static const std::vector<std::string> kNames = {"adminaddr",   "allmailfrom",   "defaultdomain",
                                                  "defaulthost", "helohost",      "me",
                                                  "pausetime",   "queuelifetime", "sendtimeout"};
  return kNames;
}

ImportResult import_nullmailer(const NullmailerFiles& files, const ImportOptions& options) {
  return NullmailerImport(files, options).run();
}

}  // namespace postrider
