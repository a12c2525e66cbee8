// A drop file's envelope: any octets, cut anywhere, give the same verdict; what is taken can be written and read again.
#include "relay/inbound/maildrop_file.h"
#include "tests/fuzz/pieces.h"

using namespace postrider;
using fuzz::require;
using relay::MaildropReader;
using Status = MaildropReader::Status;

namespace {

struct Result {
  Status status = Status::need_more;
  std::size_t consumed = 0;
};

Result read_whole(MaildropReader& reader, std::string_view text) {
  const auto step = reader.feed(text);
  return {step.status, step.consumed};
}

Result read_in_pieces(MaildropReader& reader, std::string_view text) {
  Result result;
  fuzz::in_pieces(text, [&](std::string_view piece) {
    const auto step = reader.feed(piece);
    result.status = step.status;
    result.consumed += step.consumed;
    return step.status == Status::need_more;
  });
  return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = fuzz::text(data, size);
  MaildropReader whole, cut;
  const Result first = read_whole(whole, input), second = read_in_pieces(cut, input);
  require(first.status == second.status);
  if (first.status == Status::bad) require(!whole.fault().empty() && whole.fault() == cut.fault());
  if (first.status != Status::complete) return 0;
  require(first.consumed == second.consumed && whole.envelope() == cut.envelope());

  const std::string written = relay::encode_maildrop(whole.envelope());
  MaildropReader again;
  const Result third = read_whole(again, written);
  require(third.status == Status::complete && third.consumed == written.size());
  require(relay::encode_maildrop(again.envelope()) == written);
  return 0;
}
