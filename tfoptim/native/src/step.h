// A step of many variables at once, without TensorFlow: what the operations, XLA's calls and the test program share.

#ifndef TFOPTIM_STEP_H_
#define TFOPTIM_STEP_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tfoptim {

enum class Kind { kFloat, kDouble, kHalf, kBFloat16 };

// Bytes of a weight.
int64_t width(Kind kind);

// One variable in a step; slots, average and gradient have the precision of the computation: double for double weights,
// else float.
struct Variable {
  int64_t size;             // elements
  void* weights;
  void* slots[3];           // in the order of the rule
  void* average;            // moving average of the weights, or null
  const void* gradient;
  double factor;            // the gradient is multiplied by it
  const double* numbers;    // decay of the weights, share of the average, then those of the rule
};

// The rows of a variable that a gradient touches; its `gradient` is `rows` rows, of which several may have one index.
struct Rows {
  Variable variable;        // its `size` is that of one row
  const int64_t* index;     // those outside of the variable are left out
  int64_t rows;
  int64_t count;            // rows of the variable
};

// A rule by name: "adam", "rmsprop_centered", ...
struct Rule {
  std::string name;
  int slots;
  int numbers;
  bool takes_whole_variables;
  const void* loops[2];     // for float and double
};

// Numbers of every rule that come before its own: decay and share of the average.
constexpr int kCommon = 2;

// Returns the rule of a name, or null.
const Rule* find_rule(const std::string& name);

// Returns the names of all rules.
std::vector<std::string> rule_names();

// Runs `work(begin, end)` over [0, count), in any order and in parallel; a unit costs about `cost` nanoseconds.
using Parallel = std::function<void(int64_t count, int64_t cost, const std::function<void(int64_t, int64_t)>& work)>;

// Updates variables in place. The result does not depend on how the work is divided.
void step(const Rule& rule, Kind kind, const std::vector<Variable>& variables, const Parallel& parallel);

// Updates the touched rows of variables in place; gradients of one row are summed first, in their order.
void step_rows(const Rule& rule, Kind kind, const std::vector<Rows>& variables, const Parallel& parallel);

// Returns for each array of floats or doubles the sum of its squares, in double precision.
std::vector<double> sums_of_squares(bool is_double, const std::vector<std::pair<const void*, int64_t>>& arrays,
                                    const Parallel& parallel);

}  // namespace tfoptim

#endif  // TFOPTIM_STEP_H_
