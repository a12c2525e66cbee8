// What a letter asks of the submission: its envelope, with aliases and guard applied, or why it is refused. All checks that can be made
// before anything is stored; sending and validating both begin here. Pure but for the submission's rules; mgmt thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "mgmt/http.h"
#include "mgmt/letter.h"
#include "mgmt/problem.h"
#include "relay/inbound/submission.h"

namespace postrider::mgmt {

struct PlannedRecipient {
  std::string given;                 // as the letter has it
  std::string at;                    // where
  std::optional<std::size_t> index;  // in SendPlan::envelope.recipients; none: refused, or one of those before it
  bool refused = false;              // by the guard
};

struct SendPlan {
  relay::EnvelopeSpec envelope;
  std::vector<PlannedRecipient> recipients;
  std::string message_id;        // the letter's own, with angle brackets; empty: it has none
  std::uint64_t least_size = 0;  // the message has at least so many octets
  std::optional<Refusal> refusal;
};

// `request` has passed the gate: its principal is whose letter it is. `of_call`: what could not be read of the call that the letter is
// one of, see check_letter(); the plan of such a letter is of no use but for its refusal.
SendPlan plan_letter(const Letter& letter, const Request& request, relay::Submission& submission, Time now,
                     const Faults& of_call = {});

}  // namespace postrider::mgmt
