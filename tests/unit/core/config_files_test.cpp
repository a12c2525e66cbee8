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
  for (const char* secret : {"SMTP_PASSWORD", "API_KEY", "API_SECRET", "ACCESS_KEY", "SECRET_KEY", "SESSION_TOKEN",
                             "SERVER_TOKEN", "WEBHOOK_KEY", "WEBHOOK_PASSWORD", "WEBHOOK_SECRET"})
    sources.environment[secret] = "sesame";
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

// What remains are the keys that exclude each other; no key and no value of the example is refused.
std::vector<std::string> faults_of_type(std::string_view type) {
  std::string example = uncommented(render_config_example());
  constexpr std::string_view kType = "type = \"smtp\"";
  example.replace(example.find(kType), kType.size(), "type = \"" + std::string(type) + '"');
  std::vector<std::string> faults;
  for (const ConfigFinding& fault : parsed(example).faults)
    if (fault.text.find("; this one is of type " + std::string(type)) == std::string::npos)
      faults.push_back(fault.text);
  return faults;
}

TEST(ConfigFiles, ExampleWithEverythingSaidIsUnderstoodForEachType) {
  const std::string both = "upstream.primary.capture_to and redirect_to exclude each other";
  const std::string plain =
      "mgmt.listener.client_ca needs tls = \"on\": without TLS nobody shows a certificate";  // the example's listener
  EXPECT_THAT(faults_of_type("smtp"),
              testing::UnorderedElementsAre("upstream.primary.hosts and host exclude each other",
                                            "upstream.primary.token_file is for auth = \"xoauth2\"", both, plain));
  for (const char* type : {"mailgun", "sendgrid", "mailjet", "ses", "postmark", "resend", "capture"})
    EXPECT_THAT(faults_of_type(type), testing::UnorderedElementsAre(both, plain)) << type;
}

}  // namespace
}  // namespace postrider
