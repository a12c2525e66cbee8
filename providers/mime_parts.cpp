#include "providers/mime_parts.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <unordered_map>

#include "core/utf8.h"

namespace postrider::providers {

namespace {

constexpr int kMaxDepth = 32;            // of multiparts in each other
constexpr std::size_t kMaxParts = 1000;  // leaves
constexpr std::string_view kPlain = "text/plain", kHtml = "text/html", kCalendar = "text/calendar";

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

struct Refused {
  std::string_view type;
  std::string_view why;
};
// Types whose meaning is in the octets or in the structure that a rebuild would lose.
constexpr Refused kRefused[] = {
    {"multipart/signed", "it is signed (multipart/signed), and rebuilding it would break the signature"},
    {"multipart/encrypted", "it is encrypted (multipart/encrypted)"},
    {"multipart/report", "it is a report (multipart/report), which programs read"},
    {"application/pkcs7-mime", "it is signed or encrypted with S/MIME"},
    {"application/x-pkcs7-mime", "it is signed or encrypted with S/MIME"},
    {"message/partial", "it is a part of a larger message (message/partial)"},
    {"message/external-body", "a part of it is elsewhere (message/external-body)"},
};

std::string type_of(GMimeObject* object) {
  GMimeContentType* type = g_mime_object_get_content_type(object);
  return lower(text_of(g_mime_content_type_get_media_type(type)) + "/" +
               text_of(g_mime_content_type_get_media_subtype(type)));
}

std::string parameter(GMimeObject* object, const char* name) {
  return text_of(g_mime_content_type_get_parameter(g_mime_object_get_content_type(object), name));
}

std::string written(GMimeStream* stream) {
  const GByteArray* octets = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
  return octets->len == 0 ? std::string() : std::string(reinterpret_cast<const char*>(octets->data), octets->len);
}

std::string decoded(GMimePart* part) {
  GMimeDataWrapper* content = g_mime_part_get_content(part);
  if (content == nullptr) return {};
  const Held<GMimeStream> out(g_mime_stream_mem_new());
  g_mime_data_wrapper_write_to_stream(content, out.get());
  return written(out.get());
}

// The octets of a message within a message, as they stand in its parent.
std::string embedded(GMimeMessagePart* part) {
  GMimeMessage* message = g_mime_message_part_get_message(part);
  if (message == nullptr) return {};
  const Held<GMimeFilter> filter(g_mime_filter_unix2dos_new(FALSE));
  const Held<GMimeStream> out(g_mime_stream_mem_new());
  const Held<GMimeStream> through(g_mime_stream_filter_new(out.get()));
  g_mime_stream_filter_add(GMIME_STREAM_FILTER(through.get()), filter.get());
  g_mime_object_write_to_stream(GMIME_OBJECT(message), nullptr, through.get());
  g_mime_stream_flush(through.get());
  return written(out.get());
}

std::string with_lf(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n') out += text[i];
  return out;
}

// Octets that a charset does not have are left out.
std::optional<std::string> converted(const std::string& octets, const std::string& charset) {
  const Held<GMimeFilter> filter(g_mime_filter_charset_new(charset.c_str(), "UTF-8"));
  if (!filter) return std::nullopt;
  const Held<GMimeStream> out(g_mime_stream_mem_new());
  const Held<GMimeStream> through(g_mime_stream_filter_new(out.get()));
  g_mime_stream_filter_add(GMIME_STREAM_FILTER(through.get()), filter.get());
  g_mime_stream_write(through.get(), octets.data(), octets.size());
  g_mime_stream_flush(through.get());
  return written(out.get());
}

// Text without a charset, or with one that says less than its octets, is UTF-8 when it can be and windows-1252 otherwise, which is
// how readers take it (the labels us-ascii and iso-8859-1 mean windows-1252: WHATWG Encoding 4.2).
std::optional<std::string> utf8_text(std::string octets, const std::string& charset) {
  static constexpr std::array<std::string_view, 4> kUnlabelled = {"", "us-ascii", "ascii", "unknown-8bit"};
  static constexpr std::array<std::string_view, 2> kWestern = {"iso-8859-1", "latin1"};
  const auto is_one_of = [&](std::span<const std::string_view> names) {
    return std::find(names.begin(), names.end(), charset) != names.end();
  };
  if (charset == "utf-8" || charset == "utf8") return valid_utf8(std::move(octets));
  if (is_one_of(kUnlabelled) && is_utf8(octets)) return octets;
  const bool western = is_one_of(kUnlabelled) || is_one_of(kWestern);
  std::optional<std::string> text = converted(octets, western ? "windows-1252" : charset);
  if (text) *text = valid_utf8(std::move(*text));
  return text;
}

class Collector {
 public:
  explicit Collector(MimeView& view) : view_(view) {}

  // `group`: the outermost multipart/alternative around it, or null. `related`: it belongs to a multipart/related, not as its root.
  std::optional<std::string> collect(GMimeObject* object, const GMimeObject* group, bool related, int depth) {
    const std::string type = type_of(object);
    for (const Refused& refused : kRefused)
      if (type == refused.type) return std::string(refused.why);
    if (depth > kMaxDepth) return "its parts are nested more than " + std::to_string(kMaxDepth) + " deep";
    if (GMIME_IS_MULTIPART(object)) return collect_children(object, type, group, related, depth);
    if (++parts_ > kMaxParts) return "it has more than " + std::to_string(kMaxParts) + " parts";
    if (GMIME_IS_MESSAGE_PART(object)) return attach_message(GMIME_MESSAGE_PART(object), type);
    if (!GMIME_IS_PART(object)) return "a part of type " + type + " cannot be read";
    return collect_leaf(GMIME_PART(object), type, group, related);
  }

 private:
  std::optional<std::string> collect_children(GMimeObject* object, const std::string& type, const GMimeObject* group,
                                              bool related, int depth) {
    GMimeMultipart* multipart = GMIME_MULTIPART(object);
    const int count = g_mime_multipart_get_count(multipart);
    if (count == 0) return "its boundary is not found, so that all of it would be lost";
    const int root = type == "multipart/related" ? root_of(multipart) : -1;
    if (type == "multipart/alternative" && group == nullptr) group = object;
    for (int i = 0; i < count; ++i) {
      const bool beside_root = related || (root >= 0 && i != root);
      if (auto why = collect(g_mime_multipart_get_part(multipart, i), group, beside_root, depth + 1)) return why;
    }
    return std::nullopt;
  }

  // RFC 2387 3.2: the part that `start` names, else the first.
  static int root_of(GMimeMultipart* multipart) {
    std::string start = parameter(GMIME_OBJECT(multipart), "start");
    if (start.size() > 2 && start.front() == '<' && start.back() == '>') start = start.substr(1, start.size() - 2);
    for (int i = 0; !start.empty() && i < g_mime_multipart_get_count(multipart); ++i)
      if (text_of(g_mime_object_get_content_id(g_mime_multipart_get_part(multipart, i))) == start) return i;
    return 0;
  }

  std::optional<std::string> attach_message(GMimeMessagePart* part, const std::string& type) {
    Attachment attachment;
    attachment.content_type = type;
    attachment.filename =
        unfolded(text_of(g_mime_object_get_content_disposition_parameter(GMIME_OBJECT(part), "filename")));
    attachment.octets = embedded(part);
    view_.attachments.push_back(std::move(attachment));
    return std::nullopt;
  }

  std::optional<std::string> collect_leaf(GMimePart* part, const std::string& type, const GMimeObject* group,
                                          bool related) {
    if (g_mime_part_get_content_encoding(part) == GMIME_CONTENT_ENCODING_DEFAULT) {
      const std::string encoding = text_of(g_mime_object_get_header(GMIME_OBJECT(part), "Content-Transfer-Encoding"));
      if (!encoding.empty()) return "the Content-Transfer-Encoding " + encoding.substr(0, 40) + " is unknown";
    }
    if (!is_text_to_read(part, type, group, related)) return attach(part, type, related);
    return read_text(part, type, group);
  }

  // What a reader shows as the message itself, not as a file.
  bool is_text_to_read(GMimePart* part, const std::string& type, const GMimeObject* group, bool related) const {
    if (related || !type.starts_with("text/")) return false;
    const std::string disposition = lower(text_of(g_mime_object_get_disposition(GMIME_OBJECT(part))));
    if (!disposition.empty() && disposition != "inline") return false;  // an unknown one is an attachment: RFC 2183 2.8
    if (type != kPlain && type != kHtml) return group != nullptr;       // only as an alternative to one of them
    return g_mime_part_get_filename(part) == nullptr || view_.texts.empty() || group != nullptr;
  }

  std::optional<std::string> read_text(GMimePart* part, const std::string& type, const GMimeObject* group) {
    if (!view_.texts.empty() && (group == nullptr || group != text_group_))
      return "it has several text parts that are not alternatives of each other";
    if (view_.text(type) != nullptr) return "it has several alternatives of type " + type;
    text_group_ = group;
    const std::string charset = lower(parameter(GMIME_OBJECT(part), "charset"));
    std::optional<std::string> text = utf8_text(decoded(part), charset);
    if (!text) return "the charset " + charset.substr(0, 40) + " is unknown";
    const std::string method = type == kCalendar ? unfolded(parameter(GMIME_OBJECT(part), "method")) : std::string();
    view_.texts.push_back({type, with_lf(*text), method});
    return std::nullopt;
  }

  std::optional<std::string> attach(GMimePart* part, const std::string& type, bool related) {
    Attachment attachment;
    attachment.filename = unfolded(text_of(g_mime_part_get_filename(part)));
    attachment.content_type = type;
    attachment.content_id = text_of(g_mime_object_get_content_id(GMIME_OBJECT(part)));
    const std::string disposition = lower(text_of(g_mime_object_get_disposition(GMIME_OBJECT(part))));
    attachment.is_inline =
        !attachment.content_id.empty() && disposition != "attachment" && (related || disposition == "inline");
    if (related && attachment.content_id.empty() && g_mime_part_get_content_location(part) != nullptr)
      return "its text finds a part by Content-Location";
    attachment.octets = decoded(part);
    view_.attachments.push_back(std::move(attachment));
    return std::nullopt;
  }

  MimeView& view_;
  const GMimeObject* text_group_ = nullptr;  // the alternatives that the texts are
  std::size_t parts_ = 0;
};

// Some programs (Python's email.message among them) call every file an attachment, also the pictures that the HTML shows.
void find_shown(MimeView& view) {
  const TextPart* html = view.text(kHtml);
  if (html == nullptr) return;
  std::unordered_map<std::string_view, bool>
      shown;  // so that one walk over the text will do, however many files there are
  for (const Attachment& attachment : view.attachments)
    if (!attachment.content_id.empty()) shown.emplace(attachment.content_id, false);
  constexpr std::string_view kScheme = "cid:", kEnds = " \t\n\"'<>()&";
  constexpr std::size_t kLongest = 998;  // of a line, RFC 5322 2.1.1
  const std::string_view text = html->text;
  for (std::size_t at = shown.empty() ? text.npos : text.find(kScheme); at != text.npos;) {
    std::string_view id = text.substr(at + kScheme.size(), kLongest);
    id = id.substr(0, id.find_first_of(kEnds));
    if (const auto found = shown.find(id); found != shown.end()) found->second = true;
    at = text.find(kScheme, at + kScheme.size() + id.size());
  }
  for (Attachment& attachment : view.attachments)
    if (!attachment.content_id.empty() && shown.at(attachment.content_id)) attachment.is_inline = true;
}

}  // namespace

std::optional<std::string> collect_parts(GMimeObject* root, MimeView& view) {
  Collector collector(view);
  if (root != nullptr)
    if (auto why = collector.collect(root, nullptr, false, 0)) return why;
  const auto rank = [](const TextPart& part) {
    return part.content_type == kPlain ? 0 : part.content_type == kHtml ? 1 : 2;
  };
  std::stable_sort(view.texts.begin(), view.texts.end(),
                   [&](const TextPart& a, const TextPart& b) { return rank(a) < rank(b); });
  find_shown(view);
  return std::nullopt;
}

}  // namespace postrider::providers
