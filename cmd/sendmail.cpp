#include "cmd/sendmail.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <unordered_set>

#include "cmd/exit_codes.h"
#include "cmd/mailq.h"
#include "cmd/output.h"
#include "cmd/sendmail_addresses.h"
#include "cmd/sendmail_author.h"
#include "cmd/sendmail_client.h"
#include "cmd/sendmail_delivery.h"
#include "cmd/sendmail_header.h"
#include "cmd/sendmail_options.h"
#include "cmd/sendmail_proxy.h"
#include "cmd/sendmail_text.h"
#include "relay/smtp/ascii.h"
#include "relay/smtp/xtext.h"

namespace postrider::cmd {

namespace {

constexpr std::size_t kMaxHeader = 1 << 20;  // as the daemon takes it
constexpr std::size_t kMaxRecipients = 100'000;

// The message on stdin, through header and line ends into the spool.
class Intake {
 public:
  Intake(const SendmailOptions& options, std::string from)
      : text_(options.ignore_dots ? LoneDot::is_text : LoneDot::ends),
        wishes_{options.recipients_from_header, std::move(from)} {}

  void read(int in) {
    std::string buffer(64 << 10, '\0');
    for (bool more = true; more;) {
      const ssize_t got = ::read(in, buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw CommandError(EX_IOERR, std::string("cannot read the message: ") + std::strerror(errno));
      spans_.clear();
      more = got > 0 && text_.feed(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)), spans_);
      store();
    }
    if (text_.fault() != smtp::BodyFault::none)
      throw CommandError(EX_DATAERR, "the message is not taken: " + smtp::to_reply(text_.fault()).text());
    spans_.clear();
    text_.finish(spans_);
    store();
    if (!header_done_) {
      scanner_.finish();
      finish_header(!scanner_.body_prefix().empty());
    }
  }

  const SendmailHeader& header() const { return header_; }
  const SendmailSpool& text() const { return spool_; }
  bool eight_bit() const { return text_.eight_bit(); }

 private:
  void store() {
    for (std::string_view octets : spans_) {
      if (!header_done_) {
        const auto step = scanner_.feed(octets);
        if (step.status == smtp::HeaderScanner::Status::too_big)
          throw CommandError(EX_DATAERR, "the header of the message is longer than 1 MiB");
        if (step.status == smtp::HeaderScanner::Status::need_more) continue;
        finish_header(!scanner_.separator());
        octets.remove_prefix(step.consumed);
      }
      spool_.append(octets);
    }
  }

  void finish_header(bool body_follows) {
    auto header = prepare_header(scanner_, body_follows, wishes_);
    if (!header) throw CommandError(EX_DATAERR, header.error().text);
    header_ = std::move(*header);
    spool_.append(header_.text);
    header_done_ = true;
  }

  SendmailText text_;
  const HeaderWishes wishes_;
  smtp::HeaderScanner scanner_{kMaxHeader};
  bool header_done_ = false;
  SendmailHeader header_;
  SendmailSpool spool_;
  smtp::Spans spans_;
};

Address sender_of(const SendmailOptions& options, const Author& author) {
  if (!options.sender) return author.address;
  const std::string_view given = smtp::trim(*options.sender);
  if (given.empty() || given == "<>") return Address{};
  std::vector<Address> read;
  const auto parsed = parse_address_list(given, read);
  if (!parsed) throw CommandError(EX_USAGE, "-f: " + parsed.error().text);
  if (read.size() != 1) throw CommandError(EX_USAGE, "-f takes one address");
  return std::move(read.front());
}

// The From field must have a domain, the envelope need not: there the daemon's rules for addresses are to see the bare name.
std::string missing_from(const SendmailOptions& options, const Author& author, const Address& sender) {
  Address address = sender.is_null() ? author.address : sender;
  if (address.domain.empty()) address.domain = mail_name();
  return from_field(options.full_name.empty() && !options.sender ? author.full_name : options.full_name, address);
}

// Of the command line first, then of the header; each once.
std::vector<Address> recipients_of(const SendmailOptions& options, const std::vector<Address>& in_header) {
  std::vector<Address> all;
  for (const std::string& argument : options.recipients) {
    const auto read = parse_address_list(argument, all);
    if (!read) throw CommandError(EX_USAGE, read.error().text);
  }
  all.insert(all.end(), in_header.begin(), in_header.end());
  std::unordered_set<std::string> seen;
  std::vector<Address> once;
  for (Address& address : all)
    if (seen.insert(address.str()).second) once.push_back(std::move(address));
  if (once.size() > kMaxRecipients) throw CommandError(EX_USAGE, "more than 100000 recipients");
  return once;
}

// With -N the address as it was given goes along, so that a notice can name it whatever aliases make of it (RFC 3461 4.2).
relay::MaildropRecipient make_recipient(Address address, const Notify& notify) {
  relay::MaildropRecipient recipient;
  recipient.notify = notify;
  if (notify.given() && !address.domain.empty() && !smtp::has_eight_bit(address.str()))
    recipient.orcpt = "rfc822;" + smtp::encode_xtext(address.str());
  recipient.address = std::move(address);
  return recipient;
}

int submit(const SendmailOptions& options, DropGroup& group) {
  if (options.recipients.empty() && !options.recipients_from_header)
    throw CommandError(EX_USAGE, "no recipients: name them, or use -t to take those of the header");
  const ClientPlaces places = find_places();
  const Author author = calling_user();
  relay::MaildropEnvelope envelope;
  envelope.sender = sender_of(options, author);
  Intake intake(options, missing_from(options, author, envelope.sender));
  intake.read(STDIN_FILENO);

  for (Address& address : recipients_of(options, intake.header().recipients))
    envelope.recipients.push_back(make_recipient(std::move(address), options.notify));
  if (envelope.recipients.empty()) throw CommandError(EX_USAGE, "no recipients: the header names none");
  envelope.ret = options.ret;
  envelope.envid = options.envid;
  envelope.key = intake.header().idempotency_key;
  const auto international = [](const relay::MaildropRecipient& r) { return r.address.needs_smtputf8(); };
  envelope.smtputf8 = envelope.sender.needs_smtputf8() ||
                      std::any_of(envelope.recipients.begin(), envelope.recipients.end(), international);

  SendmailDelivery delivery(places, group, intake.text(), intake.eight_bit() || options.eight_bit);
  const int exit_code = delivery.deliver(std::move(envelope));
  for (const std::string& line : delivery.troubles()) std::cerr << "sendmail: " << printable(line) << '\n';
  if (options.verbose)
    for (const std::string& line : delivery.successes()) std::cout << printable(line) << '\n';
  return exit_code;
}

int perform(const SendmailOptions& options, DropGroup& group) {
  switch (options.mode) {
    case SendmailMode::submit:
      return submit(options, group);
    case SendmailMode::smtp:
      group.give_up();
      return run_smtp_proxy(find_places(), STDIN_FILENO, STDOUT_FILENO);
    case SendmailMode::list:
      group.give_up();
      return run_mailq();
    case SendmailMode::flush:
      return EX_OK;
    case SendmailMode::help:
      std::cout << sendmail_help();
      return EX_OK;
  }
  return EX_SOFTWARE;
}

}  // namespace

int run_sendmail(const std::vector<std::string>& arguments, DropGroup& group) {
  ::signal(SIGPIPE, SIG_IGN);
  const auto options = parse_sendmail_options(arguments);
  if (!options) throw CommandError(EX_USAGE, options.error().text);
  try {
    return perform(*options, group);
  } catch (const CommandError&) {
    throw;
  } catch (const std::exception& error) {  // no memory and the like: who calls may try again
    throw CommandError(EX_TEMPFAIL, error.what());
  }
}

}  // namespace postrider::cmd
