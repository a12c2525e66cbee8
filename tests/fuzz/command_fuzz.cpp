// Command lines: whatever is accepted must be safe to put into a command of our own.
#include "core/address.h"
#include "relay/smtp/command_parser.h"
#include "relay/smtp/line_splitter.h"
#include "tests/fuzz/pieces.h"

using namespace postrider;
using fuzz::require;

namespace {

bool safe(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

void check_line(std::string_view line) {
  require(safe(line));
  const smtp::Command command = smtp::parse_command(line);
  smtp::ParameterRules all;
  all.priority = all.future_release = true;
  if (const auto mail = smtp::parse_mail(command.argument, all)) {
    require(!mail->priority || (*mail->priority >= -9 && *mail->priority <= 9));
    require(!mail->hold_for || !mail->hold_until);
    require(safe(mail->sender.str()) && safe(mail->envid));
    const auto again = smtp::parse_mail("FROM:<" + mail->sender.str() + "> SMTPUTF8", {});
    require(again && again->sender == mail->sender);
  }
  if (const auto rcpt = smtp::parse_rcpt(command.argument, {})) {
    require(safe(rcpt->recipient.str()) && safe(rcpt->orcpt));
    const auto again = smtp::parse_rcpt("TO:<" + rcpt->recipient.str() + ">", {});
    require(again && again->recipient == rcpt->recipient);
  }
  (void)smtp::parse_hello(command.argument);
  (void)smtp::parse_auth(command.argument);
  (void)smtp::parse_bdat(command.argument);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  smtp::LineSplitter splitter(256, smtp::BareNewline::normalise);
  std::string buffer;
  fuzz::in_pieces(fuzz::text(data, size), [&](std::string_view piece) {
    buffer += piece;
    while (true) {
      const smtp::LineResult r = splitter.next(buffer);
      if (r.status == smtp::LineStatus::line) check_line(r.line);
      buffer.erase(0, r.consumed);
      if (r.status == smtp::LineStatus::need_more) return true;
    }
  });
  require(buffer.size() < 256);
  return 0;
}
