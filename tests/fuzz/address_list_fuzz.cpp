// Address lists as sendmail reads them from headers: no octets do harm, and every address found is one, read alone as well.
#include "cmd/sendmail_addresses.h"
#include "tests/fuzz/pieces.h"

using namespace postrider;
using fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<Address> found;
  const auto read = cmd::parse_address_list(fuzz::text(data, size), found);
  if (!read) require(!read.error().text.empty());
  for (const Address& address : found) {
    std::vector<Address> alone;
    require(cmd::parse_address_list(address.str(), alone).has_value());
    require(alone.size() == 1 && alone.front() == address);
  }
  return 0;
}
