// [[lane]]: what it may say, every fault by its text, and how it comes from the environment, is shown and is reloaded.
#include <gmock/gmock.h>

#include "core/config.h"
#include "core/config_changes.h"

namespace postrider {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kUpstream = "[[upstream]]\nname=\"p\"\ntype=\"smtp\"\nhost=\"h.example\"\n";

ConfigResult parsed(const std::string& lanes, std::map<std::string, std::string> environment = {}) {
  ConfigSources sources;
  sources.file_text = kUpstream + lanes;
  sources.environment = std::move(environment);
  return parse_config(sources);
}

std::vector<std::string> texts(const std::vector<ConfigFinding>& findings) {
  std::vector<std::string> out;
  out.reserve(findings.size());
  for (const ConfigFinding& finding : findings) out.push_back(finding.str());
  return out;
}

TEST(ConfigLane, ThereIsNoneUnlessItIsGiven) {
  const ConfigResult result = parsed("");
  EXPECT_THAT(result.config.lanes, IsEmpty());
  EXPECT_THAT(render_effective_config(result, "p.toml"), testing::Not(HasSubstr("[[lane]]")));
}

TEST(ConfigLane, RulesAreReadInTheirOrder) {
  const ConfigResult result = parsed(R"(
[[lane]]
lane = "high"
match = { tag = "password-reset", recipient_domain = ["B\u00fccher.example", ".b.example"] }
[[lane]]
lane = "low"
match = { credential = ["newsletter", ""], sender_domain = "news.example" }
[[lane]]
lane = "normal"
)");
  EXPECT_THAT(texts(result.faults), IsEmpty());
  EXPECT_THAT(texts(result.warnings), IsEmpty());
  ASSERT_EQ(result.config.lanes.size(), 3u);
  const LaneRule &high = result.config.lanes[0], &low = result.config.lanes[1], &rest = result.config.lanes[2];
  EXPECT_EQ(high.lane, Lane::high);
  EXPECT_THAT(high.match.tag, ElementsAre("password-reset"));
  EXPECT_THAT(high.match.recipient_domain, ElementsAre("xn--bcher-kva.example", ".b.example"));
  EXPECT_EQ(low.lane, Lane::low);
  EXPECT_THAT(low.match.credential, ElementsAre("newsletter", ""));
  EXPECT_THAT(low.match.sender_domain, ElementsAre("news.example"));
  EXPECT_EQ(rest.lane, Lane::normal);
  EXPECT_TRUE(rest.match.empty());
}

struct Case {
  const char* toml;  // begins on line 5
  const char* finding;
};

class LaneFault : public testing::TestWithParam<Case> {};
TEST_P(LaneFault, IsTheOnlyOne) {
  EXPECT_THAT(texts(parsed(GetParam().toml).faults), ElementsAre(GetParam().finding));
}
const Case kFaults[] = {
    {"[lane]\nlane = \"low\"\n", "5:2: lane may be there several times: write [[lane]]"},
    {"[[lanes]]\nlane = \"low\"\n", "5:3: [[lanes]] is not a known section; did you mean [[lane]]?"},
    {"[[lane]]\n", "5:1: lane.0.lane is missing: every [[lane]] says which"},
    {"[[lane]]\nlane=\"low\"\n[[lane]]\nmatch = { tag = \"x\" }\n",
     "7:1: lane.1.lane is missing: every [[lane]] says which"},
    {"[[lane]]\nlane = \"lo\"\n", "6:1: lane.lane = \"lo\" is not one of high, normal or low; did you mean \"low\"?"},
    {"[[lane]]\nlane = 1\n", "6:1: lane.lane must be a string, not a number"},
    {"[[lane]]\nlane = \"low\"\nmach = { tag = \"x\" }\n",
     "7:1: lane.mach is not a known key; did you mean lane.match?"},
    {"[[lane]]\nlane = \"low\"\nmatch = { lane = \"high\" }\n",
     "7:11: lane.match.lane is not a known key: there are sender_domain, recipient_domain, tag or credential"},
    {"[[lane]]\nlane = \"low\"\nmatch = { tags = \"x\" }\n",
     "7:11: lane.match.tags is not a known key; did you mean tag?"},
    {"[[lane]]\nlane = \"low\"\nmatch = { tag = [\"x\", \"\"] }\n", "7:23: lane.match.tag = \"\" is empty"},
    {"[[lane]]\nlane = \"low\"\nmatch = { sender_domain = [] }\n", "7:1: lane.match.sender_domain is empty"},
    {"[[lane]]\nlane = \"low\"\nmatch = { recipient_domain = \"@a.example\" }\n",
     "7:11: lane.match.recipient_domain = \"@a.example\" is not a domain such as example.com, or .example.com for its "
     "subdomains too"},
    {"[[lane]]\nlane = \"low\"\nmatch = \"newsletter\"\n",
     "7:1: lane.match must be a table such as { recipient_domain = [\"example.com\"] }, not a string"},
};
INSTANTIATE_TEST_SUITE_P(All, LaneFault, testing::ValuesIn(kFaults));

TEST(ConfigLane, ARuleForAllMailHidesWhatFollows) {
  EXPECT_THAT(texts(parsed("[[lane]]\nlane=\"low\"\n[[lane]]\nlane=\"high\"\nmatch={tag=\"x\"}\n").warnings),
              ElementsAre("5:1: lane.0 is for all mail: what follows it is never asked"));
}

TEST(ConfigLane, TheirNumberHasABound) {
  std::string toml;
  for (int i = 0; i < 64; ++i) toml += "[[lane]]\nlane=\"low\"\nmatch={tag=\"t" + std::to_string(i) + "\"}\n";
  EXPECT_TRUE(parsed(toml).ok());
  EXPECT_THAT(texts(parsed(toml + "[[lane]]\nlane=\"low\"\n").faults),
              ElementsAre("198:1: there are 65 lane rules; there can be at most 64"));
}

TEST(ConfigLane, ComesFromTheEnvironmentByItsPlace) {
  const ConfigResult result =
      parsed("[[lane]]\nlane=\"high\"\n", {{"POSTRIDER_LANE__MATCH", "tag=a,tag=b,credential="},
                                           {"POSTRIDER_LANE__1__LANE", "low"},
                                           {"POSTRIDER_LANE__1__MATCH", "recipient_domain=x.example"},
                                           {"POSTRIDER_LANE__2__LANE", "normal"}});
  EXPECT_THAT(texts(result.faults), IsEmpty());
  ASSERT_EQ(result.config.lanes.size(), 3u);
  EXPECT_EQ(result.config.lanes[0].lane, Lane::high);
  EXPECT_THAT(result.config.lanes[0].match.tag, ElementsAre("a", "b"));
  EXPECT_THAT(result.config.lanes[0].match.credential, ElementsAre(""));
  EXPECT_EQ(result.config.lanes[1].lane, Lane::low);
  EXPECT_THAT(result.config.lanes[1].match.recipient_domain, ElementsAre("x.example"));
}

TEST(ConfigLane, SlipsInTheEnvironmentAreNamed) {
  const ConfigResult result = parsed("", {{"POSTRIDER_LANE__1__LANE", "low"},
                                          {"POSTRIDER_LANE__X__LANE", "low"},
                                          {"POSTRIDER_LANE__LINE", "low"},
                                          {"POSTRIDER_LANE__0__1__LANE", "low"}});
  EXPECT_THAT(texts(result.faults),
              testing::UnorderedElementsAre(
                  "POSTRIDER_LANE__1__LANE: names an entry of lane that is not there; they are counted from 0",
                  "POSTRIDER_LANE__X__LANE: names an entry of lane that is not there; they are counted from 0",
                  "POSTRIDER_LANE__LINE: lane.line is not a known key; did you mean lane.lane?",
                  "POSTRIDER_LANE__0__1__LANE: has more parts than section, number and key"));
}

TEST(ConfigLane, IsShownAsItIsRead) {
  const std::string lane = "[[lane]]\nlane = \"low\"\nmatch = { credential = [\"newsletter\"] }\n";
  const std::string shown = render_effective_config(parsed(lane), "p.toml", Shown::given);
  EXPECT_THAT(shown, testing::ContainsRegex("\\[\\[lane\\]\\]\nlane = \"low\" +# p.toml:6\n"
                                            "match = \\{ credential = \\[\"newsletter\"\\] \\} +# p.toml:7\n"));
  ConfigSources again;
  again.file_text = shown;
  EXPECT_EQ(parse_config(again).config.lanes, parsed(lane).config.lanes);
}

TEST(ConfigLane, TakesEffectByReload) {
  const std::string low = "[[lane]]\nlane = \"low\"\nmatch = { tag = \"a\" }\n";
  const std::string high = "[[lane]]\nlane = \"high\"\nmatch = { tag = \"a\" }\n";
  const auto changes = [](const std::string& before, const std::string& after) {
    std::vector<std::string> out;
    for (const ConfigChange& each : changes_between(parsed(before), parsed(after))) {
      EXPECT_EQ(each.effect, Effect::reload) << each.key;
      out.push_back(each.key + ' ' + each.before + "->" + each.after);
    }
    return out;
  };
  EXPECT_THAT(changes(low, low), IsEmpty());
  EXPECT_THAT(changes(low, high), ElementsAre("lane.0.lane \"low\"->\"high\""));
  EXPECT_THAT(changes("", low), ElementsAre("lane.0 ->"));
  EXPECT_THAT(changes(low + high, low), ElementsAre("lane.1 ->"));
}

}  // namespace
}  // namespace postrider
