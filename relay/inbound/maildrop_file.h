// The file by which the sendmail program hands a message over while the daemon is down. Both sides use this one codec. Pure, any
// thread; sees octets, never a file. It trusts nothing it reads: anybody who may use the drop directory wrote it.
//
//   file     = "postrider-maildrop 1" LF mail [key] 1*1000rcpt LF message
//   mail     = "MAIL FROM:<" [address] "> SIZE=" 1*DIGIT [" SMTPUTF8"] [" RET=" ("FULL" / "HDRS")] [" ENVID=" xtext] LF
//   key      = "KEY " 1*256VCHAR LF        ; the X-Idempotency-Key of the message
//   rcpt     = "RCPT TO:<" address ">" [" NOTIFY=" words] [" ORCPT=" type ";" xtext] LF
//   message  = SIZE octets; its lines end in CRLF, dots are not stuffed
//
// The two commands are those of SMTP (RFC 5321 4.1.1, RFC 3461 4.), and no line is longer than 4096 octets. Names that begin with a
// dot are files not written to their end; a whole file gets its name by rename(), after fsync().
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.h"
#include "core/message.h"

namespace postrider::relay {

inline constexpr char kMaildropTemporary = '.';  // first octet of the names of files that are being written
inline constexpr std::size_t kMaxMaildropRecipients = 1000;
inline constexpr std::size_t kMaxMaildropLine = 4096;

struct MaildropRecipient {
  Address address;
  std::string orcpt;  // in xtext
  Notify notify;
  bool operator==(const MaildropRecipient&) const = default;
};

struct MaildropEnvelope {
  Address sender;
  std::vector<MaildropRecipient> recipients;
  DsnReturn ret = DsnReturn::unset;
  std::string envid;  // in xtext
  bool smtputf8 = false;
  std::string key;         // empty: none
  std::uint64_t size = 0;  // octets of the message
  bool operator==(const MaildropEnvelope&) const = default;
};

// What stands before the message. The envelope must keep to the grammar: it came from parsers that do.
std::string encode_maildrop(const MaildropEnvelope& envelope);

// Reads the envelope from octets that come in pieces.
class MaildropReader {
 public:
  enum class Status : std::uint8_t { need_more, complete, bad };
  struct Step {
    Status status = Status::need_more;
    std::size_t consumed = 0;  // with complete: the rest is message
  };
  Step feed(std::string_view octets);

  const MaildropEnvelope& envelope() const { return envelope_; }
  const std::string& fault() const { return fault_; }  // with bad: a sentence that quotes nothing of the file

 private:
  enum class Expect : std::uint8_t { magic, mail, recipients };
  Status take_line(std::string_view line);
  Status take_mail(std::string_view line);
  Status take_key(std::string_view key);
  Status take_recipient(std::string_view line);
  Status refuse(std::string fault);

  Expect expect_ = Expect::magic;
  std::string line_;        // the line under way
  std::size_t lines_ = 0;   // begun
  bool under_way_ = false;  // the last one has no end yet
  MaildropEnvelope envelope_;
  std::string fault_;
};

}  // namespace postrider::relay
