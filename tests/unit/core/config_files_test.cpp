// The committed docs/configuration.md and config/postrider.toml are what the table of options makes: run
// `postrider config reference > docs/configuration.md` and `... --toml > config/postrider.toml` after a change.
#include <gmock/gmock.h>

#include <sstream>

#include "core/config.h"
#include "tests/checkout.h"

namespace postrider {
namespace {

// The example with every `# key = value` and `# [section]` taken as said.
std::string uncommented(const std::string& example) {
  std::istringstream in(example);
  std::string out, line;
  while (std::getline(in, line)) {
    const bool entry = line.starts_with("# [") || (line.starts_with("# ") && line.find(" = ") < line.find(' ', 2) + 1);
    out += (entry ? line.substr(2) : line) + '\n';
  }
  return out;
}

ConfigResult parsed(std::string text) {
  ConfigSources sources;
  sources.file_text = std::move(text);
  sources.environment["SMTP_PASSWORD"] = "sesame";
  return parse_config(sources);
}

TEST(ConfigFiles, ReferenceIsCurrent) {
  EXPECT_EQ(committed("docs/configuration.md"), render_config_reference());
}

TEST(ConfigFiles, ExampleIsCurrent) {
  EXPECT_EQ(committed("config/postrider.toml"), render_config_example());
}

TEST(ConfigFiles, ExampleAsItIsMeansTheDefaults) {
  const ConfigResult result = parsed(render_config_example());
  EXPECT_TRUE(result.ok());
  ConfigSources none;
  EXPECT_EQ(render_effective_config(result, ""), render_effective_config(parse_config(none), ""));
}

TEST(ConfigFiles, ExampleWithEverythingSaidIsUnderstood) {
  // What remains are the keys that exclude each other; no key and no value of the example is refused.
  std::vector<std::string> faults;
  for (const ConfigFinding& fault : parsed(uncommented(render_config_example())).faults) faults.push_back(fault.text);
  EXPECT_THAT(faults, testing::UnorderedElementsAre(
                          "upstream.primary.hosts and host exclude each other",
                          "upstream.primary.token_file is for auth = \"xoauth2\"",
                          "upstream.primary.directory is for upstreams of type capture; this one is of type smtp"));
}

}  // namespace
}  // namespace postrider
