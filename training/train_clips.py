"""Trains the memory part on composed clips, after the image part.

    python -m training.train_clips --cache /tmp/train --weights /tmp/train/image/best.pt \\
        --run /tmp/train/clips --image-size 128 --frames 4 --budget-minutes 60

The first frame gets a click, a box or its mask, the others nothing; each frame's masks, IoU estimates and object
scores are trained, through the memories of the frames before. The image encoder stays as it is. With --decoder-rate the
prompt encoder and the mask decoder learn on at that rate, and every second step has pictures beside the clips, so that
they forget nothing. RUN is as in run.py.

So that a short training gets somewhere: the memory part starts where the decoder understands it (memory_start.py), and
at first the memories hold the true masks more often than the model's own (--taught), so that what memory attention sees
means something before the model can follow anything.
"""

import argparse
import dataclasses
import pathlib

import torch
from torch.nn.attention import sdpa_kernel

from training.data.clip_batches import ClipBatches
from training.data.shards import Batches, loader
from training.evaluate_clips import quick_score
from training.losses import decoder_loss
from training.memory_start import start_memory
from training.model import build_model
from training.processes import end_step, is_finished, run_processes
from training.run import Run, add_arguments, load_state, make_optimiser
from training.tracking import Tracker, of_objects
from training.train_image import GPU_ATTENTION, MEMORY_PARTS, compile_model, prompt_rounds, repeat_channels_last

# Pictures only teach that the object is there, so what says so has to learn with the memory.
TRACKING_PARTS = (*MEMORY_PARTS, "sam_mask_decoder.pred_obj_score_head")
DECODER_PARTS = ("sam_prompt_encoder", "sam_mask_decoder")
TAUGHT_LOGIT = 10.0
PICTURE_BATCH = (4, 6)  # pictures and prompted objects in each
PICTURE_ROUNDS = (1, 3, 1, 2, 1, 5)
PICTURE_WEIGHT = 0.5
AVERAGE_DECAY = 0.998


def teacher(targets, share):
    """For Tracker: puts the true masks of random objects in place of the model's own in what is remembered."""

    def taught(index, frame):
        target = targets[:, index]
        chosen = torch.rand(len(target), 1, device=target.device) < share
        present = target.flatten(1).amax(1, keepdim=True) > 0.5
        truth = (target * 2 - 1) * TAUGHT_LOGIT
        score = torch.where(present, TAUGHT_LOGIT, -TAUGHT_LOGIT)
        return dataclasses.replace(
            frame,
            chosen=torch.where(chosen[..., None, None], truth, frame.chosen.float()),
            score=torch.where(chosen, score, frame.score.float()),
        )

    return taught if share > 0 else None


def clip_loss(model, batch, device, youth=0.0, taught_share=0.0):
    """The mean loss of a batch of clips and the IoU of each frame."""
    pictures = batch["pictures"].to(device)
    clips, frames = pictures.shape[:2]
    targets = batch["targets"].to(device)
    with torch.no_grad():
        features = model.encode_image(model.normalise(pictures.flatten(0, 1)))
    clip_of = torch.arange(len(targets), device=device) // (len(targets) // clips)
    tracker = Tracker(model, frames, teacher(targets, taught_share))
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
        loss, figures = decoder_loss(frame.masks, frame.iou, frame.score, target, present, youth)
        losses.append(loss)
        ious.append(figures["iou_chosen"])
    return sum(losses) / len(losses), ious


def picture_loss(model, batch, rounds, device):
    """What train_image trains, with the image encoder as it is."""
    objects = PICTURE_BATCH[1]
    with torch.no_grad():
        stride4, stride8, stride16 = model.encode_image(model.normalise(batch["pictures"].to(device)))
    features = (stride4, stride8, model.without_memory(stride16))
    features = [repeat_channels_last(feature, objects // 2) for feature in features]
    clicked, _ = prompt_rounds(model, features, batch, 0, rounds, device, 0)
    boxed, _ = prompt_rounds(model, features, batch, 1, rounds, device, 0)
    return clicked + boxed


def parse_arguments():
    here = pathlib.Path(__file__).parent.parent
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser)
    parser.add_argument("--cache", type=pathlib.Path, required=True)
    parser.add_argument("--run", type=pathlib.Path, required=True)
    parser.add_argument("--weights", type=pathlib.Path, required=True, help="the image part, trained")
    parser.add_argument("--memory-from", type=pathlib.Path, help="take the memory part from these weights, trained")
    parser.add_argument("--config", type=pathlib.Path, default=here / "models/mini/mini.yaml")
    parser.add_argument("--clip-frames", type=int, default=8, help="frames of the composed clips")
    parser.add_argument("--frames", type=int, default=4, help="frames of a training step, taken from a clip")
    parser.add_argument("--batch", type=int, default=4, help="clips in a step")
    parser.add_argument("--objects", type=int, default=3, help="followed objects in each clip")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--decoder-rate", type=float, default=0.0)
    parser.add_argument("--taught", type=float, nargs=2, default=(0.8, 0.2), help="share of true memories")
    parser.add_argument("--warmup", type=int, default=100, help="steps until the full learning rate")
    return parser.parse_args()


def start_run(arguments, rank):
    device = arguments.device
    model = build_model(arguments.config, arguments.image_size).to(device)
    given = load_state(arguments.weights, device)["model"]
    if arguments.memory_from:
        memory = load_state(arguments.memory_from, device)["model"]
        given |= {name: value for name, value in memory.items() if name.startswith(TRACKING_PARTS)}
    model.load_state_dict({name: value.float() for name, value in given.items()})
    for layer in model.memory_attention.layers:
        layer.dropout.p = 0.0  # there is no danger of learning the clips by heart here
    groups = [{"params": [], "share": 1.0}, {"params": [], "share": arguments.decoder_rate / arguments.rate}]
    for name, parameter in model.named_parameters():
        tracks = name.startswith(TRACKING_PARTS)
        parameter.requires_grad = tracks or (arguments.decoder_rate > 0 and name.startswith(DECODER_PARTS))
        if parameter.requires_grad:
            groups[0 if tracks else 1]["params"].append(parameter)
    optimiser = make_optimiser(arguments, groups, weight_decay=0.02)
    return Run(arguments, {"model": model}, optimiser, AVERAGE_DECAY, rank)


def train(rank, arguments):
    run = start_run(arguments, rank)
    model, device, frames = run.model, run.device, arguments.frames
    folder = arguments.cache / f"clips_train_{arguments.shard_size}_{arguments.clip_frames}"
    sizes = (model.image_size, arguments.batch, arguments.objects, frames)
    dataset = ClipBatches(folder, *sizes, [arguments.seed, rank], run.step)
    if not run.continued and not arguments.memory_from:
        with torch.no_grad():
            first = next(iter(ClipBatches(folder, *sizes, [arguments.seed, 0])))  # the same in all processes
            sample = model.normalise(first["pictures"][:, 0].to(device))
            start_memory(model, model.encode_image(sample)[2])
        run.average = {name: value.detach().clone() for name, value in model.state_dict().items()}
    if arguments.compile:
        compile_model(model)
    batches, pictures = loader(dataset, arguments.workers), None
    if arguments.decoder_rate > 0:
        shards = arguments.cache / f"shards_train_{arguments.shard_size}"
        drawn = Batches(shards, model.image_size, *PICTURE_BATCH, [arguments.seed, rank], run.step // 2)
        pictures = loader(drawn, arguments.workers)
    kept = []
    model.train()
    while not is_finished(run, arguments):
        start = run.clock()
        run.seed_step()
        rate = run.set_rate()
        first_share, last_share = arguments.taught
        taught_share = first_share + (last_share - first_share) * run.spent()
        with sdpa_kernel(GPU_ATTENTION), torch.autocast("cuda" if device != "cpu" else "cpu", dtype=torch.bfloat16):
            loss, ious = clip_loss(model, next(batches), device, run.youth(), taught_share)
            total = loss
            if pictures is not None and run.step % 2:
                rounds = PICTURE_ROUNDS[run.step // 2 % len(PICTURE_ROUNDS)]
                total = loss + PICTURE_WEIGHT * picture_loss(model, next(pictures), rounds, device)
        norm = run.learn(total)
        exchanged = end_step(run, run.clock() - start)
        later = ious[1 - frames :]
        kept.append((float(loss.detach()), norm, later[0], sum(later) / len(later)))
        if run.step % 50 == 0:
            mean = [round(sum(column) / len(column), 4) for column in zip(*kept)]
            kept = []
            run.report({"rate": round(rate, 7)} | dict(zip(("loss", "norm", "second", "later"), mean)))
        if exchanged and rank == 0 and run.wants_score():
            score = quick_score(run.average, arguments, device)
            run.take_score({"held_out_j": round(score, 4)}, score)
    run.save()


def main():
    run_processes(train, parse_arguments())


if __name__ == "__main__":
    main()
