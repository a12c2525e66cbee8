// The body of a parsed message as texts and attachments: the half of view_mime() that walks the tree of parts.
#pragma once

#include <optional>

#include "core/result.h"
#include "providers/gmime.h"
#include "providers/mime_view.h"

namespace postrider::providers {

// Fills view.texts and view.attachments. The sentence says why the message cannot be taken apart; none: it could.
std::optional<std::string> collect_parts(GMimeObject* root, MimeView& view);

}  // namespace postrider::providers
