// A page with the network in it: lifts the keypoints here, holds the answer to PyTorch's, and lifts
// again what somebody drags.

const GRIP = 16; // pixels between the pointer and the keypoint that it takes

class Live {
  constructor(lifter, setting) {
    this.lifter = lifter;
    const floats = (text) => new Float32Array(bytesOf(text).buffer);
    this.detected = floats(setting.keypoints);
    this.expected = floats(setting.expected);
    this.keypoints = this.detected.slice();
    this.length = setting.length;
    this.apart = setting.apart;
    this.weights = setting.weights;
    this.starts = setting.starts;
    this.taken = null;
    this.isBusy = false;
    this.listen();
  }

  async liftAll() {
    const began = performance.now();
    const answer = await this.lifter.lift(this.keypoints, this.starts, this);
    this.milliseconds = (performance.now() - began) / NUM_FRAMES;
    this.put(answer);
    return answer;
  }

  // The largest difference to PyTorch in any joint, in pixels; frames without an answer must agree.
  differenceTo(answer) {
    let largest = 0;
    for (let at = 0; at < answer.length; at += 1) {
      if (Number.isNaN(answer[at]) && Number.isNaN(this.expected[at])) continue;
      largest = Math.max(largest, Number.isNaN(answer[at] - this.expected[at])
        ? Infinity : Math.abs(answer[at] - this.expected[at]));
    }
    return largest;
  }

  // The display has y up and z towards the viewer. Frames that were not lifted now stay as they are.
  put(answer) {
    const { motion } = PEOPLE[0];
    for (let at = 0; at < answer.length; at += 1) {
      if (!Number.isNaN(answer[at])) motion[at] = at % 3 === 0 ? answer[at] : -answer[at];
    }
    choose();
    markDirty();
  }

  listen() {
    const canvas = byId("picture");
    canvas.addEventListener("pointerdown", (event) => {
      this.taken = this.nearest(event.offsetX, event.offsetY);
      if (this.taken === null) return;
      canvas.setPointerCapture(event.pointerId);
      play(false);
    });
    canvas.addEventListener("pointermove", (event) => {
      const near = this.taken ?? this.nearest(event.offsetX, event.offsetY);
      canvas.style.cursor = near === null ? "" : "grab";
      if (this.taken !== null) this.drag(event.movementX / picture.scale, event.movementY / picture.scale);
    });
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, () => {
        if (this.taken === null) return;
        this.taken = null;
        this.again(this.starts);
      });
    }
    byId("undo-button").addEventListener("click", () => {
      this.keypoints.set(this.detected);
      this.show();
      this.again(this.starts);
    });
  }

  // The keypoint of this frame under the pointer, or null.
  nearest(x, y) {
    let [found, least] = [null, GRIP];
    for (let j = 0; j < NUM_JOINTS; j += 1) {
      const at = (frame * NUM_JOINTS + j) * 3;
      if (this.keypoints[at + 2] === 0) continue;
      const [px, py] = picture.toCanvas(this.keypoints[at], this.keypoints[at + 1]);
      const distance = Math.hypot(px - x, py - y);
      if (distance < least) [found, least] = [j, distance];
    }
    return found;
  }

  // Moves one keypoint by the same way in every frame: in one alone it would look like a fault.
  drag(dx, dy) {
    for (let at = this.taken * 3; at < this.keypoints.length; at += NUM_JOINTS * 3) {
      if (this.keypoints[at + 2] === 0) continue;
      this.keypoints[at] += dx;
      this.keypoints[at + 1] += dy;
    }
    this.show();
    this.again(this.starts.filter((start) => {
      const within = (frame - start) / this.apart;
      return Number.isInteger(within) && within >= 0 && within < this.length;
    }));
  }

  // Lifts some windows; what is asked for meanwhile waits, and only the last of it is done.
  async again(starts) {
    this.waiting = starts;
    if (this.isBusy) return;
    this.isBusy = true;
    while (this.waiting) {
      const now = this.waiting;
      this.waiting = null;
      this.put(await this.lifter.lift(this.keypoints, now, this));
    }
    this.isBusy = false;
    document.documentElement.dataset.lifted = Number(document.documentElement.dataset.lifted) + 1;
  }

  show() {
    const shown = PEOPLE[0].keypoints;
    for (let k = 0; k < shown.length / 2; k += 1) {
      if (this.keypoints[3 * k + 2] === 0) continue;
      shown[2 * k] = this.keypoints[3 * k];
      shown[2 * k + 1] = this.keypoints[3 * k + 1];
    }
    byId("undo-button").hidden = this.keypoints.every((value, at) => value === this.detected[at]);
    markDirty();
  }
}

async function goLive() {
  const status = byId("live-status");
  status.hidden = false;
  try {
    const live = new Live(await BrowserLifter.open(), MOTION.live);
    const difference = live.differenceTo(await live.liftAll());
    status.textContent = `Lifted in this browser: ${live.milliseconds.toFixed(2)} ms a frame, ` +
      `largest difference to PyTorch ${difference.toPrecision(1)} px. Drag a keypoint.`;
    Object.assign(document.documentElement.dataset, { difference, lifted: 0 });
  } catch (error) {
    status.textContent = `The network cannot run in this browser: ${error.message}`;
    document.documentElement.dataset.failed = error.message;
  }
}

goLive();
