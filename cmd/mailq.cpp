#include "cmd/mailq.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>

#include "cmd/api_client.h"
#include "cmd/config_command.h"
#include "cmd/exit_codes.h"
#include "cmd/json_view.h"
#include "cmd/output.h"
#include "cmd/sendmail_places.h"
#include "relay/inbound/maildrop_directory.h"
#include "relay/inbound/maildrop_file.h"

namespace postrider::cmd {

namespace {

namespace json = boost::json;

constexpr std::size_t kMostMessages = 10'000;  // shown of each state; `postrider queue list` goes on from there
constexpr const char* kLiveStates[] = {"sending", "queued", "deferred", "held"};
constexpr const char* kTitle = "-----Queue ID-------------- --Size-- ----Arrival Time---- -Sender/Recipient-------\n";

std::string arrival(Time time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm local{};
  char text[32] = "";
  if (::localtime_r(&seconds, &local) != nullptr) std::strftime(text, sizeof text, "%a %b %e %H:%M:%S", &local);
  return text;
}

// Postfix's marks: '*' is being sent, '!' is held.
char mark_of(const std::string& state) {
  return state == "sending" ? '*' : state == "held" ? '!' : ' ';
}

std::string head_line(const std::string& id, char mark, std::uint64_t size, const std::string& when,
                      const std::string& sender) {
  char text[512];
  std::snprintf(text, sizeof text, "%-26s%c %8llu %-20s ", id.c_str(), mark, static_cast<unsigned long long>(size),
                when.c_str());
  return text + printable(sender.empty() ? "MAILER-DAEMON" : sender) + "\n";
}

std::string recipient_line(const std::string& address) {
  return std::string(58, ' ') + printable(address) + "\n";
}

std::string total(std::uint64_t octets, std::size_t requests) {
  return "-- " + std::to_string((octets + 1023) / 1024) + " Kbytes in " + std::to_string(requests) +
         (requests == 1 ? " Request.\n" : " Requests.\n");
}

json::array live_messages(ApiClient& client) {
  json::array all;
  for (const char* state : kLiveStates) {
    Parameters query{{"state", state}, {"limit", "1000"}};
    for (std::size_t got = 0; got < kMostMessages;) {
      const json::value page = client.get("/v1/messages", query);
      if (!page.is_object()) throw CommandError(EX_PROTOCOL, "the answer is not what postrider gives");
      const auto messages = objects_of(page.get_object(), "messages");
      for (const json::object* message : messages) all.push_back(*message);
      got += messages.size();
      const std::string next = text_of(page.get_object(), "next");
      if (next.empty() || messages.empty()) break;
      query.resize(2);
      query.emplace_back("cursor", next);
    }
  }
  return all;
}

// False when the file is not for `owner` to see, not ours, or not whole.
bool read_waiting(const relay::MaildropDirectory& directory, const std::string& name, uid_t owner, WaitingFile& out) {
  const auto file = directory.open_file(name);
  if (!file || (owner != 0 && file->owner != owner)) return false;
  relay::MaildropReader reader;
  std::array<char, 4096> buffer;
  for (auto status = relay::MaildropReader::Status::need_more; status != relay::MaildropReader::Status::complete;) {
    const ssize_t got = ::read(file->descriptor.get(), buffer.data(), buffer.size());
    if (got <= 0) return false;
    status = reader.feed(std::string_view(buffer.data(), static_cast<std::size_t>(got))).status;
    if (status == relay::MaildropReader::Status::bad) return false;
  }
  out.name = name;
  out.sender = reader.envelope().sender.str();
  for (const auto& recipient : reader.envelope().recipients) out.recipients.push_back(recipient.address.str());
  out.size = reader.envelope().size;
  out.written = file->written;
  return true;
}

bool needs_configuration() {
  return std::getenv("POSTRIDER_URL") == nullptr || std::getenv("POSTRIDER_TOKEN") == nullptr;
}

// Why the daemon's queue is not shown; empty when it was.
std::string show_queue() {
  if (needs_configuration() && ::access(kDefaultConfigFile, F_OK) == 0 && ::access(kDefaultConfigFile, R_OK) != 0)
    return std::string("you may not read ") + kDefaultConfigFile;
  try {
    ApiClient client{ApiOptions()};
    std::cout << render_mailq(live_messages(client));
    return {};
  } catch (const CommandError& error) {
    return error.what();
  }
}

}  // namespace

int run_mailq() {
  const ClientPlaces places = find_places();
  const std::string why_not = show_queue();
  const auto files = places.maildrop.empty() ? std::vector<WaitingFile>() : waiting_files(places.maildrop, ::getuid());
  if (!files.empty()) std::cout << "Waiting in " << places.maildrop << ":\n" << render_waiting(files);
  if (!why_not.empty()) {
    if (files.empty()) std::cout << "No mail of yours is seen waiting in the drop directory.\n";
    std::cout
        << "The relay's queue is not shown (" << printable(why_not)
        << "); for all of it: an operator's key in POSTRIDER_TOKEN, or `postrider queue list` as the relay's user.\n";
  }
  return EX_OK;
}

std::string render_mailq(const json::array& messages) {
  if (messages.empty()) return "Mail queue is empty\n";
  std::string out = kTitle;
  std::uint64_t octets = 0;
  for (const json::value& value : messages) {
    const json::object& message = value.as_object();
    const auto size = static_cast<std::uint64_t>(std::max<std::int64_t>(0, number_of(message, "size")));
    octets += size;
    out += head_line(text_of(message, "id"), mark_of(text_of(message, "state")), size,
                     arrival(time_of(message, "created_at").value_or(Time())), text_of(message, "sender"));
    for (const json::object* recipient : objects_of(message, "recipients")) {
      const auto state = parse_recipient_state(text_of(*recipient, "state"));
      if (!state || !is_live(*state)) continue;
      const std::string reason = text_of(*recipient, "reason");
      if (!reason.empty()) out += "    (" + printable(reason) + ")\n";
      out += recipient_line(text_of(*recipient, "address"));
    }
    out += "\n";
  }
  return out + total(octets, messages.size());
}

std::string render_waiting(const std::vector<WaitingFile>& files) {
  std::string out = kTitle;
  std::uint64_t octets = 0;
  for (const WaitingFile& file : files) {
    octets += file.size;
    out += head_line(printable(file.name), ' ', file.size, arrival(file.written), file.sender);
    for (const std::string& recipient : file.recipients) out += recipient_line(recipient);
    out += "\n";
  }
  return out + total(octets, files.size());
}

std::vector<WaitingFile> waiting_files(const std::string& directory, uid_t owner) {
  std::vector<WaitingFile> files;
  auto opened = relay::MaildropDirectory::open(directory);
  if (!opened) return files;
  while (const auto name = opened->next()) {
    if (files.size() == kMostMessages) break;
    WaitingFile file;
    if (read_waiting(*opened, *name, owner, file)) files.push_back(std::move(file));
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return files;
}

}  // namespace postrider::cmd
