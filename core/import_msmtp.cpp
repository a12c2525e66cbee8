// msmtp's .msmtprc: commands with arguments, grouped into accounts that inherit from `defaults` and from each other. The default
// account becomes the upstream; others stand beside it, commented out: msmtp takes one when told to, Postrider by the message.
#include <algorithm>
#include <set>

#include "core/import_page.h"

namespace postrider {
namespace {

struct Setting {
  std::string value;
  int line = 0;
};
using Settings = std::map<std::string, Setting>;

struct Account {
  std::string name;
  int line = 0;
  Settings settings;
  std::string alias_of;  // `account default : provider`
};

struct NoteRow {
  std::string_view name, text;  // without a text: nothing to say
};
constexpr NoteRow kMsmtpNotes[] = {
    {"logfile",
     "no equivalent: what became of each message is in its history (`postrider queue list`), the log goes to standard "
     "error."},
    {"syslog", "no equivalent: the log goes to standard error; let the service manager keep it."},
    {"aliases", "not read: put its entries into addresses.aliases, one address for each name."},
    {"eval", "not run: no command is run for a configuration; write the file anew, or override by environment."},
    {"protocol", "no equivalent: only SMTP is spoken."},
    {"tls_fingerprint",
     "no equivalent: the certificate is verified by its authority; with one of your own, name that in tls_ca_file."},
    {"tls_crl_file", "no equivalent: revocation lists are not read."},
    {"tls_key_file", "not taken over: see upstream.tls_certificate and upstream.tls_key."},
    {"tls_cert_file", "not taken over: see upstream.tls_certificate and upstream.tls_key."},
    {"tls_host_override", "no equivalent: the certificate must be for the host's own name."},
    {"proxy_host", "no equivalent: the upstream is connected to directly."},
    {"source_ip", "no equivalent: the system chooses the address to connect from."},
    {"socket", "no equivalent: upstreams are reached by TCP."},
    {"dsn_notify",
     "no equivalent: the sender's program asks (sendmail -N); bounces are made by default (delivery.dsn)."},
    {"dsn_return", "no equivalent: the sender's program asks (sendmail -R)."},
    {"from_full_name", "no equivalent: header fields are left as they are."},
    {"set_from_header", "no equivalent: header fields are left as they are."},
    {"set_to_header", "no equivalent: header fields are left as they are."},
    {"set_date_header", ""},
    {"set_msgid_header", ""},
    {"add_missing_from_header", "no equivalent: a missing From stays missing."},
    {"add_missing_date_header", ""},
    {"remove_bcc_headers", ""},
    {"keepbcc", "no equivalent: Bcc is always removed."},
    {"undisclosed_recipients", "no equivalent: header fields are left as they are."},
    {"tls_priorities", ""},
    {"tls_min_dh_prime_bits", ""},
    {"proxy_port", ""},
    {"logfile_time_format", ""},
    {"auto_from", ""},
    {"ntlmdomain", ""},
};

// The first word and the rest; quotes around the rest go.
std::pair<std::string, std::string> command_of(std::string_view line) {
  const std::size_t end = std::min(line.find_first_of(" \t"), line.size());
  std::string_view value = trim_blanks(line.substr(end));
  if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
  return {lower_ascii(line.substr(0, end)), std::string(value)};
}

class MsmtpImport {
 public:
  MsmtpImport(const ImportFile& file, const ImportOptions& options)
      : page_("msmtp", file.name, options), file_(file.name) {
    read(file.text);
  }

  ImportResult run() {
    const Account* main = default_account();
    if (!main) {
      page_.note(file_,
                 "has no account with a host: until an [[upstream]] is written, mail is captured on this machine and "
                 "none is sent on.");
      return page_.finish();
    }
    upstream(*main, ImportPage::Active::yes);
    addresses(*main);
    for (const Account& account : accounts_)
      if (&account != main && account.alias_of.empty() && account.settings.contains("host"))
        upstream(account, ImportPage::Active::no);
    rest();
    return page_.finish();
  }

 private:
  void read(std::string_view text);
  void begin_account(const std::string& argument, int line);
  Account* find(std::string_view name);
  const Account* default_account();
  void upstream(const Account& account, ImportPage::Active active);
  void tls(ImportBlock& block, const Account& account);
  void login(ImportBlock& block, const Account& account, const std::string& name);
  void addresses(const Account& account);
  void rest();

  std::string get(const Account& account, const std::string& name) {
    seen_.insert(name);
    const auto found = account.settings.find(name);
    return found == account.settings.end() ? "" : found->second.value;
  }
  bool on(const Account& account, const std::string& name, bool otherwise) {
    const std::string value = lower_ascii(get(account, name));
    return account.settings.contains(name) ? value != "off" : otherwise;  // a bare command means on
  }
  std::string where(const Account& account, const std::string& name) const {
    const auto found = account.settings.find(name);
    return name + (found == account.settings.end() ? "" : ", line " + std::to_string(found->second.line));
  }

  ImportPage page_;
  std::string file_;
  Settings defaults_;
  std::vector<Account> accounts_;
  std::set<std::string> seen_;
};

void MsmtpImport::read(std::string_view text) {
  bool in_defaults = true;  // what stands before any account holds for the one named default
  for (int number = 1; !text.empty(); ++number) {
    const std::string_view line = trim_blanks(take_line(text));
    if (line.empty() || line.front() == '#') continue;
    auto [command, value] = command_of(line);
    if (command == "defaults") {
      in_defaults = true;
    } else if (command == "account") {
      in_defaults = false;
      begin_account(value, number);
    } else {
      Settings& into = in_defaults || accounts_.empty() ? defaults_ : accounts_.back().settings;
      into.insert_or_assign(std::move(command), Setting{std::move(value), number});
    }
  }
}

// "name", or "name : base,base": a copy of what the bases say, in their order.
void MsmtpImport::begin_account(const std::string& argument, int line) {
  const std::size_t colon = argument.find(':');
  Account account{std::string(trim_blanks(argument.substr(0, colon))), line, defaults_, {}};
  if (colon != std::string::npos) {
    for (const std::string& base : split_words(argument.substr(colon + 1), ", \t")) {
      if (const Account* from = find(base)) {
        for (const auto& [name, setting] : from->settings) account.settings.insert_or_assign(name, setting);
        if (account.name == "default") account.alias_of = base;
      } else {
        page_.note("account " + account.name + ", line " + std::to_string(line),
                   "inherits from " + base + ", which is not there.");
      }
    }
  }
  accounts_.push_back(std::move(account));
}

Account* MsmtpImport::find(std::string_view name) {
  for (Account& account : accounts_)
    if (account.name == name) return &account;
  return nullptr;
}

// The one that msmtp takes without -a: named default, else (a file without accounts) what stands outside of them; else the first.
const Account* MsmtpImport::default_account() {
  if (accounts_.empty() && defaults_.contains("host")) accounts_.push_back({"default", 1, defaults_, {}});
  Account* chosen = find("default");
  if (chosen && chosen->settings.contains("host")) {
    // `account default : provider` is that account: one upstream, under its own name.
    if (Account* base = find(chosen->alias_of)) {
      chosen->name = base->name;
      chosen->line = base->line;
      base->alias_of = "default";
    }
    chosen->alias_of.clear();
    return chosen;
  }
  for (const Account& account : accounts_)
    if (account.settings.contains("host")) {
      page_.note("account default", "is not there; the first account is taken.");
      return &account;
    }
  return nullptr;
}

void MsmtpImport::upstream(const Account& account, ImportPage::Active active) {
  ImportBlock& block = page_.add("upstream", active);
  const std::string name = account.name == "default" ? "primary" : upstream_name_of(account.name);
  block.set("name", name, "account " + account.name + ", line " + std::to_string(account.line));
  block.set("type", "smtp", "");
  if (!block.set("host", get(account, "host"), where(account, "host"))) block.comment_out();
  tls(block, account);
  login(block, account, name);
  if (const std::string helo = get(account, "domain"); !helo.empty() && helo != "localhost")
    block.set("helo", helo, where(account, "domain"));
  if (const std::string timeout = get(account, "timeout"); !timeout.empty() && timeout != "off")
    block.set("connect_timeout", timeout + 's', where(account, "timeout"));
  if (active == ImportPage::Active::no)
    page_.note("account " + account.name,
               "is commented out: -a chooses it, and Postrider chooses by the message. Give it a match, such as { "
               "sender_domain = [...] }, and its place before the others; without match it is asked when the first "
               "fails, so it must accept the same senders.");
}

void MsmtpImport::tls(ImportBlock& block, const Account& account) {
  const bool tls = on(account, "tls", false), starttls = on(account, "tls_starttls", true);
  const std::string port = get(account, "port");
  block.set("port",
            !port.empty()      ? port
            : tls && !starttls ? "465"
                               : "25",
            port.empty() ? "msmtp's default" : where(account, "port"));
  block.set("tls", !tls ? "none" : starttls ? "starttls" : "implicit", tls ? where(account, "tls") : "msmtp's default");
  if (tls && !on(account, "tls_certcheck", true))
    page_.note(where(account, "tls_certcheck"),
               "no equivalent: the certificate is verified. With one of your own, name its authority in tls_ca_file.");
  const std::string trust = get(account, "tls_trust_file");
  if (tls && !trust.empty() && trust != "system" && trust != "/etc/ssl/certs/ca-certificates.crt")
    block.set("tls_ca_file", trust, where(account, "tls_trust_file"));
}

void MsmtpImport::login(ImportBlock& block, const Account& account, const std::string& name) {
  const std::string auth =
      account.settings.contains("auth") && get(account, "auth").empty() ? "on" : lower_ascii(get(account, "auth"));
  const std::string user = get(account, "user"), password = get(account, "password"),
                    command = get(account, "passwordeval");
  if (auth.empty() || auth == "off") {
    if (!user.empty()) page_.note(where(account, "user"), "not used: auth is off.");
    return;
  }
  if (user.empty()) return page_.note(where(account, "auth"), "no login is written: there is no user.");
  if (auth == "xoauth2" || auth == "oauthbearer") {
    if (!block.set("username", user, where(account, "user"))) return;
    block.set("auth", "xoauth2", where(account, "auth"));
    block.set("token_file", page_.options().secrets_dir + '/' + name + ".token", "read anew for each login");
    return page_.note(
        where(account, "passwordeval"),
        "is not run: something must write the access token into token_file before it expires, such as a timer that "
        "runs the same command.");
  }
  const bool here = !password.empty();
  const std::string what = here ? "the password in line " + std::to_string(account.settings.at("password").line)
                           : command.empty() ? "the password of " + user + ", which msmtp asks for or keeps in .netrc"
                                             : "what the command in " + where(account, "passwordeval") + " prints";
  if (!block.set_login(user, where(account, "user"), here ? std::optional(password) : std::nullopt, name + ".password",
                       what))
    return;
  if (!here && !command.empty())
    page_.note(where(account, "passwordeval"), "is not run: write what it prints into the password's file.");
  if (auth == "plain" || auth == "login") {
    block.set("auth", auth, where(account, "auth"));
  } else if (auth == "cram-md5") {
    block.set("auth", "cram_md5", where(account, "auth"));
  } else if (auth != "on") {
    page_.note(
        where(account, "auth"),
        auth + " is not spoken to upstreams; the best of what is offered of CRAM-MD5, PLAIN and LOGIN is taken.");
  }
}

// `from` is the envelope sender of whoever names none; with allow_from_override off, or undisclosed, of everybody.
void MsmtpImport::addresses(const Account& account) {
  if (const std::string domain = get(account, "maildomain"); !domain.empty())
    page_.section("addresses").set("origin", domain, where(account, "maildomain"));
  const std::string from = get(account, "from");
  const bool fixed = !on(account, "allow_from_override", true);
  if (from.empty()) return;
  if (from.find_first_of("%*") != std::string::npos)
    return page_.note(
        where(account, "from"),
        "\"" + from + "\" is a pattern, which has no equivalent: addresses.rewrite_sender replaces by one address.");
  if (fixed) {
    page_.section("addresses")
        .set("rewrite_sender", std::vector<std::pair<std::string, std::string>>{{"*", from}},
             where(account, "from") + ", with allow_from_override off");
  } else {
    page_.section("addresses").suggest("rewrite_sender", "*=" + from, where(account, "from"));
    page_.note(where(account, "from"),
               "is msmtp's sender where a program names none. Postrider takes what the program says: with the line in "
               "[addresses] that is commented out, every sender becomes this one; narrower patterns such as root@* can "
               "stand there instead of *.");
  }
}

void MsmtpImport::rest() {
  std::map<std::string, int> lines;
  for (const auto& [name, setting] : defaults_) lines.emplace(name, setting.line);
  for (const Account& account : accounts_)
    for (const auto& [name, setting] : account.settings) lines.emplace(name, setting.line);
  for (const auto& [name, line] : lines) {
    if (seen_.contains(name)) continue;
    const auto row = std::find_if(std::begin(kMsmtpNotes), std::end(kMsmtpNotes),
                                  [&, n = name](const NoteRow& each) { return each.name == n; });
    const std::string at = name + ", line " + std::to_string(line);
    if (row == std::end(kMsmtpNotes))
      page_.note(at, "not known to this import.");
    else if (!row->text.empty())
      page_.note(at, row->text);
  }
  page_.note("listeners",
             "msmtp takes no mail by SMTP. Postrider does, on 127.0.0.1:2525 unless [[smtp.listener]] says otherwise; "
             "programs that run sendmail or msmtp go on with Postrider's sendmail.");
}

}  // namespace

ImportResult import_msmtp(const ImportFile& msmtprc, const ImportOptions& options) {
  return MsmtpImport(msmtprc, options).run();
}

}  // namespace postrider
