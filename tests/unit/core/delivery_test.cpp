#include "core/delivery.h"

#include <array>
#include <map>

#include "core/message.h"

namespace postrider {
namespace {

using S = RecipientState;
using T = Trigger;

// The table of docs/spool.md, written out a second time and independently of the code: everything not here is forbidden.
const std::map<std::pair<S, T>, S> kAllowed = {
    {{S::queued, T::claim}, S::sending},
    {{S::queued, T::hold}, S::held},
    {{S::queued, T::retry}, S::queued},
    {{S::queued, T::cancel}, S::cancelled},
    {{S::queued, T::expire}, S::expired},
    {{S::queued, T::suppress}, S::suppressed},
    {{S::queued, T::give_up}, S::failed},

    {{S::sending, T::unclaim}, S::queued},
    {{S::sending, T::hand_over}, S::sent},
    {{S::sending, T::defer}, S::deferred},
    {{S::sending, T::refuse}, S::bounced},
    {{S::sending, T::give_up}, S::failed},
    {{S::sending, T::hold}, S::held},
    {{S::sending, T::cancel}, S::cancelled},

    {{S::deferred, T::claim}, S::sending},
    {{S::deferred, T::hold}, S::held},
    {{S::deferred, T::retry}, S::queued},
    {{S::deferred, T::cancel}, S::cancelled},
    {{S::deferred, T::expire}, S::expired},
    {{S::deferred, T::suppress}, S::suppressed},
    {{S::deferred, T::give_up}, S::failed},

    {{S::held, T::release}, S::queued},
    {{S::held, T::retry}, S::queued},
    {{S::held, T::cancel}, S::cancelled},
    {{S::held, T::expire}, S::expired},

    {{S::sent, T::confirm_delivery}, S::delivered},
    {{S::sent, T::report_bounce}, S::bounced},
    {{S::delivered, T::report_bounce}, S::bounced},

    {{S::failed, T::release}, S::queued},
    {{S::failed, T::retry}, S::queued},
    {{S::failed, T::revive}, S::queued},
    {{S::failed, T::cancel}, S::cancelled},

    {{S::suppressed, T::release}, S::queued},
};

TEST(Delivery, TransitionIsExactlyTheTable) {
  for (int s = 0; s < kRecipientStates; ++s) {
    for (int t = 0; t < kTriggers; ++t) {
      const auto from = static_cast<S>(s);
      const auto trigger = static_cast<T>(t);
      const auto expected = kAllowed.find({from, trigger});
      const auto actual = transition(from, trigger);
      ASSERT_EQ(actual.has_value(), expected != kAllowed.end()) << to_string(from) << " + " << to_string(trigger);
      if (!actual) continue;
      EXPECT_EQ(*actual, expected->second) << to_string(from) << " + " << to_string(trigger);
    }
  }
}

TEST(Delivery, OnlyLiveStatesCanBeClaimed) {
  for (int s = 0; s < kRecipientStates; ++s) {
    const auto state = static_cast<S>(s);
    EXPECT_TRUE(is_live(state) || !transition(state, T::claim)) << to_string(state);
  }
}

TEST(Delivery, FinalStatesAreFinal) {
  for (const S state : {S::sent, S::delivered, S::bounced, S::failed, S::expired, S::cancelled, S::suppressed})
    EXPECT_FALSE(is_live(state)) << to_string(state);
  for (const S state : {S::queued, S::sending, S::deferred, S::held}) EXPECT_TRUE(is_live(state)) << to_string(state);
}

TEST(Delivery, StateNamesRoundTrip) {
  for (int s = 0; s < kRecipientStates; ++s) {
    const auto state = static_cast<S>(s);
    EXPECT_EQ(parse_recipient_state(to_string(state)), state);
  }
  EXPECT_FALSE(parse_recipient_state("Sent"));
  EXPECT_FALSE(parse_recipient_state(""));
}

TEST(Delivery, MessageStateFollowsThePrecedence) {
  const std::array<S, kRecipientStates> order = {S::sending,   S::queued,  S::deferred,   S::held,
                                                 S::failed,    S::bounced, S::suppressed, S::expired,
                                                 S::cancelled, S::sent,    S::delivered};
  for (std::size_t i = 0; i < order.size(); ++i) {
    for (std::size_t j = i; j < order.size(); ++j) {
      const std::array<S, 2> one = {order[i], order[j]}, other = {order[j], order[i]};
      EXPECT_EQ(derive_message_state(one), order[i]);
      EXPECT_EQ(derive_message_state(other), order[i]);
    }
  }
}

TEST(Delivery, RecordDerivesStateLifeAndDueTime) {
  MessageRecord record;
  record.recipients.resize(3);
  record.recipients[0].state = S::sent;
  record.recipients[0].due = from_ms(1);  // no meaning any more
  record.recipients[1].state = S::deferred;
  record.recipients[1].due = from_ms(500);
  record.recipients[2].state = S::queued;
  record.recipients[2].due = from_ms(300);
  EXPECT_EQ(record.state(), S::queued);
  EXPECT_TRUE(record.live());
  EXPECT_EQ(record.due(), from_ms(300));

  record.recipients[1].state = S::bounced;
  record.recipients[2].state = S::cancelled;
  EXPECT_EQ(record.state(), S::bounced);
  EXPECT_FALSE(record.live());
  EXPECT_EQ(record.due(), kNever);
}

}  // namespace
}  // namespace postrider
