// The `capture` upstream: keeps every message as a file of a Maildir instead of sending it, for trying things out and for
// staging systems. The file is synced, moved into new/ and the directory synced before `sent`. One per relay thread; the
// file work is done by a thread of its own, so that a slow disk delays no mail.
#pragma once

#include <memory>
#include <string>

#include "net/loop.h"
#include "relay/outbound/transport.h"

namespace postrider::relay {

// A file holds `Return-Path: <sender>` and one `X-Envelope-To: <recipient>` for each recipient, then the body octet for
// octet: CRLF line ends stay, so that what was captured can be compared with what was sent. `hostname` goes into file names.
std::unique_ptr<Transport> make_capture_transport(net::Loop& loop, UpstreamConfig config, std::string hostname);

}  // namespace postrider::relay
