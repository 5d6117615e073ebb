// The linear assignment problem: which row goes with which column so that the costs add up to the least. Shortest
// augmenting paths (Jonker & Volgenant 1987, in the rectangular form of Crouse 2016, IEEE TAES 52:4). Of several
// solutions as good it takes the one scipy's linear_sum_assignment takes. Pure function; may be called from any thread.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "base/tensor_view.h"

namespace amanuensis::pipeline {

// costs [rows, cols], finite. Returns min(rows, cols) pairs (row, column), by row. Takes time in the cube of the size.
std::vector<std::pair<std::size_t, std::size_t>> assign(TensorView<const double> costs);

}  // namespace amanuensis::pipeline
