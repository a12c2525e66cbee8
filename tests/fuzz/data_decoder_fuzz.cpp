// DATA: the result must not depend on how the octets arrive, and no lone CR, LF or NUL may come out.
#include "relay/smtp/data_decoder.h"
#include "tests/fuzz/pieces.h"

using namespace postrider;
using fuzz::require;

namespace {

struct Result {
  std::string body;
  std::size_t consumed = 0;
  bool finished = false;
  smtp::BodyFault fault = smtp::BodyFault::none;
};

void take(smtp::DataDecoder& decoder, std::string_view piece, Result& result) {
  smtp::Spans spans;
  const auto step = decoder.feed(piece, spans);
  for (std::string_view s : spans) result.body += s;
  result.consumed += step.consumed;
  result.finished = step.finished;
  result.fault = decoder.fault();
}

void check_lines(std::string_view body) {
  for (std::size_t i = 0; i < body.size(); ++i) {
    require(body[i] != '\0');
    if (body[i] == '\r') require(i + 1 < body.size() && body[i + 1] == '\n');
    if (body[i] == '\n') require(i > 0 && body[i - 1] == '\r');
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view input = fuzz::text(data + 1, size - 1);
  smtp::BodyLimits limits;
  limits.bare_newline = (data[0] & 1) != 0 ? smtp::BareNewline::normalise : smtp::BareNewline::reject;
  if ((data[0] & 2) != 0) limits.max_size = data[0] >> 2;
  if ((data[0] & 4) != 0) limits.max_line = data[0] >> 3;

  smtp::DataDecoder whole_decoder(limits), cut_decoder(limits);
  Result whole, cut;
  take(whole_decoder, input, whole);
  fuzz::in_pieces(input, [&](std::string_view piece) {
    take(cut_decoder, piece, cut);
    return !cut.finished;
  });
  require(whole.fault == cut.fault && whole.finished == cut.finished && whole.consumed == cut.consumed);
  require(whole.fault != smtp::BodyFault::none || whole.body == cut.body);
  if (whole.finished && whole.fault == smtp::BodyFault::none) {
    check_lines(whole.body);
    require(whole.body.size() == whole_decoder.size());
    require(input.substr(0, whole.consumed).substr(whole.consumed - 3) == ".\r\n");
  }
  return 0;
}
