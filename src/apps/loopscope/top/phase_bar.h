#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "loopscope/phase.h"

namespace loopscope {

/// The letter a phase has in a bar, in the order of Phase: '.' is waiting.
inline constexpr std::array<char, kPhaseCount> kPhaseLetters = {'T', 'P', 'I', '.',
                                                                'O', 'C', 'X', '?'};

/// Which letter is what, for people.
inline constexpr char kPhaseLegend[] =
    "T timers P pending I idle/prepare O poll C check X closing ? unknown . waiting";

/// A bar of `width` letters, each phase as many as its share of the whole is; phases in the
/// order of Phase, waiting last. Every phase that has a 200th of the time shows, as long as
/// there is room. All blank if the shares are all 0.
std::string phase_bar(const std::array<double, kPhaseCount>& shares, std::size_t width);

/// Of one letter of a bar.
Phase phase_of_letter(char letter);

}  // namespace loopscope
