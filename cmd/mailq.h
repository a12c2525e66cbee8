// mailq, also `sendmail -bp`: the queue in the shape that people and scripts know. With the key of an operator, what the daemon has;
// without, the caller's own files in the drop directory as far as he may see them, and how to get the rest.
#pragma once

#include <sys/types.h>

#include <boost/json/array.hpp>
#include <string>
#include <vector>

#include "core/time.h"

namespace postrider::cmd {

int run_mailq();  // EX_OK whatever can be shown

// One waiting file of the drop directory.
struct WaitingFile {
  std::string name, sender;
  std::vector<std::string> recipients;
  std::uint64_t size = 0;
  Time written{};
};

// The messages of GET /v1/messages, those that are not finished.
std::string render_mailq(const boost::json::array& messages);
std::string render_waiting(const std::vector<WaitingFile>& files);
// The files in `directory` that belong to `owner`, or all for root. Empty when it may not be listed.
std::vector<WaitingFile> waiting_files(const std::string& directory, uid_t owner);

}  // namespace postrider::cmd
