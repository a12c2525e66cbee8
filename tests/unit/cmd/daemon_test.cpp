// The daemon put together: starts, answers, stops, starts again; and what it says when it cannot.
#include "cmd/daemon.h"

#include <gtest/gtest.h>
#include <sysexits.h>

#include "cmd/data_dir.h"
#include "cmd/exit_codes.h"
#include "net/http_client.h"
#include "storage/lmdb_store.h"
#include "tests/temp_directory.h"

namespace postrider::cmd {
namespace {

class DaemonTest : public testing::Test {
 protected:
  DaemonTest()
      : log_(make_log(
            {}, [](std::string_view) {}, [] { return net::SystemClock().now(); })) {
    ConfigSources sources;
    sources.file_text = "[server]\nhostname = \"relay.example.com\"\ndata_dir = \"" + (directory_ / "data") +
                        "\"\n[spool]\nmax_size = \"64MiB\"\n[[smtp.listener]]\naddress = \"127.0.0.1:0\"\n"
                        "[[mgmt.listener]]\naddress = \"127.0.0.1:0\"\n";
    config_ = parse_config(sources).config;
    prepare_data_dir(config_.server.data_dir);
  }
  // "API on http://127.0.0.1:4711" of the summary.
  static std::string url_of(const Daemon& daemon) {
    const std::string summary = daemon.summary();
    const auto from = summary.find("http://");
    return summary.substr(from, summary.find(',', from) - from);
  }
  static int status_of(const std::string& url) {
    net::HttpRequest request;
    request.url = url;
    const auto answer = net::http_call(request);
    return answer ? answer->status : 0;
  }

  TempDirectory directory_;
  Config config_;
  std::unique_ptr<OperatorLog> log_;
};

TEST_F(DaemonTest, StartsAnswersStopsAndStartsAgain) {
  for (int round = 0; round < 2; ++round) {
    Daemon daemon(config_, *log_);
    daemon.start();
    EXPECT_TRUE(daemon.summary().starts_with("SMTP on 127.0.0.1:")) << daemon.summary();
    EXPECT_NE(daemon.summary().find("operator.token"), std::string::npos);
    const std::string url = url_of(daemon);
    EXPECT_EQ(status_of(url + "/readyz"), 200);
    EXPECT_EQ(status_of(url + "/v1/messages"), 401);
    daemon.stop();
    EXPECT_EQ(status_of(url + "/readyz"), 0);
  }
}

TEST_F(DaemonTest, ReloadsItsCertificateWhileItRuns) {
  Daemon daemon(config_, *log_);
  daemon.start();
  Config fresh = config_;
  fresh.log.level = LogLevel::error;
  daemon.reload(fresh);
  EXPECT_FALSE(log_->enabled(LogLevel::info));
  fresh.tls.certificate = fresh.tls.key = directory_ / "nowhere.pem";
  EXPECT_THROW(daemon.reload(fresh), CommandError);
  EXPECT_EQ(status_of(url_of(daemon) + "/readyz"), 200);
  daemon.stop();
}

TEST_F(DaemonTest, AnAddressInUseIsNamed) {
  Config same = config_;
  {
    Daemon first(config_, *log_);
    const std::string url = url_of(first);
    same.server.data_dir = directory_ / "other";
    prepare_data_dir(same.server.data_dir);
    same.mgmt_listeners[0].address = url.substr(std::string("http://").size());
    try {
      Daemon second(same, *log_);
      ADD_FAILURE() << "two daemons on one address";
    } catch (const CommandError& error) {
      EXPECT_EQ(error.exit_code(), EX_UNAVAILABLE);
      EXPECT_NE(std::string(error.what()).find("[[mgmt.listener]] address = \"" + same.mgmt_listeners[0].address),
                std::string::npos)
          << error.what();
    }
  }
  Daemon later(same, *log_);
  EXPECT_NE(later.summary().find(same.mgmt_listeners[0].address), std::string::npos);
}

TEST_F(DaemonTest, ASpoolInUseIsRefused) {
  Daemon first(config_, *log_);
  EXPECT_THROW(Daemon(config_, *log_), storage::SpoolError);
}

}  // namespace
}  // namespace postrider::cmd
