// Whatever parses as an address writes itself back to text that parses to the same address.
#include <cstdint>
#include <cstdlib>

#include "core/address.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto address = postrider::parse_address(text);
  if (address.has_error()) return 0;
  if (address->local.size() > 64 || address->domain.size() > 255) std::abort();
  for (const char c : address->str())
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) std::abort();
  const auto again = postrider::parse_address(address->str());
  if (again.has_error() || !(*again == *address)) std::abort();
  if (!address->is_null() && !postrider::address_matches("*", *address)) std::abort();
  if (!address->domain.empty()) (void)postrider::domain_to_ascii(address->domain);
  return 0;
}
