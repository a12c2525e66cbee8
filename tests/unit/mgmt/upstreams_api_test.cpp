// Upstreams over HTTP: what is shown, the operator's hand on them, the test, and the questions about routes.
#include "mgmt/upstreams_api.h"

#include <gtest/gtest.h>

#include "tests/unit/mgmt/api_server.h"

namespace postrider::mgmt::test {
namespace {

namespace json = boost::json;

std::string text(const json::object& object, const char* name) {
  return std::string(object.at(name).as_string());
}

std::uint64_t number(const json::object& object, const char* name) {
  return object.at(name).to_number<std::uint64_t>();
}

json::object named(const json::object& list, const std::string& name) {
  for (const json::value& one : list.at("upstreams").as_array())
    if (one.at("name").as_string() == name) return one.as_object();
  throw std::runtime_error("no upstream " + name + " in the list");
}

std::vector<std::string> names(const json::object& list) {
  std::vector<std::string> out;
  for (const json::value& one : list.at("upstreams").as_array()) out.emplace_back(one.at("name").as_string());
  return out;
}

using Names = std::vector<std::string>;

TEST(UpstreamsApi, ShowsWhatThereIsAndNoSecret) {
  ApiServer server;
  const Answer answer = server.call("GET", "/v1/upstreams");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.body.find("the-password-of"), std::string::npos);
  EXPECT_EQ(answer.body.find("the-key-of"), std::string::npos);
  const json::object list = answer.json();
  EXPECT_EQ(names(list), (Names{"primary", "backup"}));
  EXPECT_TRUE(list.at("preference").is_null());
  const json::object primary = named(list, "primary");
  EXPECT_EQ(text(primary, "type"), "smtp");
  EXPECT_EQ(text(primary, "state"), "in service");
  EXPECT_EQ(text(primary, "health"), "closed");
  EXPECT_FALSE(primary.at("lossy").as_bool());
  EXPECT_TRUE(primary.at("last_error").is_null());
  EXPECT_TRUE(primary.at("rate").is_null());
  EXPECT_TRUE(primary.at("quota").is_null());
  EXPECT_EQ(primary.at("connections").at("max").to_number<int>(), 20);
  EXPECT_TRUE(named(list, "backup").at("lossy").as_bool());
  EXPECT_EQ(server.call("GET", "/v1/upstreams/backup").json(), named(list, "backup"));
  EXPECT_EQ(server.call("GET", "/v1/upstreams/other").status, 404);
  EXPECT_EQ(server.call_as_tenant("GET", "/v1/upstreams").status, 403);
}

TEST(UpstreamsApi, ShowsHealthLimitsAndCounts) {
  ServerSetup setup;
  setup.upstreams[0].rate = {14, std::chrono::seconds(1)};
  setup.upstreams[0].monthly_quota = 100;
  setup.upstreams[0].match.lane = {"high", "normal"};
  setup.upstreams[0].guard.allow_recipients = {"@example.com"};
  ApiServer server(std::move(setup));
  const Time now = net::SystemClock().now(), end = now + std::chrono::hours(24);
  relay::Upstream& upstream = server.upstreams().at("primary");
  upstream.month().begin_period(now, end, 60);
  upstream.month().grant(60);
  upstream.day().begin_period(now, end, 0);
  upstream.count_attempt(OutcomeKind::uncertain);
  upstream.enter();
  server.upstreams().fail("primary");
  const json::object shown = server.call("GET", "/v1/upstreams/primary").json();
  EXPECT_EQ(text(shown, "state"), "out of service");
  EXPECT_EQ(text(shown, "health"), "open");
  EXPECT_FALSE(shown.at("in_service").as_bool());
  EXPECT_TRUE(shown.at("guarded").as_bool());
  EXPECT_EQ(shown.at("match"), (json::value{{"lane", {"high", "normal"}}}));
  EXPECT_EQ(shown.at("last_error").at("text"), "connection refused");
  EXPECT_EQ(shown.at("last_error").at("stage"), "connect");
  EXPECT_EQ(shown.at("rate").at("limit"), "14/s");
  EXPECT_TRUE(shown.at("quota").at("day").is_null());
  EXPECT_EQ(shown.at("quota").at("month").at("left").to_number<int>(), 40);
  EXPECT_EQ(shown.at("quota").at("month").at("renewed_at").as_string(), format_rfc3339(end));
  EXPECT_EQ(shown.at("attempts").at("uncertain").to_number<int>(), 1);
  EXPECT_EQ(shown.at("recent").at("failed").to_number<int>(), 5);
  EXPECT_EQ(number(shown, "in_flight"), 1u);
}

TEST(UpstreamsApi, ALearnedPauseAndAUsedUpQuotaAreStates) {
  ServerSetup setup;
  setup.upstreams[1].daily_quota = 10;
  ApiServer server(std::move(setup));
  const Time now = net::SystemClock().now(), until = now + std::chrono::minutes(5);
  server.upstreams().at("primary").pause_until(until, now, {Cause::throttle, Stage::mail, 421, "4.7.0", "too many"});
  server.upstreams().at("backup").day().begin_period(now, until, 10);
  const json::object list = server.call("GET", "/v1/upstreams").json();
  EXPECT_EQ(text(named(list, "primary"), "state"), "paused");
  EXPECT_EQ(text(named(list, "primary"), "paused_until"), format_rfc3339(until));
  EXPECT_EQ(text(named(list, "primary").at("last_error").as_object(), "text"), "too many");
  EXPECT_EQ(text(named(list, "backup"), "state"), "quota used up");
}

TEST(UpstreamsApi, PauseAndResume) {
  ApiServer server;
  const Answer paused = server.call("POST", "/v1/upstreams/primary/pause");
  ASSERT_EQ(paused.status, 200) << paused.body;
  EXPECT_EQ(text(paused.json(), "state"), "stopped");
  EXPECT_TRUE(server.upstreams().at("primary").stopped());
  ASSERT_EQ(server.upstreams().news().size(), 1u);
  EXPECT_EQ(server.upstreams().news()[0].actor, "operator");
  EXPECT_EQ(server.call("POST", "/v1/upstreams/primary/pause").status, 409);
  EXPECT_EQ(text(server.call("POST", "/v1/upstreams/primary/resume").json(), "state"), "in service");
  EXPECT_EQ(server.call("POST", "/v1/upstreams/primary/resume").status, 409);
  EXPECT_EQ(server.call("POST", "/v1/upstreams/other/resume").status, 404);
  EXPECT_EQ(server.call("POST", "/v1/upstreams/primary/pause", R"({"for":"5m"})").status, 400);
  EXPECT_EQ(server.call_as_tenant("POST", "/v1/upstreams/primary/pause").status, 403);
  EXPECT_FALSE(server.upstreams().at("primary").stopped());
}

TEST(UpstreamsApi, PrefersForAllMailAndTakesItBack) {
  ApiServer server;
  const json::object preferred = server.call("POST", "/v1/upstreams/backup/prefer").json();
  EXPECT_EQ(preferred.at("preferred").at("by"), "operator");
  EXPECT_TRUE(preferred.at("preferred").at("score").is_null());
  const json::object list = server.call("GET", "/v1/upstreams").json();
  EXPECT_EQ(names(list), (Names{"backup", "primary"}));
  EXPECT_EQ(list.at("preference").at("upstream"), "backup");
  EXPECT_TRUE(named(list, "primary").at("preferred").is_null());
  const json::object after = server.call("POST", "/v1/upstreams/prefer-none").json();
  EXPECT_TRUE(after.at("preference").is_null());
  EXPECT_EQ(names(after), (Names{"primary", "backup"}));
  EXPECT_EQ(server.call("POST", "/v1/upstreams/prefer-none").status, 409);
}

TEST(UpstreamsApi, ACanaryIsAShareOrANumber) {
  ApiServer server;
  const auto preferred = [&] { return server.upstreams().routes().preference().get(); };
  ASSERT_EQ(server.call("POST", "/v1/upstreams/backup/prefer", R"({"canary":"5%"})").status, 200);
  EXPECT_EQ(preferred()->percent, 5u);
  const json::object shown = server.call("POST", "/v1/upstreams/backup/prefer", R"({"canary":100})").json();
  EXPECT_EQ(preferred()->messages, 100u);
  EXPECT_EQ(shown.at("preferred").at("score").at("here").to_number<int>(), 0);
  ASSERT_EQ(server.call("POST", "/v1/upstreams/primary/prefer?canary=7%25").status, 200);
  EXPECT_EQ(preferred()->percent, 7u);
  for (const char* wrong : {R"({"canary":"0%"})", R"({"canary":"100%"})", R"({"canary":"all"})", R"({"canary":0})",
                            R"({"canary":-3})", R"({"canary":true})", R"({"canary":""})", R"({"share":5})"})
    EXPECT_EQ(server.call("POST", "/v1/upstreams/backup/prefer", wrong).status, 400) << wrong;
  EXPECT_EQ(preferred()->upstream, "primary");
  EXPECT_EQ(server.call("POST", "/v1/upstreams/other/prefer").status, 404);
}

TEST(UpstreamsApi, ADryRunCountsAndChangesNothing) {
  ApiServer server;
  for (const Lane lane : {Lane::high, Lane::low, Lane::low}) {
    storage::NewMessage message = server.make("a@example.com", {"b@example.net"});
    message.record.envelope.lane = lane;
    server.accept(std::move(message));
  }
  const json::object moves = server.call("POST", "/v1/upstreams/backup/prefer", R"({"dry_run":true})").json();
  EXPECT_EQ(number(moves, "waiting"), 3u);
  EXPECT_EQ(number(moves, "would_move"), 3u);
  EXPECT_EQ(moves.at("lanes").at("low").at("would_move").to_number<int>(), 2);
  const json::object stays = server.call("POST", "/v1/upstreams/primary/prefer?dry_run=true").json();
  EXPECT_EQ(number(stays, "would_move"), 0u);
  EXPECT_FALSE(server.upstreams().routes().preference().get());
  EXPECT_TRUE(server.upstreams().news().empty());
  EXPECT_EQ(server.call("POST", "/v1/upstreams/other/prefer?dry_run=true").status, 404);
}

TEST(UpstreamsApi, WaitingIsCountedByWhoMayTakeIt) {
  ServerSetup setup;
  setup.upstreams[0].match.lane = {"high"};
  setup.upstreams[1].match.lane = {"high", "low"};
  ApiServer server(std::move(setup));
  const relay::Routes& routes = server.upstreams().routes();
  for (const Lane lane : {Lane::high, Lane::low, Lane::low, Lane::normal}) {
    storage::NewMessage message = server.make("a@example.com", {"b@example.net"});
    message.record.envelope.lane = lane;
    message.record.wait_bucket = routes.bucket(routes.eligible(message.record));
    server.accept(std::move(message));
  }
  const json::object list = server.call("GET", "/v1/upstreams").json();
  EXPECT_EQ(number(named(list, "primary"), "waiting"), 1u);
  EXPECT_EQ(number(named(list, "backup"), "waiting"), 3u);
  EXPECT_EQ(list.at("waiting"), (json::value{{"messages", 4}, {"for_nobody", 1}}));
}

// ---- the test -------------------------------------------------------------------------------------------------------

TEST(UpstreamsApi, ATestSaysHowFarItCame) {
  ApiServer server;
  server.upstreams().found.outcome = OutcomeKind::sent;
  server.upstreams().found.stage = Stage::auth;
  server.upstreams().found.peer = "smtp.example.net[192.0.2.1]:587";
  server.upstreams().found.tls = "TLSv1.3";
  server.upstreams().found.duration_ms = 120;
  const json::object works = server.call("POST", "/v1/upstreams/primary/test").json();
  EXPECT_TRUE(works.at("ok").as_bool());
  EXPECT_EQ(text(works, "stage"), "auth");
  EXPECT_EQ(text(works, "tls"), "TLSv1.3");
  EXPECT_EQ(number(works, "duration_ms"), 120u);
  server.upstreams().found.outcome = OutcomeKind::deferred;
  server.upstreams().found.reason = {Cause::route, Stage::auth, 535, "5.7.8", "no"};
  const json::object fails = server.call("POST", "/v1/upstreams/primary/test").json();
  EXPECT_FALSE(fails.at("ok").as_bool());
  EXPECT_EQ(number(fails, "code"), 535u);
  EXPECT_EQ(text(fails, "enhanced_code"), "5.7.8");
  EXPECT_EQ(server.call("POST", "/v1/upstreams/other/test").status, 404);
}

TEST(UpstreamsApi, ATestThatNeverEndsIsAnsweredAndTheirNumberIsBounded) {
  ServerSetup setup;
  setup.upstream_limits.test = std::chrono::milliseconds(20);
  setup.upstream_limits.tests = 2;
  ApiServer server(std::move(setup));
  server.upstreams().never_found = true;
  for (int i = 0; i < 2; ++i) {
    const json::object none = server.call("POST", "/v1/upstreams/primary/test").json();
    EXPECT_FALSE(none.at("ok").as_bool());
    EXPECT_TRUE(none.at("stage").is_null());
    EXPECT_EQ(text(none, "text"), "no answer within 20ms");
  }
  EXPECT_EQ(server.call("POST", "/v1/upstreams/primary/test").status, 503);  // the two are under way still
}

// ---- routes ---------------------------------------------------------------------------------------------------------

TEST(RouteApi, ExplainsAQuestion) {
  ServerSetup setup;
  setup.upstreams[0].match.tag = {"receipt"};
  ApiServer server(std::move(setup));
  const json::object plain = server.call("GET", "/v1/route/explain?from=a@example.com&to=b@example.net").json();
  EXPECT_EQ(plain.at("chosen").at("upstream"), "backup");
  EXPECT_EQ(plain.at("upstreams").as_array().size(), 2u);
  EXPECT_FALSE(plain.at("upstreams").at(0).at("eligible").as_bool());
  EXPECT_EQ(plain.at("upstreams").at(0).at("why"), "its match does not fit: tag");
  const json::object tagged =
      server.call("GET", "/v1/route/explain?from=%3C%3E&to=b@example.net&tag=x,receipt&lane=low").json();
  EXPECT_EQ(tagged.at("chosen").at("upstream"), "primary");
  EXPECT_EQ(tagged.at("next").at("upstream"), "backup");
  EXPECT_EQ(text(tagged, "from"), "");
  EXPECT_EQ(tagged.at("tags"), (json::value{"x", "receipt"}));
  EXPECT_EQ(text(tagged, "lane"), "low");
}

// As the submission does: aliases apart, on the recipient that the guard leaves.
TEST(RouteApi, WithoutALaneTheRulesGiveIt) {
  ServerSetup setup;
  setup.upstreams[0].match.lane = {"low"};
  UpstreamMatch to_qa;
  to_qa.recipient_domain = {"qa.example"};
  setup.lanes = {{Lane::low, to_qa}};
  ApiServer server(std::move(setup));
  storage::UserRecord staging;
  staging.name = "staging";
  staging.guard.redirect_to = "all@qa.example";
  server.add_user(staging);
  const auto chosen = [&](const std::string& query) {
    const json::object route = server.call("GET", "/v1/route/explain?" + query).json();
    return text(route, "lane") + ' ' + std::string(route.at("chosen").at("upstream").as_string());
  };
  EXPECT_EQ(chosen("to=b@qa.example"), "low primary");
  EXPECT_EQ(chosen("to=b@qa.example&lane=normal"), "normal backup");
  EXPECT_EQ(chosen("to=b@example.net"), "normal backup");
  EXPECT_EQ(chosen("to=b@example.net&credential=staging"), "low primary");
}

TEST(RouteApi, AppliesTheGuardOfTheCredential) {
  ApiServer server;
  storage::UserRecord user;
  user.name = "staging";
  user.guard.redirect_to = "qa@example.com";
  server.add_user(user);
  user.name = "locked";
  user.guard = {{"@example.com"}, "", ""};
  server.add_user(user);
  const json::object redirected = server.call("GET", "/v1/route/explain?to=b@example.net&credential=staging").json();
  EXPECT_EQ(text(redirected, "to"), "qa@example.com");
  EXPECT_EQ(text(redirected, "redirected_from"), "b@example.net");
  const json::object refused = server.call("GET", "/v1/route/explain?to=b@example.net&credential=locked").json();
  EXPECT_TRUE(refused.at("refused").as_bool());
  EXPECT_TRUE(refused.at("chosen").is_null());
  const json::object allowed = server.call("GET", "/v1/route/explain?to=b@example.com&credential=locked").json();
  EXPECT_FALSE(allowed.at("refused").as_bool());
  EXPECT_EQ(server.call("GET", "/v1/route/explain?to=b@example.net&credential=nobody").status, 404);
}

TEST(RouteApi, FaultyQuestionsAreNamed) {
  ApiServer server;
  std::string many = "to=b@example.net&tag=t";
  for (int i = 0; i < 16; ++i) many += ",t" + std::to_string(i);
  const std::pair<std::string, const char*> faulty[] = {{"from=a@example.com", "'to'"},
                                                        {"to=", "'to'"},
                                                        {"to=b@@", "'to'"},
                                                        {"to=b@example.net&from=a@@", "'from'"},
                                                        {"to=b@example.net&lane=fast", "'lane'"},
                                                        {many, "'tag'"}};
  for (const auto& [query, named] : faulty) {
    const Answer answer = server.call("GET", "/v1/route/explain?" + query);
    EXPECT_EQ(answer.status, 400) << query;
    EXPECT_NE(answer.body.find(named), std::string::npos) << answer.body;
  }
}

TEST(RouteApi, ExplainsAStoredMessageForEachRecipient) {
  ServerSetup setup;
  setup.upstreams[0].match.recipient_domain = {"example.net"};
  setup.upstream_limits.recipients = 2;
  ApiServer server(std::move(setup));
  const std::string id = server.accept("a@example.com", {"b@example.net", "c@example.org", "d@example.org"}).str();
  const json::object routes = server.call("GET", "/v1/messages/" + id + "/route").json();
  const json::array& recipients = routes.at("recipients").as_array();
  ASSERT_EQ(recipients.size(), 2u);
  EXPECT_TRUE(routes.at("more").as_bool());
  EXPECT_EQ(recipients[0].at("route").at("chosen").at("upstream"), "primary");
  EXPECT_EQ(recipients[1].at("route").at("chosen").at("upstream"), "backup");
  ASSERT_EQ(server.call("POST", "/v1/messages/" + id + "/cancel").status, 200);
  const json::object finished = server.call("GET", "/v1/messages/" + id + "/route").json();
  EXPECT_TRUE(finished.at("recipients").at(0).at("route").is_null());
  EXPECT_EQ(server.call("GET", "/v1/messages/nothing/route").status, 404);
}

}  // namespace
}  // namespace postrider::mgmt::test
