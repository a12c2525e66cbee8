#include "mgmt/dialects/stored_mail.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "core/utf8.h"
#include "net/await.h"

namespace postrider::mgmt {

namespace {

namespace asio = boost::asio;
using Chunks = std::vector<std::shared_ptr<const std::string>>;

constexpr std::uint32_t kWindow = 8;                       // chunks of one read
constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

bool begins_with_content(std::string_view line) {
  constexpr std::string_view kPrefix = "content-";
  if (line.size() < kPrefix.size()) return false;
  for (std::size_t i = 0; i < kPrefix.size(); ++i)
    if ((line[i] | 0x20) != kPrefix[i]) return false;
  return true;
}

// The section without the fields that describe a body: there is none behind it.
std::string without_content_fields(std::string_view header) {
  std::string out;
  bool skipping = false;
  while (!header.empty()) {
    const std::size_t end = header.find('\n');
    const std::string_view line = header.substr(0, end == header.npos ? end : end + 1);
    header.remove_prefix(line.size());
    if (line == "\r\n" || line == "\n") break;
    const bool folded = line.front() == ' ' || line.front() == '\t';
    if (!folded) skipping = begins_with_content(line);
    if (!skipping) out += line;
  }
  return out + "\r\n";
}

std::size_t end_of_header(std::string_view octets) {
  const std::size_t end = octets.find("\r\n\r\n");
  return end == octets.npos ? octets.size() : end + 4;
}

// Lines end in LF, octets that are no UTF-8 become U+FFFD. The last line's end goes: a body always has one on the wire, so that it
// says nothing of what was written.
std::string readable(std::string_view octets) {
  std::string out;
  out.reserve(octets.size());
  while (!octets.empty()) {
    const std::size_t length = utf8_sequence_length(octets);
    if (length == 0)
      out += kReplacement;
    else if (octets.front() != '\r')
      out += octets.substr(0, length);
    octets.remove_prefix(length == 0 ? 1 : length);
  }
  if (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

std::optional<std::string> text_of(const providers::MimeView& view, std::string_view type) {
  const providers::TextPart* part = view.text(type);
  return part ? std::optional<std::string>(readable(part->text)) : std::nullopt;
}

// `octets`: the header, and perhaps more.
StoredMail without_body(std::string_view octets, std::string_view why) {
  StoredMail mail = view_kept_header(octets.substr(0, end_of_header(octets)));
  mail.note = why;
  return mail;
}

}  // namespace

asio::awaitable<result<StoredMail>> read_stored_mail(Mailbox& home, storage::Store& store, Budget& memory,
                                                     const MessageRecord& message, std::string_view why_removed) {
  if (message.body == BodyState::removed) co_return without_body(message.headers, why_removed);
  const bool whole = message.body_size <= kMaxStoredMail;
  // Of a large one the first window, which holds the header but for oddities.
  const std::uint32_t wanted = whole ? message.body_chunks : std::min(message.body_chunks, kWindow);
  const auto room = memory.reserve(std::uint64_t{wanted} * storage::kChunkPayload);
  if (!room) co_return Fault{FaultKind::unavailable, "too many messages are read at this moment"};
  std::string octets;
  for (std::uint32_t chunk = 0; chunk < wanted;) {
    const storage::BodyQuery query{message.id, chunk, std::min(kWindow, wanted - chunk)};
    auto start = [&](Done<Chunks> done) { store.read_body(query, std::move(done)); };
    const auto window = co_await net::await_done<Chunks>(home, start);
    if (!window && window.error().kind == FaultKind::not_found) co_return without_body(octets, why_removed);
    if (!window) co_return window.error();
    for (const auto& part : *window) octets += *part;
    chunk += static_cast<std::uint32_t>(window->size());
    if (window->empty()) break;
  }
  if (whole) co_return view_stored_mail(octets);
  const std::string elsewhere = "the message is too large to be shown here: /v1/messages/" + message.id.str() + "/body";
  co_return without_body(octets, elsewhere);
}

StoredMail view_stored_mail(std::string_view octets) {
  auto view = providers::view_mime(octets);
  if (!view) {
    StoredMail mail = without_body(octets, "the text is the source of the message: " + view.error().text);
    mail.text = readable(octets.substr(end_of_header(octets)));
    return mail;
  }
  StoredMail mail;
  mail.text = text_of(*view, "text/plain");
  mail.html = text_of(*view, "text/html");
  if (!mail.shown()) mail.note = "the message has no text of its own";
  mail.view = std::move(*view);
  return mail;
}

StoredMail view_kept_header(std::string_view header) {
  StoredMail mail;
  if (auto view = providers::view_mime(without_content_fields(header))) mail.view = std::move(*view);
  mail.view.texts.clear();
  mail.view.attachments.clear();
  return mail;
}

}  // namespace postrider::mgmt
