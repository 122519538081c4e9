"""Trains the image part: encoder, prompt encoder, mask decoder, on composed pictures.

    nice -n 19 python -m training.train_image --cache /tmp/train --run /tmp/train/image --budget-minutes 110

RUN/state.pt holds all that is needed to go on (weights, optimiser, averaged weights, step, time spent); the same
command continues from it. RUN/best.pt holds the averaged weights with the best held-out score so far, RUN/log.jsonl
one JSON object a line. The budget counts processor time on a CPU and wall time on a GPU, so that a training that other
work pushes aside still has its whole schedule before it: the learning rate is full at first and falls at the end.

On a CPU that other work shares, several processes of one thread each (--processes 2) are much faster than one of
several threads: they wait for each other once a step and not after every operation.
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
from training.evaluate_images import quick_scores
from training.losses import decoder_loss
from training.model import build_model

MEMORY_PARTS = ("memory_attention", "memory_encoder", "mask_downsample", "obj_ptr", "maskmem", "no_obj", "no_mem_pos")
ROUNDS = (1, 2, 1, 2, 1, 3, 2, 5)  # rounds of prompting in each step, over and over
GPU_ATTENTION = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
HOLD = 0.5  # the share of the budget with the full learning rate
FIGURES = ("loss", "click", "click_best", "box", "last_round")


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
    parser.add_argument("--plain-minutes", type=float, default=0, help="begin with cross entropy in place of focal")
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
        decayed = [p for p in self.model.parameters() if p.requires_grad and p.ndim > 1]
        plain = [p for p in self.model.parameters() if p.requires_grad and p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=arguments.rate, betas=(0.9, 0.98), fused=True)
        self.average = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.step, self.seconds, self.best = 0, 0.0, 0.0
        if (self.folder / "state.pt").exists():
            state = torch.load(self.folder / "state.pt", map_location=self.device, weights_only=True)
            self.model.load_state_dict(state["model"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.average = state["average"]
            self.step, self.seconds, self.best = state["step"], state["seconds"], state["best"]

    def update_average(self):
        decay = min(0.999, (1 + self.step) / (20 + self.step))
        values = self.model.state_dict()
        names = [name for name in self.average if self.average[name].is_floating_point()]
        torch._foreach_lerp_([self.average[n] for n in names], [values[n] for n in names], 1 - decay)

    def save(self):
        state = {"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict(), "average": self.average}
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


def prompt_rounds(model, features, batch, group, rounds, device, plain):
    """Several rounds of prompting for one group of objects; returns the mean loss and the figures of each round."""
    points, labels = batch["points"][group].to(device), batch["labels"][group].to(device)
    target = batch["targets"][group].to(device)
    mask = batch["rough"].to(device) if group == 1 and "rough" in batch else None
    clicks = group == 0
    losses, figures = [], []
    for index in range(rounds):
        masks, iou, _, score = model.decode(features, points, labels, mask)
        logits = masks.float()
        loss, round_figures = decoder_loss(logits, iou, score, target, plain=plain)
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


def train_step(run, batch, rounds, objects, plain=False):
    model, device = run.model, run.device
    with torch.autocast("cuda", dtype=torch.bfloat16, enabled=device != "cpu"):
        pictures = model.normalise(batch["pictures"].to(device, non_blocking=True))
        stride4, stride8, stride16 = model.encode_image(pictures)
        features = (stride4, stride8, model.without_memory(stride16))
        features = [f.repeat_interleave(objects // 2, 0) for f in features]
        clicked, click_figures = prompt_rounds(model, features, batch, 0, rounds, device, plain)
        boxed, box_figures = prompt_rounds(model, features, batch, 1, rounds, device, plain)
    loss = clicked + boxed
    loss.backward()
    parameters = [p for p in model.parameters() if p.requires_grad]
    average_gradients(parameters)
    norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    if torch.isfinite(norm):
        run.optimiser.step()
    run.optimiser.zero_grad(set_to_none=True)
    return loss.detach(), norm, click_figures, box_figures


def average_gradients(parameters):
    """The mean of all processes' gradients, in one exchange."""
    if not dist.is_initialized():
        return
    gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
    flat = torch.cat([g.flatten() for g in gradients])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for parameter, piece in zip(parameters, flat.split([p.numel() for p in parameters])):
        parameter.grad = piece.view_as(parameter)


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
    torch.manual_seed(arguments.seed + 1000 * rank)
    run = Run(arguments)
    run.model.train()
    if arguments.compile:
        run.model.image_encoder.forward = torch.compile(run.model.image_encoder.forward)
    # The seed moves on with the step, so that a continued run does not see the same batches again.
    shards = arguments.cache / f"shards_train_{arguments.shard_size}"
    seed = [arguments.seed, run.step, rank]
    batches = loader(shards, run.model.image_size, arguments.batch, arguments.objects, seed, arguments.workers)
    # The flash attention of the CPU is slow backwards; the plain one is not.
    attention = [SDPBackend.MATH] if arguments.device == "cpu" else GPU_ATTENTION
    with sdpa_kernel(attention):
        train_loop(run, batches, arguments, rank)


def learning_rate(arguments, step, seconds):
    """Warm up by steps, hold, and fall along a cosine over the last part of the budget."""
    warm = min(1, (step + 1) / arguments.warmup)
    spent = seconds / (arguments.budget_minutes * 60)
    falling = max(0, (spent - HOLD) / (1 - HOLD))
    return arguments.rate * warm * max(0.002, 0.5 * (1 + math.cos(math.pi * falling)))


def train_loop(run, batches, arguments, rank):
    log = open(run.folder / "log.jsonl", "a") if rank == 0 else open("/dev/null", "w")

    def report(row):
        print(json.dumps(row), file=log, flush=True)
        if rank == 0:
            print(json.dumps(row), flush=True)

    budget = arguments.budget_minutes * 60
    clock = time.process_time if arguments.device == "cpu" else time.time
    saved, scored = time.time(), run.seconds
    kept = []
    while run.seconds < budget:
        start = clock()
        rate = learning_rate(arguments, run.step, run.seconds)
        for group in run.optimiser.param_groups:
            group["lr"] = rate
        rounds = ROUNDS[run.step % len(ROUNDS)]
        if run.seconds < 0.35 * budget:
            rounds = min(rounds, 2)
        plain = run.seconds < arguments.plain_minutes * 60
        loss, norm, clicks, boxed = train_step(run, next(batches), rounds, arguments.objects, plain)
        run.step += 1
        if rank == 0:
            run.update_average()
        run.seconds = agreed_seconds(run.seconds + clock() - start)
        first, last = clicks[0], clicks[-1]
        kept.append((float(loss), first["iou_chosen"], first["iou_best"], boxed[0]["iou_single"], last["iou_single"]))
        row = {"step": run.step, "minutes": round(run.seconds / 60, 2)}
        if run.step % 50 == 0:
            mean = [round(sum(column) / len(column), 4) for column in zip(*kept)]
            kept = []
            report(row | {"rate": round(rate, 7), "norm": round(float(norm), 3)} | dict(zip(FIGURES, mean)))
        if rank:
            continue
        if time.time() - saved > 300:
            run.save()
            saved = time.time()
        if run.seconds - scored > arguments.score_minutes * 60 or run.seconds >= budget:
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
