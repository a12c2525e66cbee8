#include "cmd/upstream_classify.h"

#include <gtest/gtest.h>
#include <sysexits.h>

#include <CLI/CLI.hpp>
#include <boost/json/parse.hpp>
#include <fstream>

#include "cmd/exit_codes.h"
#include "tests/temp_directory.h"

namespace postrider::cmd {
namespace {

class Classify : public testing::Test {
 protected:
  std::string write(const std::string& text) const {
    const std::string path = directory_ / "body";
    std::ofstream(path) << text;
    return path;
  }
  static std::string output(const ClassifyOptions& options) {
    testing::internal::CaptureStdout();
    EXPECT_EQ(run_upstream_classify(options), EX_OK);
    return testing::internal::GetCapturedStdout();
  }
  static int refused(const ClassifyOptions& options) {
    try {
      run_upstream_classify(options);
    } catch (const CommandError& error) {
      return error.exit_code();
    }
    return EX_OK;
  }

  const TempDirectory directory_;
};

TEST_F(Classify, SaysWhatABadAddressMeans) {
  ClassifyOptions options{
      "mailgun", 400, write(R"({"message":"'to' parameter is not a valid address. please check"})"), {}};
  EXPECT_EQ(output(options),
            "outcome       bounced\n"
            "cause         recipient\n"
            "said          'to' parameter is not a valid address. please check\n"
            "next          the recipients bounce at once; no other upstream is asked\n");
  options.recipients = 2;
  EXPECT_NE(output(options).find("sent again in two halves"), std::string::npos);
}

TEST_F(Classify, GivesTheSameAsJson) {
  ClassifyOptions options{"ses", 200, write(R"({"MessageId":"0100"})"), {}};
  options.json = true;
  const boost::json::value shown = boost::json::parse(output(options));
  EXPECT_EQ(shown.at("outcome").as_string(), "sent");
  EXPECT_EQ(shown.at("provider_id").as_string(), "0100");
  EXPECT_EQ(shown.at("code").as_int64(), 200);
  EXPECT_TRUE(shown.at("paused_until").is_null());
  EXPECT_FALSE(shown.at("split").as_bool());
  EXPECT_TRUE(shown.at("recipients").as_array().empty());
}

TEST_F(Classify, ReadsFieldsOfTheHeader) {
  ClassifyOptions options{"mailgun", 429, "", {"Retry-After:  0 "}};
  options.json = true;
  EXPECT_TRUE(boost::json::parse(output(options)).at("paused_until").is_string());
  ClassifyOptions named{"ses", 400, "", {"X-Amzn-ErrorType: SendingPausedException:http://x/"}};
  EXPECT_NE(output(named).find("SendingPausedException"), std::string::npos);
}

TEST_F(Classify, ReadsAsAnUpstreamWithSandboxWould) {
  ClassifyOptions options{"sendgrid", 200, "", {}};
  EXPECT_NE(output(options).find("uncertain"), std::string::npos);
  options.sandbox = true;
  EXPECT_EQ(output(options).find("uncertain"), std::string::npos);
}

TEST_F(Classify, RefusesWhatItCannotUse) {
  EXPECT_EQ(refused({"smtp", 400, "", {}}), EX_USAGE);
  EXPECT_EQ(refused({"mailgun", 400, "", {"no colon"}}), EX_USAGE);
  EXPECT_EQ(refused({"mailgun", 400, "", {": x"}}), EX_USAGE);
  EXPECT_EQ(refused({"mailgun", 400, directory_ / "missing", {}}), EX_NOINPUT);
}

TEST_F(Classify, TakesItsOptionsFromTheCommandLine) {
  CLI::App app;
  ClassifyOptions options;
  add_classify_options(app, options);
  app.parse("--type ses --status 429 --header \"A: b\" --header \"C: d\" --recipients 3");
  EXPECT_EQ(options.type, "ses");
  EXPECT_EQ(options.status, 429);
  EXPECT_EQ(options.headers, (std::vector<std::string>{"A: b", "C: d"}));
  EXPECT_EQ(options.recipients, 3u);
  EXPECT_THROW(app.parse("--type ses --status 42"), CLI::ParseError);
  EXPECT_THROW(app.parse("--type ses"), CLI::ParseError);
}

TEST(WhatFollows, NamesThePause) {
  const Time now = *parse_rfc3339("2026-11-22T08:00:00Z");
  providers::Reading reading;
  reading.reason.cause = Cause::throttle;
  EXPECT_EQ(what_follows(reading, now),
            "the upstream is paused; mail waits or goes to the next upstream, and no try is spent");
  reading.throttled_until = now + std::chrono::hours(1);
  EXPECT_EQ(what_follows(reading, now),
            "the upstream is paused until 2026-11-22T09:00:00Z (in 1h); mail waits or goes to the next upstream, and "
            "no try is spent");
}

}  // namespace
}  // namespace postrider::cmd
