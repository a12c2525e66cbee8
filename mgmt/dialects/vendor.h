// What the dialects of the mail vendors have in common: how a call ends, refusals with a JSON body of the vendor's shape, and the bound
// of what one call may blow itself up to. Pure; any thread.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mgmt/dialects/replacements.h"
#include "mgmt/problem.h"
#include "mgmt/send_door.h"

namespace postrider::mgmt {

// The first reason why not all letters became messages; nothing: they did, or would have in a dry run.
std::optional<Refusal> first_refusal(const SendOutcome& outcome);

// The faults, each said once: the letters of one call share fields.
std::vector<FieldFault> distinct(const std::vector<FieldFault>& faults);
// A pointer as SendGrid and others write it: "/to/0/email" is "to.0.email". Empty for the whole.
std::string dotted(std::string_view pointer);
// "to.1: must be an address; subject: must be given"; without faults of fields, the detail. Bounded.
std::string refusal_sentence(const Refusal& refusal);
// A text made of what is wrong with a request, for an answer that has one place for all of it: what is too much ends in "...".
inline constexpr std::size_t kMaxSentence = 4096;  // octets
std::string bounded_sentence(std::string sentence);
// The status the vendors answer what is wrong with a request with: 400 for all faults of its content.
http::status vendor_status(ProblemType type);
// With the fields that go with the refusal (Retry-After and the like).
Response vendor_refusal(const Refusal& refusal, http::status status, const boost::json::object& body);

// What the letters of one call hold together while they wait to become messages. One call that sends a text and its attachments to a
// thousand recipients, one by one, is a thousand letters.
class CallBudget {
 public:
  static constexpr std::uint64_t kMaxOctets = 64ull << 20;

  bool take(std::uint64_t octets) {
    if (octets > left_) return false;
    left_ -= octets;
    return true;
  }
  // Puts values into one of its texts, which was taken before; false: the budget does not reach.
  bool fill_in(std::string& text, const Replacements& replacements);
  // What to say when it is used up.
  static Refusal refusal();

 private:
  std::uint64_t left_ = kMaxOctets;
  std::uint64_t steps_ = 200'000'000;  // of searching texts for placeholders: about a second
};
// What a copy of a letter takes, in octets: texts and attachments, and the header fields, metadata and mailboxes around them. Ask before
// the copy is made.
std::uint64_t size_of(const Letter& letter);

}  // namespace postrider::mgmt
