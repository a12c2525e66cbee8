// The group of a setgid sendmail: put down when the program starts, taken up only to write into the drop directory that the
// administrator named. A set-user-id bit, which nothing here needs, is given up for good. Process-wide, so: one, on the main thread.
#pragma once

#include <sys/types.h>

namespace postrider::cmd {

class DropGroup {
 public:
  DropGroup();  // throws CommandError when the rights cannot be put down
  void give_up();

  // Takes the group up while it lives.
  class Use {
   public:
    explicit Use(const DropGroup& group);
    ~Use();
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
  };

 private:
  gid_t group_;
};

}  // namespace postrider::cmd
