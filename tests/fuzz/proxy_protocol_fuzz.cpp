// PROXY headers: every shorter front of an accepted header asks for more, and only the header is consumed.
#include "relay/smtp/proxy_protocol.h"
#include "tests/fuzz/pieces.h"

using namespace postrider;
using fuzz::require;
using smtp::ProxyStatus;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text(data, size);
  const smtp::ProxyResult result = smtp::parse_proxy_header(input);
  if (result.status != ProxyStatus::complete) return 0;
  require(result.consumed > 0 && result.consumed <= size);
  require(result.header.local == result.header.source.empty());
  for (std::size_t n = 0; n < result.consumed; ++n) {
    require(smtp::parse_proxy_header(input.substr(0, n)).status == ProxyStatus::need_more);
  }
  require(smtp::parse_proxy_header(input.substr(0, result.consumed)).status == ProxyStatus::complete);
  return 0;
}
