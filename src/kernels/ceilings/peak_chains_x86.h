// Twelve independent chains of one instruction as inline assembly, so that no compiler can fold or spill them. For the
// x86 files of this room alone.
//
//   AMANUENSIS_PEAK(vector type, turns, macro that gives the instruction(s) for one sum)
//
// In the instructions, %13 is an operand that never changes and %12 a scratch register.
#pragma once

#define AMANUENSIS_PEAK(vector, turns, instructions)                                                                \
  vector s0 = {}, s1 = {}, s2 = {}, s3 = {}, s4 = {}, s5 = {};                                                      \
  vector s6 = {}, s7 = {}, s8 = {}, s9 = {}, s10 = {}, s11 = {};                                                    \
  const vector a = {};                                                                                              \
  vector t = {};                                                                                                    \
  for (std::uint64_t i = 0; i < (turns); ++i) {                                                                     \
    __asm__ volatile(instructions("%0") instructions("%1") instructions("%2") instructions("%3") instructions("%4") \
                         instructions("%5") instructions("%6") instructions("%7") instructions("%8")                \
                             instructions("%9") instructions("%10") instructions("%11")                             \
                     : "+v"(s0), "+v"(s1), "+v"(s2), "+v"(s3), "+v"(s4), "+v"(s5), "+v"(s6), "+v"(s7), "+v"(s8),    \
                       "+v"(s9), "+v"(s10), "+v"(s11), "+v"(t)                                                      \
                     : "v"(a));                                                                                     \
  }
