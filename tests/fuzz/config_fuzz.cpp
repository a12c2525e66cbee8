// No configuration text crashes the parser, and what it understands it can show and understand again.
#include <cstdint>
#include <cstdlib>

#include "core/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  postrider::ConfigSources sources;
  sources.file_text.emplace(reinterpret_cast<const char*>(data), size);
  const postrider::ConfigResult result = postrider::parse_config(sources);
  if (!result.ok()) return 0;
  if (result.config.upstreams.empty() || result.config.smtp_listeners.empty()) std::abort();
  sources.file_text = postrider::render_effective_config(result, "fuzz.toml");
  if (!postrider::parse_config(sources).ok()) std::abort();
  return 0;
}
