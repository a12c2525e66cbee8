// The header section: nothing is lost or made up, however the octets arrive.
#include "relay/smtp/header_scanner.h"
#include "tests/fuzz/pieces.h"

using namespace postrider;
using fuzz::require;
using Status = smtp::HeaderScanner::Status;

namespace {

struct Result {
  Status status = Status::need_more;
  std::size_t consumed = 0;
};

void take(smtp::HeaderScanner& scanner, std::string_view piece, Result& result) {
  const auto step = scanner.feed(piece);
  result.status = step.status;
  result.consumed += step.consumed;
}

std::string rebuild(smtp::HeaderScanner& scanner, std::string_view rest) {
  std::string message;
  for (const smtp::HeaderField& field : scanner.fields()) message += field.raw;
  require(message == scanner.section());
  if (scanner.separator()) message += "\r\n";
  message += scanner.body_prefix();
  return message.append(rest);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string input;  // lines as the decoders give them
  for (char c : fuzz::text(data, size)) {
    if (c == '\n') input += '\r';
    if (c != '\r') input += c;
  }
  smtp::HeaderScanner whole_scanner(2000), cut_scanner(2000);
  Result whole, cut;
  take(whole_scanner, input, whole);
  fuzz::in_pieces(input, [&](std::string_view piece) {
    take(cut_scanner, piece, cut);
    return cut.status == Status::need_more;
  });
  require(whole.status == cut.status);
  if (whole.status == Status::too_big) return 0;
  if (whole.status == Status::need_more) {
    whole_scanner.finish();
    cut_scanner.finish();
  }
  require(rebuild(whole_scanner, std::string_view(input).substr(whole.consumed)) == input);
  require(rebuild(cut_scanner, std::string_view(input).substr(cut.consumed)) == input);
  require(whole_scanner.section() == cut_scanner.section() && whole_scanner.separator() == cut_scanner.separator());
  return 0;
}
