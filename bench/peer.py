#!/usr/bin/env python3
"""One peer, as a child process of bench/compare.py: runs a SAM 2 image encoder or mask decoder on command.

    bench/peer.py onnxruntime|openvino|pytorch --precision f32|bf16|int8 --threads N --models FOLDER

FOLDER holds encoder.onnx and decoder.onnx (`samc export`), and for PyTorch model.pt and config.txt, the name of its
official configuration. Commands, one a line on stdin, each answered by one line, as bench/model_bench answers:

    input NAME FILE     f32 values, of the shape that the model wants
    run encoder|decoder milliseconds by the clock, milliseconds of processor time of all threads
    output NAME FILE    writes an output of the last run as f32 values
    memory              the most memory that this process had so far, MB

int8 is what each runtime's own tool makes by its defaults: quantize_dynamic of ONNX Runtime, nncf.quantize of OpenVINO with
one calibration image, quantize_dynamic of PyTorch's Linear layers.
"""
import argparse
import pathlib
import resource
import sys
import time

import numpy as np

ENCODER_OUTPUTS = ("high_res_feats_0", "high_res_feats_1", "image_embed")


class OnnxRuntime:
    def __init__(self, folder, precision, threads):
        import onnxruntime

        self.threads = threads
        self.runtime = onnxruntime
        files = {part: folder / f"{part}.onnx" for part in ("encoder", "decoder")}
        if precision == "int8":
            from onnxruntime.quantization import quantize_dynamic

            for part, path in files.items():
                files[part] = folder / f"{part}.int8.onnx"
                if not files[part].exists():
                    quantize_dynamic(path, files[part])
        elif precision != "f32":
            raise SystemExit(f"ONNX Runtime has no {precision} on CPUs")
        self.sessions = {part: self.session(path) for part, path in files.items()}
        self.version = f"ONNX Runtime {onnxruntime.__version__}"

    def session(self, path):
        options = self.runtime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # Its threads spin while it runs, as by default, but not on into another's turn.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        return self.runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def shapes(self, part):
        return {value.name: value.shape for value in self.sessions[part].get_inputs()}

    def run(self, part, inputs):
        session = self.sessions[part]
        return dict(zip([value.name for value in session.get_outputs()], session.run(None, inputs)))


class OpenVino:
    def __init__(self, folder, precision, threads):
        import openvino

        core = openvino.Core()
        self.compiled = {}
        for part in ("encoder", "decoder"):
            model = core.read_model(folder / f"{part}.onnx")
            if precision == "int8" and part == "encoder":
                import nncf

                path = folder / "encoder.int8.xml"
                if not path.exists():
                    image = np.fromfile(folder / "calibration.bin", np.float32).reshape(list(model.input(0).shape))
                    openvino.save_model(nncf.quantize(model, nncf.Dataset([{"image": image}])), path)
                model = core.read_model(path)
            hints = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY",
                     "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32"}
            self.compiled[part] = core.compile_model(model, "CPU", hints)
        self.version = f"OpenVINO {openvino.__version__.split('-')[0]}"

    def shapes(self, part):
        return {value.get_any_name(): [dimension.get_length() if dimension.is_static else dimension.to_string()
                                       for dimension in value.get_partial_shape()]
                for value in self.compiled[part].inputs}

    def run(self, part, inputs):
        results = self.compiled[part](inputs)
        return {value.get_any_name(): results[value] for value in self.compiled[part].outputs}


class PyTorch:
    def __init__(self, folder, precision, threads):
        import torch
        from sam2.build_sam import build_sam2

        torch.set_num_threads(threads)
        self.torch = torch
        self.model = build_sam2((folder / "config.txt").read_text().strip(), str(folder / "model.pt"), device="cpu")
        if precision == "int8":
            self.model = torch.ao.quantization.quantize_dynamic(self.model, {torch.nn.Linear}, dtype=torch.qint8)
        self.autocast = precision == "bf16"
        self.version = f"PyTorch {torch.__version__}"

    def shapes(self, part):
        del part
        return None  # as they are given

    def run(self, part, inputs):
        torch = self.torch
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=self.autocast):
            values = {name: torch.from_numpy(value) for name, value in inputs.items()}
            results = self.encode(values) if part == "encoder" else self.decode(values)
        return {name: value.float().numpy() for name, value in results.items()}

    def encode(self, values):
        """SAM2ImagePredictor.set_image() behind its transforms."""
        model = self.model
        _, features, _, sizes = model._prepare_backbone_features(model.forward_image(values["image"]))
        features[-1] = features[-1] + model.no_mem_embed
        maps = [feature.permute(1, 2, 0).reshape(1, -1, *size) for feature, size in zip(features, sizes)]
        return dict(zip(ENCODER_OUTPUTS, maps))

    def decode(self, values):
        """SAM2ImagePredictor._predict() with multimask_output, before its postprocessing."""
        model = self.model
        sparse, dense = model.sam_prompt_encoder(
            points=(values["point_coords"], values["point_labels"]), boxes=None, masks=None)
        masks, scores, _, _ = model.sam_mask_decoder(
            image_embeddings=values["image_embed"], image_pe=model.sam_prompt_encoder.get_dense_pe(),
            sparse_prompt_embeddings=sparse, dense_prompt_embeddings=dense, multimask_output=True, repeat_image=False,
            high_res_features=[values["high_res_feats_0"], values["high_res_feats_1"]])
        return {"masks": masks, "iou_predictions": scores}


PEERS = {"onnxruntime": OnnxRuntime, "openvino": OpenVino, "pytorch": PyTorch}


class Server:
    def __init__(self, peer):
        self.peer = peer
        self.inputs = {}
        self.outputs = {}

    def shaped(self, part):
        """The inputs of one part, in the shapes that the model declares; what the model does not name is left out."""
        declared = self.peer.shapes(part)
        if declared is None:
            return {name: values.reshape(self.natural_shape(name, values)) for name, values in self.inputs.items()}
        result = {}
        for name, shape in declared.items():
            known = [extent if isinstance(extent, int) else None for extent in shape]
            result[name] = self.inputs[name].reshape(self.filled(name, known))
        return result

    def filled(self, name, shape):
        """Free extents: the prompt's count is 1, its points and a mask's presence are what is left."""
        free = [axis for axis, extent in enumerate(shape) if extent is None]
        shape = [1 if extent is None else extent for extent in shape]
        if free:
            shape[free[-1]] = self.inputs[name].size // int(np.prod(shape))
        return shape

    @staticmethod
    def natural_shape(name, values):
        if name == "image":
            side = int(round((values.size / 3) ** 0.5))
            return 1, 3, side, side
        if name == "point_coords":
            return 1, -1, 2
        if name == "point_labels":
            return 1, -1
        channels = {"high_res_feats_0": 32, "high_res_feats_1": 64, "image_embed": 256}.get(name)
        if channels is None:
            return (-1,)
        side = int(round((values.size / channels) ** 0.5))
        return 1, channels, side, side

    def obey(self, line):
        command, *words = line.split()
        if command == "input":
            self.inputs[words[0]] = np.fromfile(words[1], np.float32)
            return "ok"
        if command == "run":
            inputs = self.shaped(words[0])
            processor, start = time.process_time(), time.perf_counter()
            self.outputs = self.peer.run(words[0], inputs)
            return f"{(time.perf_counter() - start) * 1e3:.4f} {(time.process_time() - processor) * 1e3:.4f}"
        if command == "output":
            np.ascontiguousarray(self.outputs[words[0]], np.float32).tofile(words[1])
            return "ok"
        if command == "memory":
            return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000:.0f}"
        return f"error not a command: {line}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--precision", choices=("f32", "bf16", "int8"), default="f32")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--models", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    # Libraries print where the answers go: those go to the real standard output, all else to standard error.
    answers, sys.stdout = sys.stdout, sys.stderr
    server = Server(PEERS[arguments.peer](arguments.models, arguments.precision, arguments.threads))
    print(server.peer.version, file=answers, flush=True)
    for line in sys.stdin:
        try:
            answer = server.obey(line.strip())
        except Exception as error:  # noqa: BLE001: whatever a library throws ends this measurement alone
            answer = f"error {type(error).__name__}: {' '.join(str(error).split())[:300]}"
        print(answer, file=answers, flush=True)


if __name__ == "__main__":
    main()
