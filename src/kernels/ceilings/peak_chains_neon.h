// The loop of the peak rates on NEON. Included only by ceilings_neon*.cc.
#pragma once

// One instruction a chain and turn; assembly, so that no compiler can fold the chains. v31 may be used on the way.
#define AMANUENSIS_CHAINS(instruction, sums, a)                                        \
  for (std::uint64_t turn = 0; turn < turns; ++turn) {                                 \
    for (auto& sum : sums) __asm__ volatile(instruction : "+w"(sum) : "w"(a) : "v31"); \
  }
