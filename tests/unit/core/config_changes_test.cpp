// What a reload reports: every option that differs, whole entries, secrets without their text.
#include "core/config_changes.h"

#include <gmock/gmock.h>

namespace postrider {
namespace {

constexpr const char* kUpstream = "[[upstream]]\nname = \"p\"\ntype = \"smtp\"\nhost = \"h.example\"\n";

ConfigResult parsed(const std::string& toml) {
  ConfigSources sources;
  sources.file_text = toml;
  ConfigResult result = parse_config(sources);
  for (const ConfigFinding& fault : result.faults) ADD_FAILURE() << fault.str();
  return result;
}

std::vector<std::string> changes(const std::string& before, const std::string& after) {
  std::vector<std::string> out;
  for (const ConfigChange& change : changes_between(parsed(before), parsed(after))) {
    const char* word = change.effect == Effect::reload ? " now" : " restart";
    out.push_back(change.kind == ConfigChange::Kind::added ? '+' + change.key + word
                  : change.kind == ConfigChange::Kind::removed
                      ? '-' + change.key + word
                      : change.key + ' ' + change.before + " -> " + change.after + word);
  }
  return out;
}

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ConfigChanges, OtherWordsForTheSameAreNone) {
  EXPECT_THAT(changes("", ""), IsEmpty());
  EXPECT_THAT(changes(kUpstream, std::string("[log]\nlevel = \"info\"\n[smtp]\nidle_timeout = \"300s\"\n") + kUpstream),
              IsEmpty());
}

TEST(ConfigChanges, SayWhatNeedsARestart) {
  EXPECT_THAT(changes("[server]\nthreads = 1\n", "[log]\nlevel = \"debug\"\n[smtp]\nmax_errors = 5\n"),
              ElementsAre("server.threads 1 -> 0 restart", "smtp.max_errors 20 -> 5 now",
                          "log.level \"info\" -> \"debug\" now"));
  EXPECT_THAT(changes("", "[addresses]\norigin = \"example.com\"\n"),
              ElementsAre("addresses.origin  -> \"example.com\" now"));
}

TEST(ConfigChanges, UpstreamsAreFoundByName) {
  const std::string p = std::string(kUpstream) + "priority = 1\n";
  const std::string q = "[[upstream]]\nname = \"q\"\ntype = \"capture\"\npriority = 2\n";
  EXPECT_THAT(changes(p + q, q + p), IsEmpty());
  EXPECT_THAT(changes(p, p + q), ElementsAre("+upstream.q now"));
  EXPECT_THAT(changes(p + q, p), ElementsAre("-upstream.q now"));
  EXPECT_THAT(changes(p, p + "port = 2500\n"), ElementsAre("upstream.p.port 587 -> 2500 now"));
}

TEST(ConfigChanges, ListenersAreFoundByPlace) {
  const std::string one = "[[smtp.listener]]\naddress = \"127.0.0.1:25\"\n";
  const std::string two = "[[smtp.listener]]\naddress = \"127.0.0.1:26\"\n";
  EXPECT_THAT(changes(one, one + two), ElementsAre("+smtp.listener.1 restart"));
  EXPECT_THAT(changes(one, two), ElementsAre("smtp.listener.0.address \"127.0.0.1:25\" -> \"127.0.0.1:26\" restart"));
}

TEST(ConfigChanges, SecretsAreToldApartAndNotShown) {
  const auto with = [](const std::string& password) {
    return std::string(kUpstream) + "username = \"u\"\npassword = \"" + password + "\"\n";
  };
  EXPECT_THAT(changes(with("one"), with("one")), IsEmpty());
  EXPECT_THAT(changes(with("one"), with("two")), ElementsAre("upstream.p.password \"********\" -> \"********\" now"));
}

TEST(ConfigChanges, AnOptionThatTheNewTypeDoesNotHave) {
  const std::string capture = "[[upstream]]\nname = \"p\"\ntype = \"capture\"\n";
  EXPECT_THAT(changes(kUpstream, capture), testing::Contains("upstream.p.host \"h.example\" ->  now"));
}

}  // namespace
}  // namespace postrider
