// One realistic configuration of each program against the file that is committed beside it, and every result through `config
// check`. After a change: `postrider import ... --output tests/data/import/PROGRAM/expected.toml --force`, and read the diff.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/config.h"
#include "core/import.h"

namespace postrider {
namespace {

namespace fs = std::filesystem;

fs::path data() {
  fs::path directory = fs::canonical("/proc/self/exe").parent_path();
  while (!fs::exists(directory / "CMakePresets.json")) {
    if (directory == directory.root_path()) throw std::runtime_error("not built below the checkout");
    directory = directory.parent_path();
  }
  return directory / "tests/data/import";
}

ImportFile file(const std::string& path) {
  std::ifstream in(data() / path);
  if (!in) throw std::runtime_error("no " + path);
  std::stringstream content;
  content << in.rdbuf();
  return {fs::path(path).filename().string(), content.str()};
}

ImportResult imported(const std::string& program, const ImportOptions& options = {}) {
  if (program == "msmtp") return import_msmtp(file("msmtp/msmtprc"), options);
  if (program == "ssmtp") return import_ssmtp(file("ssmtp/ssmtp.conf"), options);
  if (program == "postfix")
    return import_postfix({file("postfix/main.cf"), file("postfix/master.cf"), file("postfix/sasl_passwd"),
                           file("postfix/aliases"), file("postfix/generic")},
                          options);
  NullmailerFiles files{file("nullmailer/remotes"), {}};
  for (const std::string& name : nullmailer_controls())
    if (fs::exists(data() / "nullmailer" / name)) files.controls[name] = file("nullmailer/" + name).text;
  return import_nullmailer(files, options);
}

class ImportGolden : public testing::TestWithParam<const char*> {};

TEST_P(ImportGolden, IsTheCommittedFile) {
  EXPECT_EQ(imported(GetParam()).toml, file(std::string(GetParam()) + "/expected.toml").text);
}

TEST_P(ImportGolden, PassesConfigCheck) {
  for (const bool with_secrets : {false, true}) {
    ImportOptions options;
    options.with_secrets = with_secrets;
    const ImportResult imported_now = imported(GetParam(), options);
    ConfigSources sources;
    sources.file_text = imported_now.toml;
    sources.read_file = [&](const std::string& path) -> result<std::string> {
      for (const SecretToMake& secret : imported_now.secrets)
        if (secret.path == path) return std::string("made\n");
      return invalid("is not among those to be made");
    };
    std::vector<std::string> faults;
    for (const ConfigFinding& fault : parse_config(sources).faults) faults.push_back(fault.str());
    EXPECT_THAT(faults, testing::IsEmpty());
  }
}

TEST_P(ImportGolden, HoldsPasswordsOnlyWhenToldTo) {
  ImportOptions options;
  options.with_secrets = true;
  const std::string open = imported(GetParam(), options).toml;
  const std::string closed = imported(GetParam()).toml;
  std::size_t found = 0;
  for (const char* secret : {"pa:ss word-7", "sesame open", "sesame=open"}) {
    EXPECT_EQ(closed.find(secret), std::string::npos);
    found += open.find(secret) != std::string::npos;
  }
  EXPECT_EQ(found, 1u);
  for (const char* never : {"unrelated"}) EXPECT_EQ(open.find(never), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Programs, ImportGolden, testing::Values("postfix", "msmtp", "ssmtp", "nullmailer"),
                         [](const auto& program) { return std::string(program.param); });

}  // namespace
}  // namespace postrider
