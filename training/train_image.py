"""Trains the image part: encoder, prompt encoder, mask decoder, on composed pictures.

    nice -n 19 python -m training.train_image --cache /tmp/train --run /tmp/train/image --budget-minutes 110

RUN/state.pt holds all that is needed to go on (weights, optimiser, averaged weights, step, time spent); the same
command continues from it. RUN/best.pt holds the averaged weights with the best held-out score so far, RUN/log.jsonl
one JSON object a line. The budget counts processor time on a CPU and wall time on a GPU, so that a training that other
work pushes aside still has its whole schedule before it; --wall is for a training that must be done by a certain time.
The learning rate is full at first and falls at the end.

From random weights, --dense and --young-minutes make the difference between learning and not (dense.py, losses.py).

On a CPU that other work shares, several processes of one thread each (--processes 2) are much faster than one of
several threads: each makes its own steps, and their weights are averaged every EXCHANGED_EVERY steps.
"""

import argparse
import json
import math
import pathlib
import time

import torch
import torch.distributed as dist
from torch.nn.attention import SDPBackend, sdpa_kernel

from training.data.shards import loader
from training.dense import DenseHead, dense_loss
from training.evaluate_images import quick_scores
from training.losses import decoder_loss
from training.model import build_model

MEMORY_PARTS = ("memory_attention", "memory_encoder", "mask_downsample", "obj_ptr", "maskmem", "no_obj", "no_mem_pos")
ROUNDS = (1, 2, 1, 2, 1, 3, 2, 5)  # rounds of prompting in each step, over and over
GPU_ATTENTION = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
AVERAGED_EVERY = 5  # steps from one update of the averaged weights to the next
SAVED_EVERY = 200  # seconds
EXCHANGED_EVERY = 10  # steps from one exchange between processes to the next
FIGURES = ("loss", "grouping", "click", "click_best", "box", "last_round")


def parse_arguments():
    here = pathlib.Path(__file__).parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--run", type=pathlib.Path, required=True)
    parser.add_argument("--config", type=pathlib.Path, default=here / "models/mini/mini.yaml")
    parser.add_argument("--weights", type=pathlib.Path, help="start from these weights when RUN has no state")
    parser.add_argument("--budget-minutes", type=float, required=True)
    parser.add_argument("--batch", type=int, default=8, help="pictures in a step of each process")
    parser.add_argument("--objects", type=int, default=4, help="prompted objects in each picture, an even number")
    parser.add_argument("--image-size", type=int, help="train at another size than the YAML's; the weights fit both")
    parser.add_argument("--shard-size", type=int, default=256, help="the size of the composed pictures")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--young-minutes", type=float, default=0, help="fade from balanced cross entropy to focal")
    parser.add_argument("--dense", type=float, nargs=2, default=(0, 0), help="weight of the dense task, first and last")
    parser.add_argument("--short-prompting", type=float, default=0.35, help="share of the budget with few rounds")
    parser.add_argument("--wall", action="store_true", help="the budget is wall time on a CPU too")
    parser.add_argument("--hold", type=float, default=0.5, help="share of the budget with the full learning rate")
    parser.add_argument("--warmup", type=int, default=300, help="steps until the full learning rate")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1, help="threads of each process")
    parser.add_argument("--workers", type=int, default=0, help="data loading processes of each process")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--compile", action="store_true", help="torch.compile the encoder")
    parser.add_argument("--score-minutes", type=float, default=8)
    return parser.parse_args()


class Run:
    """Model, optimiser and averaged weights, with their save and restore."""

    def __init__(self, arguments):
        self.folder = arguments.run
        self.folder.mkdir(parents=True, exist_ok=True)
        self.device = arguments.device
        self.model = build_model(arguments.config, arguments.image_size).to(self.device)
        if arguments.weights:
            given = torch.load(arguments.weights, map_location=self.device, weights_only=True)["model"]
            self.model.load_state_dict({name: value.float() for name, value in given.items()})
        for name, parameter in self.model.named_parameters():
            parameter.requires_grad = not name.startswith(MEMORY_PARTS)
        self.dense = DenseHead(self.model.dim).to(self.device)
        trained = [p for p in self.model.named_parameters() if p[1].requires_grad] + list(self.dense.named_parameters())
        decayed = [p for _, p in trained if p.ndim > 1]
        plain = [p for _, p in trained if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=arguments.rate, betas=(0.9, 0.98), fused=True)
        self.average = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.step, self.seconds, self.best = 0, 0.0, 0.0
        if (self.folder / "state.pt").exists():
            state = torch.load(self.folder / "state.pt", map_location=self.device, weights_only=True)
            self.model.load_state_dict(state["model"])
            self.dense.load_state_dict(state["dense"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.average = state["average"]
            self.step, self.seconds, self.best = state["step"], state["seconds"], state["best"]

    def update_average(self):
        """Once in AVERAGED_EVERY steps, since it reads and writes all weights."""
        if self.step % AVERAGED_EVERY:
            return
        decay = min(0.999, (1 + self.step) / (20 + self.step)) ** AVERAGED_EVERY
        values = self.model.state_dict()
        names = [name for name in self.average if self.average[name].is_floating_point()]
        torch._foreach_lerp_([self.average[n] for n in names], [values[n] for n in names], 1 - decay)

    def save(self):
        state = {"model": self.model.state_dict(), "dense": self.dense.state_dict(), "average": self.average}
        state["optimiser"] = self.optimiser.state_dict()
        state |= {"step": self.step, "seconds": self.seconds, "best": self.best}
        torch.save(state, self.folder / "state.partial")
        (self.folder / "state.partial").rename(self.folder / "state.pt")

    def save_best(self):
        torch.save({"model": self.average}, self.folder / "best.partial")
        (self.folder / "best.partial").rename(self.folder / "best.pt")


def error_clicks(target, predicted):
    """A random wrong pixel of each object, or one of the object where nothing is wrong; in units of the target grid."""
    wanted = target[:, 0] > 0.5
    errors = wanted ^ (predicted[:, 0] > 0)
    where = torch.where(errors.flatten(1).any(1)[:, None, None], errors, wanted)
    spot = (torch.rand(where.shape, device=where.device) * where).flatten(1).argmax(1)
    labels = wanted.flatten(1).gather(1, spot[:, None]).long()
    side = target.shape[-1]
    return torch.stack([spot % side, spot // side], dim=-1)[:, None].float(), labels


def prompt_rounds(model, features, batch, group, rounds, device, youth):
    """Several rounds of prompting for one group of objects; returns the mean loss and the figures of each round."""
    points, labels = batch["points"][group].to(device), batch["labels"][group].to(device)
    target = batch["targets"][group].to(device)
    mask = batch["rough"].to(device) if group == 1 and "rough" in batch else None
    clicks = group == 0
    losses, figures = [], []
    for index in range(rounds):
        masks, iou, _, score = model.decode(features, points, labels, mask)
        logits = masks.float()
        loss, round_figures = decoder_loss(logits, iou, score, target, youth=youth)
        losses.append(loss)
        figures.append(round_figures)
        if index + 1 < rounds:
            with torch.no_grad():
                # A lone click asks for the best of three masks, everything else for the single one.
                best = iou[:, 1:].argmax(1) + 1
                if index > 0 or not clicks:
                    best = torch.zeros_like(best)
                each = torch.arange(len(iou), device=device)
                mask = logits[each, best][:, None].clamp(-32, 32)
                point, label = error_clicks(target, logits[each, best][:, None])
            scale = model.image_size / target.shape[-1]
            points = torch.cat([points, (point + 0.5) * scale - 0.5], dim=1)
            labels = torch.cat([labels, label], dim=1)
    return sum(losses) / rounds, figures


def repeat_channels_last(feature, times):
    """Repeats each picture's feature for its objects and keeps the layout in memory that the decoder likes."""
    return feature.permute(0, 2, 3, 1).repeat_interleave(times, 0).permute(0, 3, 1, 2)


def train_step(run, batch, rounds, objects, youth, dense_weight):
    model, device = run.model, run.device
    with torch.autocast("cuda" if device != "cpu" else "cpu", dtype=torch.bfloat16):
        pictures = model.normalise(batch["pictures"].to(device, non_blocking=True))
        levels = model.image_encoder(pictures)
        dense, grouping = 0, 0.0
        if dense_weight > 0:
            cells = (batch[key].to(device) for key in ("cell_ids", "cell_boxes"))
            dense, grouping = dense_loss(run.dense, levels, *cells)
        stride4, stride8, stride16 = model.to_decoder(levels)
        features = (stride4, stride8, model.without_memory(stride16))
        features = [repeat_channels_last(f, objects // 2) for f in features]
        clicked, click_figures = prompt_rounds(model, features, batch, 0, rounds, device, youth)
        boxed, box_figures = prompt_rounds(model, features, batch, 1, rounds, device, youth)
    loss = clicked + boxed + dense_weight * dense
    loss.backward()
    parameters = [p for group in run.optimiser.param_groups for p in group["params"]]
    norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    if torch.isfinite(norm):
        run.optimiser.step()
    run.optimiser.zero_grad(set_to_none=True)
    return loss.detach(), norm, grouping, click_figures, box_figures


def average_weights(run):
    """The mean of all processes' weights. Between two of these each process makes steps of its own.

    Exchanging gradients in every step would make each process wait for the slower one in every step; on a machine that
    other work shares that costs a third of the time.
    """
    if not dist.is_initialized():
        return
    parameters = [p.data for group in run.optimiser.param_groups for p in group["params"]]
    flat = torch.cat([p.flatten() for p in parameters])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for parameter, piece in zip(parameters, flat.split([p.numel() for p in parameters])):
        parameter.copy_(piece.view_as(parameter))


def agreed_seconds(seconds):
    """The first process's clock, so that all stop and schedule alike."""
    if not dist.is_initialized():
        return seconds
    value = torch.tensor(seconds, dtype=torch.float64)
    dist.broadcast(value, 0)
    return float(value)


def train(rank, arguments):
    if arguments.processes > 1:
        rendezvous = f"file://{(arguments.run / 'rendezvous').resolve()}"
        dist.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=arguments.processes)
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(arguments.seed)  # all processes must start from the same weights
    run = Run(arguments)
    torch.manual_seed(arguments.seed + 1000 * rank + run.step)
    run.model.train()
    if arguments.compile:
        run.model.image_encoder.forward = torch.compile(run.model.image_encoder.forward)
    # The seed moves on with the step, so that a continued run does not see the same batches again.
    shards = arguments.cache / f"shards_train_{arguments.shard_size}"
    seed = [arguments.seed, run.step, rank]
    batches = loader(shards, run.model.image_size, arguments.batch, arguments.objects, seed, arguments.workers)
    with sdpa_kernel(GPU_ATTENTION):
        train_loop(run, batches, arguments, rank)


def learning_rate(arguments, step, seconds):
    """Warm up by steps, hold, and fall along a cosine over the last part of the budget."""
    warm = min(1, (step + 1) / arguments.warmup)
    spent = seconds / (arguments.budget_minutes * 60)
    falling = max(0, (spent - arguments.hold) / (1 - arguments.hold))
    return arguments.rate * warm * max(0.002, 0.5 * (1 + math.cos(math.pi * falling)))


def train_loop(run, batches, arguments, rank):
    log = open(run.folder / "log.jsonl", "a") if rank == 0 else open("/dev/null", "w")

    def report(row):
        print(json.dumps(row), file=log, flush=True)
        if rank == 0:
            print(json.dumps(row), flush=True)

    budget = arguments.budget_minutes * 60
    clock = time.process_time if arguments.device == "cpu" and not arguments.wall else time.time
    saved, scored = time.time(), run.seconds
    kept = []
    while run.step % EXCHANGED_EVERY or run.seconds < budget:
        start = clock()
        rate = learning_rate(arguments, run.step, run.seconds)
        for group in run.optimiser.param_groups:
            group["lr"] = rate
        rounds = ROUNDS[run.step % len(ROUNDS)]
        if run.seconds < arguments.short_prompting * budget:
            rounds = min(rounds, 2 if run.step % 4 == 3 else 1)
        youth = max(0, 1 - run.seconds / (arguments.young_minutes * 60)) if arguments.young_minutes else 0
        first_weight, last_weight = arguments.dense
        dense_weight = first_weight + (last_weight - first_weight) * min(1, run.seconds / budget)
        batch = next(batches)
        loss, norm, grouping, clicks, boxed = train_step(run, batch, rounds, arguments.objects, youth, dense_weight)
        run.step += 1
        if run.step % EXCHANGED_EVERY == 0:
            average_weights(run)
        if rank == 0:
            run.update_average()
        run.seconds += clock() - start
        if run.step % EXCHANGED_EVERY == 0:
            run.seconds = agreed_seconds(run.seconds)
        first, last = clicks[0], clicks[-1]
        ious = (first["iou_chosen"], first["iou_best"], boxed[0]["iou_single"], last["iou_single"])
        kept.append((float(loss), grouping, *ious))
        row = {"step": run.step, "minutes": round(run.seconds / 60, 2)}
        if run.step % 50 == 0:
            mean = [round(sum(column) / len(column), 4) for column in zip(*kept)]
            kept = []
            report(row | {"rate": round(rate, 7), "norm": round(float(norm), 3)} | dict(zip(FIGURES, mean)))
        if rank:
            continue
        if time.time() - saved > SAVED_EVERY:
            run.save()
            saved = time.time()
        done = run.seconds >= budget and run.step % EXCHANGED_EVERY == 0
        if done or run.seconds - scored > arguments.score_minutes * 60:
            scored = run.seconds
            scores = quick_scores(run.average, arguments, run.device)
            report(row | scores)
            if scores["held_out_click"] + scores["held_out_box"] > run.best:
                run.best = scores["held_out_click"] + scores["held_out_box"]
                run.save_best()
            run.save()


def main():
    arguments = parse_arguments()
    arguments.run.mkdir(parents=True, exist_ok=True)
    (arguments.run / "rendezvous").unlink(missing_ok=True)
    if arguments.processes > 1:
        torch.multiprocessing.spawn(train, (arguments,), arguments.processes)
    else:
        train(0, arguments)


if __name__ == "__main__":
    main()
