#include "core/config.h"

#include <gmock/gmock.h>

#include "core/config_options.h"
#include "core/config_value.h"

namespace postrider {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

ConfigSources sources(std::string text, std::map<std::string, std::string> environment = {}) {
  ConfigSources given;
  given.file_text = std::move(text);
  given.environment = std::move(environment);
  given.read_file = [](const std::string& path) -> result<std::string> {
    if (path == "/secret") return std::string("from-file\n");
    if (path == "/empty") return std::string("\n");
    return invalid("cannot be read: No such file or directory");
  };
  return given;
}

std::vector<std::string> texts(const std::vector<ConfigFinding>& findings) {
  std::vector<std::string> out;
  for (const ConfigFinding& finding : findings) out.push_back(finding.str());
  return out;
}

constexpr const char* kUpstream = "[[upstream]]\nname = \"primary\"\ntype = \"smtp\"\nhost = \"smtp.example.net\"\n";

TEST(Config, WithoutAnythingItRuns) {
  const ConfigResult result = parse_config({});
  EXPECT_THAT(texts(result.faults), testing::IsEmpty());
  EXPECT_THAT(texts(result.warnings), testing::IsEmpty());
  const Config& config = result.config;
  EXPECT_EQ(config.server.data_dir, "./postrider-data");
  ASSERT_EQ(config.smtp_listeners.size(), 1u);
  EXPECT_EQ(config.smtp_listeners[0].address, "127.0.0.1:2525");
  EXPECT_EQ(config.smtp_listeners[0].tls, ListenerTls::starttls);
  ASSERT_EQ(config.mgmt_listeners.size(), 1u);
  EXPECT_EQ(config.mgmt_listeners[0].address, "127.0.0.1:8025");
  ASSERT_EQ(config.upstreams.size(), 1u);
  EXPECT_EQ(config.upstreams[0].name, "capture");
  EXPECT_EQ(config.upstreams[0].type, UpstreamType::capture);
  EXPECT_EQ(config.smtp.max_message_size, 25u << 20);
  EXPECT_EQ(config.delivery.retries, 3u);
  EXPECT_EQ(config.delivery.retry_interval, minutes(10));
  EXPECT_EQ(config.delivery.max_age, hours(120));
  EXPECT_EQ(config.spool.max_size, 16ull << 30);
  EXPECT_EQ(config.retention.sent_bodies, Duration(0));
  EXPECT_EQ(config.log.level, LogLevel::info);
  ASSERT_EQ(config.access.trusted_networks.size(), 2u);
  EXPECT_EQ(config.access.trusted_networks[0].str(), "127.0.0.0/8");
}

TEST(Config, FileWithoutUpstreamCapturesAndWarns) {
  const ConfigResult result = parse_config(sources("[log]\nlevel = \"debug\"\n"));
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.config.upstreams.at(0).type, UpstreamType::capture);
  EXPECT_THAT(texts(result.warnings), testing::ElementsAre(testing::HasSubstr("there is no [[upstream]]")));
}

TEST(Config, ReadsEveryKindOfValue) {
  const ConfigResult result = parse_config(sources(R"(
[server]
hostname = "Relay.Example.COM"
threads = 4
[[smtp.listener]]
address = "[::1]:2525"
tls = "implicit"
require_auth = true
proxy_protocol_from = ["10.0.0.1"]
[[smtp.listener]]
address = "127.0.0.1:2526"
tls = "none"
[smtp]
max_message_size = "1MiB"
idle_timeout = "90s"
bare_lf = "normalise"
hide_client = true
[addresses]
origin = "example.com"
aliases = { root = "ops@example.com", "z@a.example" = "b@example.com" }
[addresses.rewrite_sender]
"zed@*" = "z@example.com"
"*@lan" = "a@example.com"
[[upstream]]
name = "primary"
type = "smtp"
hosts = ["a.example.net", "192.0.2.1"]
tls = "implicit"
auth = "cram_md5"
username = "app"
password = "p\"w"
[[upstream]]
name = "sink"
type = "capture"
directory = "/tmp/sink"
[[mgmt.listener]]
serve = ["metrics"]
)"));
  ASSERT_THAT(texts(result.faults), testing::IsEmpty());
  const Config& config = result.config;
  EXPECT_EQ(config.server.hostname, "relay.example.com");
  EXPECT_EQ(config.server.threads, 4u);
  ASSERT_EQ(config.smtp_listeners.size(), 2u);
  EXPECT_EQ(config.smtp_listeners[0].tls, ListenerTls::implicit);
  EXPECT_TRUE(config.smtp_listeners[0].require_auth);
  EXPECT_EQ(config.smtp_listeners[0].proxy_protocol_from.at(0).str(), "10.0.0.1/32");
  EXPECT_EQ(config.smtp_listeners[1].tls, ListenerTls::none);
  EXPECT_EQ(config.smtp.max_message_size, 1u << 20);
  EXPECT_EQ(config.smtp.idle_timeout, seconds(90));
  EXPECT_EQ(config.smtp.bare_lf, BareLf::normalise);
  EXPECT_TRUE(config.smtp.hide_client);
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(config.addresses.aliases, (Pairs{{"root", "ops@example.com"}, {"z@a.example", "b@example.com"}}));
  // In the order of the file, not of the alphabet: the first match holds.
  EXPECT_EQ(config.addresses.rewrite_sender, (Pairs{{"zed@*", "z@example.com"}, {"*@lan", "a@example.com"}}));
  ASSERT_EQ(config.upstreams.size(), 2u);
  EXPECT_EQ(config.upstreams[0].hosts, (std::vector<std::string>{"a.example.net", "192.0.2.1"}));
  EXPECT_EQ(config.upstreams[0].auth, UpstreamAuth::cram_md5);
  EXPECT_EQ(config.upstreams[0].port, 465);  // with tls = "implicit"
  EXPECT_EQ(config.upstreams[0].password, "p\"w");
  EXPECT_EQ(config.upstreams[0].priority, 1u);
  EXPECT_EQ(config.upstreams[1].priority, 2u);
  EXPECT_EQ(config.upstreams[1].directory, "/tmp/sink");
  EXPECT_EQ(config.mgmt_listeners[0].serve, std::vector<std::string>{"metrics"});
  EXPECT_EQ(config.mgmt_listeners[0].address, "127.0.0.1:8025");
}

TEST(Config, OriginsAreAsBrowsersWriteThem) {
  const ConfigResult result = parse_config(sources(
      "[mgmt]\ncors_origins = [\"https://App.Example.com:443/\", \"http://localhost:3000\", \"http://a.example:80\"]\n"
      "session_lifetime = \"10m\"\n"));
  ASSERT_THAT(texts(result.faults), testing::IsEmpty());
  EXPECT_THAT(result.config.mgmt.cors_origins,
              testing::ElementsAre("https://app.example.com", "http://localhost:3000", "http://a.example"));
  EXPECT_EQ(result.config.mgmt.session_lifetime, std::chrono::minutes(10));
}

TEST(Config, ReadsTheKeysOfProviders) {
  const ConfigResult result = parse_config(sources(R"(
[[upstream]]
name = "mg"
type = "mailgun"
api_key = { file = "/secret" }
domain = "MG.example.com"
api_base = "https://api.eu.mailgun.net/"
allow_recipients = ["me@Example.com", "@B\u00fccher.example", "*@c.example"]
redirect_to = "staging@example.com"
spill_after = "30s"
monthly_quota = 1000
quota_time_zone = "Europe/Berlin"
[upstream.match]
sender_domain = ".Example.com"
recipient_domain = ["a.example", "b.example"]
lane = ["high"]
tag = ["x=y"]
credential = ["shop", ""]
[[upstream]]
name = "s"
type = "ses"
access_key = "AK"
secret_key = "SK"
region = "eu-west-1"
final_timeout = "90s"
capture_to = "/var/guarded"
)"));
  ASSERT_THAT(texts(result.faults), testing::IsEmpty());
  const UpstreamConfig& mg = result.config.upstreams.at(0);
  EXPECT_EQ(mg.api_key, "from-file");
  EXPECT_EQ(mg.domain, "mg.example.com");
  EXPECT_EQ(mg.api_base, "https://api.eu.mailgun.net");
  using testing::ElementsAre;
  EXPECT_THAT(mg.guard.allow_recipients, ElementsAre("me@example.com", "@xn--bcher-kva.example", "*@c.example"));
  EXPECT_EQ(mg.guard.redirect_to, "staging@example.com");
  EXPECT_EQ(mg.spill_after, seconds(30));
  EXPECT_EQ(mg.monthly_quota, 1000u);
  EXPECT_EQ(mg.quota_time_zone, "Europe/Berlin");
  EXPECT_THAT(mg.match.sender_domain, ElementsAre(".example.com"));
  EXPECT_THAT(mg.match.recipient_domain, ElementsAre("a.example", "b.example"));
  EXPECT_THAT(mg.match.lane, ElementsAre("high"));
  EXPECT_THAT(mg.match.tag, ElementsAre("x=y"));
  EXPECT_THAT(mg.match.credential, ElementsAre("shop", ""));
  EXPECT_EQ(mg.final_timeout, minutes(1));  // of an API
  const UpstreamConfig& ses = result.config.upstreams.at(1);
  EXPECT_EQ(ses.final_timeout, seconds(90));
  EXPECT_EQ(ses.guard.capture, "/var/guarded");
  EXPECT_TRUE(ses.match.empty());
}

TEST(Config, DefaultsOfTheTableAreThoseOfTheStructs) {
  const UpstreamConfig parsed = parse_config(sources(kUpstream)).config.upstreams.at(0);
  const UpstreamConfig plain;
  EXPECT_EQ(parsed.port, plain.port);
  EXPECT_EQ(parsed.tls, plain.tls);
  EXPECT_EQ(parsed.auth, plain.auth);
  EXPECT_EQ(parsed.pipelining, plain.pipelining);
  EXPECT_EQ(parsed.max_connections, plain.max_connections);
  EXPECT_EQ(parsed.messages_per_connection, plain.messages_per_connection);
  EXPECT_EQ(parsed.connect_timeout, plain.connect_timeout);
  EXPECT_EQ(parsed.stage_timeout, plain.stage_timeout);
  EXPECT_EQ(parsed.final_timeout, plain.final_timeout);
  EXPECT_EQ(parsed.idle_timeout, plain.idle_timeout);
  const DeliveryConfig delivery = parse_config({}).config.delivery;
  const RetryPolicy policy;
  EXPECT_EQ(delivery.retries, policy.retries);
  EXPECT_EQ(delivery.retry_interval, policy.retry_interval);
  EXPECT_EQ(delivery.max_age, policy.max_age);
  EXPECT_EQ(parsed.quota_time_zone, plain.quota_time_zone);
  EXPECT_EQ(parsed.spill_after, plain.spill_after);
}

TEST(Config, ChoicesStandInTheOrderOfTheirEnums) {
  const Option* type = find_option("upstream", "type");
  ASSERT_TRUE(type);
  for (const UpstreamType each :
       {UpstreamType::smtp, UpstreamType::mailgun, UpstreamType::sendgrid, UpstreamType::mailjet, UpstreamType::ses,
        UpstreamType::postmark, UpstreamType::resend, UpstreamType::capture})
    EXPECT_EQ(value_from_text(*type, to_string(each)).value().number, static_cast<int>(each));
  const Option* tls = find_option("upstream", "tls");
  for (const UpstreamTls each :
       {UpstreamTls::none, UpstreamTls::opportunistic, UpstreamTls::starttls, UpstreamTls::implicit})
    EXPECT_EQ(value_from_text(*tls, to_string(each)).value().number, static_cast<int>(each));
}

TEST(Config, EveryDefaultAndExampleOfTheTableIsValid) {
  for (const Option& option : config_options()) {
    ASSERT_TRUE(find_section(option.section)) << full_name(option);
    EXPECT_FALSE(option.sentence.empty()) << full_name(option);
    for (const std::string_view text : {option.built_in, option.example}) {
      if (text.empty()) continue;
      const auto value = value_from_text(option, text);
      EXPECT_TRUE(value.has_value()) << full_name(option) << (value.has_error() ? value.error().text : "");
    }
  }
}

// ---- secrets --------------------------------------------------------------------------------------------------------

std::string with_password(const std::string& toml) {
  return std::string(kUpstream) + "username = \"app\"\npassword = " + toml + "\n";
}

TEST(ConfigSecrets, ComeFromStringEnvironmentOrFile) {
  EXPECT_EQ(parse_config(sources(with_password("\"sesame\""))).config.upstreams[0].password, "sesame");
  EXPECT_EQ(parse_config(sources(with_password("{ env = \"PW\" }"), {{"PW", "x"}})).config.upstreams[0].password, "x");
  EXPECT_EQ(parse_config(sources(with_password("{ file = \"/secret\" }"))).config.upstreams[0].password, "from-file");
}

TEST(ConfigSecrets, FaultsSayWhatIsMissing) {
  const auto fault = [](const std::string& toml) { return texts(parse_config(sources(with_password(toml))).faults); };
  using testing::ElementsAre;
  EXPECT_THAT(fault("{ env = \"PW\" }"),
              ElementsAre("6:1: upstream.primary.password: the environment variable PW is not set"));
  EXPECT_THAT(fault("{ file = \"/none\" }"),
              ElementsAre("6:1: upstream.primary.password: /none: cannot be read: No such file or directory"));
  EXPECT_THAT(fault("{ file = \"/empty\" }"), ElementsAre("6:1: upstream.primary.password: /empty is empty"));
  EXPECT_THAT(fault("\"\""), ElementsAre("6:1: upstream.primary.password is empty"));
  EXPECT_THAT(fault("{ vault = \"x\" }"), ElementsAre("6:1: upstream.primary.password knows env and file, not vault"));
  EXPECT_THAT(fault("7"),
              ElementsAre(testing::HasSubstr("must be a string, { env = \"NAME\" } or { file = \"path\" }")));
}

TEST(ConfigSecrets, NeverShowInFindingsOrInShow) {
  for (const char* toml : {"\"sesame-7\"", "\"sesame-7\\u0001\"", "[\"sesame-7\"]", "{ sesame-7 = 1, b = 2 }"}) {
    const ConfigResult result = parse_config(sources(with_password(toml)));
    std::string all = render_effective_config(result, "p.toml");
    for (const auto& text : texts(result.faults)) all += text;
    for (const auto& text : texts(result.warnings)) all += text;
    EXPECT_EQ(all.find("sesame-7"), std::string::npos) << toml << '\n' << all;
  }
  const std::string shown = render_effective_config(parse_config(sources(with_password("\"sesame-7\""))), "p.toml");
  EXPECT_THAT(shown, testing::HasSubstr("password = \"********\""));
}

// ---- environment ----------------------------------------------------------------------------------------------------

TEST(ConfigEnvironment, OverridesTheFile) {
  const ConfigResult result = parse_config(sources(std::string("[server]\ndata_dir = \"/a\"\n") + kUpstream,
                                                   {{"POSTRIDER_SERVER__DATA_DIR", "/b"},
                                                    {"POSTRIDER_UPSTREAM__PRIMARY__HOST", "other.example.net"},
                                                    {"POSTRIDER_UPSTREAM__PRIMARY__PORT", "2600"},
                                                    {"POSTRIDER_ACCESS__TRUSTED_NETWORKS", "10.0.0.0/8, ::1"},
                                                    {"POSTRIDER_ADDRESSES__ALIASES", "root=a@b.c,x=y@z.d"},
                                                    {"POSTRIDER_SMTP__HIDE_CLIENT", "true"},
                                                    {"POSTRIDER_DELIVERY__RETRY_INTERVAL", "1s"}}));
  ASSERT_THAT(texts(result.faults), testing::IsEmpty());
  EXPECT_EQ(result.config.server.data_dir, "/b");
  EXPECT_EQ(result.config.upstreams.at(0).hosts, std::vector<std::string>{"other.example.net"});
  EXPECT_EQ(result.config.upstreams.at(0).port, 2600);
  EXPECT_EQ(result.config.access.trusted_networks.at(1).str(), "::1/128");
  EXPECT_EQ(result.config.addresses.aliases.at(1).second, "y@z.d");
  EXPECT_TRUE(result.config.smtp.hide_client);
  EXPECT_EQ(result.config.delivery.retry_interval, seconds(1));
}

TEST(ConfigEnvironment, WritesListsAndMatches) {
  const ConfigResult result = parse_config(
      sources(kUpstream, {{"POSTRIDER_UPSTREAM__PRIMARY__MATCH",
                           "recipient_domain=A.example, recipient_domain=.b.example,lane=high,credential=,tag=x=y"},
                          {"POSTRIDER_UPSTREAM__PRIMARY__ALLOW_RECIPIENTS", "@a.example, me@b.example"}}));
  ASSERT_THAT(texts(result.faults), testing::IsEmpty());
  const UpstreamConfig& upstream = result.config.upstreams.at(0);
  using testing::ElementsAre;
  EXPECT_THAT(upstream.match.recipient_domain, ElementsAre("a.example", ".b.example"));
  EXPECT_THAT(upstream.match.lane, ElementsAre("high"));
  EXPECT_THAT(upstream.match.credential, ElementsAre(""));
  EXPECT_THAT(upstream.match.tag, ElementsAre("x=y"));
  EXPECT_THAT(upstream.guard.allow_recipients, ElementsAre("@a.example", "me@b.example"));
  EXPECT_THAT(texts(parse_config(sources(kUpstream, {{"POSTRIDER_UPSTREAM__PRIMARY__MATCH", "lane"}})).faults),
              ElementsAre("POSTRIDER_UPSTREAM__PRIMARY__MATCH: upstream.primary.match = \"lane\" is not written as "
                          "key=value"));
}

TEST(ConfigEnvironment, AloneMakesAnUpstreamAndListeners) {
  ConfigSources given;
  given.environment = {{"POSTRIDER_UPSTREAM__MAIN__TYPE", "smtp"},
                       {"POSTRIDER_UPSTREAM__MAIN__HOST", "smtp.example.net"},
                       {"POSTRIDER_SMTP__LISTENER__ADDRESS", "127.0.0.1:25"},
                       {"POSTRIDER_SMTP__LISTENER__1__ADDRESS", "127.0.0.1:465"},
                       {"POSTRIDER_SMTP__LISTENER__1__TLS", "implicit"}};
  const ConfigResult result = parse_config(given);
  ASSERT_THAT(texts(result.faults), testing::IsEmpty());
  EXPECT_EQ(result.config.upstreams.size(), 1u);
  EXPECT_EQ(result.config.upstreams[0].name, "main");
  ASSERT_EQ(result.config.smtp_listeners.size(), 2u);
  EXPECT_EQ(result.config.smtp_listeners[1].tls, ListenerTls::implicit);
}

TEST(ConfigEnvironment, HostReplacesHostsOfTheFile) {
  const ConfigResult result =
      parse_config(sources("[[upstream]]\nname = \"a-b\"\ntype = \"smtp\"\nhosts = [\"x.example\", \"y.example\"]\n",
                           {{"POSTRIDER_UPSTREAM__A_B__HOST", "z.example"}}));
  ASSERT_THAT(texts(result.faults), testing::IsEmpty());
  EXPECT_EQ(result.config.upstreams.at(0).hosts, std::vector<std::string>{"z.example"});
}

TEST(ConfigEnvironment, SlipsAreNamed) {
  const ConfigResult result = parse_config(sources(kUpstream, {{"POSTRIDER_SERVER__DATADIR", "x"},
                                                               {"POSTRIDER_SERVER__THREADS", "many"},
                                                               {"POSTRIDER_UPSTREAM__PRIMRY__HOST", "x.example"},
                                                               {"POSTRIDER_UPSTREAM__HOST", "x.example"},
                                                               {"POSTRIDER_SERVER_DATA_DIR", "x"},
                                                               {"POSTRIDER_SERVER_DATADIR", "x"},
                                                               {"POSTRIDER_SMTP_LISTENER_ADDRESS", ":25"},
                                                               {"POSTRIDER_SMTP__LISTNER__0__TLS", "none"},
                                                               {"POSTRIDER_SMTP__LISTENER__7__TLS", "none"},
                                                               {"POSTRIDER_XYZZY__RETRIES", "1"},
                                                               {"POSTRIDER_DELIVRY__RETRIES", "1"}}));
  EXPECT_THAT(
      texts(result.faults),
      testing::UnorderedElementsAre(
          "POSTRIDER_SERVER__DATADIR: server.datadir is not a known key; did you mean server.data_dir?",
          "POSTRIDER_SMTP__LISTNER__0__TLS: there is no section smtp.listner; did you mean smtp.listener?",
          "POSTRIDER_SMTP__LISTENER__7__TLS: names an entry of smtp.listener that is not there; they are counted from "
          "0",
          "POSTRIDER_SERVER__THREADS: server.threads = \"many\" is not a whole number",
          "POSTRIDER_UPSTREAM__PRIMRY__HOST: upstream.primry.type is missing; did you mean the upstream primary?",
          "POSTRIDER_UPSTREAM__HOST: must name the upstream: POSTRIDER_UPSTREAM__NAME__KEY"));
  EXPECT_THAT(texts(result.warnings),
              testing::UnorderedElementsAre(
                  "POSTRIDER_SERVER_DATA_DIR: is not used; did you mean POSTRIDER_SERVER__DATA_DIR?",
                  "POSTRIDER_SERVER_DATADIR: is not used; did you mean POSTRIDER_SERVER__DATA_DIR?",
                  "POSTRIDER_SMTP_LISTENER_ADDRESS: is not used; did you mean POSTRIDER_SMTP__LISTENER__ADDRESS?",
                  "POSTRIDER_XYZZY__RETRIES: is not used: there is no section xyzzy",
                  "POSTRIDER_DELIVRY__RETRIES: is not used: there is no section delivry; did you mean delivery?"));
}

TEST(ConfigEnvironment, OtherVariablesAreLeftAlone) {
  const ConfigResult result = parse_config(sources(kUpstream, {{"POSTRIDER_URL", "http://127.0.0.1:8025"},
                                                               {"POSTRIDER_TOKEN", "x"},
                                                               {"POSTRIDER_SMTP", "127.0.0.1:2525"},
                                                               {"POSTRIDER_MAILDROP", "/x"},
                                                               {"POSTRIDER_PORT_2525_TCP", "tcp://10.0.0.1:2525"},
                                                               {"POSTRIDER_SERVICE_HOST", "10.0.0.1"},
                                                               {"POSTRIDER_SMTP_PORT", "tcp://10.0.0.1:2525"},
                                                               {"PATH", "/bin"}}));
  EXPECT_THAT(texts(result.faults), testing::IsEmpty());
  EXPECT_THAT(texts(result.warnings), testing::IsEmpty());
}

// ---- show -----------------------------------------------------------------------------------------------------------

TEST(ConfigShow, NamesTheOriginOfEachValue) {
  const std::string shown =
      render_effective_config(parse_config(sources(std::string("[server]\nthreads = 2\n") + kUpstream,
                                                   {{"POSTRIDER_SERVER__DATA_DIR", "/data"}})),
                              "p.toml");
  EXPECT_THAT(shown, testing::ContainsRegex("threads = 2 +# p.toml:2\n"));
  EXPECT_THAT(shown, testing::ContainsRegex("data_dir = \"/data\" +# POSTRIDER_SERVER__DATA_DIR\n"));
  EXPECT_THAT(shown, testing::ContainsRegex("retries = 3 +# default\n"));
}

TEST(ConfigShow, OfASmallSpoolShowsHowMuchHistoryItKeeps) {
  const std::string small = std::string(kUpstream) + "[spool]\nmax_size = \"64MiB\"\n";
  EXPECT_THAT(render_effective_config(parse_config(sources(small)), "p.toml"),
              testing::ContainsRegex("history_max_size = \"28MiB\" +# default\n"));
}

TEST(ConfigShow, IsItselfAConfigurationWithTheSameMeaning) {
  const std::string once = render_effective_config(parse_config(sources(kUpstream)), "p.toml");
  const ConfigResult again = parse_config(sources(once));
  ASSERT_THAT(texts(again.faults), testing::IsEmpty());
  EXPECT_EQ(again.config.upstreams.at(0).hosts, std::vector<std::string>{"smtp.example.net"});
  EXPECT_EQ(again.config.smtp.max_message_size, 25u << 20);
}

TEST(ConfigShow, WritesMatchesAsTheyAreRead) {
  const std::string match = R"({ lane = ["high"], sender_domain = [".a.example", "b.example"], credential = [""] })";
  const ConfigResult result = parse_config(sources(std::string(kUpstream) + "match = " + match + '\n'));
  EXPECT_THAT(render_effective_config(result, "p.toml"), testing::HasSubstr("match = " + match));
  const auto value = std::find_if(result.values.begin(), result.values.end(),
                                  [](const EffectiveValue& each) { return each.name == "match"; });
  ASSERT_NE(value, result.values.end());
  EXPECT_EQ(value->json, R"({"lane":["high"],"sender_domain":[".a.example", "b.example"],"credential":[""]})");
}

TEST(ConfigShow, GivenLeavesOutTheDefaults) {
  const std::string shown = render_effective_config(
      parse_config(sources("[server]\nthreads = 2\n", {{"POSTRIDER_LOG__LEVEL", "debug"}})), "p.toml", Shown::given);
  EXPECT_EQ(shown,
            "[server]\nthreads = 2                                 # p.toml:2\n\n"
            "[log]\nlevel = \"debug\"                             # POSTRIDER_LOG__LEVEL\n");
}

// ---- values ---------------------------------------------------------------------------------------------------------

TEST(ConfigValue, Sizes) {
  EXPECT_EQ(parse_size("0"), 0u);
  EXPECT_EQ(parse_size("25MiB"), 25u << 20);
  EXPECT_EQ(parse_size("10MB"), 10'000'000u);
  EXPECT_EQ(parse_size("7B"), 7u);
  for (const char* text :
       {"", "25", "MiB", "25mib", "25 MiB", "-1B", "1.5GiB", "99999999999TiB", "99999999999999999999999B"})
    EXPECT_FALSE(parse_size(text)) << text;
  EXPECT_EQ(format_size(25u << 20), "25MiB");
  EXPECT_EQ(format_size(1025), "1025B");
  EXPECT_EQ(format_size(0), "0");
}

TEST(ConfigValue, ApiBases) {
  const Option* option = find_option("upstream", "api_base");
  ASSERT_TRUE(option);
  EXPECT_EQ(value_from_text(*option, "https://a.example/v3//").value().text, "https://a.example/v3");
  EXPECT_EQ(value_from_text(*option, "http://127.0.0.1:80").value().text, "http://127.0.0.1:80");
  for (const char* text : {"", "a.example", "ftp://a.example", "https://", "https:///x", "https://a b",
                           "https://a/?x=1", "https://a/#x", "https://user@a.example"})
    EXPECT_TRUE(value_from_text(*option, text).has_error()) << text;
}

TEST(ConfigValue, Rates) {
  EXPECT_EQ(parse_rate("14/s"), (Rate{14, seconds(1)}));
  EXPECT_EQ(parse_rate("50000/d"), (Rate{50'000, hours(24)}));
  for (const char* text : {"", "14", "/s", "0/s", "-1/s", "14/y", "14 /s", "14/s "})
    EXPECT_FALSE(parse_rate(text)) << text;
}

}  // namespace
}  // namespace postrider
