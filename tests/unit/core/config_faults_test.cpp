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
    {"data_dir = \"x\"\n", "line 1: data_dir stands in no section; did you mean server.data_dir?"},
    {"[sever]\nthreads = 1\n", "line 1: [sever] is not a known section; did you mean [server]?"},
    {"server = 1\n", "line 1: server is a section: write [server]"},
    {"[upstream]\nname = \"x\"\n", "line 1: upstream may be there several times: write [[upstream]]"},
    {"[smtp.listener]\n", "line 1: smtp.listener may be there several times: write [[smtp.listener]]"},
    {"[server]\nthread = 1\n", "line 2: server.thread is not a known key; did you mean server.threads?"},
    {"[server]\nretries = 1\n", "line 2: server.retries is not a known key; did you mean delivery.retries?"},
    {"[server]\nxyzzy = 1\n", "line 2: server.xyzzy is not a known key"},
    {"[server]\nthreads = \"2\"\n", "line 2: server.threads must be a whole number, not a string"},
    {"[server]\nthreads = 257\n", "line 2: server.threads = 257 is out of bounds: 0 to 256"},
    {"[server]\nhostname = \"a b\"\n", "line 2: server.hostname = \"a b\" is not a host name"},
    {"[server]\ndata_dir = \"\"\n", "line 2: server.data_dir = \"\" is empty"},
    {"[smtp]\nmax_message_size = \"25\"\n",
     "line 2: smtp.max_message_size = \"25\" is not a size with its unit, such as \"25MiB\""},
    {"[smtp]\nmax_message_size = 25\n",
     "line 2: smtp.max_message_size must be a string with a unit, such as \"25MiB\", not a number"},
    {"[smtp]\nidle_timeout = \"5\"\n",
     "line 2: smtp.idle_timeout = \"5\" is not a duration with its unit, such as \"10m\" or \"1h30m\""},
    {"[smtp]\nhide_client = \"yes\"\n", "line 2: smtp.hide_client must be true or false, not a string"},
    {"[smtp]\nbare_lf = \"accept\"\n", "line 2: smtp.bare_lf = \"accept\" is not one of reject or normalise"},
    {"[delivery]\nretry_interval = \"8d\"\n", "line 2: delivery.retry_interval = \"8d\" is out of bounds: 1s to 7d"},
    {"[delivery]\nretries = 3.5\n", "line 2: delivery.retries must be a whole number, not a number with a fraction"},
    {"[access]\ntrusted_networks = \"::1\"\n",
     "line 2: access.trusted_networks must be a list of strings, not a string"},
    {"[access]\ntrusted_networks = [1]\n", "line 2: access.trusted_networks must be a list of strings"},
    {"[access]\ntrusted_networks = [\"10.0.0.1/8\"]\n",
     "line 2: access.trusted_networks = \"10.0.0.1/8\" has bits set beyond its prefix; write 10.0.0.0/8"},
    {"[addresses]\naliases = { root = \"ops\" }\n",
     "line 2: addresses.aliases = \"ops\" is not a whole mail address: it has no domain"},
    {"[addresses]\naliases = { \"a b\" = \"a@b.c\" }\n",
     "line 2: addresses.aliases = \"a b\" is neither a local name nor a mail address: the local part holds a character "
     "that needs quotes"},
    {"[[smtp.listener]]\naddress = \"localhost:25\"\n",
     "line 2: smtp.listener.address = \"localhost:25\" is not address:port, such as 127.0.0.1:2525, [::1]:2525 or "
     ":2525"},
    {"[[smtp.listener]]\ntls = \"startls\"\n",
     "line 2: smtp.listener.tls = \"startls\" is not one of none, starttls or implicit; did you mean \"starttls\"?"},
    {"[[smtp.listener]]\ntls = \"none\"\nrequire_tls = true\n",
     "line 3: smtp.listener.require_tls cannot be met with tls = \"none\""},
    {"[[smtp.listener]]\ntls = \"none\"\nrequire_auth = true\n",
     "line 3: smtp.listener.require_auth cannot be met: logins are taken only under TLS, and tls = \"none\""},
    {"[[smtp.listener]]\n[[smtp.listener]]\naddress = \"127.0.0.1:2525\"\n",
     "line 3: smtp.listener.address = \"127.0.0.1:2525\" is there twice"},
    {"[[mgmt.listener]]\nserve = []\n", "line 2: mgmt.listener.serve is empty: leave the listener out"},
    {"[[mgmt.listener]]\nserve = [\"apis\"]\n",
     "line 2: mgmt.listener.serve = \"apis\" is not one of api, console, metrics, hooks or unsubscribe; did you mean "
     "\"api\"?"},
    {"[tls]\ncertificate = \"/x\"\n", "line 2: tls needs both certificate and key, or neither"},
    {"[spool]\nmax_size = \"32MiB\"\n", "line 2: spool.max_size must be at least four times spool.reserve"},
    {"[spool]\nhigh_water = 100\n", "line 2: spool.high_water = 100 is out of bounds: 10 to 99"},
    {"[[upstream]]\ntype = \"capture\"\n", "line 1: upstream.name is missing: every [[upstream]] has a name"},
    {"[[upstream]]\nname = \"p\"\n", "line 2: upstream.p.type is missing"},
    {"[[upstream]]\nname = \"p\"\ntype = \"smtp\"\n", "line 2: upstream.p.host is missing"},
    {"[[upstream]]\nname = \"p\"\ntype = \"smtp\"\nhosts = []\n", "line 4: upstream.p.hosts is empty"},
    {"[[upstream]]\nname = \"a b\"\ntype = \"capture\"\n",
     "line 2: upstream.name = \"a b\" must be 1 to 64 letters, digits, - or _"},
    {"[[upstream]]\nname = \"a-b\"\ntype = \"capture\"\n[[upstream]]\nname = \"A_b\"\ntype = \"capture\"\n",
     "line 5: upstream.name = \"A_b\" is there twice (case, - and _ do not count)"},
    {"[[upstream]]\nname = \"p\"\ntype = \"smpt\"\nhost = \"h\"\n",
     "line 3: upstream.p.type = \"smpt\" is not one of smtp, mailgun, sendgrid, mailjet, ses, postmark, resend or "
     "capture; "
     "did you mean \"smtp\"?"},
    {"[[upstream]]\nname = \"p\"\ntype = \"mailgun\"\napi_key = \"k\"\nusername = \"u\"\n",
     "line 3: upstream.p.type: type \"mailgun\" is not supported by this version; smtp and capture are"},
    {"[[upstream]]\nname = \"p\"\ntype = \"capture\"\nhost = \"h\"\n",
     "line 4: upstream.p.host is for upstreams of type smtp; this one is of type capture"},
};
INSTANTIATE_TEST_SUITE_P(All, ConfigFault, testing::ValuesIn(kFaults));

class UpstreamFault : public testing::TestWithParam<Case> {};
TEST_P(UpstreamFault, IsTheOnlyOne) {
  EXPECT_THAT(texts(parsed(smtp_upstream(GetParam().toml)).faults), testing::ElementsAre(GetParam().finding));
}
const Case kUpstreamFaults[] = {
    {"hosts = [\"x\"]\n", "line 5: upstream.p.hosts and host exclude each other"},
    {"username = \"u\"\n", "line 5: upstream.p.username needs a password"},
    {"password = \"w\"\n", "line 5: upstream.p.username is missing: there is a secret for it"},
    {"auth = \"xoauth2\"\nusername = \"u\"\n", "line 5: upstream.p.auth = \"xoauth2\" needs token_file"},
    {"token_file = \"/t\"\n", "line 5: upstream.p.token_file is for auth = \"xoauth2\""},
    {"rate = \"14\"\n",
     "line 5: upstream.p.rate = \"14\" is not a rate such as \"14/s\", \"500/m\", \"10000/h\" or "
     "\"50000/d\""},
    {"port = 0\n", "line 5: upstream.p.port = 0 is out of bounds: 1 to 65535"},
    {"hots = \"x\"\n", "line 5: upstream.p.hots is not a known key; did you mean upstream.host?"},
};
INSTANTIATE_TEST_SUITE_P(All, UpstreamFault, testing::ValuesIn(kUpstreamFaults));

class ConfigWarning : public testing::TestWithParam<Case> {};
TEST_P(ConfigWarning, IsTheOnlyOneAndNoFault) {
  const ConfigResult result = parsed(smtp_upstream(GetParam().toml));
  EXPECT_THAT(texts(result.faults), testing::IsEmpty());
  EXPECT_THAT(texts(result.warnings), testing::ElementsAre(testing::HasSubstr(GetParam().finding)));
}
const Case kWarnings[] = {
    {"tls = \"none\"\nusername = \"u\"\npassword = \"w\"\n", "line 5: upstream.p.tls = \"none\" sends the password"},
    {"tls = \"opportunistic\"\nusername = \"u\"\npassword = \"w\"\n",
     "line 5: upstream.p.tls = \"opportunistic\" verifies no certificate"},
    {"[[smtp.listener]]\naddress = \"0.0.0.0:25\"\n", "line 6: access.trusted_networks holds loopback and 0.0.0.0:25"},
    {"[[smtp.listener]]\nproxy_protocol_from = [\"10.0.0.1\"]\n",
     "line 6: access.trusted_networks holds loopback: a proxy"},
    {"[access]\ntrusted_networks = []\n[[smtp.listener]]\naddress = \":25\"\ntls = \"none\"\n",
     "line 9: smtp.listener :25 is reachable from outside without TLS"},
    {"[access]\ntrusted_networks = [\"0.0.0.0/0\"]\n",
     "line 6: access.trusted_networks holds 0.0.0.0/0: an open relay"},
    {"[access]\nallow_plaintext_auth_from_loopback = true\n", "line 6: access.allow_plaintext_auth_from_loopback lets"},
    {"[[mgmt.listener]]\naddress = \"0.0.0.0:8025\"\n", "line 5: mgmt.listener 0.0.0.0:8025 is reachable from outside"},
    {"[mgmt]\ntrusted_networks = [\"::/0\"]\n", "line 6: mgmt.trusted_networks holds ::/0"},
    {"[delivery]\nretry_interval = \"7d\"\n", "ends before the last of the retries would come"},
    {"rate = \"14/s\"\n", "line 5: upstream.p.rate has no effect in this version"},
};
INSTANTIATE_TEST_SUITE_P(All, ConfigWarning, testing::ValuesIn(kWarnings));

TEST(ConfigFaults, BrokenTomlIsOneFaultWithItsLine) {
  const ConfigResult result = parsed("[log]\n[server\nthreads = 1\n");
  EXPECT_THAT(texts(result.faults), testing::ElementsAre(testing::StartsWith("line 2: not valid TOML: ")));
}

TEST(ConfigFaults, AreAllReportedInTheOrderOfTheFile) {
  const ConfigResult result = parsed(
      "[server]\nthread = 1\nthreads = -1\n[smtp]\nbare_lf = \"x\"\n[delivery]\nretries = true\n[[upstream]]\nname = "
      "5\n");
  std::vector<int> lines;
  for (const ConfigFinding& fault : result.faults) lines.push_back(fault.line);
  EXPECT_EQ(lines, (std::vector<int>{2, 3, 5, 7, 9, 9}));
}

}  // namespace
}  // namespace postrider
