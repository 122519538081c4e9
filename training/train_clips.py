"""Trains the memory part on composed clips, after the image part.

    nice -n 19 python -m training.train_clips --cache /tmp/train --weights /tmp/train/image/best.pt \\
        --run /tmp/train/clips --budget-minutes 60

The first frame gets a click, a box or its mask, the others nothing; each frame's masks, IoU estimates and object
scores are trained, through the memories of the frames before. --image-rate lets the image part learn on at its own
lower rate; at 0 it stays as it is. RUN is as in train_image.
"""

import argparse
import json
import math
import pathlib
import time

import cv2
import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.data import DataLoader, IterableDataset

from training import prompts
from training.data.shards import share_of_cells
from training.evaluate_clips import quick_score
from training.losses import decoder_loss
from training.model import build_model
from training.tracking import Tracker, of_objects
from training.train_image import GPU_ATTENTION, MEMORY_PARTS


class ClipBatches(IterableDataset):
    """Batches of clips, both followed objects of each; played backwards or mirrored now and then."""

    def __init__(self, folder, image_size, batch, seed):
        self.folder, self.image_size, self.batch, self.seed = pathlib.Path(folder), image_size, batch, seed

    def __iter__(self):
        worker = torch.utils.data.get_worker_info()
        cv2.setNumThreads(1)
        rng = np.random.default_rng([*self.seed, worker.id if worker else 0])
        names = sorted(path for path in self.folder.glob("[0-9]*_[0-9]*") if path.suffix != ".partial")
        parts = ("pictures", "ids", "objects")
        shards = [[np.load(path / f"{part}.npy", mmap_mode="r") for part in parts] for path in names]
        if not shards:
            raise FileNotFoundError(f"{self.folder}: no clips; compose some with training.data.clips")
        while True:
            yield self.draw(rng, shards)

    def draw(self, rng, shards):
        pictures, targets, first = [], [], []
        for _ in range(self.batch):
            clips, ids, objects = shards[rng.integers(len(shards))]
            index = int(rng.integers(len(clips)))
            clip, labels = clips[index], ids[index]
            if rng.random() < 0.5:
                clip, labels = clip[:, :, ::-1], labels[:, :, ::-1]
            size = (self.image_size, self.image_size)
            if clip.shape[1] != self.image_size:
                clip = np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in clip])
            pictures.append(np.ascontiguousarray(clip))
            for number in objects[index]:
                masks = labels == number
                targets.append(np.stack([share_of_cells(mask, self.image_size // 4) for mask in masks]))
                first.append(np.ascontiguousarray(masks[0]))
        draw_prompt = prompts.boxes if rng.random() < 0.5 else prompts.first_clicks
        points, labels = draw_prompt(rng, first)
        masks = [cv2.resize(m.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) for m in first]
        given = {"masks": torch.from_numpy(np.stack(masks))[:, None].float()} if rng.random() < 0.2 else {}
        return given | {
            "pictures": torch.from_numpy(np.stack(pictures)),  # (clips, frames, size, size, 3)
            "targets": torch.from_numpy(np.stack(targets))[:, :, None],  # (objects, frames, 1, grid, grid)
            "points": points * (self.image_size / first[0].shape[0]),
            "labels": labels,
        }


def clip_loss(model, batch, device, image_learns):
    pictures = batch["pictures"].to(device)
    clips, frames = pictures.shape[:2]
    targets = batch["targets"].to(device)
    with torch.set_grad_enabled(image_learns):
        features = model.encode_image(model.normalise(pictures.flatten(0, 1)))
    clip_of = torch.arange(len(targets), device=device) // (len(targets) // clips)
    tracker = Tracker(model, frames)
    losses, ious = [], []
    for index in range(frames):
        own = of_objects(features, clip_of * frames + index)
        if index == 0 and "masks" in batch:
            tracker.start_with_mask(own, batch["masks"].to(device))
            continue
        if index == 0:
            frame = tracker.start(own, batch["points"].to(device), batch["labels"].to(device))
        else:
            frame = tracker.follow(own)
        target = targets[:, index]
        present = target.flatten(1).amax(1) > 0.5
        loss, figures = decoder_loss(frame.masks, frame.iou, frame.score, target, present)
        losses.append(loss)
        ious.append(figures["iou_chosen"])
    return sum(losses) / len(losses), ious


def parse_arguments():
    here = pathlib.Path(__file__).parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--run", type=pathlib.Path, required=True)
    parser.add_argument("--weights", type=pathlib.Path, required=True)
    parser.add_argument("--config", type=pathlib.Path, default=here / "models/mini/mini.yaml")
    parser.add_argument("--image-size", type=int)
    parser.add_argument("--shard-size", type=int, default=256)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--budget-minutes", type=float, required=True)
    parser.add_argument("--wall", action="store_true", help="the budget is wall time on a CPU too")
    parser.add_argument("--batch", type=int, default=2, help="clips in a step")
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--image-rate", type=float, default=0.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--score-minutes", type=float, default=8)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(arguments.seed)
    device = arguments.device
    arguments.run.mkdir(parents=True, exist_ok=True)
    model = build_model(arguments.config, arguments.image_size).to(device)
    given = torch.load(arguments.weights, map_location=device, weights_only=True)["model"]
    model.load_state_dict({name: value.float() for name, value in given.items()})
    named = list(model.named_parameters())
    memory = [p for name, p in named if name.startswith(MEMORY_PARTS)]
    image = [p for name, p in named if not name.startswith(MEMORY_PARTS)]
    for parameter in image:
        parameter.requires_grad = arguments.image_rate > 0
    groups = [{"params": memory, "share": 1.0}]
    if arguments.image_rate > 0:
        groups.append({"params": image, "share": arguments.image_rate / arguments.rate})
    optimiser = torch.optim.AdamW(groups, lr=arguments.rate, betas=(0.9, 0.98), weight_decay=0.02)
    average = {name: value.detach().clone() for name, value in model.state_dict().items()}
    step, seconds, best = 0, 0.0, 0.0
    state_path = arguments.run / "state.pt"
    if state_path.exists():
        state = torch.load(state_path, map_location=device, weights_only=True)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        average, step, seconds, best = state["average"], state["step"], state["seconds"], state["best"]
    folder = arguments.cache / f"clips_train_{arguments.shard_size}_{arguments.frames}"
    dataset = ClipBatches(folder, model.image_size, arguments.batch, [arguments.seed, step])
    batches = iter(DataLoader(dataset, batch_size=None, num_workers=arguments.workers))
    log = open(arguments.run / "log.jsonl", "a")

    def report(row):
        print(json.dumps(row), file=log, flush=True)
        print(json.dumps(row), flush=True)

    def save():
        state = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "average": average}
        torch.save(state | {"step": step, "seconds": seconds, "best": best}, arguments.run / "state.partial")
        (arguments.run / "state.partial").rename(state_path)

    clock = time.process_time if device == "cpu" and not arguments.wall else time.time
    budget = arguments.budget_minutes * 60
    scored, saved, kept = seconds, time.time(), []
    while seconds < budget:
        start = clock()
        model.train()
        rate = arguments.rate * min(1, (step + 1) / 100) * max(0.01, 0.5 * (1 + math.cos(math.pi * seconds / budget)))
        for group in optimiser.param_groups:
            group["lr"] = rate * group["share"]
        with sdpa_kernel(GPU_ATTENTION), torch.autocast("cuda" if device != "cpu" else "cpu", dtype=torch.bfloat16):
            loss, ious = clip_loss(model, next(batches), device, arguments.image_rate > 0)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.grad is not None], 0.5)
        if torch.isfinite(norm):
            optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        step += 1
        values = model.state_dict()
        decay = min(0.998, (1 + step) / (20 + step))
        torch._foreach_lerp_(list(average.values()), [values[name] for name in average], 1 - decay)
        seconds += clock() - start
        kept.append((float(loss.detach()), sum(ious[:2]) / 2, sum(ious[2:]) / (len(ious) - 2)))
        if step % 25 == 0:
            mean = [round(sum(column) / len(column), 4) for column in zip(*kept)]
            kept = []
            row = {"step": step, "minutes": round(seconds / 60, 2), "rate": round(rate, 7)}
            report(row | dict(zip(("loss", "early", "later"), mean)))
        if time.time() - saved > 300:
            save()
            saved = time.time()
        if seconds - scored > arguments.score_minutes * 60 or seconds >= budget:
            scored = seconds
            score = quick_score(average, arguments, device)
            report({"step": step, "minutes": round(seconds / 60, 2), "held_out_j": round(score, 4)})
            if score > best:
                best = score
                torch.save({"model": average}, arguments.run / "best.pt")
            save()
    save()


if __name__ == "__main__":
    main()
