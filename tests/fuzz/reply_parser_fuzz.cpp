// Replies of a stranger: bounded, and the same however they arrive.
#include "relay/smtp/ehlo_reply.h"
#include "relay/smtp/reply_parser.h"
#include "tests/fuzz/pieces.h"

using namespace postrider;
using fuzz::require;
using Status = smtp::ReplyParser::Status;

namespace {

struct Result {
  Status status = Status::need_more;
  std::size_t consumed = 0;
};

void take(smtp::ReplyParser& parser, std::string_view piece, Result& result) {
  const auto step = parser.feed(piece);
  result.status = step.status;
  result.consumed += step.consumed;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text(data, size);
  smtp::ReplyParser whole_parser, cut_parser;
  Result whole, cut;
  take(whole_parser, input, whole);
  fuzz::in_pieces(input, [&](std::string_view piece) {
    take(cut_parser, piece, cut);
    return cut.status == Status::need_more;
  });
  require(whole.status == cut.status);
  if (whole.status != Status::complete) return 0;
  require(whole.consumed == cut.consumed);
  const Reply reply = whole_parser.take(), same = cut_parser.take();
  require(reply.code == same.code && reply.enhanced == same.enhanced && reply.lines == same.lines);
  require(reply.code >= 200 && reply.code < 600 && !reply.lines.empty());
  (void)smtp::parse_ehlo_reply(reply);
  return 0;
}
