// Whatever another program's configuration holds, its import is a configuration without a fault. The first octet says whose it is.
#include <cstdint>
#include <cstdlib>

#include "core/config.h"
#include "core/import.h"

namespace {

postrider::ImportResult convert(std::uint8_t program, const postrider::ImportFile& file) {
  postrider::ImportOptions options;
  options.with_secrets = true;
  switch (program % 4) {
    case 0:
      return postrider::import_postfix({file, file, file, file, file}, options);
    case 1:
      return postrider::import_msmtp(file, options);
    case 2:
      return postrider::import_ssmtp(file, options);
    default:
      postrider::NullmailerFiles files{file, {}};
      for (const std::string& name : postrider::nullmailer_controls()) files.controls[name] = file.text;
      return postrider::import_nullmailer(files, options);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 4096) return 0;
  postrider::ConfigSources sources;
  sources.file_text = convert(data[0], {"file", {reinterpret_cast<const char*>(data) + 1, size - 1}}).toml;
  sources.read_file = [](const std::string&) -> postrider::result<std::string> { return std::string("made"); };
  if (!postrider::parse_config(sources).ok()) std::abort();
  return 0;
}
