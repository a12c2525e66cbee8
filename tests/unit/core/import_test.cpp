// What the imports make of single settings, and that nothing a file can say makes a result that `config check` refuses.
#include "core/import.h"

#include <gmock/gmock.h>

#include <functional>
#include <sstream>

#include "core/config.h"
#include "core/import_postfix_files.h"

namespace postrider {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> faults_of(const ImportResult& imported) {
  ConfigSources sources;
  sources.file_text = imported.toml;
  sources.read_file = [](const std::string&) -> result<std::string> { return std::string("made"); };
  std::vector<std::string> faults;
  for (const ConfigFinding& fault : parse_config(sources).faults) faults.push_back(fault.str());
  return faults;
}

// The lines in force without their comments.
std::string said(const ImportResult& imported) {
  EXPECT_THAT(faults_of(imported), testing::IsEmpty()) << imported.toml;
  std::string out;
  std::istringstream in(imported.toml);
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || line.front() == '#') continue;
    const std::size_t comment = line.find(" # ");
    line.erase(std::min(comment, line.size()));
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

// ---- Postfix ------------------------------------------------------------------------------------------------------------

ImportResult postfix(const std::string& main_cf, const std::string& sasl = {}, const std::string& master = {},
                     bool with_secrets = false) {
  PostfixFiles files{{"main.cf", main_cf}, {}, {}, {}, {}};
  if (!sasl.empty()) files.sasl_passwd = ImportFile{"sasl_passwd", sasl};
  if (!master.empty()) files.master_cf = ImportFile{"master.cf", master};
  ImportOptions options;
  options.with_secrets = with_secrets;
  return import_postfix(files, options);
}

constexpr const char* kSasl = "smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = hash:/x\n";

TEST(ImportPostfixFiles, LinesContinueOverCommentsAndTheLastValueHolds) {
  const PostfixParameters main("a = 1\n# comment\n   2\n\n\t3\n b\nc=\nc = 4 # 5\nd\n");
  EXPECT_EQ(main.get("a"), "1 2 3 b");
  EXPECT_EQ(main.get("c"), "4 # 5");
  EXPECT_EQ(main.where("c"), "c, line 8");
  EXPECT_THAT(main.overridden(), testing::ElementsAre("c"));
  EXPECT_FALSE(main.has("d"));
}

TEST(ImportPostfixFiles, ParametersExpand) {
  const PostfixParameters main(
      "myhostname = a.example.com\nx = $mydomain ${myhostname} $(myorigin) $$5 $none.\n"
      "y = ${none:other} ${none?no} ${myhostname?yes} ${myhostname?{is $mydomain}:{not}} ${none?{is}:{not}}\n"
      "z = ${unclosed\nw = ${{a} == {b} ? {c} : {d}}\nend = $\n");
  EXPECT_EQ(main.get("x"), "example.com a.example.com a.example.com $5 .");
  EXPECT_EQ(main.get("y"), "other  yes is example.com not");
  EXPECT_EQ(main.get("z"), "");
  EXPECT_EQ(main.get("w"), "");
  EXPECT_EQ(main.get("end"), "");
}

TEST(ImportPostfixFiles, ExpansionIsBounded) {
  std::string text = "a0 = x\nloop = $loop $loop\n";
  for (int i = 1; i < 40; ++i) {
    const std::string inner = "$a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + " = " + inner + inner + inner + inner + '\n';
  }
  const PostfixParameters main(text);
  EXPECT_LE(main.get("a39").size(), PostfixParameters::kMaxLength);
  EXPECT_EQ(main.get("loop"), "");
}

TEST(ImportPostfixFiles, TimesHaveUnits) {
  EXPECT_EQ(postfix_time("5", 'd'), 5 * 86'400'000);
  EXPECT_EQ(postfix_time("90s", 'd'), 90'000);
  EXPECT_EQ(postfix_time("2w", 's'), 14 * 86'400'000);
  for (const char* text : {"", "d", "-1", "1y", "1dd", "99999999999d"}) EXPECT_FALSE(postfix_time(text, 's')) << text;
}

struct Destination {
  const char* relayhost;
  const char* lines;
};
class ImportRelayhost : public testing::TestWithParam<Destination> {};
TEST_P(ImportRelayhost, BecomesHostAndPort) {
  EXPECT_THAT(said(postfix("relayhost = " + std::string(GetParam().relayhost) + "\n")), HasSubstr(GetParam().lines));
}
INSTANTIATE_TEST_SUITE_P(
    All, ImportRelayhost,
    testing::Values(Destination{"[smtp.example.net]:587", "host = \"smtp.example.net\"\nport = 587\n"},
                    Destination{"[smtp.example.net]", "host = \"smtp.example.net\"\nport = 25\n"},
                    Destination{"smtp.example.net:submission", "host = \"smtp.example.net\"\nport = 587\n"},
                    Destination{"[smtp.example.net]:submissions", "host = \"smtp.example.net\"\nport = 465\n"},
                    Destination{"[192.0.2.1]:2525", "host = \"192.0.2.1\"\nport = 2525\n"},
                    Destination{"[ipv6:2001:db8::1]:26", "host = \"2001:db8::1\"\nport = 26\n"},
                    Destination{"example.net", "host = \"example.net\"\nport = 25\n"}));

TEST(ImportPostfix, RelayhostWithoutBracketsIsNotedAsMx) {
  EXPECT_THAT(postfix("relayhost = example.net\n").notes, Contains(HasSubstr("(MX)")));
  EXPECT_THAT(postfix("relayhost = [example.net]\n").notes, Not(Contains(HasSubstr("(MX)"))));
}

TEST(ImportPostfix, SeveralRelayhostsAreAskedInTurn) {
  const std::string toml = said(postfix("relayhost = [a.example]:25, [b.example]:26\n"));
  EXPECT_THAT(toml, HasSubstr("name = \"primary\"\ntype = \"smtp\"\nhost = \"a.example\""));
  EXPECT_THAT(toml, HasSubstr("name = \"backup\"\ntype = \"smtp\"\nhost = \"b.example\"\nport = 26"));
}

TEST(ImportPostfix, WithoutRelayhostThereIsNoUpstreamAndANote) {
  for (const char* text : {"", "relayhost =\n", "relayhost = []\n", "relayhost = [a/b]\n"}) {
    const ImportResult result = postfix(text);
    EXPECT_THAT(said(result), Not(HasSubstr("[[upstream]]"))) << text;
    EXPECT_THAT(result.notes, Contains(HasSubstr("relayhost"))) << text;
    EXPECT_THAT(result.secrets, testing::IsEmpty());
  }
}

struct Tls {
  const char* main_cf;
  const char* tls;
};
class ImportSmtpTls : public testing::TestWithParam<Tls> {};
TEST_P(ImportSmtpTls, LevelBecomesTls) {
  const std::string toml = said(postfix("relayhost = [a.example]\n" + std::string(GetParam().main_cf)));
  EXPECT_THAT(toml, HasSubstr("tls = \"" + std::string(GetParam().tls) + "\"\n"));
}
INSTANTIATE_TEST_SUITE_P(
    All, ImportSmtpTls,
    testing::Values(Tls{"smtp_use_tls = no\n", "none"}, Tls{"smtp_use_tls = yes\n", "opportunistic"},
                    Tls{"smtp_enforce_tls = yes\n", "starttls"},
                    Tls{"smtp_tls_security_level = may\n", "opportunistic"},
                    Tls{"smtp_tls_security_level = secure\nsmtp_use_tls = no\n", "starttls"},
                    Tls{"smtp_tls_security_level = dane\n", "starttls"},
                    Tls{"smtp_tls_wrappermode = yes\nsmtp_tls_security_level = encrypt\n", "implicit"}));

TEST(ImportPostfix, LoginIsFoundByDestinationOrHost) {
  const std::string main = std::string("relayhost = [a.example]:587\n") + kSasl;
  for (const char* table :
       {"[a.example]:587 u:p:w\n", "a.example u:p:w\n", "# c\n[b.example] x:y\n[A.example]:587\tu:p:w\n"}) {
    EXPECT_THAT(said(postfix(main, table)),
                HasSubstr("username = \"u\"\npassword = { file = \"/etc/postrider/primary.password\" }"));
    EXPECT_THAT(said(postfix(main, table, {}, true)), HasSubstr("username = \"u\"\npassword = \"p:w\""));
  }
  for (const char* table : {"[a.example]:25 u:p\n", "[a.example]:587 u\n", "[a.example]:587 :p\n", "x\n"})
    EXPECT_THAT(said(postfix(main, table, {}, true)), Not(HasSubstr("username"))) << table;
  EXPECT_THAT(postfix(main).notes, Contains(HasSubstr("as the second argument")));
}

TEST(ImportPostfix, LoginsThatAreSwitchedOffAreNotTaken) {
  const ImportResult result = postfix("relayhost = [a.example]\nsmtp_sasl_password_maps = static:u:p\n");
  EXPECT_THAT(said(result), Not(HasSubstr("username")));
  EXPECT_THAT(
      said(postfix("relayhost = [a.example]\nsmtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = static:u:p\n")),
      HasSubstr("username = \"u\""));
}

TEST(ImportPostfix, ListenersComeFromInterfacesAndServices) {
  EXPECT_THAT(said(postfix("")), HasSubstr("address = \":25\"\ntls = \"none\""));
  EXPECT_THAT(said(postfix("inet_interfaces = localhost, 127.0.0.1\ninet_protocols = ipv4\n")),
              HasSubstr("[[smtp.listener]]\naddress = \"127.0.0.1:25\"\ntls = \"none\"\n"));
  EXPECT_THAT(said(postfix("inet_interfaces = all\ninet_protocols = ipv4\n")), HasSubstr("\"0.0.0.0:25\""));
  EXPECT_THAT(
      said(postfix("inet_interfaces = all\n", {}, "2525 inet n - y - - smtpd\n127.0.0.1:2525 inet n - y - - smtpd\n")),
      testing::AllOf(HasSubstr("\":2525\""), Not(HasSubstr("127.0.0.1"))));
  EXPECT_THAT(postfix("", {}, "8025 inet n - y - - smtpd\n").notes,
              Contains(HasSubstr(":8025 is left out: the management")));
  const ImportResult named = postfix("inet_interfaces = mail.example.com\n");
  EXPECT_THAT(said(named), Not(HasSubstr("smtp.listener")));
  EXPECT_THAT(named.notes, Contains(HasSubstr("needs an address")));
}

TEST(ImportPostfix, SubmissionServicesDemandALogin) {
  const std::string master =
      "2525 inet n - y - - smtpd -o smtpd_tls_wrappermode=yes -o smtpd_client_restrictions=$mua\n"
      "587 inet n - y - - smtpd\n -o smtpd_relay_restrictions=permit_sasl_authenticated,reject\n"
      "nosuchservice inet n - y - - smtpd\nsmtp unix - - y - - smtp\n";
  const ImportResult result =
      postfix("inet_interfaces = 127.0.0.1\nmua = permit_sasl_authenticated, reject\n", {}, master);
  const std::string toml = said(result);
  EXPECT_THAT(toml, HasSubstr("\"127.0.0.1:2525\"\ntls = \"implicit\"\nrequire_auth = true\n"));
  EXPECT_THAT(toml, HasSubstr("\"127.0.0.1:587\"\ntls = \"starttls\"\nrequire_auth = true\n"));
  EXPECT_THAT(result.notes, Contains(HasSubstr("nosuchservice is no port")));
}

TEST(ImportPostfix, LimitsAndNetworks) {
  EXPECT_THAT(said(postfix("message_size_limit = 0\n")), HasSubstr("max_message_size = \"2GiB\""));
  EXPECT_THAT(said(postfix("message_size_limit = 10240000\n")), HasSubstr("max_message_size = \"10000KiB\""));
  EXPECT_THAT(postfix("message_size_limit = 10\n").notes, Contains(HasSubstr("out of bounds: 1KiB to 2GiB")));
  EXPECT_THAT(said(postfix("mynetworks = 127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128, 192.0.2.1\n")),
              HasSubstr("trusted_networks = [\"127.0.0.0/8\", \"::1/128\", \"192.0.2.1/32\"]"));
  const ImportResult odd =
      postfix("mynetworks = !10.0.0.1, 10.0.0.0/8, /etc/postfix/nets, hash:/etc/postfix/nets, 10.1.2.3/8\n");
  EXPECT_THAT(said(odd), HasSubstr("trusted_networks = [\"10.0.0.0/8\"]"));
  EXPECT_THAT(odd.notes, testing::IsSupersetOf({HasSubstr("!10.0.0.1"), HasSubstr("/etc/postfix/nets is left"),
                                                HasSubstr("hash:"), HasSubstr("10.1.2.3/8")}));
}

TEST(ImportPostfix, PatienceBecomesEqualWaits) {
  EXPECT_THAT(said(postfix("")), Not(HasSubstr("retries")));
  EXPECT_THAT(postfix("").toml, HasSubstr("# retries = 108 "));
  EXPECT_THAT(said(postfix("maximal_queue_lifetime = 1d\n")),
              HasSubstr("max_age = \"1d\"\nretry_interval = \"1h6m40s\"\nretries = 21\n"));
  EXPECT_THAT(said(postfix("maximal_queue_lifetime = 0\n")), HasSubstr("[delivery]\nretries = 0\n"));
  EXPECT_THAT(said(postfix("maximal_backoff_time = 0\n")), HasSubstr("retry_interval = \"1s\"\nretries = 1000\n"));
}

TEST(ImportPostfix, MapsBecomeRulesWhereTheyCan) {
  EXPECT_THAT(said(postfix("smtp_generic_maps = static:app@example.com\n")),
              HasSubstr("rewrite_sender = { \"*\" = \"app@example.com\" }"));
  EXPECT_THAT(postfix("canonical_maps = hash:/x\n").notes, Contains(HasSubstr("give its text with --generic")));
  PostfixFiles files{{"main.cf", "myorigin = example.com\n"},
                     {},
                     {},
                     ImportFile{"aliases", "a: b\nb: a\nc: d\n d2\ne: \"x\"@y.z\nf: x@y.z\n"},
                     ImportFile{"generic", "@old.example @new.example\nroot alerts\n"}};
  const ImportResult result = import_postfix(files, {});
  EXPECT_THAT(said(result),
              HasSubstr("aliases = { f = \"x@y.z\" }\nrewrite_sender = { \"root@*\" = \"alerts@example.com\" }"));
  EXPECT_THAT(result.notes, testing::IsSupersetOf({HasSubstr("left out: a, b, c, e."), HasSubstr("the domain alone")}));
}

TEST(ImportPostfix, NamesWhatHasNoEquivalent) {
  const ImportResult result =
      postfix("content_filter = smtp:[127.0.0.1]:10024\nbiff = no\nhouse = x\ntransport_maps =\n");
  EXPECT_THAT(result.notes, Contains(HasSubstr("content_filter, line 1: no equivalent")));
  EXPECT_THAT(result.notes, Contains("not known to this import: house, line 3."));
  EXPECT_THAT(result.notes, Not(Contains(HasSubstr("biff"))));
  EXPECT_THAT(result.notes, Not(Contains(HasSubstr("transport_maps"))));  // empty
}

// ---- msmtp, ssmtp, nullmailer ---------------------------------------------------------------------------------------------

ImportResult msmtp(const std::string& text) {
  return import_msmtp({"msmtprc", text}, {});
}

TEST(ImportMsmtp, AccountsInherit) {
  EXPECT_THAT(said(msmtp("defaults\nport 26\naccount a\nhost a.example\ntls on\naccount default : a\nport 587\n")),
              HasSubstr("name = \"a\"\ntype = \"smtp\"\nhost = \"a.example\"\nport = 587\ntls = \"starttls\"\n"));
  EXPECT_THAT(said(msmtp("host plain.example\n")),
              HasSubstr("name = \"primary\"\ntype = \"smtp\"\nhost = \"plain.example\"\nport = 25\ntls = \"none\"\n"));
  EXPECT_THAT(said(msmtp("account x\nhost x.example\ntls\ntls_starttls off\n")),
              HasSubstr("port = 465\ntls = \"implicit\"\n"));
  EXPECT_THAT(msmtp("account default : nobody\n").notes,
              Contains(HasSubstr("inherits from nobody, which is not there")));
  EXPECT_THAT(said(msmtp("# nothing\n")), "");
}

TEST(ImportMsmtp, Logins) {
  const std::string base = "account default\nhost a.example\nuser u\n";
  EXPECT_THAT(said(msmtp(base + "password p\n")), Not(HasSubstr("username")));
  EXPECT_THAT(said(msmtp(base + "auth\npassword p\n")), HasSubstr("username = \"u\"\npassword = { file ="));
  EXPECT_THAT(said(msmtp(base + "auth cram-md5\npassword p\n")), HasSubstr("auth = \"cram_md5\""));
  EXPECT_THAT(said(msmtp(base + "auth xoauth2\npasswordeval get-token\n")),
              HasSubstr("username = \"u\"\nauth = \"xoauth2\"\ntoken_file = \"/etc/postrider/primary.token\"\n"));
  EXPECT_THAT(msmtp(base + "auth gssapi\npassword p\n").notes, Contains(HasSubstr("gssapi is not spoken")));
}

TEST(ImportMsmtp, AFixedSenderIsARule) {
  EXPECT_THAT(said(msmtp("host a.example\nfrom a@b.example\nallow_from_override off\n")),
              HasSubstr("rewrite_sender = { \"*\" = \"a@b.example\" }"));
  EXPECT_THAT(said(msmtp("host a.example\nfrom a@b.example\n")), Not(HasSubstr("rewrite_sender")));
}

TEST(ImportSsmtp, Hubs) {
  const auto ssmtp = [](const std::string& text) { return said(import_ssmtp({"ssmtp.conf", text}, {})); };
  EXPECT_THAT(ssmtp("mailhub=hub\n"), HasSubstr("host = \"hub\"\nport = 25\ntls = \"none\"\n"));
  EXPECT_THAT(ssmtp("MAILHUB = hub:465\nUseTLS=yes\n"), HasSubstr("host = \"hub\"\nport = 465\ntls = \"implicit\"\n"));
  EXPECT_THAT(ssmtp("mailhub=2001:db8::1\n"), HasSubstr("host = \"2001:db8::1\"\nport = 25\n"));
  EXPECT_THAT(ssmtp(""), HasSubstr("host = \"mail\"\n"));
  EXPECT_THAT(ssmtp("mailhub=hub\nAuthPass=p\n"), Not(HasSubstr("password")));
  EXPECT_THAT(import_ssmtp({"ssmtp.conf", "root=postmaster\n"}, {}).notes, Contains(HasSubstr("has no domain")));
}

TEST(ImportNullmailer, RemotesStandInTheirOrder) {
  const auto remotes = [](const std::string& text) { return said(import_nullmailer({{"remotes", text}, {}}, {})); };
  EXPECT_THAT(remotes("a.example\na_example smtp --port=26\n"),
              testing::AllOf(HasSubstr("name = \"a-example\"\ntype = \"smtp\"\nhost = \"a.example\"\nport = 25\n"),
                             HasSubstr("name = \"a-example-2\"")));
  EXPECT_THAT(remotes("a.example\na.example --port=26\n"), HasSubstr("name = \"a-example-2\""));
  EXPECT_THAT(remotes("a.example smtp --user='a b' --pass=\"c\\\"d\" --ssl\n"),
              HasSubstr("tls = \"implicit\"\nusername = \"a b\"\npassword = { file ="));
  EXPECT_THAT(remotes(""), Not(HasSubstr("upstream")));
}

// ---- anything -------------------------------------------------------------------------------------------------------------

// Each octet of a text replaced by two of what a parser may stumble over: the result is always a valid configuration.
void try_all(const std::string& text, const std::function<ImportResult(const std::string&)>& convert) {
  constexpr std::string_view kOdd("\n \"$\0\xff={:", 9);
  for (std::size_t i = 0; i < 2 * text.size(); ++i) {
    std::string odd = text;
    odd[i / 2] = kOdd[(i * 4 + i / 18) % kOdd.size()];
    const ImportResult result = convert(odd);
    const std::vector<std::string> faults = faults_of(result);
    ASSERT_THAT(faults, testing::IsEmpty()) << "octet " << i / 2 << "\n" << result.toml;
  }
}

TEST(ImportAnything, OfMsmtp) {
  ImportOptions open;
  open.with_secrets = true;
  try_all(
      "defaults\ntls on\naccount a\nhost a.example\nport 587\nfrom a@b.example\nauth on\nuser u\npassword \"p w\"\n"
      "tls_trust_file /ca.pem\ndomain x.example\nmaildomain y.example\ntimeout 30\nallow_from_override off\naccount "
      "default : a\n",
      [&](const std::string& text) {
        return import_msmtp({"m", text}, open);
      });
}

TEST(ImportAnything, OfSsmtp) {
  ImportOptions open;
  open.with_secrets = true;
  try_all(
      "root=a@b.example\nmailhub=h.example:587\nrewriteDomain=b.example\nhostname=h.example\nUseSTARTTLS=YES\nAuthUser="
      "u\nAuthPass=p\nTLS_CA_File=/ca\n",
      [&](const std::string& text) {
        return import_ssmtp({"s", text}, open);
      });
}

TEST(ImportAnything, OfNullmailer) {
  ImportOptions open;
  open.with_secrets = true;
  const std::string remotes = "a.example smtp --port=587 --user=u --pass='p w' --starttls --x509cafile=/ca\n";
  try_all(remotes, [&](const std::string& text) { return import_nullmailer({{"r", text}, {}}, open); });
  try_all("h.example\n", [&](const std::string& text) {
    NullmailerFiles files{{"r", remotes}, {}};
    for (const std::string& name : nullmailer_controls()) files.controls[name] = text;
    return import_nullmailer(files, open);
  });
}

TEST(ImportAnything, OfPostfix) {
  ImportOptions open;
  open.with_secrets = true;
  PostfixFiles files{
      {"main.cf",
       "myhostname = m.example.com\nmynetworks = 127.0.0.0/8\ninet_interfaces = 127.0.0.1\nmessage_size_limit = 99999\n"
       "relayhost = [h.example]:587\nsmtp_tls_CAfile = /ca\nsmtp_tls_security_level = encrypt\nsmtp_sasl_auth_enable = "
       "yes\n"
       "smtpd_tls_cert_file = /c\nsmtpd_tls_key_file = /k\nmaximal_queue_lifetime = "
       "2d\ndefault_destination_concurrency_limit = 9\n"},
      ImportFile{"master.cf", "2525 inet n - y - - smtpd -o smtpd_tls_security_level=encrypt\n"},
      ImportFile{"sasl", "[h.example]:587 u:p\n"},
      ImportFile{"aliases", "root: a@b.example\n"},
      ImportFile{"generic", "@x.example a@b.example\n"}};
  const auto vary = [&](std::string& text) {
    const std::string good = text;
    try_all(good, [&](const std::string& odd) {
      text = odd;
      return import_postfix(files, open);
    });
    text = good;
  };
  vary(files.main_cf.text);
  vary(files.master_cf->text);
  vary(files.sasl_passwd->text);
  vary(files.aliases->text);
  vary(files.generic->text);
}

}  // namespace
}  // namespace postrider
