// What happens to an upstream, as data: said by dispatchers and by operators, kept by the UpstreamKeeper.
#pragma once

#include <string>

#include "core/outcome.h"

namespace postrider::relay {

struct UpstreamNews {
  enum class Kind : unsigned char {
    opened,
    closed,
    works_again,   // handed over for the first time, or after failures that did not open the circuit
    paused,        // it asked to slow down
    stopped,       // by an operator
    resumed,       // by an operator
    preferred,     // by an operator: whole or as a canary
    promoted,      // the canary did well
    rolled_back,   // the canary did badly, or an operator took the preference back
    quota_marked,  // more of its quota must be made durable before it is used
  };
  std::string upstream;
  Kind kind = Kind::opened;
  Reason reason;
  std::string actor;  // empty: Postrider itself
};

}  // namespace postrider::relay
