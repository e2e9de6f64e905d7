// What is made of a video's scores.
#pragma once

#include <cstddef>

#include "framedex/lookup.h"

namespace framedex {

bool all_finite(const float* values, std::size_t count);

// Fills what `lookup` has room for from its scores, m × n and finite.
void fill_results(const Lookup& lookup, const float* scores, std::size_t k, Windows windows);

}  // namespace framedex
