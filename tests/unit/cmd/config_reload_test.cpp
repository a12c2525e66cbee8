// SIGHUP without the signal: what a reload puts in force, one test for each class of options that says so, what it leaves alone,
// and what it reports.
#include "cmd/reload.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <set>

#include "cmd/data_dir.h"
#include "core/config_options.h"
#include "net/http_client.h"
#include "tests/temp_directory.h"

namespace postrider::cmd {
namespace {

namespace json = boost::json;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

// The log as lines, and a way to wait for one.
class LogLines {
 public:
  void add(std::string_view text) {
    const std::lock_guard lock(mutex_);
    all_ += text;
    came_.notify_all();
  }
  // Everything up to the line that holds `what`, that line included.
  std::string wait_for(const std::string& what) {
    std::unique_lock lock(mutex_);
    const bool found =
        came_.wait_for(lock, std::chrono::seconds(60), [&] { return all_.find(what) != std::string::npos; });
    EXPECT_TRUE(found) << "no " << what << " in\n" << all_;
    std::string taken = all_.substr(0, all_.find('\n', found ? all_.find(what) : 0) + 1);
    all_.erase(0, taken.size());
    return taken;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::string all_;
};

class ConfigReload : public testing::Test {
 protected:
  ConfigReload() : file_(directory_ / "postrider.toml") {
    write("");
    const LoadedConfig started = load_config(file_);
    EXPECT_TRUE(started.ok());
    log_ = make_log(
        {LogLevel::info, LogFormat::text}, [this](std::string_view text) { lines_.add(text); },
        [] { return net::SystemClock().now(); });
    prepare_data_dir(started.result.config.server.data_dir);
    daemon_ = std::make_unique<Daemon>(started.result.config, *log_);
    daemon_->start();
    reloader_ = std::make_unique<Reloader>(file_, started, *daemon_, *log_);
  }
  ~ConfigReload() override { daemon_->stop(); }

  void write(const std::string& more) {
    std::ofstream(file_)
        << "[server]\nhostname = \"relay.example.com\"\ndata_dir = \"" << directory_ / "data"
        << "\"\n[spool]\nmax_size = \"64MiB\"\n[[smtp.listener]]\naddress = \"127.0.0.1:0\"\n"
           "[[mgmt.listener]]\naddress = \"127.0.0.1:0\"\n[[upstream]]\nname = \"keep\"\ntype = \"capture\"\n"
        << more;
  }
  // The report.
  std::string reload(const std::string& more, const std::string& ends_with = " config.reloaded ") {
    write(more);
    reloader_->reload();
    return lines_.wait_for(ends_with);
  }

  std::uint16_t smtp_port() const {
    const std::string summary = daemon_->summary();
    const auto from = summary.find("127.0.0.1:") + 10;
    return static_cast<std::uint16_t>(std::stoul(summary.substr(from)));
  }
  std::string url() const {
    const std::string summary = daemon_->summary();
    const auto from = summary.find("http://");
    return summary.substr(from, summary.find(',', from) - from);
  }
  net::HttpResponse get(const std::string& path, bool with_token, net::HttpHeaders headers = {}) const {
    net::HttpRequest request;
    request.url = url() + path;
    request.headers = std::move(headers);
    if (with_token) request.headers.push_back(key());
    return net::http_call(request).value();
  }
  // With the operator's key.
  net::HttpResponse post(const std::string& path, std::string body) const {
    net::HttpRequest request;
    request.method = "POST";
    request.url = url() + path;
    request.headers = {key(), {"Content-Type", "application/json"}};
    request.body = std::move(body);
    return net::http_call(request).value();
  }
  std::pair<std::string, std::string> key() const {
    std::string token;
    std::ifstream(operator_token_file(directory_ / "data")) >> token;
    return {"Authorization", "Bearer " + token};
  }

  // What the relay says to these lines, one connection.
  std::string talk(const std::string& commands) const {
    boost::asio::ip::tcp::iostream stream("127.0.0.1", std::to_string(smtp_port()));
    stream << commands << "QUIT\r\n" << std::flush;
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  // A connection that is taken after a reload has the new options; one that raced it may not.
  std::string talk_until(const std::string& commands, const std::string& expected) const {
    std::string said;
    for (int tries = 0; tries < 1000 && said.find(expected) == std::string::npos; ++tries) said = talk(commands);
    return said;
  }

  TempDirectory directory_;
  std::string file_;
  LogLines lines_;
  std::unique_ptr<OperatorLog> log_;
  std::unique_ptr<Daemon> daemon_;
  std::unique_ptr<Reloader> reloader_;
};

constexpr const char* kMessage = "MAIL FROM:<root>\r\nRCPT TO:<root>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n";

bool is_one_of(std::string_view section, std::initializer_list<std::string_view> some) {
  return std::find(some.begin(), some.end(), section) != some.end();
}

// Each of these is put in force by Daemon::reload and has its test below; another one is marked `reload` only with its own.
TEST(ConfigReloadable, IsWhatIsTestedHere) {
  std::set<std::string> names;
  for (const Option& option : config_options())
    if (option.effect == Effect::reload)
      names.insert(is_one_of(option.section, {"smtp", "addresses", "delivery", "lane", "upstream"})
                       ? std::string(option.section)
                       : full_name(option));
  EXPECT_THAT(names,
              testing::ElementsAre("access.allow_plaintext_auth_from_loopback", "access.trusted_networks", "addresses",
                                   "delivery", "lane", "log.level", "mgmt.cors_origins", "mgmt.session_lifetime",
                                   "mgmt.trusted_networks", "retention.failed_bodies", "retention.history",
                                   "retention.history_max_size", "smtp", "tls.certificate", "tls.key", "upstream"));
}

TEST_F(ConfigReload, WithoutAChangeSaysSo) {
  const std::string report = reload("");
  EXPECT_THAT(report, HasSubstr("info config.reloaded file=" + file_ + " changed=0 needs_restart=0\n"));
  EXPECT_THAT(report, Not(HasSubstr("config.changed")));
}

TEST_F(ConfigReload, LogLevel) {
  EXPECT_FALSE(log_->enabled(LogLevel::debug));
  EXPECT_THAT(reload("[log]\nlevel = \"debug\"\n"),
              HasSubstr("info config.changed key=log.level from=info to=debug\n"));
  EXPECT_TRUE(log_->enabled(LogLevel::debug));
  EXPECT_THAT(reload("[log]\nlevel = \"error\"\n"), HasSubstr("config.changed key=log.level"));  // still written
  EXPECT_FALSE(log_->enabled(LogLevel::warn));
}

TEST_F(ConfigReload, TrustedNetworks) {
  const std::string mail = "EHLO app.example.com\r\nMAIL FROM:<a@example.com>\r\n";
  EXPECT_THAT(talk(mail), HasSubstr("250 2.1.0"));
  EXPECT_THAT(reload("[access]\ntrusted_networks = [\"10.0.0.0/8\"]\n"),
              HasSubstr("config.changed key=access.trusted_networks"));
  EXPECT_THAT(talk_until(mail, "530 "), HasSubstr("530 5.7.0"));
}

TEST_F(ConfigReload, PlaintextLoginsFromLoopback) {
  EXPECT_THAT(talk("EHLO app.example.com\r\n"), Not(HasSubstr("AUTH ")));
  reload("[access]\nallow_plaintext_auth_from_loopback = true\n");
  EXPECT_THAT(talk_until("EHLO app.example.com\r\n", "AUTH "), HasSubstr("AUTH "));
}

TEST_F(ConfigReload, LimitsOfSmtp) {
  EXPECT_THAT(talk("EHLO app.example.com\r\n"), HasSubstr("SIZE 26214400"));
  const std::string report = reload("[smtp]\nmax_message_size = \"1MiB\"\nmax_recipients = 7\n");
  EXPECT_THAT(report, HasSubstr("changed=2"));
  const std::string said = talk_until("EHLO app.example.com\r\n", "SIZE 1048576");
  EXPECT_THAT(said, HasSubstr("SIZE 1048576"));
  EXPECT_THAT(said, HasSubstr("RCPTMAX=7"));
}

TEST_F(ConfigReload, AConnectionKeepsTheLimitsItBeganWith) {
  boost::asio::ip::tcp::iostream before("127.0.0.1", std::to_string(smtp_port()));
  std::string greeting;
  std::getline(before, greeting);
  reload("[smtp]\nmax_message_size = \"1MiB\"\n");
  talk_until("EHLO app.example.com\r\n", "SIZE 1048576");
  before << "EHLO app.example.com\r\nQUIT\r\n" << std::flush;
  const std::string said(std::istreambuf_iterator<char>(before), {});
  EXPECT_THAT(said, HasSubstr("SIZE 26214400"));
}

TEST_F(ConfigReload, Addresses) {
  reload(
      "[addresses]\norigin = \"example.net\"\naliases = { root = \"ops@example.net\" }\nrewrite_sender = { \"root@*\" "
      "= \"alerts@example.net\" }\n");
  talk_until("EHLO app.example.com\r\n" + std::string(kMessage), "queued as");
  const json::value list = json::parse(get("/v1/messages", true).body);
  const json::object& message = list.at("messages").at(0).as_object();
  EXPECT_EQ(message.at("sender").as_string(), "alerts@example.net");
  EXPECT_EQ(message.at("recipients").at(0).at("address").as_string(), "ops@example.net");
}

TEST_F(ConfigReload, Lanes) {
  EXPECT_THAT(reload("[[lane]]\nlane = \"low\"\nmatch = { recipient_domain = [\"example.net\"] }\n"),
              HasSubstr("config.changed key=lane"));
  const json::value message{{"from", "a@example.com"}, {"to", "b@example.net"}, {"subject", "x"}, {"text", "x"}};
  const std::string id(json::parse(post("/v1/messages", json::serialize(message)).body).at("id").as_string());
  EXPECT_EQ(json::parse(get("/v1/messages/" + id, true).body).at("lane").as_string(), "low");
}

TEST_F(ConfigReload, Retention) {
  reload("[retention]\nhistory = \"2d\"\nhistory_max_size = \"5MiB\"\nfailed_bodies = \"1d\"\nsent_bodies = \"3d\"\n");
  const std::string policy = json::serialize(json::parse(get("/v1/retention", true).body).at("policy"));
  EXPECT_THAT(policy, HasSubstr("172800"));
  EXPECT_THAT(policy, HasSubstr("5242880"));
  EXPECT_THAT(policy, HasSubstr("86400"));
  EXPECT_THAT(policy, Not(HasSubstr("259200")));  // sent_bodies needs a restart
}

TEST_F(ConfigReload, NetworksOfTheManagementInterface) {
  EXPECT_EQ(get("/v1/messages", false).status, 401);
  reload("[mgmt]\ntrusted_networks = [\"127.0.0.0/8\"]\n");
  EXPECT_EQ(get("/v1/messages", false).status, 200);
  reload("");
  EXPECT_EQ(get("/v1/messages", false).status, 401);
}

TEST_F(ConfigReload, WebPages) {
  const net::HttpHeaders page{{"Origin", "https://app.example.com"}};
  const auto allowed = [&] { return std::string(get("/health", false, page).header("access-control-allow-origin")); };
  EXPECT_EQ(allowed(), "");
  reload("[mgmt]\ncors_origins = [\"https://app.example.com\"]\n");
  EXPECT_EQ(allowed(), "https://app.example.com");
  reload("");
  EXPECT_EQ(allowed(), "");
}

TEST_F(ConfigReload, LifetimeOfSessions) {
  ASSERT_EQ(post("/v1/users", R"({"name":"anna","password":"wald und wiese"})").status, 201);
  const auto lifetime = [&] {
    const auto answer = post("/tokens", R"({"username":"anna","password":"wald und wiese"})");
    return json::parse(answer.body).at("expires_in").to_number<int>();
  };
  EXPECT_GT(lifetime(), 3000);
  reload("[mgmt]\nsession_lifetime = \"10m\"\n");
  EXPECT_LE(lifetime(), 600);
}

TEST_F(ConfigReload, SizeOfMessagesOverHttp) {
  const std::string long_one(3u << 20, 'x');
  EXPECT_EQ(post("/v1/messages", long_one).status, 422);  // taken, and found to be no JSON
  reload("[smtp]\nmax_message_size = \"1MiB\"\n");
  EXPECT_EQ(post("/v1/messages", long_one).status, 413);
}

TEST_F(ConfigReload, Certificate) {
  const auto pair = net::ensure_self_signed(directory_ / "other", "other.example.com").value();
  const std::string said = "[tls]\ncertificate = \"" + pair.certificate_file + "\"\nkey = \"" + pair.key_file + "\"\n";
  EXPECT_THAT(reload(said), HasSubstr("tls.certificate_changed subject=\"/CN=other.example.com\" expires_at="));
  EXPECT_THAT(reload(said), Not(HasSubstr("tls.certificate_changed")));
  // Renewed under the same names.
  std::filesystem::remove(pair.certificate_file);
  std::filesystem::remove(pair.key_file);
  net::ensure_self_signed(directory_ / "other", "other.example.com").value();
  EXPECT_THAT(reload(said), testing::AllOf(HasSubstr("tls.certificate_changed"), HasSubstr("changed=0")));
}

TEST_F(ConfigReload, ABrokenCertificateChangesNothing) {
  const std::string broken = directory_ / "broken.pem";
  std::ofstream(broken) << "-----BEGIN CERTIFICATE-----\nnothing\n";
  const std::string report =
      reload("[log]\nlevel = \"debug\"\n[tls]\ncertificate = \"" + broken + "\"\nkey = \"" + broken + "\"\n",
             " config.refused ");
  EXPECT_THAT(report,
              HasSubstr("error config.fault at=" + file_ +
                        ":16:1 key=tls.certificate text=\"tls.certificate: cannot use the certificate " + broken));
  EXPECT_FALSE(log_->enabled(LogLevel::debug));
  EXPECT_THAT(talk("EHLO app.example.com\r\n"), HasSubstr("STARTTLS"));
}

TEST_F(ConfigReload, AFaultChangesNothingAndEachIsReported) {
  const std::string report = reload(
      "[access]\ntrusted_networks = [\"10.0.0.0/8\"]\n[smtp]\nmax_erors = 3\nmax_recipients = 0\n", " config.refused ");
  EXPECT_THAT(
      report,
      HasSubstr(
          "error config.fault at=" + file_ +
          ":16:1 key=smtp.max_erors text=\"smtp.max_erors is not a known key; did you mean smtp.max_errors?\"\n"));
  EXPECT_THAT(
      report,
      HasSubstr(":17:1 key=smtp.max_recipients text=\"smtp.max_recipients = 0 is out of bounds: 1 to 50000\"\n"));
  EXPECT_THAT(report, HasSubstr("error config.refused file=" + file_ + " faults=2\n"));
  EXPECT_THAT(talk("EHLO app.example.com\r\nMAIL FROM:<a@example.com>\r\n"), HasSubstr("250 2.1.0"));
  // Corrected, all of it takes effect.
  EXPECT_THAT(reload("[access]\ntrusted_networks = [\"10.0.0.0/8\"]\n"), HasSubstr("changed=1 needs_restart=0"));
}

TEST_F(ConfigReload, AFileThatIsGoneChangesNothing) {
  std::filesystem::remove(file_);
  reloader_->reload();
  EXPECT_THAT(lines_.wait_for(" config.refused "),
              HasSubstr("config.fault at=" + file_ + " key=\"\" text=\"cannot be read: No such file or directory\""));
}

TEST_F(ConfigReload, UpstreamsAndTheirHealth) {
  const std::string report =
      reload("[delivery]\nopen_window = \"2m\"\n[[upstream]]\nname = \"more\"\ntype = \"capture\"\n");
  EXPECT_THAT(report, HasSubstr("info config.changed key=upstream.more from=\"\" to=added\n"));
  EXPECT_THAT(report, HasSubstr("info config.changed key=delivery.open_window from=1m to=2m\n"));
  EXPECT_THAT(report, HasSubstr("changed=2 needs_restart=0\n"));
  EXPECT_THAT(get("/v1/upstreams/more", true).body, HasSubstr("\"window_s\":120"));
  EXPECT_THAT(get("/v1/upstreams/keep", true).body, HasSubstr("\"window_s\":120"));
  EXPECT_THAT(reload("[delivery]\nopen_window = \"2m\"\n"),
              HasSubstr("info config.changed key=upstream.more from=\"\" to=removed\n"));
  EXPECT_EQ(get("/v1/upstreams/more", true).status, 404);
}

TEST_F(ConfigReload, WhatNeedsARestartIsNamedUntilItIsTakenBack) {
  const std::string more = "[delivery]\ndsn = false\nrevive_failed = false\n";
  const std::string report = reload(more);
  EXPECT_THAT(report, HasSubstr("warn config.needs_restart key=delivery.dsn from=true to=false\n"));
  EXPECT_THAT(report, HasSubstr("warn config.needs_restart key=delivery.revive_failed from=true to=false\n"));
  EXPECT_THAT(report, HasSubstr("changed=0 needs_restart=2\n"));
  EXPECT_THAT(reload(more + "[log]\nlevel = \"debug\"\n"), HasSubstr("changed=1 needs_restart=2\n"));
  EXPECT_THAT(reload("[log]\nlevel = \"debug\"\n"), HasSubstr("changed=0 needs_restart=0\n"));
}

TEST_F(ConfigReload, TrapsAreReportedToo) {
  EXPECT_THAT(reload("[access]\ntrusted_networks = [\"0.0.0.0/0\"]\n"),
              HasSubstr("warn config.warning at=" + file_ + ":14:1 key=access.trusted_networks"));
}

}  // namespace
}  // namespace postrider::cmd
