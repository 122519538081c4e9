"""Trains the image part: encoder, prompt encoder, mask decoder, on composed pictures.

    nice -n 19 python -m training.train_image --cache /tmp/train --run /tmp/train/image --budget-minutes 110

The same command continues from RUN/state.pt (run.py), with the batches that would have come next. The budget counts
processor time on a CPU and wall time on a GPU, so that a training that other work pushes aside still has its whole
schedule before it; --wall is for a training that must be done by a certain time. The learning rate is full at first and
falls at the end.

From random weights, --dense and --young-minutes make the difference between learning and not (dense.py, losses.py).

--processes 2 is the way to use two cores (processes.py).
"""

import argparse
import pathlib

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from training import losses
from training.data.shards import Batches, loader
from training.dense import DenseHead, dense_loss
from training.evaluate_images import quick_scores
from training.losses import decoder_loss
from training.model import build_model
from training.processes import end_step, is_finished, run_processes
from training.run import Run, add_arguments, load_state, make_optimiser

MEMORY_PARTS = ("memory_attention", "memory_encoder", "mask_downsample", "obj_ptr", "maskmem", "no_obj", "no_mem_pos")
ROUNDS = (1, 2, 1, 2, 1, 3, 2, 5)  # rounds of prompting in each step, over and over
GPU_ATTENTION = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
AVERAGE_DECAY = 0.999
FIGURES = ("loss", "grouping", "click", "click_best", "box", "last_round")


def parse_arguments():
    here = pathlib.Path(__file__).parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--run", type=pathlib.Path, required=True)
    parser.add_argument("--config", type=pathlib.Path, default=here / "models/mini/mini.yaml")
    parser.add_argument("--weights", type=pathlib.Path, help="start from these, or from another run's state.pt")
    parser.add_argument("--batch", type=int, default=8, help="pictures in a step of each process")
    parser.add_argument("--objects", type=int, default=4, help="prompted objects in each picture, an even number")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--dense", type=float, nargs=2, default=(0, 0), help="weight of the dense task, first and last")
    parser.add_argument("--short-prompting", type=float, default=0.35, help="share of the budget with few rounds")
    parser.add_argument("--warmup", type=int, default=300, help="steps until the full learning rate")
    return parser.parse_args()


def start_run(arguments, rank):
    device = arguments.device
    model = build_model(arguments.config, arguments.image_size).to(device)
    dense = DenseHead(model.dim).to(device)
    given = load_state(arguments.weights, device) if arguments.weights else {}
    if given:
        model.load_state_dict({name: value.float() for name, value in given["model"].items()})
    for name, parameter in model.named_parameters():
        parameter.requires_grad = not name.startswith(MEMORY_PARTS)
    trained = [p for p in model.parameters() if p.requires_grad] + list(dense.parameters())
    optimiser = make_optimiser(arguments, [{"params": trained}], weight_decay=0.05)
    if "dense" in given:  # another run's state: only its schedule starts anew
        dense.load_state_dict(given["dense"])
        if given.get("muon", False) == arguments.muon:
            optimiser.load_state_dict(given["optimiser"])
    return Run(arguments, {"model": model, "dense": dense}, optimiser, AVERAGE_DECAY, rank)


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
    round_losses, figures = [], []
    for index in range(rounds):
        masks, iou, _, score = model.decode(features, points, labels, mask)
        logits = masks.float()
        loss, round_figures = decoder_loss(logits, iou, score, target, youth=youth)
        round_losses.append(loss)
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
    return sum(round_losses) / rounds, figures


def compile_model(model):
    """On a CPU a step takes three quarters of the time afterwards; compiling takes three minutes, once."""
    model.image_encoder.forward = torch.compile(model.image_encoder.forward)
    model.decode = torch.compile(model.decode, dynamic=True)  # any number of points
    losses.mask_losses = torch.compile(losses.mask_losses)


def repeat_channels_last(feature, times):
    """Repeats each picture's feature for its objects and keeps the layout in memory that the decoder likes."""
    return feature.permute(0, 2, 3, 1).repeat_interleave(times, 0).permute(0, 3, 1, 2)


def train_step(run, batch, rounds, objects, dense_weight):
    model, device, youth = run.model, run.device, run.youth()
    with torch.autocast("cuda" if device != "cpu" else "cpu", dtype=torch.bfloat16):
        pictures = model.normalise(batch["pictures"].to(device, non_blocking=True))
        levels = model.image_encoder(pictures)
        dense, grouping = 0, 0.0
        if dense_weight > 0:
            cells = (batch[key].to(device) for key in ("cell_ids", "cell_boxes"))
            dense, grouping = dense_loss(run.modules["dense"], levels, *cells)
        stride4, stride8, stride16 = model.to_decoder(levels)
        features = (stride4, stride8, model.without_memory(stride16))
        features = [repeat_channels_last(f, objects // 2) for f in features]
        clicked, click_figures = prompt_rounds(model, features, batch, 0, rounds, device, youth)
        boxed, box_figures = prompt_rounds(model, features, batch, 1, rounds, device, youth)
    loss = clicked + boxed + dense_weight * dense
    return loss.detach(), run.learn(loss), grouping, click_figures, box_figures


def train(rank, arguments):
    run = start_run(arguments, rank)
    run.model.train()
    if arguments.compile:
        compile_model(run.model)
    shards = arguments.cache / f"shards_train_{arguments.shard_size}"
    seed = [arguments.seed, rank]
    drawn = Batches(shards, run.model.image_size, arguments.batch, arguments.objects, seed, run.step)
    batches = loader(drawn, arguments.workers)
    with sdpa_kernel(GPU_ATTENTION):
        train_loop(run, batches, arguments, rank)


def rounds_of_prompting(run, arguments):
    rounds = ROUNDS[run.step % len(ROUNDS)]
    return min(rounds, 2 if run.step % 4 == 3 else 1) if run.spent() < arguments.short_prompting else rounds


def train_loop(run, batches, arguments, rank):
    kept = []
    while not is_finished(run, arguments):
        start = run.clock()
        run.seed_step()
        rate = run.set_rate()
        first_weight, last_weight = arguments.dense
        dense_weight = first_weight + (last_weight - first_weight) * min(1, run.spent())
        rounds = rounds_of_prompting(run, arguments)
        loss, norm, grouping, clicks, boxed = train_step(run, next(batches), rounds, arguments.objects, dense_weight)
        exchanged = end_step(run, run.clock() - start)
        first, last = clicks[0], clicks[-1]
        ious = (first["iou_chosen"], first["iou_best"], boxed[0]["iou_single"], last["iou_single"])
        kept.append((float(loss), grouping, *ious))
        if run.step % 50 == 0:
            mean = [round(sum(column) / len(column), 4) for column in zip(*kept)]
            kept = []
            run.report({"rate": round(rate, 7), "norm": round(norm, 3)} | dict(zip(FIGURES, mean)))
        if exchanged and rank == 0 and run.wants_score():
            scores = quick_scores(run.average, arguments, run.device)
            run.take_score(scores, scores["held_out_click"] + scores["held_out_box"])
    run.save()


def main():
    run_processes(train, parse_arguments())


if __name__ == "__main__":
    main()
