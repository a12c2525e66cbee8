#include "tests/dialogs/script.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>

namespace postrider::dialogs {
namespace {

const std::set<std::string> kVerbs{"C:",   "C>",     "C*",    "C+",    "ALSO",    "BACK",  "S:",     "S~",
                                   "S*",   "HAS",    "LACKS", "TLS",   "CONNECT", "CLOSE", "CLOSED", "STORED",
                                   "BODY", "NOBODY", "BYTES", "FIELD", "STORE",   "DRAIN", "SCRAM",  "QUIET"};

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  throw std::runtime_error("bad hex digit in an escape");
}

}  // namespace

std::vector<std::string> list_scripts() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(POSTRIDER_DIALOGS)) {
    if (entry.path().extension() == ".txt") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

Script read_script(const std::string& path) {
  Script script;
  script.path = path;
  std::ifstream file(path, std::ios::binary);
  std::string text;
  for (int number = 1; std::getline(file, text); ++number) {
    if (text.empty() || text[0] == '#') continue;
    std::string verb = first_word(text);
    if (verb == "@") {
      std::string name = first_word(text);
      script.settings.emplace_back(name, text);
    } else if (kVerbs.contains(verb)) {
      script.steps.push_back({number, verb, text});
    } else {
      throw std::runtime_error(path + ":" + std::to_string(number) + ": no such step: " + verb);
    }
  }
  if (script.steps.empty()) throw std::runtime_error(path + ": no steps");
  return script;
}

std::string unescape(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    switch (i + 1 < text.size() ? text[++i] : '?') {
      case 'r':
        out += '\r';
        break;
      case 'n':
        out += '\n';
        break;
      case 't':
        out += '\t';
        break;
      case '0':
        out += '\0';
        break;
      case '\\':
        out += '\\';
        break;
      case 'x':
        if (i + 2 >= text.size()) throw std::runtime_error("unfinished escape in: " + text);
        out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
        i += 2;
        break;
      default:
        throw std::runtime_error("unknown escape in: " + text);
    }
  }
  return out;
}

std::string first_word(std::string& text) {
  auto space = text.find(' ');
  std::string word = text.substr(0, space);
  text = space == std::string::npos ? std::string() : text.substr(space + 1);
  return word;
}

}  // namespace postrider::dialogs
