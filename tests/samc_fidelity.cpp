// samc_fidelity MODEL.samc golden.npz picture.jpg: the table of docs/fidelity.md for one model. Exit code 1 when a key
// is out of tolerance.

#include <fmt/format.h>

#include <cstdio>

#include "tests/support/golden.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    fmt::print(stderr, "usage: samc_fidelity MODEL.samc golden.npz picture\n");
    return 2;
  }
  const auto rows = samc::test::compare_with_golden(argv[1], argv[2], argv[3]);
  if (!rows.is_ok()) {
    fmt::print(stderr, "samc_fidelity: {}\n", rows.status().to_string());
    return 1;
  }
  bool right = true;
  fmt::print("| key | largest error | largest value | allowed error | |\n|---|---|---|---|---|\n");
  for (const samc::test::GoldenRow& row : rows.value()) {
    fmt::print("| `{}` | {:.2e} | {:.4g} | {:.2e} | {} |\n", row.key, row.largest_error, row.largest_value, row.allowed,
               row.is_right() ? "ok" : "**out of tolerance**");
    right = right && row.is_right();
  }
  return right ? 0 : 1;
}
