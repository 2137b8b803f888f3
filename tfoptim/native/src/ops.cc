// TensorFlow's operations: they look the variables up, check them, lock them, and hand their arrays to the driver.

#include <algorithm>
#include <set>

#include "step.h"
#include "tensorflow/core/framework/common_shape_fns.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/framework/resource_mgr.h"
#include "tensorflow/core/framework/resource_var.h"
#include "tensorflow/core/framework/shape_inference.h"
#include "tensorflow/core/platform/threadpool.h"

namespace tfoptim {
namespace {

using tensorflow::DataType;
using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;
using tensorflow::Var;
using tensorflow::errors::InvalidArgument;

REGISTER_OP("TfoptimStep")
    .Attr("rule: string")
    .Attr("W: {half, bfloat16, float, double}")
    .Attr("T: {float, double}")
    .Attr("N: int >= 1")
    .Attr("M: int >= 0")
    .Attr("A: int >= 0")
    .Attr("groups: list(int)")
    .Input("weights: N * resource")
    .Input("slots: M * resource")
    .Input("averages: A * resource")
    .Input("gradients: N * T")
    .Input("numbers: double")
    .Input("factors: double")
    .SetIsStateful()
    .SetShapeFn(tensorflow::shape_inference::NoOutputs)
    .Doc("Updates variables by a rule: all slots of one name come together; a row of numbers per group of variables.");

REGISTER_OP("TfoptimRows")
    .Attr("rule: string")
    .Attr("W: {half, bfloat16, float, double}")
    .Attr("T: {float, double}")
    .Attr("N: int >= 1")
    .Attr("M: int >= 0")
    .Attr("groups: list(int)")
    .Input("weights: N * resource")
    .Input("slots: M * resource")
    .Input("gradients: N * T")
    .Input("indices: N * int64")
    .Input("numbers: double")
    .Input("factors: double")
    .SetIsStateful()
    .SetShapeFn(tensorflow::shape_inference::NoOutputs)
    .Doc("Updates the touched rows of variables by a rule; gradients of one row are summed.");

REGISTER_OP("TfoptimSumsOfSquares")
    .Attr("T: {float, double}")
    .Attr("N: int >= 1")
    .Input("arrays: N * T")
    .Output("sums: double")
    .SetShapeFn([](tensorflow::shape_inference::InferenceContext* c) {
      c->set_output(0, c->Vector(c->num_inputs()));
      return tensorflow::Status();
    })
    .Doc("Sums the squares of each array in double precision.");

Kind kind_of(DataType dtype) {
  switch (dtype) {
    case tensorflow::DT_DOUBLE:
      return Kind::kDouble;
    case tensorflow::DT_HALF:
      return Kind::kHalf;
    case tensorflow::DT_BFLOAT16:
      return Kind::kBFloat16;
    default:
      return Kind::kFloat;
  }
}

Parallel on_workers(OpKernelContext* ctx) {
  auto* pool = ctx->device()->tensorflow_cpu_worker_threads()->workers;
  return [pool](int64_t count, int64_t cost, const std::function<void(int64_t, int64_t)>& work) {
    pool->ParallelFor(count, cost, work);
  };
}

void* data(Tensor* tensor) { return const_cast<char*>(tensor->tensor_data().data()); }

// The variables of one operation: looked up, locked until the end of its life, and with buffers of their own.
class Locked {
 public:
  // Looks up and locks the inputs [0, count), in the order of their addresses.
  tensorflow::Status Lock(OpKernelContext* ctx, int count) {
    variables_.resize(count);
    std::set<tensorflow::mutex*> mutexes;
    for (int i = 0; i < count; ++i) {
      const auto& handle = tensorflow::HandleFromInput(ctx, i);
      if (!tensorflow::LookupResource(ctx, handle, &variables_[i]).ok()) {
        return tensorflow::errors::FailedPrecondition("tfoptim: the variable ", handle.name(),
                                                      " has no value, or its memory was released.");
      }
      if (!mutexes.insert(variables_[i]->mu()).second) {
        return InvalidArgument("tfoptim: the variable ", handle.name(), " is given twice.");
      }
    }
    for (auto* mutex : mutexes) locks_.emplace_back(*mutex);
    return tensorflow::Status();
  }

  // Checks dtype and shape of a variable.
  tensorflow::Status Check(OpKernelContext* ctx, int i, DataType dtype, const tensorflow::TensorShape* shape) {
    const auto& name = tensorflow::HandleFromInput(ctx, i).name();
    const Tensor& now = *variables_[i]->tensor();
    if (!variables_[i]->is_initialized || !now.IsInitialized()) {
      return tensorflow::errors::FailedPrecondition("tfoptim: the variable ", name, " has no value.");
    }
    if (now.dtype() != dtype) {
      return InvalidArgument("tfoptim: the variable ", name, " must have dtype ", tensorflow::DataTypeString(dtype),
                             ", got ", tensorflow::DataTypeString(now.dtype()), ".");
    }
    if (shape != nullptr && now.shape() != *shape) {
      return InvalidArgument("tfoptim: the variable ", name, " must have shape ", shape->DebugString(), ", got ",
                             now.shape().DebugString(), ".");
    }
    return tensorflow::Status();
  }

  // Gives a variable whose value somebody else holds a buffer of its own, so that the value stays as it was read.
  tensorflow::Status Own(OpKernelContext* ctx, int i) {
    Tensor* now = variables_[i]->tensor();
    if (now->RefCountIsOne()) return tensorflow::Status();
    tensorflow::AllocatorAttributes attributes;
    attributes.set_gpu_compatible(true);
    attributes.set_nic_compatible(true);
    Tensor copy;
    TF_RETURN_IF_ERROR(ctx->allocate_temp(now->dtype(), now->shape(), &copy, attributes));
    std::memcpy(data(&copy), now->tensor_data().data(), now->tensor_data().size());
    *now = copy;
    return tensorflow::Status();
  }

  // From now on, readers copy the value: then a step of some rows never copies the whole variable.
  void MakeReadersCopy(int i) { variables_[i]->copy_on_read_mode.store(true); }

  Tensor* tensor(int i) { return variables_[i]->tensor(); }

 private:
  std::vector<tensorflow::core::RefCountPtr<Var>> variables_;
  std::vector<tensorflow::mutex_lock> locks_;
};

// What both operations share: attributes, and checks that need no variable.
class Base : public tensorflow::OpKernel {
 public:
  explicit Base(OpKernelConstruction* ctx) : OpKernel(ctx) {
    std::string name;
    OP_REQUIRES_OK(ctx, ctx->GetAttr("rule", &name));
    OP_REQUIRES_OK(ctx, ctx->GetAttr("W", &weights_));
    OP_REQUIRES_OK(ctx, ctx->GetAttr("T", &computation_));
    OP_REQUIRES_OK(ctx, ctx->GetAttr("N", &n_));
    OP_REQUIRES_OK(ctx, ctx->GetAttr("M", &m_));
    OP_REQUIRES_OK(ctx, ctx->GetAttr("groups", &groups_));
    rule_ = find_rule(name);
    OP_REQUIRES(ctx, rule_ != nullptr, InvalidArgument("tfoptim: there is no rule ", name, "."));
    OP_REQUIRES(ctx, m_ == n_ * rule_->slots,
                InvalidArgument("tfoptim: ", name, " has ", rule_->slots, " slots a variable, got ", m_, " for ", n_));
    OP_REQUIRES(ctx, static_cast<int>(groups_.size()) == n_,
                InvalidArgument("tfoptim: groups must have ", n_, " numbers, got ", groups_.size(), "."));
    const bool is_double = weights_ == tensorflow::DT_DOUBLE;
    OP_REQUIRES(ctx, (computation_ == tensorflow::DT_DOUBLE) == is_double,
                InvalidArgument("tfoptim: weights of ", tensorflow::DataTypeString(weights_), " cannot be updated in ",
                                tensorflow::DataTypeString(computation_), "."));
  }

 protected:
  // Checks the last two inputs, numbers and factors.
  tensorflow::Status CheckNumbers(const Tensor& numbers, const Tensor& factors) const {
    const int wanted = rule_->numbers + kCommon;
    if (numbers.dims() != 2 || numbers.dim_size(1) != wanted) {
      return InvalidArgument("tfoptim: ", rule_->name, " takes rows of ", wanted, " numbers, got shape ",
                             numbers.shape().DebugString(), ".");
    }
    for (int group : groups_) {
      if (group < 0 || group >= numbers.dim_size(0)) {
        return InvalidArgument("tfoptim: there are numbers of ", numbers.dim_size(0), " groups, got group ", group);
      }
    }
    if (factors.dims() != 1 || (factors.dim_size(0) != 0 && factors.dim_size(0) != n_)) {
      return InvalidArgument("tfoptim: factors must have shape [0] or [", n_, "], got ", factors.shape().DebugString());
    }
    return tensorflow::Status();
  }

  // Checks and prepares weights and slots of variable i.
  tensorflow::Status Prepare(OpKernelContext* ctx, Locked* locked, int i, bool rows) const {
    const auto shape = locked->tensor(i)->shape();
    TF_RETURN_IF_ERROR(locked->Check(ctx, i, weights_, nullptr));
    for (int k = 0; k < rule_->slots; ++k) {
      TF_RETURN_IF_ERROR(locked->Check(ctx, n_ * (k + 1) + i, computation_, &shape));
    }
    for (int k = 0; k <= rule_->slots; ++k) {
      TF_RETURN_IF_ERROR(locked->Own(ctx, n_ * k + i));
      if (rows) locked->MakeReadersCopy(n_ * k + i);
    }
    return tensorflow::Status();
  }

  Variable Arrays(Locked* locked, int i, const Tensor& gradient, const Tensor& numbers, const Tensor& factors) const {
    Variable v{gradient.NumElements(), data(locked->tensor(i)), {}, nullptr, gradient.tensor_data().data(), 1, nullptr};
    for (int k = 0; k < rule_->slots; ++k) v.slots[k] = data(locked->tensor(n_ * (k + 1) + i));
    v.numbers = numbers.flat<double>().data() + groups_[i] * numbers.dim_size(1);
    if (factors.dim_size(0) != 0) v.factor = factors.flat<double>()(i);
    return v;
  }

  const Rule* rule_ = nullptr;
  DataType weights_, computation_;
  int n_ = 0, m_ = 0;
  std::vector<int> groups_;
};

class Step : public Base {
 public:
  explicit Step(OpKernelConstruction* ctx) : Base(ctx) {
    OP_REQUIRES_OK(ctx, ctx->GetAttr("A", &a_));
    OP_REQUIRES(ctx, a_ == 0 || a_ == n_, InvalidArgument("tfoptim: averages must be 0 or ", n_, ", got ", a_, "."));
  }

  void Compute(OpKernelContext* ctx) override {
    const int gradients = n_ + m_ + a_;
    const Tensor &numbers = ctx->input(gradients + n_), &factors = ctx->input(gradients + n_ + 1);
    OP_REQUIRES_OK(ctx, CheckNumbers(numbers, factors));
    Locked locked;
    OP_REQUIRES_OK(ctx, locked.Lock(ctx, gradients));
    std::vector<Variable> variables;
    for (int i = 0; i < n_; ++i) {
      const Tensor& gradient = ctx->input(gradients + i);
      const auto shape = gradient.shape();
      OP_REQUIRES_OK(ctx, locked.Check(ctx, i, weights_, &shape));
      if (a_ != 0) OP_REQUIRES_OK(ctx, locked.Check(ctx, n_ + m_ + i, computation_, &shape));
      OP_REQUIRES_OK(ctx, Prepare(ctx, &locked, i, false));
      if (a_ != 0) OP_REQUIRES_OK(ctx, locked.Own(ctx, n_ + m_ + i));
      variables.push_back(Arrays(&locked, i, gradient, numbers, factors));
      if (a_ != 0) variables.back().average = data(locked.tensor(n_ + m_ + i));
    }
    step(*rule_, kind_of(weights_), variables, on_workers(ctx));
  }

 private:
  int a_ = 0;
};

class RowsStep : public Base {
 public:
  explicit RowsStep(OpKernelConstruction* ctx) : Base(ctx) {
    OP_REQUIRES(ctx, rule_ == nullptr || !rule_->takes_whole_variables,
                InvalidArgument("tfoptim: ", rule_->name, " needs whole variables, not the touched rows alone."));
  }

  void Compute(OpKernelContext* ctx) override {
    const int gradients = n_ + m_, indices = gradients + n_, last = indices + n_;
    const Tensor &numbers = ctx->input(last), &factors = ctx->input(last + 1);
    OP_REQUIRES_OK(ctx, CheckNumbers(numbers, factors));
    Locked locked;
    OP_REQUIRES_OK(ctx, locked.Lock(ctx, gradients));
    for (int i = 0; i < n_; ++i) OP_REQUIRES_OK(ctx, CheckRows(ctx, &locked, i));
    std::vector<Rows> variables;
    for (int i = 0; i < n_; ++i) {
      const Tensor &gradient = ctx->input(gradients + i), &index = ctx->input(indices + i);
      if (index.NumElements() == 0) continue;
      OP_REQUIRES_OK(ctx, Prepare(ctx, &locked, i, true));
      const int64_t rows = index.NumElements();
      variables.push_back({Arrays(&locked, i, gradient, numbers, factors), index.flat<int64_t>().data(), rows,
                           locked.tensor(i)->dim_size(0)});
      variables.back().variable.size = gradient.NumElements() / rows;
    }
    step_rows(*rule_, kind_of(weights_), variables, on_workers(ctx));
  }

 private:
  tensorflow::Status CheckRows(OpKernelContext* ctx, Locked* locked, int i) const {
    const Tensor &gradient = ctx->input(n_ + m_ + i), &index = ctx->input(2 * n_ + m_ + i);
    TF_RETURN_IF_ERROR(locked->Check(ctx, i, weights_, nullptr));
    const auto& name = tensorflow::HandleFromInput(ctx, i).name();
    auto shape = locked->tensor(i)->shape();
    if (shape.dims() == 0) return InvalidArgument("tfoptim: the variable ", name, " has no rows.");
    const int64_t rows = shape.dim_size(0);
    shape.set_dim(0, index.NumElements());
    if (index.dims() != 1 || gradient.shape() != shape) {
      return InvalidArgument("tfoptim: the gradient of ", name, " must have shape ", shape.DebugString(), ", got ",
                             gradient.shape().DebugString(), ".");
    }
    for (int64_t k = 0; k < index.NumElements(); ++k) {
      const int64_t row = index.flat<int64_t>()(k);
      if (row < 0 || row >= rows) {
        return InvalidArgument("tfoptim: the variable ", name, " has ", rows, " rows, got a gradient of row ", row, ".");
      }
    }
    return tensorflow::Status();
  }
};

class SumsOfSquares : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* ctx) override {
    std::vector<std::pair<const void*, int64_t>> arrays;
    for (int i = 0; i < ctx->num_inputs(); ++i) {
      arrays.emplace_back(ctx->input(i).tensor_data().data(), ctx->input(i).NumElements());
    }
    const auto sums = sums_of_squares(ctx->input_dtype(0) == tensorflow::DT_DOUBLE, arrays, on_workers(ctx));
    Tensor* output = nullptr;
    OP_REQUIRES_OK(ctx, ctx->allocate_output(0, {static_cast<int64_t>(sums.size())}, &output));
    std::copy(sums.begin(), sums.end(), output->flat<double>().data());
  }
};

REGISTER_KERNEL_BUILDER(Name("TfoptimStep").Device(tensorflow::DEVICE_CPU), Step);
REGISTER_KERNEL_BUILDER(Name("TfoptimRows").Device(tensorflow::DEVICE_CPU), RowsStep);
REGISTER_KERNEL_BUILDER(Name("TfoptimSumsOfSquares").Device(tensorflow::DEVICE_CPU), SumsOfSquares);

}  // namespace
}  // namespace tfoptim
