// ssmtp.conf: name=value lines, names without case. One mail hub.
#include <set>

#include "core/import_page.h"
#include "core/import_postfix_files.h"

namespace postrider {
namespace {

class SsmtpImport {
 public:
  SsmtpImport(const ImportFile& file, const ImportOptions& options) : page_("ssmtp", file.name, options) {
    std::string_view text = file.text;
    for (int number = 1; !text.empty(); ++number) {
      const std::string_view line = trim_blanks(take_line(text));
      const std::size_t equals = line.find('=');
      if (line.empty() || line.front() == '#' || equals == std::string_view::npos) continue;
      const std::string name(trim_blanks(line.substr(0, equals)));
      values_.insert_or_assign(lower_ascii(name),
                               Value{name, std::string(trim_blanks(line.substr(equals + 1))), number});
    }
  }

  ImportResult run() {
    if (const std::string host = get("hostname"); !host.empty())
      page_.section("server").set("hostname", host, where("hostname"));
    addresses();
    upstream();
    rest();
    return page_.finish();
  }

 private:
  struct Value {
    std::string name, text;
    int line = 0;
  };
  std::string get(const std::string& name) {
    seen_.insert(name);
    const auto found = values_.find(name);
    return found == values_.end() ? "" : found->second.text;
  }
  bool yes(const std::string& name) { return lower_ascii(get(name)) == "yes"; }
  std::string where(const std::string& name) const {
    const auto found = values_.find(lower_ascii(name));
    return found == values_.end() ? name : found->second.name + ", line " + std::to_string(found->second.line);
  }
  void addresses();
  void upstream();
  void rest();

  ImportPage page_;
  std::map<std::string, Value> values_;
  std::set<std::string> seen_;
};

void SsmtpImport::addresses() {
  ImportBlock& block = page_.section("addresses");
  if (const std::string domain = get("rewritedomain"); !domain.empty())
    block.set("origin", domain, where("rewriteDomain"));
  const std::string root = get("root");
  if (root.empty()) {
    if (values_.contains("root"))
      page_.note(where("root"), "is empty: ssmtp then leaves mail to system users as it is, and so does Postrider.");
  } else if (root.find('@') == std::string::npos) {
    page_.note(where("root"),
               "left out: \"" + root + "\" has no domain, and an alias of Postrider needs a whole address.");
  } else {
    block.set("aliases", std::vector<std::pair<std::string, std::string>>{{"root", root}, {"postmaster", root}},
              where("root"));
    page_.note(where("root"),
               "ssmtp sends mail to every system user (uid below 1000) there. Aliases go by name: add the other names "
               "that get mail, such as www-data.");
  }
  if (!yes("fromlineoverride"))
    page_.note(where("FromLineOverride"),
               "not yes: ssmtp sets the sender to the user at the host. Postrider takes the sender that the program "
               "gives; see addresses.rewrite_sender.");
}

void SsmtpImport::upstream() {
  const std::string hub = get("mailhub");
  if (hub.empty())
    page_.note("mailhub", "is not there: ssmtp sends to a host named mail, and so does this [[upstream]].");
  // The last part is a port only where one colon divides: "[::1]:25" and "mail:25", but not "::1".
  const PostfixDestination to = postfix_destination(hub.empty() ? "mail" : hub);
  const bool starttls = yes("usestarttls"), tls = yes("usetls") || starttls;
  ImportBlock& block = page_.add("upstream");
  block.set("name", "primary", "");
  block.set("type", "smtp", "");
  if (!block.set("host", to.host, where("mailhub"))) block.comment_out();
  block.set("port", to.port.empty() ? "25" : to.port, to.port.empty() ? "ssmtp's default" : "");
  block.set("tls",
            !tls       ? "none"
            : starttls ? "starttls"
                       : "implicit",
            tls ? where(starttls ? "UseSTARTTLS" : "UseTLS") : "ssmtp's default");
  if (tls)
    page_.note(where(starttls ? "UseSTARTTLS" : "UseTLS"),
               "ssmtp does not look at the certificate; Postrider verifies it. With one of your own, name its "
               "authority in tls_ca_file.");
  if (const std::string authorities = get("tls_ca_file"); tls && !authorities.empty())
    block.set("tls_ca_file", authorities, where("TLS_CA_File"));
  const std::string user = get("authuser"), password = get("authpass"), method = lower_ascii(get("authmethod"));
  if (user.empty()) return;
  const bool here = !password.empty();
  if (!block.set_login(user, where("AuthUser"), here ? std::optional(password) : std::nullopt, "primary.password",
                       here ? "the password in " + where("AuthPass") : "the password of " + user))
    return;
  if (method == "cram-md5")
    block.set("auth", "cram_md5", where("AuthMethod"));
  else if (method == "login")
    block.set("auth", "login", where("AuthMethod"));
}

void SsmtpImport::rest() {
  seen_.insert("debug");
  for (const char* name : {"tlscert", "tlskey", "usetlscert"}) {
    if (values_.contains(name) && lower_ascii(get(name)) != "no")
      page_.note(where(name), "not taken over: see upstream.tls_certificate and upstream.tls_key.");
    seen_.insert(name);
  }
  for (const auto& [name, value] : values_)
    if (!seen_.contains(name)) page_.note(where(name), "not known to this import.");
  page_.note("revaliases",
             "not read: each line of it (local:address) is an entry of addresses.rewrite_sender, such as { \"local@*\" "
             "= \"address\" }.");
  page_.note("delivery",
             "ssmtp keeps nothing: a program waits, and fails, with the mail hub. Postrider says yes when the message "
             "is on disk, and retries.");
}

}  // namespace

ImportResult import_ssmtp(const ImportFile& ssmtp_conf, const ImportOptions& options) {
  return SsmtpImport(ssmtp_conf, options).run();
}

}  // namespace postrider
