// A dialogue script: what the client says, what the server must answer, what must be true after. One behaviour a file; the
// first comment is its sentence. Grammar, one step a line:
//
//   # comment
//   @ NAME VALUE            configuration, only at the top; see server.cpp
//   C: TEXT                 sends TEXT and CRLF          C> TEXT     sends TEXT without a line end
//   C* N TEXT               sends TEXT and CRLF N times  (escapes in all of them: \r \n \t \0 \\ \xHH)
//   C+ N TEXT               sends TEXT N times without line ends
//   S: PATTERN              one line; <any> matches anything, <id> keeps a message id, <same-id> is the id kept before
//   S~ REGEX                one line, the whole of it
//   S* CODE [N]             N (1) whole replies of this code, of one or many lines
//   HAS TEXT / LACKS TEXT   a line of the last whole reply is, or none is, TEXT (pattern)
//   TLS                     the client's side of a handshake
//   CONNECT / CLOSE         a new connection (closing the old one); closes it
//   ALSO / BACK             a second connection beside the first; closes it and returns to the first
//   CLOSED                  the server has closed the connection
//   STORED N                messages in the spool
//   BODY PATTERN            a line of the body stored last is PATTERN;  NOBODY PATTERN: none is
//   BYTES TEXT              the stored body ends with exactly these octets
//   FIELD NAME VALUE        a field of the record stored last, see runner.cpp
//   STORE fail|heal         the store refuses writes; takes them again
//   DRAIN MS                shutdown begins: sessions in a transaction have MS milliseconds
//   SCRAM USER PASSWORD     the client's side of AUTH SCRAM-SHA-256, up to and without the last reply
//   QUIET                   nothing was logged at info or above
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace postrider::dialogs {

struct Step {
  int line = 0;
  std::string verb;      // "C:", "S:", "TLS", ...
  std::string argument;  // escapes not yet resolved
};

struct Script {
  std::string path;
  std::vector<std::pair<std::string, std::string>> settings;
  std::vector<Step> steps;
};

std::vector<std::string> list_scripts();        // paths of all *.txt of this folder, sorted
Script read_script(const std::string& path);    // throws on what is no step
std::string unescape(const std::string& text);  // throws on an unknown escape
std::string first_word(std::string& text);      // takes it off the front

}  // namespace postrider::dialogs
