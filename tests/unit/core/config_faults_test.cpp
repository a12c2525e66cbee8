// Every fault and every warning of the configuration, by its text.
#include <gmock/gmock.h>

#include "core/config.h"

namespace postrider {
namespace {

struct Case {
  const char* toml;
  const char* finding;
};

constexpr const char* kUpstream = "[[upstream]]\nname=\"p\"\ntype=\"smtp\"\nhost=\"h.example\"\n";

ConfigResult parsed(const std::string& toml) {
  ConfigSources sources;
  sources.file_text = toml;
  return parse_config(sources);
}

std::vector<std::string> texts(const std::vector<ConfigFinding>& findings) {
  std::vector<std::string> out;
  for (const ConfigFinding& finding : findings) out.push_back(finding.str());
  return out;
}

std::string smtp_upstream(const std::string& keys) {
  return kUpstream + keys;
}

class ConfigFault : public testing::TestWithParam<Case> {};
TEST_P(ConfigFault, IsTheOnlyOne) {
  const ConfigResult result = parsed(GetParam().toml);
  EXPECT_FALSE(result.ok());
  EXPECT_THAT(texts(result.faults), testing::ElementsAre(GetParam().finding));
}

const Case kFaults[] = {
    {"data_dir = \"x\"\n", "1:1: data_dir stands in no section; did you mean server.data_dir?"},
    {"[sever]\nthreads = 1\n", "1:2: [sever] is not a known section; did you mean [server]?"},
    {"[[upstreams]]\nname = \"x\"\n", "1:3: [[upstreams]] is not a known section; did you mean [[upstream]]?"},
    {"[server.log]\nlevel = \"info\"\n", "1:9: [server.log] is not a known section"},
    {"server = 1\n", "1:1: server is a section: write [server]"},
    {"[upstream]\nname = \"x\"\n", "1:2: upstream may be there several times: write [[upstream]]"},
    {"[smtp.listener]\n", "1:7: smtp.listener may be there several times: write [[smtp.listener]]"},
    {"[server]\nthread = 1\n", "2:1: server.thread is not a known key; did you mean server.threads?"},
    {"[server]\nretries = 1\n", "2:1: server.retries is not a known key; did you mean delivery.retries?"},
    {"[server]\nxyzzy = 1\n", "2:1: server.xyzzy is not a known key"},
    {"[server]\nthreads = \"2\"\n", "2:1: server.threads must be a whole number, not a string"},
    {"[server]\nthreads = 257\n", "2:1: server.threads = 257 is out of bounds: 0 to 256"},
    {"[server]\nhostname = \"a b\"\n", "2:1: server.hostname = \"a b\" is not a host name"},
    {"[server]\ndata_dir = \"\"\n", "2:1: server.data_dir = \"\" is empty"},
    {"[smtp]\nmax_message_size = \"25\"\n",
     "2:1: smtp.max_message_size = \"25\" is not a size with its unit, such as \"25MiB\""},
    {"[smtp]\nmax_message_size = 25\n",
     "2:1: smtp.max_message_size must be a string with a unit, such as \"25MiB\", not a number"},
    {"[smtp]\nidle_timeout = \"5\"\n",
     "2:1: smtp.idle_timeout = \"5\" is not a duration with its unit, such as \"10m\" or \"1h30m\""},
    {"[smtp]\nhide_client = \"yes\"\n", "2:1: smtp.hide_client must be true or false, not a string"},
    {"[smtp]\nbare_lf = \"accept\"\n", "2:1: smtp.bare_lf = \"accept\" is not one of reject or normalise"},
    {"[delivery]\nretry_interval = \"8d\"\n", "2:1: delivery.retry_interval = \"8d\" is out of bounds: 1s to 7d"},
    {"[delivery]\nretries = 3.5\n", "2:1: delivery.retries must be a whole number, not a number with a fraction"},
    {"[access]\ntrusted_networks = \"::1\"\n", "2:1: access.trusted_networks must be a list of strings, not a string"},
    {"[access]\ntrusted_networks = [1]\n", "2:1: access.trusted_networks must be a list of strings"},
    {"[access]\ntrusted_networks = [\"10.0.0.1/8\"]\n",
     "2:21: access.trusted_networks = \"10.0.0.1/8\" has bits set beyond its prefix; write 10.0.0.0/8"},
    {"[addresses]\naliases = { root = \"ops\" }\n",
     "2:13: addresses.aliases = \"ops\" is neither a whole mail address nor a name in this table"},
    {"[addresses]\naliases = { root = \"ops@\" }\n",
     "2:13: addresses.aliases = \"ops@\" is not a mail address: the domain is empty"},
    {"[addresses.aliases]\nwww = \"root\"\nroot = \"Ops\"\nops = \"admin@localhost\"\nAdmin = \"root\"\n",
     "3:1: addresses.aliases goes round in a circle: root -> ops -> Admin -> root"},
    {"[addresses]\norigin = \"example.org\"\naliases = { a = \"b@Example.org\", b = \"a@example.org\" }\n",
     "3:13: addresses.aliases goes round in a circle: a -> b -> a"},
    {"[addresses]\naliases = { \"a b\" = \"a@b.c\" }\n",
     "2:13: addresses.aliases = \"a b\" is neither a local name nor a mail address: the local part holds a character "
     "that needs quotes"},
    {"[[smtp.listener]]\naddress = \"localhost:25\"\n",
     "2:1: smtp.listener.address = \"localhost:25\" is not address:port, such as 127.0.0.1:2525, [::1]:2525 or "
     ":2525"},
    {"[[smtp.listener]]\ntls = \"startls\"\n",
     "2:1: smtp.listener.tls = \"startls\" is not one of none, starttls or implicit; did you mean \"starttls\"?"},
    {"[[smtp.listener]]\ntls = \"none\"\nrequire_tls = true\n",
     "3:1: smtp.listener.require_tls cannot be met with tls = \"none\""},
    {"[[smtp.listener]]\ntls = \"none\"\nrequire_auth = true\n",
     "3:1: smtp.listener.require_auth cannot be met: logins are taken only under TLS, and tls = \"none\""},
    {"[[smtp.listener]]\n[[smtp.listener]]\naddress = \"127.0.0.1:2525\"\n",
     "3:1: smtp.listener.address = \"127.0.0.1:2525\" is there twice"},
    {"[[smtp.listener]]\naddress = \":2525\"\n[[mgmt.listener]]\naddress = \"127.0.0.1:2525\"\n",
     "4:1: mgmt.listener.address = \"127.0.0.1:2525\" cannot be opened beside \":2525\""},
    {"[[smtp.listener]]\naddress = \"[::]:25\"\n[[smtp.listener]]\naddress = \"[::1]:25\"\n",
     "4:1: smtp.listener.address = \"[::1]:25\" cannot be opened beside \"[::]:25\""},
    {"[[smtp.listener]]\naddres = \":25\"\n",
     "2:1: smtp.listener.addres is not a known key; did you mean smtp.listener.address?"},
    {"[[smtp.listner]]\n", "1:8: [[smtp.listner]] is not a known section; did you mean [[smtp.listener]]?"},
    {"[[smtp.listener]]\naddress = 25\n", "2:1: smtp.listener.address must be a string, not a number"},
    {"[[smtp.listener]]\nproxy_protocol_from = [\"10.0.0\"]\n",
     "2:24: smtp.listener.proxy_protocol_from = \"10.0.0\" is not an address or a network such as 10.0.0.0/8"},
    {"[mgmt]\ntrusted_networks = [\"::1/129\"]\n",
     "2:21: mgmt.trusted_networks = \"::1/129\" has a prefix length that is not 0 to 128"},
    {"[mgmt]\ncors_origins = [\"*\"]\n",
     "2:17: mgmt.cors_origins = \"*\" is every page of the world: name the origins that may use the API"},
    {"[mgmt]\ncors_origins = [\"https://app.example.com/page\"]\n",
     "2:17: mgmt.cors_origins = \"https://app.example.com/page\" is not an origin such as "
     "\"https://app.example.com\""},
    {"[mgmt]\ncors_origins = [\"app.example.com\"]\n",
     "2:17: mgmt.cors_origins = \"app.example.com\" is not an origin such as \"https://app.example.com\""},
    {"[mgmt]\nsession_lifetime = \"8d\"\n", "2:1: mgmt.session_lifetime = \"8d\" is out of bounds: 1m to 7d"},
    {"[[mgmt.listener]]\nclient_ca = \"clients.pem\"\n",
     "2:1: mgmt.listener.client_ca needs tls = \"on\": without TLS nobody shows a certificate"},
    {"[addresses]\norigin = \"exa mple\"\n", "2:1: addresses.origin = \"exa mple\" is not a host name"},
    {"[addresses]\nrewrite_sender = { \"\" = \"a@b.c\" }\n", "2:20: addresses.rewrite_sender = \"\" is empty"},
    {"[log]\nlevel = \"inf\"\n",
     "2:1: log.level = \"inf\" is not one of trace, debug, info, warn or error; did you mean \"info\"?"},
    {"[retention]\nhistory = \"10\"\n",
     "2:1: retention.history = \"10\" is not a duration with its unit, such as \"10m\" or \"1h30m\""},
    {"[retention]\nhistory = \"0\"\n", "2:1: retention.history = \"0\" is out of bounds: 1s to 3650d"},
    {"[retention]\nhistory_max_size = \"64GiB\"\n", "2:1: retention.history_max_size is larger than spool.max_size"},
    {"[spool]\nmax_size = \"1MiB\"\n", "2:1: spool.max_size = \"1MiB\" is out of bounds: 16MiB to 64TiB"},
    {"[smtp]\nmax_message_size = \"2GiB\"\n[spool]\nmax_size = \"1GiB\"\n[retention]\nhistory_max_size = \"1MiB\"\n",
     "2:1: smtp.max_message_size does not fit into the spool: raise spool.max_size"},
    {"[smtp]\nmax_message_size = \"25 MiB\"\n",
     "2:1: smtp.max_message_size = \"25 MiB\" is not a size with its unit, such as \"25MiB\""},
    {"[[upstream]]\nname = \"p\"\ntype = \"capture\"\n[[upstream]]\nname = \"p\"\ntype = \"capture\"\n",
     "5:1: upstream.name = \"p\" is there twice (case, - and _ do not count)"},
    {"upstream = [1]\n", "1:13: upstream must be written as [[upstream]]"},
    {"[[mgmt.listener]]\nserve = []\n", "2:1: mgmt.listener.serve is empty: leave the listener out"},
    {"[[mgmt.listener]]\nserve = [\"apis\"]\n",
     "2:10: mgmt.listener.serve = \"apis\" is not one of api, console, metrics, hooks or unsubscribe; did you mean "
     "\"api\"?"},
    {"[tls]\ncertificate = \"/x\"\n", "2:1: tls.certificate needs tls.key, which is not set: the file with its key"},
    {"[tls]\nkey = \"/x\"\n",
     "2:1: tls.key needs tls.certificate, which is not set: the file with the certificate of that key"},
    {"[spool]\nmax_size = \"32MiB\"\n", "2:1: spool.max_size must be at least four times spool.reserve"},
    {"[spool]\nhigh_water = 100\n", "2:1: spool.high_water = 100 is out of bounds: 10 to 99"},
    {"[[upstream]]\ntype = \"capture\"\n", "1:1: upstream.name is missing: every [[upstream]] has a name"},
    {"[[upstream]]\nname = \"p\"\n", "2:1: upstream.p.type is missing"},
    {"[[upstream]]\nname = \"p\"\ntype = \"smtp\"\n", "2:1: upstream.p.host is missing"},
    {"[[upstream]]\nname = \"p\"\ntype = \"smtp\"\nhosts = []\n", "4:1: upstream.p.hosts is empty"},
    {"[[upstream]]\nname = \"a b\"\ntype = \"capture\"\n",
     "2:1: upstream.name = \"a b\" must be 1 to 64 letters, digits, - or _"},
    {"[[upstream]]\nname = \"a-b\"\ntype = \"capture\"\n[[upstream]]\nname = \"A_b\"\ntype = \"capture\"\n",
     "5:1: upstream.name = \"A_b\" is there twice (case, - and _ do not count)"},
    {"[[upstream]]\nname = \"p\"\ntype = \"smpt\"\nhost = \"h\"\n",
     "3:1: upstream.p.type = \"smpt\" is not one of smtp, mailgun, sendgrid, mailjet, ses, postmark, resend or "
     "capture; "
     "did you mean \"smtp\"?"},
    {"[[upstream]]\nname = \"p\"\ntype = \"mailgun\"\napi_key = \"k\"\ndomain = \"m.example\"\nusername = \"u\"\n",
     "6:1: upstream.p.username is for upstreams of type smtp; this one is of type mailgun"},
    {"[[upstream]]\nname = \"p\"\ntype = \"mailgun\"\ndomain = \"m.example\"\n",
     "3:1: upstream.p.api_key is missing: type \"mailgun\" needs it"},
    {"[[upstream]]\nname = \"p\"\ntype = \"mailgun\"\napi_key = \"k\"\n",
     "3:1: upstream.p.domain is missing: type \"mailgun\" needs it"},
    {"[[upstream]]\nname = \"p\"\ntype = \"mailgun\"\napi_key = \"k\"\ndomain = \"m.example/v3\"\n",
     "5:1: upstream.p.domain = \"m.example/v3\" is not a host name"},
    {"[[upstream]]\nname = \"p\"\ntype = \"mailgun\"\napi_key = \"k\"\ndomain = \"m.example%2f\"\n",
     "5:1: upstream.p.domain = \"m.example%2f\" is not a host name"},
    {"[[upstream]]\nname = \"p\"\ntype = \"mailjet\"\napi_key = \"k\"\n",
     "3:1: upstream.p.api_secret is missing: type \"mailjet\" needs it"},
    {"[[upstream]]\nname = \"p\"\ntype = \"ses\"\naccess_key = \"k\"\nsecret_key = \"s\"\n",
     "3:1: upstream.p.region is missing: type \"ses\" needs it"},
    {"[[upstream]]\nname = \"p\"\ntype = \"ses\"\naccess_key = \"k\"\nsecret_key = \"s\"\nregion = \"a.evil/\"\n",
     "6:1: upstream.p.region = \"a.evil/\" is not a region such as eu-central-1"},
    {"[[upstream]]\nname = \"p\"\ntype = \"postmark\"\n",
     "3:1: upstream.p.server_token is missing: type \"postmark\" needs it"},
    {"[[upstream]]\nname = \"p\"\ntype = \"capture\"\ntls_ca_file = \"/x\"\n",
     "4:1: upstream.p.tls_ca_file is for upstreams of any type but capture; this one is of type capture"},
    {"[[upstream]]\nname = \"p\"\ntype = \"resend\"\nsandbox = true\napi_key = \"k\"\n",
     "4:1: upstream.p.sandbox is for upstreams of type mailgun, sendgrid or mailjet; this one is of type resend"},
    {"[[upstream]]\nname = \"p\"\ntype = \"resend\"\napi_kee = \"k\"\napi_key = \"k\"\n",
     "4:1: upstream.p.api_kee is not a known key; did you mean upstream.api_key?"},
    {"[[upstream]]\nname = \"p\"\ntype = \"capture\"\nhost = \"h\"\n",
     "4:1: upstream.p.host is for upstreams of type smtp; this one is of type capture"},
};
INSTANTIATE_TEST_SUITE_P(All, ConfigFault, testing::ValuesIn(kFaults));

class UpstreamFault : public testing::TestWithParam<Case> {};
TEST_P(UpstreamFault, IsTheOnlyOne) {
  EXPECT_THAT(texts(parsed(smtp_upstream(GetParam().toml)).faults), testing::ElementsAre(GetParam().finding));
}
const Case kUpstreamFaults[] = {
    {"hosts = [\"x\"]\n", "5:1: upstream.p.hosts and host exclude each other"},
    {"username = \"u\"\n", "5:1: upstream.p.username needs a password"},
    {"password = \"w\"\n", "5:1: upstream.p.username is missing: there is a secret for it"},
    {"auth = \"xoauth2\"\nusername = \"u\"\n", "5:1: upstream.p.auth = \"xoauth2\" needs token_file"},
    {"token_file = \"/t\"\n", "5:1: upstream.p.token_file is for auth = \"xoauth2\""},
    {"rate = \"14\"\n",
     "5:1: upstream.p.rate = \"14\" is not a rate such as \"14/s\", \"500/m\", \"10000/h\" or "
     "\"50000/d\""},
    {"srv = true\nhosts = [\"x\"]\n", "6:1: upstream.p.hosts and host exclude each other"},
    {"tls_certificate = \"/c\"\n", "5:1: upstream.p needs both tls_certificate and tls_key, or neither"},
    {"tls_key = \"/k\"\n", "5:1: upstream.p needs both tls_certificate and tls_key, or neither"},
    {"[[upstream]]\nname = \"q\"\ntype = \"postmark\"\nserver_token = \"t\"\nwebhook_username = \"hooks\"\n",
     "9:1: upstream.q needs both webhook_username and webhook_password, or neither"},
    {"[[upstream]]\nname = \"q\"\ntype = \"mailjet\"\napi_key = \"k\"\napi_secret = \"s\"\nwebhook_password = \"w\"\n",
     "10:1: upstream.q needs both webhook_username and webhook_password, or neither"},
    {"[mgmt]\npublic_url = \"mail.example.com\"\n",
     "6:1: mgmt.public_url = \"mail.example.com\" is not an address such as \"https://api.example.com\""},
    {"tls = \"none\"\ntls_certificate = \"/c\"\ntls_key = \"/k\"\n",
     "6:1: upstream.p.tls_certificate cannot be shown with tls = \"none\""},
    {"allow_recipients = []\n",
     "5:1: upstream.p.allow_recipients is empty and guards nothing: name a recipient, redirect_to or capture_to"},
    {"allow_recipients = [\"@ok.example\", \"example.com\"]\n",
     "5:36: upstream.p.allow_recipients = \"example.com\" is not user@example.com, @example.com or *@example.com"},
    {"allow_recipients = [\"a*@example.com\"]\n",
     "5:21: upstream.p.allow_recipients = \"a*@example.com\" is not user@example.com, @example.com or *@example.com"},
    {"redirect_to = \"ops\"\n", "5:1: upstream.p.redirect_to = \"ops\" is not a whole mail address: it has no domain"},
    {"redirect_to = \"a@b.example\"\ncapture_to = \"/x\"\n",
     "6:1: upstream.p.capture_to and redirect_to exclude each other"},
    {"match = [\"a.example\"]\n",
     "5:1: upstream.p.match must be a table such as { recipient_domain = [\"example.com\"] }, not a list"},
    {"match = { sender_domian = [\"a.example\"] }\n",
     "5:28: upstream.p.match.sender_domian is not a known key; did you mean sender_domain?"},
    {"match = { colour = \"red\" }\n",
     "5:11: upstream.p.match.colour is not a known key: there are sender_domain, recipient_domain, lane, tag or "
     "credential"},
    {"match = { lane = [\"high\", \"urgent\"] }\n",
     "5:27: upstream.p.match.lane = \"urgent\" is not one of high, normal or low"},
    {"match = { lane = [] }\n", "5:1: upstream.p.match.lane is empty"},
    {"match = { lane = 1 }\n", "5:1: upstream.p.match.lane must be a list of strings"},
    {"match = { tag = \"\" }\n", "5:11: upstream.p.match.tag = \"\" is empty"},
    {"match = { recipient_domain = \"@a.example\" }\n",
     "5:11: upstream.p.match.recipient_domain = \"@a.example\" is not a domain such as example.com, or .example.com "
     "for "
     "its subdomains too"},
    {"port = 0\n", "5:1: upstream.p.port = 0 is out of bounds: 1 to 65535"},
    {"hots = \"x\"\n", "5:1: upstream.p.hots is not a known key; did you mean upstream.host?"},
};
INSTANTIATE_TEST_SUITE_P(All, UpstreamFault, testing::ValuesIn(kUpstreamFaults));

class ConfigWarning : public testing::TestWithParam<Case> {};
TEST_P(ConfigWarning, IsTheOnlyOneAndNoFault) {
  const ConfigResult result = parsed(smtp_upstream(GetParam().toml));
  EXPECT_THAT(texts(result.faults), testing::IsEmpty());
  EXPECT_THAT(texts(result.warnings), testing::ElementsAre(testing::HasSubstr(GetParam().finding)));
}
const Case kWarnings[] = {
    {"tls = \"none\"\nusername = \"u\"\npassword = \"w\"\n", "5:1: upstream.p.tls = \"none\" sends the password"},
    {"tls = \"opportunistic\"\nusername = \"u\"\npassword = \"w\"\n",
     "5:1: upstream.p.tls = \"opportunistic\" verifies no certificate"},
    {"[[smtp.listener]]\naddress = \"0.0.0.0:25\"\n", "6:1: access.trusted_networks holds loopback and 0.0.0.0:25"},
    {"[[smtp.listener]]\nproxy_protocol_from = [\"10.0.0.1\"]\n",
     "6:1: access.trusted_networks holds loopback: a proxy"},
    {"[access]\ntrusted_networks = []\n[[smtp.listener]]\naddress = \":25\"\ntls = \"none\"\n",
     "9:1: smtp.listener :25 is reachable from outside without TLS"},
    {"[access]\ntrusted_networks = [\"0.0.0.0/0\"]\n", "6:1: access.trusted_networks holds 0.0.0.0/0: an open relay"},
    {"[spool]\nmax_size = \"1GiB\"\n[retention]\nhistory_max_size = \"600MiB\"\n",
     "8:1: retention.history_max_size is more than half of what the spool takes before it refuses mail: history is "
     "kept to "
     "460MiB"},
    {"[access]\nallow_plaintext_auth_from_loopback = true\n", "6:1: access.allow_plaintext_auth_from_loopback lets"},
    {"[[mgmt.listener]]\naddress = \"0.0.0.0:8025\"\n", "5:1: mgmt.listener 0.0.0.0:8025 is reachable from outside"},
    {"[mgmt]\ntrusted_networks = [\"127.0.0.1\"]\n[[mgmt.listener]]\naddress = \"0.0.0.0:8025\"\ntls = \"on\"\n",
     "8:1: mgmt.trusted_networks holds loopback and 0.0.0.0:8025 is reachable from outside"},
    {"[mgmt]\ntrusted_networks = [\"::/0\"]\n", "6:1: mgmt.trusted_networks holds ::/0"},
    {"[delivery]\nretry_interval = \"7d\"\n", "ends before the last of the retries would come"},
    {"port = 465\n",
     "5:1: upstream.p.port = 465 is for TLS from the first octet: tls = \"implicit\" is most likely meant"},
    {"tls = \"implicit\"\nport = 587\n",
     "6:1: upstream.p.port = 587 is for STARTTLS: tls = \"starttls\" is most likely meant"},
    {"[[upstream]]\nname = \"q\"\ntype = \"smtp\"\nhost = \"localhost\"\nport = 2525\n",
     "8:1: upstream.q.host is this relay's own listener 127.0.0.1:2525: mail would go round in a loop"},
    {"[[upstream]]\nname = \"q\"\ntype = \"postmark\"\nserver_token = \"t\"\n",
     "7:1: upstream.q.type = \"postmark\" is lossy: it builds each message anew"},
    {"[[upstream]]\nname = \"q\"\ntype = \"mailgun\"\napi_key = \"k\"\ndomain = \"m.example\"\n"
     "api_base = \"http://[2001:db8::1]:80/x\"\n",
     "10:1: upstream.q.api_base sends keys and mail readable over the network"},
    {"[[upstream]]\nname = \"q\"\ntype = \"mailgun\"\napi_key = \"k\"\ndomain = \"m.example\"\nsandbox = true\n",
     "10:1: upstream.q.sandbox = true: the provider delivers no mail"},
    {"match = { tag = \"a\" }\n",
     "5:1: upstream.p.match: every upstream has one, and mail that fits none has no route"},
    {"redirect_to = \"a@b.example\"\n[[upstream]]\nname = \"q\"\ntype = \"smtp\"\nhost = \"q.example\"\n",
     "7:1: upstream.q has no guard: mail may leave by it without the one of p"},
    {"[[upstream]]\nname = \"q\"\ntype = \"capture\"\nredirect_to = \"a@b.example\"\n",
     "7:1: upstream.q needs no guard: its mail does not leave this machine"},
    {"srv = true\nport = 25\n", "6:1: upstream.p.port has no effect with srv = true: the SRV record names the port"},
};
INSTANTIATE_TEST_SUITE_P(All, ConfigWarning, testing::ValuesIn(kWarnings));

TEST(ConfigFaults, TooManyUpstreams) {
  std::string toml;
  for (int i = 0; i < 64; ++i) toml += "[[upstream]]\nname = \"u" + std::to_string(i) + "\"\ntype = \"capture\"\n";
  EXPECT_TRUE(parsed(toml).ok());
  const ConfigResult result = parsed(toml + "[[upstream]]\nname = \"more\"\ntype = \"capture\"\n");
  EXPECT_THAT(texts(result.faults), testing::ElementsAre("194:1: there are 65 upstreams; there can be at most 64"));
}

TEST(ConfigFaults, SrvIsForDomains) {
  EXPECT_THAT(texts(parsed("[[upstream]]\nname=\"p\"\ntype=\"smtp\"\nhosts=[\"192.0.2.1\"]\nsrv=true\n").faults),
              testing::ElementsAre(
                  "5:1: upstream.p.srv = true asks for the SRV records of a domain, and 192.0.2.1 is an address"));
}

TEST(ConfigWarnings, AreSilentWhereThereIsNoTrap) {
  for (const char* api : {"http://127.0.0.1:9999", "http://localhost:1/", "http://[::1]:80", "https://eu.example/v"}) {
    const std::string toml = smtp_upstream(
        "match = { tag = \"a\" }\nrate = \"14/s\"\ndaily_quota = 5\n[[upstream]]\nname = \"q\"\ntype = "
        "\"mailgun\"\napi_key = "
        "\"k\"\ndomain = \"m.example\"\napi_base = \"" +
        std::string(api) + "\"\n[delivery]\nrevive_failed = false\n");
    EXPECT_THAT(texts(parsed(toml).warnings), testing::IsEmpty()) << api;
  }
}

// What is not TOML: one fault, in the words of the TOML library, at its place.
class BrokenToml : public testing::TestWithParam<Case> {};
TEST_P(BrokenToml, IsOneFaultWithItsPlace) {
  EXPECT_THAT(texts(parsed(GetParam().toml).faults), testing::ElementsAre(testing::StartsWith(GetParam().finding)));
}
const Case kBroken[] = {
    {"[log]\n[server\nthreads = 1\n", "2:8: not valid TOML: Error while parsing table header: expected ']'"},
    {"[log]\nlevel = info\n",
     "2:12: not valid TOML: Error while parsing floating-point: expected value-terminator, saw 'o'; a string needs "
     "quotes"},
    {"[log]\nlevel = \"info\n", "2:14: not valid TOML: Error while parsing string: unescaped control characters"},
    {"[log]\nlevel = \"info\"\nlevel = \"warn\"\n", "3:"},
    {"[log]\n[server]\n[log]\n", "3:"},
    {"[log]\nlevel\n", "2:6: not valid TOML"},
    {"\xff\xfe", "1:1: not valid TOML"},
};
INSTANTIATE_TEST_SUITE_P(All, BrokenToml, testing::ValuesIn(kBroken));

TEST(ConfigFaults, OfAListAreAllReportedAtTheirOwnPlace) {
  const ConfigResult result = parsed(
      "[access]\ntrusted_networks = [\n  \"10.0.0.0/8\",\n  \"10.0.0\",\n  \"::1/128\",\n  \"fe80::/200\",\n]\n"
      "[addresses.aliases]\nroot = \"ops\"\n");
  EXPECT_THAT(texts(result.faults),
              testing::ElementsAre(
                  "4:3: access.trusted_networks = \"10.0.0\" is not an address or a network such as 10.0.0.0/8",
                  "6:3: access.trusted_networks = \"fe80::/200\" has a prefix length that is not 0 to 128",
                  "9:1: addresses.aliases = \"ops\" is neither a whole mail address nor a name in this table"));
}

TEST(ConfigFaults, OfListenersAreNotComparedByTheirDefaults) {
  const ConfigResult result =
      parsed("[[smtp.listener]]\naddress = \"localhost:25\"\n[[smtp.listener]]\naddress = \"mail.example.com:587\"\n");
  EXPECT_THAT(texts(result.faults),
              testing::ElementsAre(testing::HasSubstr("2:1: smtp.listener.address = \"localhost:25\""),
                                   testing::HasSubstr("\"mail.example.com:587\" is not address:port")));
}

TEST(ConfigFaults, NameTheirKeyForPrograms) {
  const ConfigResult result =
      parsed(smtp_upstream("port = 0\n[[smtp.listener]]\n[[smtp.listener]]\ntls = \"x\"\nfoo = 1\n"));
  std::vector<std::string> keys;
  for (const ConfigFinding& fault : result.faults) keys.push_back(fault.key);
  EXPECT_THAT(keys, testing::ElementsAre("upstream.p.port", "smtp.listener.1.address", "smtp.listener.1.tls",
                                         "smtp.listener.1.foo"));
  EXPECT_EQ(result.faults.at(0).place("p.toml"), "p.toml:5:1");
}

TEST(ConfigFaults, AreAllReportedInTheOrderOfTheFile) {
  const ConfigResult result = parsed(
      "[server]\nthread = 1\nthreads = -1\n[smtp]\nbare_lf = \"x\"\n[delivery]\nretries = true\n[[upstream]]\nname = "
      "5\n");
  std::vector<int> lines;
  for (const ConfigFinding& fault : result.faults) lines.push_back(fault.at.line);
  EXPECT_EQ(lines, (std::vector<int>{2, 3, 5, 7, 9, 9}));
}

}  // namespace
}  // namespace postrider
