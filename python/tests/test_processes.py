"""Threads, forks, signals, and what is imported when."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
from conftest import BEDROOM

import samc
from samc.tools import program


def run(code, **options):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=300, **options
    )


def test_one_predictor_in_several_threads(predictor, small):
    """Each call is right, or refused."""
    predictor.set_image(small)
    expected = predictor.predict([[50, 75]], [1])[2]
    right, refused, wrong = [], [], []

    def work():
        for _ in range(10):
            try:
                same = np.array_equal(predictor.predict([[50, 75]], [1])[2], expected)
                (right if same else wrong).append(1)
            except RuntimeError as error:
                (refused if "another thread" in str(error) else wrong).append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and right and len(right) + len(refused) == 40


def test_predictors_of_one_model_in_threads(mini, small, truck):
    images = [small, np.ascontiguousarray(truck[:300, :300])]
    expected = []
    for image in images:
        predictor = samc.SAM2ImagePredictor(mini)
        predictor.set_image(image)
        expected.append(predictor.predict([[50, 75]], [1])[2])
    found = [None, None]

    def work(index):
        predictor = samc.SAM2ImagePredictor(mini, threads=1)
        for _ in range(3):
            predictor.set_image(images[index])
            found[index] = predictor.predict([[50, 75]], [1])[2]

    threads = [threading.Thread(target=work, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index in range(2):
        np.testing.assert_array_equal(found[index], expected[index])


def test_the_lock_is_released(predictor, truck):
    """Python goes on while the encoder runs."""
    steps = []
    done = threading.Event()

    def count():
        while not done.is_set():
            steps.append(time.perf_counter())
            time.sleep(0.001)

    counter = threading.Thread(target=count)
    counter.start()
    begin = time.perf_counter()
    predictor.set_image(truck)
    end = time.perf_counter()
    done.set()
    counter.join()
    assert sum(begin < step < end for step in steps) >= 3


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_fork_after_use(predictor, small):
    """In the child the pool's threads are not there: it computes on one, with the same result, and ends as it should."""
    predictor.set_image(small)
    expected = predictor.predict([[50, 75]], [1])[2]
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        code = b"?"
        try:
            predictor.set_image(small)
            code = b"=" if np.array_equal(predictor.predict([[50, 75]], [1])[2], expected) else b"#"
            samc.SAM2AutomaticMaskGenerator(predictor.model, points_per_side=2).generate(small)
            del predictor
        finally:
            os.write(writer, code)
            os._exit(0)
    os.close(writer)
    assert os.read(reader, 1) == b"="
    assert os.waitpid(child, 0)[1] == 0
    np.testing.assert_array_equal(predictor.predict([[50, 75]], [1])[2], expected)


def test_a_forked_child_ends_by_itself():
    """With predictors and videos of its parent, whose destructors find none of their threads."""
    done = run(
        f"""
        import os, samc, numpy
        model = samc.build_sam2(None, "mini")
        predictor = samc.SAM2ImagePredictor(model)
        predictor.set_image(numpy.zeros((40, 50, 3), numpy.uint8))
        video = samc.build_sam2_video_predictor(None, "mini")
        state = video.init_state({str(BEDROOM)!r})
        child = os.fork()
        if child == 0:
            try:
                video.reset_state(state)
                print("no error")
            except RuntimeError as error:
                print(error, flush=True)
        else:
            print(os.waitpid(child, 0)[1], flush=True)
        """
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "forked" in lines[0] and lines[1] == "0"


def test_control_c(small):
    """A long call ends when it is done, and the exception comes then; the predictor is whole."""
    done = run(
        """
        import os, signal, threading, time, numpy, samc
        signal.signal(signal.SIGINT, signal.default_int_handler)  # where a shell in the background has switched it off
        predictor = samc.SAM2ImagePredictor(samc.build_sam2(None, "mini"))
        image = numpy.zeros((900, 1200, 3), numpy.uint8)
        predictor.set_image(image)
        threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        try:
            while True:
                predictor.set_image(image)
        except KeyboardInterrupt:
            predictor.set_image(image)
            print(predictor.predict([[5, 5]], [1])[0].shape)
        """
    )
    assert done.returncode == 0 and done.stdout == "(3, 900, 1200)\n", done.stderr


def test_control_c_ends_automatic_masks():
    """Which would take minutes."""
    done = run(
        """
        import os, signal, threading, time, numpy, samc
        signal.signal(signal.SIGINT, signal.default_int_handler)  # where a shell in the background has switched it off
        model = samc.build_sam2(None, "mini")
        generator = samc.SAM2AutomaticMaskGenerator(model, points_per_side=1000, pred_iou_thresh=0.99)
        image = numpy.zeros((300, 400, 3), numpy.uint8)
        threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        try:
            generator.generate(image)
        except KeyboardInterrupt:
            generator.points_per_side = 2
            print(generator.generate(image))
        """
    )
    assert done.returncode == 0 and done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize("work", [
    "predictor.set_image(image)",
    "predictor.predict([[5, 5]], [1])",
    "samc.SAM2AutomaticMaskGenerator(model, points_per_side=100, pred_iou_thresh=0.99).generate(image)",
    "samc.load('mini', cache=False)",
])  # fmt: skip
def test_a_program_ends_while_a_thread_computes(work):
    """A daemon thread gets the interpreter's lock no more, and is no reason to abort."""
    done = run(
        f"""
        import threading, time, numpy, samc
        model = samc.build_sam2(None, "mini")
        predictor = samc.SAM2ImagePredictor(model, threads=1)
        image = numpy.zeros((900, 1200, 3), numpy.uint8)
        predictor.set_image(image)
        def forever():
            while True:
                {work}
        threading.Thread(target=forever, daemon=True).start()
        time.sleep(0.3)
        """
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_one_video_in_several_threads():
    """Each call is right, or refused."""
    tracker = samc.build_sam2_video_predictor(None, "mini")
    state = tracker.init_state(str(BEDROOM))
    mask = np.zeros((state["video_height"], state["video_width"]), bool)
    mask[100:300, 200:400] = True
    _, _, expected = tracker.add_new_mask(state, 0, 1, mask)
    right, refused, wrong = [], [], []

    def work():
        for _ in range(5):
            try:
                same = np.array_equal(tracker.add_new_mask(state, 0, 1, mask)[2], expected)
                (right if same else wrong).append(1)
            except RuntimeError as error:
                (refused if "another thread" in str(error) else wrong).append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and right and len(right) + len(refused) == 15
    assert [frame for frame, _, _ in tracker.propagate_in_video(state, max_frame_num_to_track=1)] == [0, 1]


def test_import_is_light():
    done = run("import sys, samc; print('numpy' in sys.modules, 'samc._samc' in sys.modules); print(samc.__version__)")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "False False"


def test_program_and_module():
    for words in ([program()], [sys.executable, "-m", "samc"]):
        done = subprocess.run([*words, "--version"], capture_output=True, text=True, check=True)
        assert done.stdout.startswith(f"samc {samc.__version__}")
    script = os.path.join(os.path.dirname(sys.executable), "samc")
    if os.path.exists(script):
        assert subprocess.run([script, "--version"], capture_output=True, text=True).stdout.startswith("samc ")


def test_signals_are_left_alone():
    before = signal.getsignal(signal.SIGINT)
    samc.build_sam2(None, "mini")
    assert signal.getsignal(signal.SIGINT) is before
