// The operations in functions that XLA compiles (`jit_compile=True`): calls of the driver, on one thread.

#include <cstring>
#include <sstream>

#include "step.h"
#include "tensorflow/compiler/tf2xla/type_util.h"
#include "tensorflow/compiler/tf2xla/xla_op_kernel.h"
#include "tensorflow/compiler/tf2xla/xla_op_registry.h"
#if __has_include("xla/hlo/builder/xla_builder.h")
#include "xla/hlo/builder/xla_builder.h"
#else
#include "xla/client/xla_builder.h"
#endif
#include "xla/layout_util.h"
#include "xla/service/custom_call_status.h"
#include "xla/service/custom_call_target_registry.h"
#include "xla/shape_util.h"

#if defined(ABSL_LTS_RELEASE_VERSION) && ABSL_LTS_RELEASE_VERSION == 20230802
// XLA's headers log a size, and TensorFlow 2.18 has that function without showing it to others.
namespace absl {
ABSL_NAMESPACE_BEGIN
namespace log_internal {
template LogMessage& LogMessage::operator<<(const unsigned long&);
}  // namespace log_internal
ABSL_NAMESPACE_END
}  // namespace absl
#endif

namespace tfoptim {
namespace {

using tensorflow::DataType;
using tensorflow::OpKernelConstruction;
using tensorflow::XlaOpKernelContext;

const Parallel kAlone = [](int64_t count, int64_t, const std::function<void(int64_t, int64_t)>& work) {
  if (count > 0) work(0, count);
};

// What a call needs to know of its arrays, as text between the compiler and the call.
struct Plan {
  std::string rule;
  int kind = 0, n = 0, m = 0, a = 0, row = 0;  // weights, slots, averages; numbers in a row
  bool scales = false, rows = false;           // whether there are factors, and whether gradients are rows
  std::vector<int64_t> groups, sizes, widths;  // per variable: row of numbers, elements, elements of a row

  std::string Text() const {
    std::ostringstream text;
    text << rule << ' ' << kind << ' ' << n << ' ' << m << ' ' << a << ' ' << row << ' ' << scales << ' ' << rows;
    for (const auto* list : {&groups, &sizes, &widths}) {
      for (int64_t x : *list) text << ' ' << x;
    }
    return text.str();
  }

  static Plan Of(const std::string& text) {
    Plan plan;
    std::istringstream in(text);
    in >> plan.rule >> plan.kind >> plan.n >> plan.m >> plan.a >> plan.row >> plan.scales >> plan.rows;
    for (auto* list : {&plan.groups, &plan.sizes, &plan.widths}) {
      list->resize(plan.n);
      for (auto& x : *list) in >> x;
    }
    return plan;
  }
};

// A step; as everywhere in XLA, rows out of range are left out.
// Inputs: weights, slots, averages, gradients, then for rows indices and their counts, then numbers and factors.
void CallStep(void* output, const void** inputs, const char* text, size_t size, XlaCustomCallStatus*) {
  const Plan plan = Plan::Of(std::string(text, size));
  const Rule* rule = find_rule(plan.rule);
  const Kind kind = static_cast<Kind>(plan.kind);
  const int variables = plan.n + plan.m + plan.a;
  void** outputs = static_cast<void**>(output);
  for (int i = 0; i < variables; ++i) {
    const int64_t bytes = kind == Kind::kDouble ? 8 : i < plan.n ? width(kind) : 4;
    if (outputs[i] != inputs[i]) std::memcpy(outputs[i], inputs[i], plan.sizes[i % plan.n] * bytes);
  }
  const void** gradients = inputs + variables;
  const void** rest = gradients + plan.n * (plan.rows ? 3 : 1);
  const auto *numbers = static_cast<const double*>(rest[0]), *factors = static_cast<const double*>(rest[1]);
  std::vector<Variable> all;
  for (int i = 0; i < plan.n; ++i) {
    Variable v{plan.sizes[i], outputs[i], {}, nullptr, gradients[i], 1, numbers + plan.groups[i] * plan.row};
    for (int k = 0; k < rule->slots; ++k) v.slots[k] = outputs[plan.n * (k + 1) + i];
    if (plan.a != 0) v.average = outputs[plan.n + plan.m + i];
    if (plan.scales) v.factor = factors[i];
    all.push_back(v);
  }
  if (!plan.rows) return step(*rule, kind, all, kAlone);
  std::vector<Rows> touched;
  for (int i = 0; i < plan.n; ++i) {
    const auto* index = static_cast<const int64_t*>(gradients[plan.n + i]);
    const int64_t count = *static_cast<const int32_t*>(gradients[2 * plan.n + i]);
    if (plan.widths[i] == 0) continue;
    all[i].size = plan.widths[i];
    touched.push_back({all[i], index, count, plan.sizes[i] / plan.widths[i]});
  }
  step_rows(*rule, kind, touched, kAlone);
}

// Inputs: one array, and how many of its rows there are; output: the sum of their squares.
void CallSum(void* output, const void** inputs, const char* text, size_t size, XlaCustomCallStatus*) {
  const Plan plan = Plan::Of(std::string(text, size));
  const bool is_double = static_cast<Kind>(plan.kind) == Kind::kDouble;
  const int64_t numbers = *static_cast<const int32_t*>(inputs[1]) * plan.widths[0];
  *static_cast<double*>(output) = sums_of_squares(is_double, {{inputs[0], numbers}}, kAlone)[0];
}

XLA_REGISTER_CUSTOM_CALL_TARGET_WITH_SYM("tfoptim_step", &CallStep, "Host");
XLA_REGISTER_CUSTOM_CALL_TARGET_WITH_SYM("tfoptim_sum", &CallSum, "Host");

xla::Shape InOrder(xla::Shape shape) {
  xla::LayoutUtil::SetToDefaultLayout(&shape);
  return shape;
}

// Adds a call whose outputs take the places of its first inputs.
xla::XlaOp Call(xla::XlaBuilder* builder, const char* target, const std::vector<xla::XlaOp>& operands,
                const xla::Shape& shape, const Plan& plan) {
  std::vector<xla::Shape> shapes;
  for (const auto& operand : operands) shapes.push_back(InOrder(builder->GetShape(operand).value()));
  std::vector<std::pair<xla::ShapeIndex, std::pair<int64_t, xla::ShapeIndex>>> in_place;
  for (int i = 0; shape.IsTuple() && i < shape.tuple_shapes_size(); ++i) in_place.push_back({{i}, {i, {}}});
  return xla::CustomCallWithLayout(builder, target, operands, shape, shapes, plan.Text(), false, in_place, nullptr,
                                   xla::CustomCallSchedule::SCHEDULE_NONE,
                                   xla::CustomCallApiVersion::API_VERSION_STATUS_RETURNING_UNIFIED);
}

int KindOf(DataType dtype) {
  return static_cast<int>(dtype == tensorflow::DT_DOUBLE     ? Kind::kDouble
                          : dtype == tensorflow::DT_HALF     ? Kind::kHalf
                          : dtype == tensorflow::DT_BFLOAT16 ? Kind::kBFloat16
                                                             : Kind::kFloat);
}

class StepCall : public tensorflow::XlaOpKernel {
 public:
  explicit StepCall(OpKernelConstruction* ctx) : XlaOpKernel(ctx) {
    std::vector<int> groups;
    OP_REQUIRES_OK(ctx, ctx->GetAttr("rule", &plan_.rule));
    OP_REQUIRES_OK(ctx, ctx->GetAttr("W", &weights_));
    OP_REQUIRES_OK(ctx, ctx->GetAttr("T", &computation_));
    OP_REQUIRES_OK(ctx, ctx->GetAttr("N", &plan_.n));
    OP_REQUIRES_OK(ctx, ctx->GetAttr("M", &plan_.m));
    OP_REQUIRES_OK(ctx, ctx->GetAttr("groups", &groups));
    plan_.rows = type_string() == "TfoptimRows";
    if (!plan_.rows) OP_REQUIRES_OK(ctx, ctx->GetAttr("A", &plan_.a));
    plan_.kind = KindOf(weights_);
    plan_.groups.assign(groups.begin(), groups.end());
    const Rule* rule = find_rule(plan_.rule);
    OP_REQUIRES(ctx, rule != nullptr && plan_.m == plan_.n * rule->slots,
                tensorflow::errors::InvalidArgument("tfoptim: there is no rule ", plan_.rule, " with such slots."));
    OP_REQUIRES(ctx, static_cast<int>(groups.size()) == plan_.n,
                tensorflow::errors::InvalidArgument("tfoptim: groups must have ", plan_.n, " numbers."));
    const bool is_double = weights_ == tensorflow::DT_DOUBLE;
    OP_REQUIRES(ctx, (computation_ == tensorflow::DT_DOUBLE) == is_double && (plan_.a == 0 || plan_.a == plan_.n) &&
                         !(plan_.rows && rule->takes_whole_variables),
                tensorflow::errors::InvalidArgument("tfoptim: ", plan_.rule, " cannot update these weights so."));
    numbers_ = rule->numbers + kCommon;
  }

  void Compile(XlaOpKernelContext* ctx) override {
    Plan plan = plan_;
    const int variables = plan.n + plan.m + plan.a, inputs = ctx->num_inputs();
    std::vector<xla::XlaOp> operands(variables);
    std::vector<xla::Shape> shapes;
    std::vector<tensorflow::TensorShape> weights(plan.n);
    for (int i = 0; i < variables; ++i) {
      tensorflow::TensorShape shape;
      OP_REQUIRES_OK(ctx, ctx->ReadVariableInput(i, TypeOf(i), &shape, &operands[i]));
      shapes.push_back(InOrder(ctx->builder()->GetShape(operands[i]).value()));
      if (i < plan.n) weights[i] = shape, plan.sizes.push_back(shape.num_elements());
      OP_REQUIRES_OK(ctx, HasShape(i < plan.n + plan.m ? "a slot" : "an average", i % plan.n, shape, weights[i % plan.n]));
    }
    AddGradients(ctx, weights, &plan, &operands);
    if (!ctx->status().ok()) return;
    operands.push_back(ctx->Input(inputs - 2)), operands.push_back(ctx->Input(inputs - 1));
    const auto numbers = ctx->InputShape(inputs - 2), factors = ctx->InputShape(inputs - 1);
    OP_REQUIRES(ctx, Fit(numbers, factors),
                tensorflow::errors::InvalidArgument("tfoptim: ", plan.rule, " takes rows of ", numbers_,
                                                    " numbers and one factor a variable, or none."));
    plan.row = numbers_;
    plan.scales = factors.num_elements() != 0;
    const auto shape = xla::ShapeUtil::MakeTupleShape(shapes);
    const auto moved = Call(ctx->builder(), "tfoptim_step", operands, shape, plan);
    for (int i = 0; i < variables; ++i) {
      OP_REQUIRES_OK(ctx, ctx->AssignVariable(i, TypeOf(i), xla::GetTupleElement(moved, i)));
    }
  }

 private:
  DataType TypeOf(int i) const { return i < plan_.n ? weights_ : computation_; }

  bool Fit(const tensorflow::TensorShape& numbers, const tensorflow::TensorShape& factors) const {
    if (numbers.dims() != 2 || numbers.dim_size(1) != numbers_) return false;
    for (int64_t group : plan_.groups) {
      if (group < 0 || group >= numbers.dim_size(0)) return false;
    }
    return factors.num_elements() == 0 || factors.num_elements() == plan_.n;
  }

  static tensorflow::Status HasShape(const char* what, int variable, const tensorflow::TensorShape& shape,
                                     const tensorflow::TensorShape& wanted) {
    if (shape == wanted) return tensorflow::Status();
    return tensorflow::errors::InvalidArgument("tfoptim: ", what, " of variable ", variable, " of the step must have shape ",
                                               wanted.DebugString(), ", got ", shape.DebugString(), ".");
  }

  void AddGradients(XlaOpKernelContext* ctx, const std::vector<tensorflow::TensorShape>& weights, Plan* plan,
                    std::vector<xla::XlaOp>* operands) const {
    const int first = plan->n + plan->m + plan->a;
    std::vector<xla::XlaOp> indices, counts;
    for (int i = first; i < first + plan->n; ++i) {
      const auto shape = ctx->InputShape(i);
      auto wanted = weights[i - first];
      const int64_t rows = plan->rows && shape.dims() > 0 ? shape.dim_size(0) : 0;
      OP_REQUIRES(ctx, !plan->rows || wanted.dims() > 0,
                  tensorflow::errors::InvalidArgument("tfoptim: variable ", i - first, " of the step has no rows."));
      if (plan->rows) wanted.set_dim(0, rows);
      OP_REQUIRES_OK(ctx, HasShape("the gradient", i - first, shape, wanted));
      if (plan->rows) wanted.set_dim(0, 1);
      plan->widths.push_back(plan->rows ? wanted.num_elements() : 0);
      auto gradient = ctx->Input(i);
      if (plan->rows) {
        const auto named = ctx->InputShape(i + plan->n);
        OP_REQUIRES(ctx, named.dims() == 1 && named.dim_size(0) == rows,
                    tensorflow::errors::InvalidArgument("tfoptim: there are ", named.num_elements(), " indices of ", rows,
                                                        " rows of a gradient."));
        // The number of rows may be known only at run time.
        counts.push_back(xla::GetDimensionSize(gradient, 0));
        gradient = xla::RemoveDynamicDimension(gradient, 0);
        indices.push_back(xla::RemoveDynamicDimension(ctx->Input(i + plan->n), 0));
      }
      operands->push_back(gradient);
    }
    operands->insert(operands->end(), indices.begin(), indices.end());
    operands->insert(operands->end(), counts.begin(), counts.end());
  }

  Plan plan_;
  DataType weights_, computation_;
  int numbers_ = 0;
};

class SumCall : public tensorflow::XlaOpKernel {
 public:
  using XlaOpKernel::XlaOpKernel;

  void Compile(XlaOpKernelContext* ctx) override {
    std::vector<xla::XlaOp> sums;
    for (int i = 0; i < ctx->num_inputs(); ++i) {
      Plan plan;
      plan.rule = "sum", plan.kind = KindOf(ctx->input_type(i)), plan.n = 1;
      const auto shape = ctx->InputShape(i);
      const bool many = shape.dims() > 0;
      const int64_t rows = many ? shape.dim_size(0) : 1;
      plan.groups = {0}, plan.sizes = {shape.num_elements()};
      plan.widths = {rows == 0 ? 0 : shape.num_elements() / rows};
      auto array = ctx->Input(i);
      const auto count = many ? xla::GetDimensionSize(array, 0) : xla::ConstantR0<int32_t>(ctx->builder(), 1);
      if (many) array = xla::RemoveDynamicDimension(array, 0);
      const auto scalar = InOrder(xla::ShapeUtil::MakeShape(xla::F64, {}));
      sums.push_back(xla::Reshape(Call(ctx->builder(), "tfoptim_sum", {array, count}, scalar, plan), {1}));
    }
    ctx->SetOutput(0, xla::ConcatInDim(ctx->builder(), sums, 0));
  }
};

// Not by REGISTER_XLA_OP: TensorFlow collects those once, when XLA is first used, which may be before this is loaded.
REGISTER_KERNEL_BUILDER(Name("TfoptimStep").Device(tensorflow::DEVICE_CPU_XLA_JIT), StepCall);
REGISTER_KERNEL_BUILDER(Name("TfoptimRows").Device(tensorflow::DEVICE_CPU_XLA_JIT), StepCall);
REGISTER_KERNEL_BUILDER(Name("TfoptimSumsOfSquares").Device(tensorflow::DEVICE_CPU_XLA_JIT), SumCall);

}  // namespace
}  // namespace tfoptim
