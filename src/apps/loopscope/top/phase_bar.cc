#include "apps/loopscope/top/phase_bar.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace loopscope {
namespace {

/// What is less does not get a letter for being there.
constexpr double kLeastShown = 1.0 / 200;

/// `width` letters dealt out by largest remainder.
std::array<std::size_t, kPhaseCount> deal(const std::array<double, kPhaseCount>& shares,
                                          double total, std::size_t width) {
  std::array<std::size_t, kPhaseCount> letters{};
  std::array<double, kPhaseCount> remainders{};
  std::size_t left = width;
  for (std::size_t i = 0; i < kPhaseCount; ++i) {
    const double exact = std::max(shares[i], 0.0) / total * static_cast<double>(width);
    letters[i] = std::min(static_cast<std::size_t>(exact), left);
    left -= letters[i];
    remainders[i] = exact - std::floor(exact);
  }
  for (; left > 0; --left) {
    const auto next = static_cast<std::size_t>(
        std::max_element(remainders.begin(), remainders.end()) - remainders.begin());
    ++letters[next];
    remainders[next] = -1;
  }
  return letters;
}

}  // namespace

std::string phase_bar(const std::array<double, kPhaseCount>& shares, std::size_t width) {
  const double total =
      std::accumulate(shares.begin(), shares.end(), 0.0,
                      [](double sum, double share) { return sum + std::max(share, 0.0); });
  if (!(total > 0)) return std::string(width, ' ');
  auto letters = deal(shares, total, width);
  for (std::size_t i = 0; i < kPhaseCount; ++i) {
    if (letters[i] > 0 || shares[i] / total < kLeastShown) continue;
    auto* const longest = std::max_element(letters.begin(), letters.end());
    if (*longest < 2) break;
    --*longest;
    ++letters[i];
  }
  std::string bar;
  const auto wait = static_cast<std::size_t>(Phase::kPollWait);
  for (std::size_t i = 0; i < kPhaseCount; ++i) {
    if (i != wait) bar.append(letters[i], kPhaseLetters[i]);
  }
  bar.append(letters[wait], kPhaseLetters[wait]);
  return bar;
}

Phase phase_of_letter(char letter) {
  const auto* const found = std::ranges::find(kPhaseLetters, letter);
  if (found == kPhaseLetters.end()) return Phase::kUnknown;
  return static_cast<Phase>(found - kPhaseLetters.begin());
}

}  // namespace loopscope
