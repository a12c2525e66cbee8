// An id that parses is written back as the same text in lower case, and times survive their text form.
#include <cstdint>
#include <cstdlib>

#include "core/id.h"
#include "core/time.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto id = postrider::MessageId::parse(text)) {
    const std::string written = text.size() == postrider::MessageId::kTextLength ? id->str() : id->uuid();
    for (std::size_t i = 0; i < written.size(); ++i)
      if ((written[i] | 0x20) != (text[i] | 0x20)) std::abort();
    if (postrider::MessageId::parse(written) != id) std::abort();
  }
  if (const auto time = postrider::parse_rfc3339(text))
    if (*time >= postrider::Time{} && postrider::parse_rfc3339(postrider::format_rfc3339(*time)) != time) {
      if (postrider::to_ms(*time) <= 253'402'300'799'999) std::abort();  // beyond year 9999 it is clamped
    }
  if (const auto duration = postrider::parse_duration(text))
    if (postrider::parse_duration(postrider::format_duration(*duration)) != duration) std::abort();
  return 0;
}
