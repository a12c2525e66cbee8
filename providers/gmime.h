// What the files that use GMime share: ownership of its objects, and its strings as ours. GMime is set up on first use; its objects
// belong to the thread that made them.
#pragma once

#include <gmime/gmime.h>

#include <memory>
#include <string>
#include <string_view>

#include "core/utf8.h"

namespace postrider::providers {

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <typename T>
using Held = std::unique_ptr<T, Unref>;

struct Free {
  void operator()(char* text) const { g_free(text); }
};
using HeldText = std::unique_ptr<char, Free>;

// Octets that are no character become question marks.
inline std::string valid_utf8(std::string text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_sequence_length(std::string_view(text).substr(at));
    if (length == 0) text[at] = '?';
    at += length == 0 ? 1 : length;
  }
  return text;
}

// Valid whatever GMime made of the octets: JSON has nothing else than UTF-8.
inline std::string text_of(const char* text) {
  return text == nullptr ? std::string() : valid_utf8(text);
}

// One line, also of text whose encoded words hold line breaks: a vendor may write it into a header as it is.
inline std::string unfolded(std::string_view raw) {
  std::string value;
  value.reserve(raw.size());
  for (const char c : raw)
    if (c != '\r' && c != '\n') value += c == '\t' ? ' ' : c;
  const std::size_t begin = value.find_first_not_of(' ');
  if (begin == std::string::npos) return {};
  return value.substr(begin, value.find_last_not_of(' ') - begin + 1);
}

inline void set_up_gmime() {
  static const bool done = (g_mime_init(), true);
  (void)done;
}

}  // namespace postrider::providers
