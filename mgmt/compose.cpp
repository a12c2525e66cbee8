#include "mgmt/compose.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>

#include "mgmt/field_rules.h"
#include "mgmt/header_text.h"
#include "providers/address_fields.h"
#include "providers/gmime.h"

namespace postrider::mgmt {

namespace {

using providers::Held;

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

struct FreeFormat {
  void operator()(GMimeFormatOptions* options) const { g_mime_format_options_free(options); }
};

// Boundaries that no part can hold. Encoded parts never have "=_" in them (RFC 2045 6.7); the others go into the hash, and nobody
// writes a text that holds its own digest.
class Boundaries {
 public:
  Boundaries(const Letter& letter, std::string_view message_id) {
    const std::unique_ptr<EVP_MD_CTX, FreeDigest> context(EVP_MD_CTX_new());
    if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) throw std::bad_alloc();
    const auto add = [&](std::string_view octets) { EVP_DigestUpdate(context.get(), octets.data(), octets.size()); };
    add(message_id);
    add(letter.text);
    add(letter.html);
    for (const LetterText& alternative : letter.alternatives) add(alternative.text);
    for (const LetterPart& part : letter.attachments)
      if (part.content_type.size() >= 7 && (part.content_type[0] == 'm' || part.content_type[0] == 'M'))
        add(part.octets);
    EVP_DigestFinal_ex(context.get(), digest_.data(), nullptr);
  }

  std::string next() {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out = "=_" + std::to_string(++count_) + "_";
    for (std::size_t i = 0; i < 16; ++i) out.append(1, kDigits[digest_[i] >> 4]).append(1, kDigits[digest_[i] & 15]);
    return out;
  }

 private:
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest_{};
  int count_ = 0;
};

using Node = Held<GMimeObject>;

void set_content(GMimePart* part, std::string_view octets, GMimeContentEncoding encoding) {
  const Held<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(octets.data(), octets.size()));
  const Held<GMimeDataWrapper> content(
      g_mime_data_wrapper_new_with_stream(stream.get(), GMIME_CONTENT_ENCODING_DEFAULT));
  g_mime_part_set_content(part, content.get());
  g_mime_part_set_content_encoding(part, encoding);
}

void set_type(GMimeObject* object, const std::string& content_type) {
  const Held<GMimeContentType> type(g_mime_content_type_parse(nullptr, content_type.c_str()));
  g_mime_object_set_content_type(object, type.get());
}

// Line ends as LF: GMime writes them as CRLF.
std::string with_lf(std::string_view text) {
  std::string out = with_crlf(text);
  std::erase(out, '\r');
  return out;
}

// Quoted-printable takes three octets for each that is not plain, base64 four for three.
GMimeContentEncoding encoding_of(std::string_view text) {
  if (is_seven_bit(text)) return GMIME_CONTENT_ENCODING_7BIT;
  const auto odd = std::count_if(text.begin(), text.end(), [](unsigned char c) { return c > 126 || c == '='; });
  return static_cast<std::size_t>(odd) * 6 > text.size() ? GMIME_CONTENT_ENCODING_BASE64
                                                         : GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE;
}

Node text_node(const std::string& content_type, std::string_view text) {
  Node node(GMIME_OBJECT(g_mime_part_new()));
  set_type(node.get(), content_type);
  g_mime_object_set_content_type_parameter(node.get(), "charset", "utf-8");
  const std::string lines = with_lf(text);
  const GMimeContentEncoding encoding = encoding_of(lines);
  // Base64 takes the octets as they are: lines of text must end in CRLF before (RFC 2045 6.8).
  const bool as_is = encoding == GMIME_CONTENT_ENCODING_BASE64;
  set_content(GMIME_PART(node.get()), as_is ? with_crlf(text) : lines, encoding);
  return node;
}

void set_filename(GMimeObject* object, const std::string& filename) {
  g_mime_part_set_filename(GMIME_PART(object), filename.c_str());
  GMimeParamList* lists[] = {g_mime_content_disposition_get_parameters(g_mime_object_get_content_disposition(object)),
                             g_mime_content_type_get_parameters(g_mime_object_get_content_type(object))};
  for (GMimeParamList* list : lists) {
    for (const char* name : {"filename", "name"}) {
      GMimeParam* param = g_mime_param_list_get_parameter(list, name);
      if (param == nullptr) continue;
      g_mime_param_set_charset(param, "utf-8");
      g_mime_param_set_encoding_method(param, GMIME_PARAM_ENCODING_METHOD_RFC2231);
    }
  }
}

// RFC 2046 5.2: a message has no encoding of its own; check_letter lets only those through that need none.
bool is_message(const std::string& content_type) {
  const auto type = parse_media_type(content_type);
  return type && type->type == "message";
}

Node part_node(const LetterPart& part) {
  const std::string type = part.content_type.empty() ? "application/octet-stream" : part.content_type;
  Node node(GMIME_OBJECT(g_mime_part_new()));
  set_type(node.get(), type);
  g_mime_object_set_disposition(node.get(), part.is_inline ? GMIME_DISPOSITION_INLINE : GMIME_DISPOSITION_ATTACHMENT);
  if (!part.filename.empty()) set_filename(node.get(), part.filename);
  if (!part.content_id.empty()) g_mime_object_set_content_id(node.get(), part.content_id.c_str());
  if (is_message(type))
    set_content(GMIME_PART(node.get()), with_lf(part.octets), GMIME_CONTENT_ENCODING_7BIT);
  else
    set_content(GMIME_PART(node.get()), part.octets, GMIME_CONTENT_ENCODING_BASE64);
  return node;
}

// One part stands for itself; several get a multipart around them.
Node multipart(const char* subtype, std::vector<Node> parts, Boundaries& boundaries) {
  if (parts.size() == 1) return std::move(parts.front());
  Node node(GMIME_OBJECT(g_mime_multipart_new_with_subtype(subtype)));
  g_mime_multipart_set_boundary(GMIME_MULTIPART(node.get()), boundaries.next().c_str());
  for (const Node& part : parts) g_mime_multipart_add(GMIME_MULTIPART(node.get()), part.get());
  return node;
}

bool belongs_to_html(const Letter& letter, const LetterPart& part) {
  return part.is_inline && !part.content_id.empty() && !letter.html.empty();
}

Node html_node(const Letter& letter, Boundaries& boundaries) {
  std::vector<Node> parts;
  parts.push_back(text_node("text/html", letter.html));
  for (const LetterPart& part : letter.attachments)
    if (belongs_to_html(letter, part)) parts.push_back(part_node(part));
  const bool related = parts.size() > 1;
  Node node = multipart("related", std::move(parts), boundaries);
  if (related) g_mime_object_set_content_type_parameter(node.get(), "type", "text/html");  // RFC 2387 3.1
  return node;
}

// The richest last (RFC 2046 5.1.4); AMP before the HTML, as its readers ask for, all others after it.
std::vector<Node> text_nodes(const Letter& letter, Boundaries& boundaries) {
  std::vector<Node> parts;
  const auto is_amp = [](const LetterText& text) { return text.content_type.starts_with("text/x-amp"); };
  if (!letter.text.empty()) parts.push_back(text_node("text/plain", letter.text));
  for (const LetterText& other : letter.alternatives)
    if (is_amp(other)) parts.push_back(text_node(other.content_type, other.text));
  if (!letter.html.empty()) parts.push_back(html_node(letter, boundaries));
  for (const LetterText& other : letter.alternatives)
    if (!is_amp(other)) parts.push_back(text_node(other.content_type, other.text));
  return parts;
}

Node body_of(const Letter& letter, Boundaries& boundaries) {
  std::vector<Node> parts;
  std::vector<Node> texts = text_nodes(letter, boundaries);
  if (!texts.empty()) parts.push_back(multipart("alternative", std::move(texts), boundaries));
  for (const LetterPart& part : letter.attachments)
    if (!belongs_to_html(letter, part)) parts.push_back(part_node(part));
  return multipart("mixed", std::move(parts), boundaries);
}

std::string header_of(const Letter& letter, std::string_view message_id, Time now) {
  const auto has = [&](std::string_view lower_case) {
    return std::any_of(letter.headers.begin(), letter.headers.end(),
                       [&](const auto& field) { return providers::is_named(field.first, lower_case); });
  };
  std::string out = address_field("From", {letter.from});
  if (letter.sender) out += address_field("Sender", {*letter.sender});
  if (!letter.to.empty()) out += address_field("To", letter.to);
  if (!letter.cc.empty()) out += address_field("Cc", letter.cc);
  if (!letter.reply_to.empty()) out += address_field("Reply-To", letter.reply_to);
  if (!letter.subject.empty()) out += header_field("Subject", letter.subject);
  if (!has("date")) out += header_field("Date", format_rfc5322(now));
  if (!has("message-id")) out += header_field("Message-ID", message_id);
  for (const auto& [name, value] : letter.headers) out += header_field(name, value);
  return out + "MIME-Version: 1.0\r\n";
}

std::string written(GMimeObject* object) {
  const std::unique_ptr<GMimeFormatOptions, FreeFormat> format(g_mime_format_options_clone(nullptr));
  g_mime_format_options_set_newline_format(format.get(), GMIME_NEWLINE_FORMAT_DOS);
  const Held<GMimeStream> stream(g_mime_stream_mem_new());
  if (g_mime_object_write_to_stream(object, format.get(), stream.get()) < 0) return {};
  const GByteArray* octets = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream.get()));
  return {reinterpret_cast<const char*>(octets->data), octets->len};
}

}  // namespace

result<std::string> compose(const Letter& letter, std::string_view message_id, Time now) {
  if (!letter.raw.empty()) {
    std::string octets = with_crlf(letter.raw);
    const auto header = read_raw_header(octets);
    if (!header) return header.error();
    if (header->message_id.empty()) octets.insert(0, header_field("Message-ID", message_id));
    return octets;
  }
  providers::set_up_gmime();
  Boundaries boundaries(letter, message_id);
  const std::string body = written(body_of(letter, boundaries).get());
  if (body.empty()) return Fault{FaultKind::unavailable, "the message cannot be written"};
  std::string out = header_of(letter, message_id, now) + body;
  if (!out.ends_with("\r\n")) out += "\r\n";
  return out;
}

}  // namespace postrider::mgmt
