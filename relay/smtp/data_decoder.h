// The octets of a message on their way in: DataDecoder for DATA (RFC 5321 4.5.2 dot transparency),
// BdatDecoder for BDAT (RFC 3030). Both give the body as views without copying, check it, and go on consuming
// after a fault so that the dialogue stays in step. Owned by a session, one per message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "relay/smtp/newline.h"

namespace postrider::smtp {

enum class BodyFault : std::uint8_t {
  none,
  bare_newline,   // 550 5.5.2
  nul,            // 550 5.6.0
  line_too_long,  // 500 5.5.2
  too_big,        // 552 5.3.4 (RFC 1870 6.)
};
Reply to_reply(BodyFault fault);  // not for `none`

struct BodyLimits {
  BareNewline bare_newline = BareNewline::reject;
  std::uint64_t max_size = 0;  // octets before dot-stuffing; 0: no limit
  std::size_t max_line = 0;    // octets with CRLF; 0: no limit
};

// Checks lines and counts octets of text that arrives in pieces cut anywhere. The part the two decoders
// share.
class BodyChecker {
 public:
  explicit BodyChecker(const BodyLimits& limits) : limits_(limits) {}
  // Appends what of `octets` may be passed on; nothing any more once there is a fault.
  void feed(std::string_view octets, Spans& out);
  // The same for the whole lines that plain_lines() finds at the start of `text`, dots and all that needs care left out.
  // Returns their octets; 0 also when no line starts here.
  std::size_t feed_plain(std::string_view text, Spans& out);
  // The text ended: a CR at its very end is a lone one, and a last line without CRLF gets it.
  void finish(Spans& out);
  BodyFault fault() const { return fault_; }
  std::uint64_t size() const { return size_; }  // octets given out
  bool eight_bit() const { return eight_bit_; }

 private:
  std::size_t take_line(std::string_view text, Spans& out);
  void pass(std::string_view octets, Spans& out);
  void end_line(std::string_view crlf, Spans& out);
  void bare_newline(Spans& out);
  void give(std::string_view octets, Spans& out);
  static void join(std::string_view octets, Spans& out);
  void fail(BodyFault fault);

  BodyLimits limits_;
  std::uint64_t size_ = 0;
  std::size_t line_ = 0;     // octets of the line under way
  bool pending_cr_ = false;  // the last octet was a CR; not given out yet
  bool eight_bit_ = false;
  BodyFault fault_ = BodyFault::none;
};

class DataDecoder {
 public:
  explicit DataDecoder(const BodyLimits& limits) : checker_(limits) {}

  struct Step {
    std::size_t consumed = 0;  // octets of the input taken; what is left belongs to the next command
    bool finished = false;     // CRLF.CRLF was seen
  };
  // Appends views of the unstuffed body to `out`. Everything is consumed unless finished.
  Step feed(std::string_view input, Spans& out);

  BodyFault fault() const { return checker_.fault(); }
  std::uint64_t size() const { return checker_.size(); }
  bool eight_bit() const { return checker_.eight_bit(); }

 private:
  // Where we stand relative to a line start that only CRLF makes; never moved by a lone CR or LF.
  enum class At : std::uint8_t { line_start, dot, dot_cr, text, text_cr };
  std::size_t take_text(std::string_view input, std::size_t pos, Spans& out);

  BodyChecker checker_;
  At at_ = At::line_start;
};

class BdatDecoder {
 public:
  explicit BdatDecoder(const BodyLimits& limits) : checker_(limits) {}

  void begin_chunk(std::uint64_t size, bool last);  // the previous one must be complete
  // Takes at most what is left of the chunk; returns the octets consumed.
  std::size_t feed(std::string_view input, Spans& out);
  bool chunk_complete() const { return left_ == 0; }
  // After the last chunk: a body that does not end in CRLF gets one, so that it can be sent by DATA as well.
  void finish(Spans& out);

  BodyFault fault() const { return checker_.fault(); }
  std::uint64_t size() const { return checker_.size(); }
  bool eight_bit() const { return checker_.eight_bit(); }
  bool last() const { return last_; }

 private:
  BodyChecker checker_;
  std::uint64_t left_ = 0;
  bool last_ = false;
};

}  // namespace postrider::smtp
