"""Makes stored.npz and deflated.npz (run in this folder; numpy 2.4)."""
import numpy as np

values = np.arange(24).reshape(2, 3, 4)
arrays = {name: values.astype(kind) for name, kind in
          dict(f32="f4", f64="f8", f16="f2", i64="i8", i32="i4", i16="i2", i8="i1", u8="u1").items()}
arrays["fortran"] = np.asfortranarray(values.astype("f4"))
arrays["scalar"] = np.float64(2.5)
arrays["empty"] = np.zeros((0, 7), "f4")
arrays["bool"] = np.array([False, True])
np.savez("stored.npz", **arrays)
np.savez_compressed("deflated.npz", **arrays)
