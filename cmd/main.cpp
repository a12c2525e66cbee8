#include "cmd/cli.h"

int main(int argc, char** argv) {
  return postrider::cmd::run(argc, argv);
}
