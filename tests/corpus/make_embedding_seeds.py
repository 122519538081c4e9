# Writes the seeds of embedding_to_masks_fuzz: embeddings of runtime/testing_models.h's tiny model, as samc encode writes them.
#   python3 make_embedding_seeds.py embedding_to_masks_fuzz
import sys

import numpy as np

folder = sys.argv[1]
for name, size, save in [("stored", (7, 9), np.savez), ("deflated", (40, 30), np.savez_compressed)]:
    save(
        f"{folder}/{name}.npz",
        high_res_feats_0=np.full((1, 1, 1, 1), 0.5, np.float32),
        high_res_feats_1=np.arange(4, dtype=np.float32).reshape(1, 1, 1, 4),
        image_embed=np.linspace(-1, 1, 64, dtype=np.float32).reshape(1, 4, 4, 4),
        original_size=np.array(size, np.int64),
    )
