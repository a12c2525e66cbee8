// What the stuffer sends, the decoder must read as one message with the same lines, whatever the body holds.
#include "relay/smtp/data_decoder.h"
#include "relay/smtp/dot_stuffer.h"
#include "tests/fuzz/pieces.h"

using namespace postrider;
using fuzz::require;

namespace {

std::string with_crlf(std::string_view body) {  // the plain way to say what the stuffer does to line ends
  std::string out;
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (body[i] == '\r' || body[i] == '\n') {
      if (body[i] == '\r' && i + 1 < body.size() && body[i + 1] == '\n') ++i;
      out += "\r\n";
    } else {
      out += body[i] == '\0' ? '0' : body[i];
    }
  }
  if (!out.empty() && out.back() != '\n') out += "\r\n";
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string body(fuzz::text(data, size));
  for (char& c : body) c = c == '\0' ? '0' : c;  // NUL never gets into the spool
  std::string wire;
  smtp::DotStuffer stuffer;
  fuzz::in_pieces(body, [&](std::string_view piece) {
    smtp::Spans spans;
    stuffer.feed(piece, spans);
    for (std::string_view s : spans) wire += s;
    return true;
  });
  smtp::Spans spans;
  stuffer.finish(spans);
  for (std::string_view s : spans) wire += s;

  smtp::DataDecoder decoder({});
  spans.clear();
  const auto step = decoder.feed(wire, spans);
  require(step.finished && step.consumed == wire.size() && decoder.fault() == smtp::BodyFault::none);
  std::string back;
  for (std::string_view s : spans) back += s;
  require(back == with_crlf(body));
  return 0;
}
