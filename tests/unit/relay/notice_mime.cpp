#include "tests/unit/relay/notice_mime.h"

#include <gmime/gmime.h>
#include <gtest/gtest.h>

#include <memory>

namespace postrider::relay {
namespace {

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <typename T>
using Held = std::unique_ptr<T, Unref>;

std::string text_of(const char* text) {
  return text == nullptr ? std::string() : std::string(text);
}

Held<GMimeMessage> parse(const std::string& octets) {
  static const bool once = (g_mime_init(), true);
  (void)once;
  const Held<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(octets.data(), octets.size()));
  const Held<GMimeParser> parser(g_mime_parser_new_with_stream(stream.get()));
  return Held<GMimeMessage>(g_mime_parser_construct_message(parser.get(), nullptr));
}

ReadFields fields_of(GMimeObject* object) {
  ReadFields fields;
  GMimeHeaderList* list = g_mime_object_get_header_list(object);
  for (int i = 0; i < g_mime_header_list_get_count(list); ++i) {
    GMimeHeader* header = g_mime_header_list_get_header_at(list, i);
    fields.emplace(text_of(g_mime_header_get_name(header)), text_of(g_mime_header_get_value(header)));
  }
  return fields;
}

std::string content_of(GMimeObject* part) {
  if (!GMIME_IS_PART(part)) return {};
  GMimeDataWrapper* content = g_mime_part_get_content(GMIME_PART(part));
  if (content == nullptr) return {};
  const Held<GMimeStream> out(g_mime_stream_mem_new());
  g_mime_data_wrapper_write_to_stream(content, out.get());
  const GByteArray* octets = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(out.get()));
  return std::string(reinterpret_cast<const char*>(octets->data), octets->len);
}

std::string media_type(GMimeObject* object) {
  GMimeContentType* type = g_mime_object_get_content_type(object);
  return text_of(g_mime_content_type_get_media_type(type)) + "/" + text_of(g_mime_content_type_get_media_subtype(type));
}

std::string parameter(GMimeObject* object, const char* name) {
  return text_of(g_mime_content_type_get_parameter(g_mime_object_get_content_type(object), name));
}

ReadPart read_part(GMimeObject* object) {
  ReadPart part;
  part.type = media_type(object);
  part.charset = parameter(object, "charset");
  part.description = text_of(g_mime_object_get_header(object, "Content-Description"));
  part.encoding = text_of(g_mime_object_get_header(object, "Content-Transfer-Encoding"));
  part.content = content_of(object);
  if (GMIME_IS_MESSAGE_PART(object))
    part.message = fields_of(GMIME_OBJECT(g_mime_message_part_get_message(GMIME_MESSAGE_PART(object))));
  return part;
}

// Groups of fields, an empty line between them (RFC 3464 2.1).
std::vector<ReadFields> read_report(const std::string& text) {
  std::vector<ReadFields> groups;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find("\r\n\r\n", at), text.size());
    const Held<GMimeMessage> group = parse(text.substr(at, end - at) + "\r\n\r\n");
    groups.push_back(fields_of(GMIME_OBJECT(group.get())));
    at = std::min(end + 4, text.size());
  }
  return groups;
}

}  // namespace

std::string ReadNotice::one(const ReadFields& fields, const std::string& name) {
  const auto [first, last] = fields.equal_range(name);
  if (first == last) return "(none)";
  return std::next(first) == last ? first->second : "(" + std::to_string(std::distance(first, last)) + " of them)";
}

ReadNotice read_notice(const std::string& octets) {
  ReadNotice notice;
  const Held<GMimeMessage> message = parse(octets);
  if (!message) {
    ADD_FAILURE() << "GMime finds no message in:\n" << octets;
    return notice;
  }
  notice.header = fields_of(GMIME_OBJECT(message.get()));
  GMimeObject* body = g_mime_message_get_mime_part(message.get());
  if (!GMIME_IS_MULTIPART(body)) {
    ADD_FAILURE() << "no multipart:\n" << octets;
    return notice;
  }
  notice.type = media_type(body);
  notice.report_type = parameter(body, "report-type");
  notice.boundary = parameter(body, "boundary");
  notice.encoding = text_of(g_mime_object_get_header(body, "Content-Transfer-Encoding"));
  GMimeMultipart* multipart = GMIME_MULTIPART(body);
  for (int i = 0; i < g_mime_multipart_get_count(multipart); ++i)
    notice.parts.push_back(read_part(g_mime_multipart_get_part(multipart, i)));
  if (notice.parts.size() > 1) notice.report = read_report(notice.parts[1].content);
  return notice;
}

}  // namespace postrider::relay
