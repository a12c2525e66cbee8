// The process's limit of open descriptors. Called once at start, by cmd, before any socket is opened.
#pragma once

#include <cstdint>

namespace postrider::net {

// Raises the soft limit of open files to the hard one; returns what holds afterwards (the old limit if it
// cannot be raised).
std::uint64_t raise_open_files();

}  // namespace postrider::net
