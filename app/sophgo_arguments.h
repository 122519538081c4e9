#pragma once
// TPU-MLIR's way of writing values on the command line.

#include <string>
#include <vector>

#include "base/status.h"
#include "base/tensor.h"

namespace samc {

// "123.675,116.28,103.53", also with brackets or spaces. option: for the message.
Result<std::vector<double>> parse_numbers(const std::string& option, const std::string& text);
// "1024,1024"
Result<std::vector<int64_t>> parse_integers(const std::string& option, const std::string& text);
// "[[1,3,1024,1024],[1,2]]"
Result<std::vector<Shape>> parse_shapes(const std::string& option, const std::string& text);
// "a,b,c"
std::vector<std::string> split_names(const std::string& text);
// "0.99,0.90": cosine and Euclidean similarity
Result<std::pair<double, double>> parse_tolerance(const std::string& text);

}  // namespace samc
