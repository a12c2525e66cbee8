// Upstreams, routes and events of upstreams as people read them.
#include "cmd/upstream_view.h"

#include <gtest/gtest.h>

#include <boost/json/array.hpp>

namespace postrider::cmd {
namespace {

namespace json = boost::json;

const Time kNow = from_ms(1'700'000'000'000);
const Look kLook{kNow, false, false, 0};

json::object upstream(const std::string& name, const std::string& state) {
  return {{"name", name},
          {"type", "smtp"},
          {"priority", 1},
          {"state", state},
          {"health", state == "out of service" ? "open" : "closed"},
          {"in_service", state == "in service"},
          {"match", nullptr},
          {"waiting", 12},
          {"connections", json::object{{"in_use", 3}, {"max", 20}}}};
}

json::object list(json::array upstreams) {
  return {{"upstreams", std::move(upstreams)},
          {"preference", nullptr},
          {"waiting", json::object{{"messages", 12}, {"for_nobody", 0}}}};
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(UpstreamView, ATableWithLimitsStatesAndErrors) {
  json::object one = upstream("primary", "paused");
  one["paused_until"] = format_rfc3339(kNow + std::chrono::minutes(6));
  one["lossy"] = true;
  one["guarded"] = true;
  one["match"] = json::object{{"lane", json::array{"high", "low"}}, {"tag", json::array{"receipt"}}};
  one["rate"] = json::object{{"limit", "14/s"}, {"full_until", format_rfc3339(kNow)}};
  one["quota"] = json::object{{"day", json::object{{"left", 412}}}, {"month", json::object{{"left", 9000}}}};
  one["last_error"] = json::object{{"text", "421 busy"}, {"at", format_rfc3339(kNow - std::chrono::minutes(2))}};
  const std::string text = render_upstreams(list({one, upstream("backup", "in service")}), kLook);
  for (const char* part : {"paused until 22:19 UTC", "smtp, lossy, guarded", "lane high, low; tag receipt",
                           "14/s, full", "412 today, 9000 this month", "2m ago: 421 busy", "3/20", "in service"})
    EXPECT_TRUE(has(text, part)) << part << "\n" << text;
}

TEST(UpstreamView, SaysTheHotSwapAndWhatNobodyTakes) {
  json::object answer = list({upstream("primary", "in service")});
  answer["preference"] = json::object{
      {"upstream", "backup"},
      {"percent", 5},
      {"messages", nullptr},
      {"by", "ops"},
      {"since", format_rfc3339(kNow)},
      {"score", json::object{{"here", 12}, {"here_failed", 1}, {"elsewhere", 230}, {"elsewhere_failed", 3}}}};
  answer["waiting"] = json::object{{"messages", 12}, {"for_nobody", 2}};
  const std::string text = render_upstreams(answer, kLook);
  EXPECT_TRUE(has(text,
                  "backup is preferred for 5% of mail by ops, since 22:13 UTC; 12 hand-overs there, 1 failed; "
                  "230 elsewhere, 3 failed\n"))
      << text;
  EXPECT_TRUE(has(text, "2 messages of 12 that wait fit no upstream's match")) << text;
}

TEST(UpstreamView, ATestThatFoundNothingInTime) {
  EXPECT_EQ(render_test({{"upstream", "primary"},
                         {"ok", false},
                         {"stage", nullptr},
                         {"duration_ms", 30000},
                         {"text", "no answer within 30s"}},
                        kLook),
            "primary fails after 30000 ms: no answer within 30s\n");
}

TEST(UpstreamView, AForecastForWhatIsOutOfService) {
  EXPECT_EQ(render_forecast({{"upstream", "backup"}, {"waiting", 7}, {"would_move", 0}, {"in_service", false}}, kLook),
            "0 of 7 waiting messages would move to backup; nothing was changed; backup is not in service: none moves "
            "before it is\n");
}

json::object event(const std::string& type, const std::string& actor = {}) {
  return {{"type", type},
          {"upstream", "primary"},
          {"actor", actor.empty() ? json::value(nullptr) : json::value(actor)},
          {"reason_detail", json::object{{"stage", "connect"}, {"code", nullptr}, {"text", "connection refused"}}}};
}

TEST(UpstreamView, EachEventIsASentence) {
  EXPECT_EQ(upstream_sentence(event("upstream_opened")), "primary out of service: connection refused at connect");
  EXPECT_EQ(upstream_sentence(event("upstream_closed")), "primary in service again");
  EXPECT_EQ(upstream_sentence(event("upstream_paused")), "primary paused: connection refused at connect");
  EXPECT_EQ(upstream_sentence(event("upstream_paused", "ops")), "primary paused by ops");
  EXPECT_EQ(upstream_sentence(event("upstream_resumed", "ops")), "primary resumed by ops");
  EXPECT_EQ(upstream_sentence(event("upstream_rolled_back", "ops")), "primary not preferred any more by ops");
  json::object swapped = event("upstream_preferred", "ops");
  swapped["reason_detail"] = json::object{{"stage", "none"}, {"text", "preferred for all mail"}};
  EXPECT_EQ(upstream_sentence(swapped), "primary preferred for all mail, by ops");
  json::object back = event("upstream_rolled_back");
  back["reason_detail"] = json::object{{"stage", "none"}, {"text", "40% of 20 hand-overs failed"}};
  EXPECT_EQ(upstream_sentence(back), "canary primary rolled back: 40% of 20 hand-overs failed");
  back["type"] = "upstream_promoted";
  EXPECT_EQ(upstream_sentence(back), "primary did well as a canary and takes all mail: 40% of 20 hand-overs failed");
}

TEST(UpstreamView, SaysWhoHasTheMailNow) {
  json::object picky = upstream("picky", "in service");
  picky["match"] = json::object{{"lane", json::array{"low"}}};
  const json::object down = upstream("primary", "out of service");
  EXPECT_EQ(where_mail_goes(list({down, picky, upstream("backup", "in service")}), "primary"), "mail goes to backup");
  EXPECT_EQ(where_mail_goes(list({down, picky}), "primary"), "mail goes to others as far as they take it");
  EXPECT_EQ(where_mail_goes(list({down}), "primary"), "no other is in service: mail waits");
  EXPECT_EQ(where_mail_goes(list({upstream("primary", "in service")}), "primary"), "mail goes to it");
}

}  // namespace
}  // namespace postrider::cmd
