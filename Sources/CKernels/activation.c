// Gradients of activations, each one sweep over memory.
#include "elementwise.h"
#include "gelu.h"

#define APUS_GRADIENT(code, s, T)                                  \
  APUS_BINARY(relu_grad_##s, T, T, u > 0 ? v : 0)                  \
  APUS_BINARY(tanh_grad_##s, T, T, v * (1 - u * u))                \
  APUS_BINARY(sigmoid_grad_##s, T, T, v * (u * (1 - u)))
APUS_FLOATS(APUS_GRADIENT)

APUS_BINARY_BLOCKS(gelu_grad_f32, v *gelu_exact_grad_f32(u))
APUS_BINARY_BLOCKS(gelu_approximate_grad_f32, v *gelu_tanh_grad_f32(u))
APUS_BINARY_CALL(gelu_grad_f64, double, v *gelu_exact_grad_f64(u))
APUS_BINARY_CALL(gelu_approximate_grad_f64, double, v *gelu_tanh_grad_f64(u))

apus_binary_fn apus_gradient(apus_gradient_op op, int dtype) {
  static const apus_binary_fn table[APUS_GELU_TANH_GRAD + 1][APUS_FLOAT64 + 1] = {
      [APUS_RELU_GRAD] = {relu_grad_f32, relu_grad_f64},
      [APUS_TANH_GRAD] = {tanh_grad_f32, tanh_grad_f64},
      [APUS_SIGMOID_GRAD] = {sigmoid_grad_f32, sigmoid_grad_f64},
      [APUS_GELU_GRAD] = {gelu_grad_f32, gelu_grad_f64},
      [APUS_GELU_TANH_GRAD] = {gelu_approximate_grad_f32, gelu_approximate_grad_f64},
  };
  if ((unsigned)op > APUS_GELU_TANH_GRAD || (unsigned)dtype > APUS_FLOAT64) return NULL;
  return table[op][dtype];
}
