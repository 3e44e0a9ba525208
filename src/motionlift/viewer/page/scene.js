// The skeleton in 3D: an orbiting camera, a floor with shadows, and bones drawn from far to near.

const VIEWS = { front: [0, 0.02], side: [Math.PI / 2, 0.02], top: [0, 1.5], start: [0.55, 0.18] };
const FIELD = 0.26; // half of the picture's height over its distance

const meanOf = (points) =>
  [0, 1].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / Math.max(1, points.length));

class Scene {
  constructor(canvas, { onChange, onSize }) {
    this.canvas = canvas;
    this.onChange = onChange;
    this.people = PEOPLE;
    this.withPath = PEOPLE[0].unit === "m" || PEOPLE.filter((each) => !each.reference).length > 1;
    this.size = [1, 1];
    this.context = watchSize(canvas, (width, height) => {
      this.size = [width, height];
      onSize();
    });
    this.measure();
    this.look("start");
    this.listen();
  }

  // Body height, the floor under the lowest joint, and the room that everybody needs.
  measure() {
    const [heights, lows, highs, spreads] = [[], [], [], [0]];
    for (const frame of someFrames()) {
      const spans = this.people.map((person) => this.spanOf(person, frame)).filter(([low, high]) => high > low);
      heights.push(...spans.map(([low, high]) => high - low));
      if (spans.length) {
        lows.push(Math.min(...spans.map(([low]) => low)));
        highs.push(Math.max(...spans.map(([, high]) => high)));
      }
      const roots = this.rootsAt(frame);
      const middle = meanOf(roots);
      for (const [x, z] of roots) spreads.push(Math.hypot(x - middle[0], z - middle[1]));
    }
    this.height = percentile(heights, 0.9) || 1;
    this.floor = percentile(lows, 0.1) || 0;
    this.span = Math.max(percentile(highs, 0.95) - this.floor || 0, this.height);
    this.reach = this.span + (this.withPath ? 1.2 * percentile(spreads, 0.98) : 0);
  }

  // The lowest and the highest joint of a person; joints that are missing do not count.
  spanOf(person, frame) {
    let [low, high] = [Infinity, -Infinity];
    for (let j = 0; j < NUM_JOINTS; j += 1) {
      const y = this.place(person, frame, j)[1];
      if (y < low) low = y;
      if (y > high) high = y;
    }
    return [low, high];
  }

  look(name) {
    [this.yaw, this.pitch] = VIEWS[name];
    if (name === "start") this.zoom = 1;
    this.onChange();
  }

  togglePath() {
    this.withPath = !this.withPath;
    this.measure();
    this.onChange();
  }

  place(person, frame, j) {
    const at = (frame * NUM_JOINTS + j) * 3;
    const { motion, root } = person;
    if (!this.withPath) return [motion[at], motion[at + 1], motion[at + 2]];
    const from = frame * 3;
    return [motion[at] + root[from], motion[at + 1] + root[from + 1], motion[at + 2] + root[from + 2]];
  }

  draw(frame) {
    const { context } = this;
    const [width, height] = this.size;
    context.clearRect(0, 0, width, height);
    context.lineCap = "round";
    context.lineJoin = "round";
    this.aim(frame);
    this.drawFloor();
    const people = this.people.filter((person) => isSeen(person, frame));
    for (const person of people) this.drawShadow(person, frame);
    const strokes = people.flatMap((person) => this.strokesOf(person, frame));
    strokes.sort((a, b) => a.depth - b.depth);
    for (const stroke of strokes) stroke.draw();
    if (!people.length) this.say("nobody in this frame");
  }

  say(text) {
    const { context } = this;
    context.fillStyle = COLOURS.quiet;
    context.font = "14px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText(text, this.size[0] / 2, this.size[1] / 2);
  }

  // Where the people of a frame are on the floor; those that are compared with are not asked.
  rootsAt(frame) {
    return this.people
      .filter((person) => !person.reference && isSeen(person, frame))
      .map(({ root }) => [root[frame * 3], root[frame * 3 + 2]]);
  }

  // The camera looks at the middle of the bodies, and follows where people move along.
  aim(frame) {
    const roots = this.rootsAt(frame);
    if (roots.length) this.last = meanOf(roots);
    const [x, z] = this.withPath ? (this.last ?? [0, 0]) : [0, 0];
    this.target = [x, this.floor + 0.53 * this.span, z];
    const [width, height] = this.size;
    const narrow = Math.min(1, (1.25 * width) / height);
    this.distance = (1.4 * this.reach) / this.zoom / (2 * FIELD) / narrow;
    this.focal = height / (2 * FIELD);
    this.turn = [Math.cos(this.yaw), Math.sin(this.yaw), Math.cos(this.pitch), Math.sin(this.pitch)];
  }

  // A point on the canvas, its closeness to the viewer, and pixels a unit there.
  project([x, y, z]) {
    const [cy, sy, cp, sp] = this.turn;
    const [dx, dy, dz] = [x - this.target[0], y - this.target[1], z - this.target[2]];
    const right = cy * dx - sy * dz;
    const towards = sy * dx + cy * dz;
    const up = cp * dy - sp * towards;
    const close = sp * dy + cp * towards;
    const scale = this.focal / Math.max(this.distance - close, 0.05 * this.distance);
    return [this.size[0] / 2 + right * scale, this.size[1] / 2 - up * scale, close, scale];
  }

  drawFloor() {
    const step = this.span / 4;
    const reach = 6;
    const [cx, cz] = [Math.round(this.target[0] / step), Math.round(this.target[2] / step)];
    const inUnits = (k, l) => this.project([(cx + k) * step, this.floor, (cz + l) * step]);
    for (let k = -reach; k <= reach; k += 1) {
      for (let l = -reach; l < reach; l += 1) {
        const alpha = 0.9 * Math.max(0, 1 - Math.hypot(k, l + 0.5) / reach);
        if (alpha === 0) continue;
        const style = { colour: COLOURS.grid, width: 1, alpha };
        segment(this.context, inUnits(k, l), inUnits(k, l + 1), style);
        segment(this.context, inUnits(l, k), inUnits(l + 1, k), style);
      }
    }
  }

  // One stroke for the whole body: where limbs cross, a shadow is no darker.
  drawShadow(person, frame) {
    const { context } = this;
    const flat = (j) => {
      const [x, , z] = this.place(person, frame, j);
      return this.project([x, this.floor, z]);
    };
    context.globalAlpha = 0.09;
    context.strokeStyle = COLOURS.ink;
    context.lineWidth = 0.04 * this.height * flat(0)[3];
    context.beginPath();
    for (let j = 0; j < NUM_JOINTS; j += 1) {
      if (PARENTS[j] < 0) continue;
      const [a, b] = [flat(PARENTS[j]), flat(j)];
      context.moveTo(a[0], a[1]);
      context.lineTo(b[0], b[1]);
    }
    context.stroke();
    context.globalAlpha = 1;
  }

  // Bones and the head as things to draw, each with its depth.
  strokesOf(person, frame) {
    const points = Array.from({ length: NUM_JOINTS }, (_, j) =>
      this.project(this.place(person, frame, j)));
    const thick = person.reference ? 0.012 : 0.021;
    const strokes = [];
    for (let j = 0; j < NUM_JOINTS; j += 1) {
      if (PARENTS[j] < 0) continue;
      const [a, b] = [points[PARENTS[j]], points[j]];
      const depth = (a[2] + b[2]) / 2;
      const width = Math.max(1.5, (thick * this.height * (a[3] + b[3])) / 2);
      const colour = person.reference ? COLOURS.reference : COLOURS[SIDES[j]];
      const alpha = this.fog(depth);
      strokes.push({ depth, draw: () => {
        segment(this.context, a, b, { colour: COLOURS.panel, width: width + 3 });
        segment(this.context, a, b, { colour, width, alpha });
        dot(this.context, b, width * 0.72, { colour: COLOURS.panel });
        dot(this.context, b, width * 0.72, { colour, alpha });
      } });
    }
    if (!person.reference) strokes.push(this.head(points));
    return strokes;
  }

  head(points) {
    const [nose, top] = [points[joint("nose")], points[joint("head_top")]];
    const middle = nose.map((value, axis) => (value + top[axis]) / 2);
    const radius = 0.058 * this.height * middle[3];
    return { depth: middle[2] - 0.01 * this.height, draw: () =>
      dot(this.context, middle, radius, { colour: COLOURS.middle, alpha: 0.22 }) };
  }

  // What is farther away fades into the background.
  fog(depth) {
    return 0.78 + 0.22 * Math.max(-1, Math.min(1, depth / (0.35 * this.height)));
  }

  listen() {
    const fingers = new Map();
    const { canvas } = this;
    let spread = 0;
    const spreadNow = () => {
      const [a, b] = [...fingers.values()];
      return Math.hypot(a[0] - b[0], a[1] - b[1]);
    };
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      fingers.set(event.pointerId, [event.clientX, event.clientY]);
      if (fingers.size === 2) spread = spreadNow();
    });
    canvas.addEventListener("pointermove", (event) => {
      const before = fingers.get(event.pointerId);
      if (!before) return;
      fingers.set(event.pointerId, [event.clientX, event.clientY]);
      if (fingers.size === 1) {
        this.yaw -= (event.clientX - before[0]) * 0.008;
        this.pitch += (event.clientY - before[1]) * 0.008;
        this.pitch = Math.max(-1.5, Math.min(1.5, this.pitch));
      } else {
        const now = spreadNow();
        this.closer(now / Math.max(spread, 1));
        spread = now;
      }
      this.onChange();
    });
    for (const name of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(name, (event) => fingers.delete(event.pointerId));
    }
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.closer(Math.exp(-event.deltaY * 0.0015));
    }, { passive: false });
    canvas.addEventListener("dblclick", () => this.look("start"));
  }

  closer(factor) {
    this.zoom = Math.max(0.3, Math.min(6, this.zoom * factor));
    this.onChange();
  }
}
