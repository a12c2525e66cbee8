// What is said of Postfix parameters that have no equivalent: one row each. Constant data.
#pragma once

#include <string_view>

namespace postrider {

struct PostfixNote {
  std::string_view name;
  std::string_view text;  // empty: it needs none, Postrider has no use for it
};
// Null: the import does not know the parameter.
const PostfixNote* find_postfix_note(std::string_view name);

}  // namespace postrider
