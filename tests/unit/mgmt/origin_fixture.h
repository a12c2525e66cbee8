// The management API with the dialects of the five services that Postrider takes over from.
#pragma once

#include "tests/unit/mgmt/dialect_server.h"

namespace postrider::mgmt::test {

class OriginServer : public DialectServer {
 public:
  explicit OriginServer(ServerSetup setup = {})
      : DialectServer({&add_babygun, &add_limbo, &add_mailer, &add_woowup}, std::move(setup)) {}
};

}  // namespace postrider::mgmt::test
