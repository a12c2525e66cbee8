// AUTH exchanges: lines of a stranger against every mechanism; nobody is let in without a right password or proof.
#include "relay/smtp/base64.h"
#include "relay/smtp/sasl_server.h"
#include "tests/fuzz/pieces.h"

using namespace postrider;
using fuzz::require;
using smtp::SaslStep;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view input = fuzz::text(data + 1, size - 1);
  smtp::SaslServer server(static_cast<smtp::Mechanism>(data[0] % 3), "nonce");
  const bool encode = (data[0] & 4) != 0;  // so that the fuzzer need not invent base64
  bool begun = (data[0] & 8) != 0;
  SaslStep step = begun ? server.start(std::nullopt) : SaslStep();
  for (int round = 0; round < 8; ++round) {
    if (step.kind == SaslStep::Kind::find_verifier) {
      step = server.verifier(smtp::decoy_scram_verifier(step.user, "secret"));
    } else if (step.kind == SaslStep::Kind::check_password) {
      require(!step.user.empty());
      step = server.checked(false);
    } else if (!begun || step.kind == SaslStep::Kind::challenge) {
      const std::size_t end = input.find('\n');
      const std::string line = encode ? smtp::base64_encode(input.substr(0, end)) : std::string(input.substr(0, end));
      input.remove_prefix(end == std::string_view::npos ? input.size() : end + 1);
      step = begun ? server.respond(line) : server.start(line);
      begun = true;
    } else {
      require(step.reply.code == 501 || step.reply.code == 535);
      return 0;
    }
    require(step.kind != SaslStep::Kind::accepted);
  }
  return 0;
}
