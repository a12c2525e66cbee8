// Who calls sendmail, and what mail from this machine is from.
#pragma once

#include <string>

#include "core/address.h"

namespace postrider::cmd {

struct Author {
  Address address;        // the login name, without a domain: the daemon's `addresses.origin` is to complete it
  std::string full_name;  // of the account (gecos); may be empty
};

// By the real user id; a user without an entry is "uid-1000".
Author calling_user();
// The first word of /etc/mailname, which Debian keeps for this, else the machine's name.
std::string mail_name();
// The name part of a gecos field: up to the first comma, '&' is the login name with a capital.
std::string gecos_name(const std::string& gecos, const std::string& login);

}  // namespace postrider::cmd
