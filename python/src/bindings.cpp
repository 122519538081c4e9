// samc._samc: what the Python classes of this package compute with. Arguments are arrays of the right shape and dtype,
// which the classes see to.

#include "python/src/support.h"

NB_MODULE(_samc, module) {
  module.doc() = "samc's compiler and runtime. Not an interface of its own: use the classes of samc.";
  // Where a program ends beside a thread that still computes, something is left, and nobody is to read of it then.
  nanobind::set_leak_warnings(false);
  samc::python::add_models(module);
  samc::python::add_images(module);
  samc::python::add_automatic_masks(module);
  samc::python::add_videos(module);
}
