// What the two versions of Mailjet's Send API have in common when a message is read: mailboxes, files, header fields, and a message
// of v3.1. Pure, any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mgmt/json_fields.h"
#include "mgmt/letter.h"

namespace postrider::mgmt {

namespace mailjet {

inline constexpr std::size_t kMaxText = 50u << 20;  // the body that holds it is bounded as well
inline constexpr std::size_t kMaxSubject = 998;
inline constexpr std::size_t kMaxAddress = 2048;
inline constexpr std::size_t kMaxValue = 10'000;
inline constexpr std::string_view kMissing = "must be given";
inline constexpr std::string_view kNoTemplates =
    "cannot be used here: Postrider keeps and renders no templates; send the text that the reader is to see";

// Names of one version's members of a file.
struct FileMembers {
  std::string_view type, name, content, content_id;  // content_id may be empty: then the name is it
};
LetterPart read_file(const Placed& placed, const FileMembers& members, bool is_inline, Faults& faults);
// A Reply-To among the fields becomes the letter's; the others stay fields.
void read_headers(JsonFields& fields, Letter& letter, Faults& faults);
// 0 and 1 are Mailjet's low queue, 2 is its default, 3 overtakes everything.
Lane lane_of(std::int64_t priority);

}  // namespace mailjet

struct MailjetMessage {
  Letter letter;  // its `at` is that of the message
  std::string custom_id;
};
// Of v3.1.
MailjetMessage read_mailjet_message(const Placed& message, Faults& faults);

}  // namespace postrider::mgmt
